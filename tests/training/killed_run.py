"""Fits tiny models in children of one process with everything imported, and kills them where it is told to.

Started as `python killed_run.py`: a case as a line of JSON on stdin, a line of JSON on stdout when its child has ended.

    {"folder": …, "recipe": {what differs}, "kill": {…} | null, "stop_at": step | null, "fingerprint": …, …}

kill: {"boundary": k, "step": n, "torn": true}: before the k-th thing that a save at step n does to the disk, in the
middle of it if it is a write. {"event": "on_step_end", "count": n}: when Trainer tells of it for the n-th time.
"""

import gc
import hashlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import peft  # noqa: F401  imported once, for all children
import torch
from accelerate import PartialState
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast, TrainerCallback

from hftk.data.encoded import TokenRows
from hftk.errors import HftkError
from hftk.interruption import Interruption
from hftk.models._architectures import model_class
from hftk.models._pretrained import LoadedModel, load_model
from hftk.recipe.schema import Recipe
from hftk.sealed import HashedFile
from hftk.training.checkpoint import Checkpoints
from hftk.training.fit import fit
from hftk.training.processes import quiet_libraries, start_processes

WORDS = 30
TRAINING = {
    "num_train_epochs": 4,
    "per_device_train_batch_size": 8,
    "learning_rate": 0.02,
    "train_sampling_strategy": "group_by_length",
    "save_strategy": "epoch",
    "save_total_limit": 2,
    "use_cpu": True,
}
RECIPE = {"name": "x", "data": {"path": "unused"}, "model": {"architecture": "rnn"}, "metrics": ["accuracy"]}


def split(rows: int, *, seed: int) -> TokenRows:
    """Rows of 1 to 9 tokens; the label is mostly whether a small token is among them."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 10, size=rows).astype(np.int32)
    ends = np.cumsum(lengths)
    tokens = rng.integers(2, WORDS, size=ends[-1])
    labels = np.array([int(part.min() < 6) for part in np.split(tokens, ends[:-1])])
    return TokenRows(
        values={"input_ids": tokens},
        padding={"input_ids": 0},
        starts=ends - lengths,
        lengths=lengths,
        labels=np.where(rng.uniform(size=rows) < 0.2, 1 - labels, labels),
        per_token=False,
        attention_mask=True,
        padding_side="right",
        truncated=0,
    )


def tokenizer() -> PreTrainedTokenizerFast:
    words = ["[PAD]", "[UNK]", *(f"w{number}" for number in range(WORDS))]
    made = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]")


def loader(case: dict[str, Any], labels: list[str]) -> Callable[[], LoadedModel]:
    if case.get("pretrained"):
        overrides = {"hidden_dropout_prob": 0.2}
        task = "text-classification"
        return lambda: load_model(
            case["pretrained"], task=task, revision=None, config_overrides=overrides, labels=labels
        )

    def load() -> LoadedModel:
        kind = model_class("rnn", "text-classification")
        config = kind.config_class(
            vocab_size=WORDS + 2, embedding_size=6, embedding_dropout=0.2, hidden_size=6, cell="gru", num_labels=2
        )
        model = kind(config)
        model.get_input_embeddings().weight.requires_grad_(not case.get("freeze"))
        return LoadedModel(model=model, new_modules=[])

    return load


class KillAt(TrainerCallback):
    """Ends this process at the n-th call of one event."""

    def __init__(self, event: str, count: int) -> None:
        self.left = count
        setattr(self, event, self._called)

    def _called(self, *args, **kwargs) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Boundaries:
    """Counts what a save does to the disk, and ends this process before the k-th thing."""

    def __init__(self, *, step: int, boundary: int | None, torn: bool) -> None:
        self.step = step
        self.boundary = boundary
        self.torn = torn
        self.counted = 0
        self.inside = False
        self._write = HashedFile.write
        for name in ("save", "keep_best"):
            setattr(Checkpoints, name, self._watched(getattr(Checkpoints, name)))
        HashedFile.write = lambda file, content: self._written(file, content)
        os.fsync = lambda descriptor: self._passed()  # a kill is no power cut: the wait would be for nothing
        sys.addaudithook(self._audited)

    def _watched(self, save: Callable) -> Callable:
        def watched(checkpoints: Checkpoints, *, step: int, **told: Any) -> None:
            self.inside = step == self.step
            save(checkpoints, step=step, **told)
            self.inside = False

        return watched

    def _written(self, file: HashedFile, content: bytes | memoryview) -> int:
        def half() -> None:
            file._file.write(content[: len(content) // 2])
            file._file.flush()

        self._passed(half if self.torn else None)
        return self._write(file, content)

    def _audited(self, event: str, details: tuple) -> None:
        writes = event == "open" and isinstance(details[1], str) and set(details[1]) & set("wxa+")
        if writes or event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir"):
            self._passed()

    def _passed(self, before: Callable[[], None] | None = None) -> None:
        if not self.inside:
            return
        self.counted += 1
        if self.counted == self.boundary:
            self.inside = False
            if before is not None:
                before()
            os.kill(os.getpid(), signal.SIGKILL)


class Silent:
    def alive(self) -> None: ...

    def step(self, *told) -> None: ...

    def evaluated(self, *told) -> None: ...


class StopAt(Interruption):
    """Asks for the end when it has been looked at `looks` times, after steps and evaluations; as a signal does."""

    def __init__(self, looks: int | None) -> None:
        self.left = looks

    @property
    def asked(self) -> str | None:
        if self.left is not None:
            self.left -= 1
        return "SIGTERM" if self.left is not None and self.left < 0 else None


def run(case: dict[str, Any]) -> dict[str, Any]:
    given = case.get("recipe", {})
    recipe = Recipe.model_validate(RECIPE | given | {"training": TRAINING | given.get("training", {})})
    labels = case.get("labels", ["no", "yes"])
    folder, kill = Path(case["folder"]), case.get("kill") or {}
    boundaries = Boundaries(step=kill.get("step", 0), boundary=kill.get("boundary"), torn=kill.get("torn", False))
    told: list[str] = []
    written: list[list[dict]] = []
    fitted = fit(
        recipe,
        load_model=loader(case, labels),
        splits={name: split(rows, seed=seed) for seed, (name, rows) in enumerate(case["rows"].items())},
        processor=tokenizer(),
        labels=labels,
        class_weights=None,
        folder=folder,
        run_name="r",
        observer=Silent(),
        on_row=lambda rows: written.append([dict(row) for row in rows]),
        fingerprint=case.get("fingerprint", "one"),
        tell=told.append,
        found=lambda finding: told.append(finding.message),
        interruption=StopAt(case.get("stop_at")),
        callbacks=[KillAt(kill["event"], kill["count"])] if "event" in kill else [],
    )
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in written[-1]]
    model = folder / "model" / "model.safetensors"
    return {
        "weights": hashlib.sha256(model.read_bytes()).hexdigest() if PartialState().is_main_process else None,
        "rows": repr(rows),  # nan equals itself
        "metrics": fitted.metrics,
        "epochs": fitted.epochs,
        "best_epoch": fitted.best_epoch,
        "probabilities": [float(value) for value in fitted.predictions["test"].probabilities.flatten()],
        "told": told,
        "seconds": [fitted.seconds, written[-1][-1]["seconds"]],
        "boundaries": boundaries.counted,
    }


def in_child(case: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            try:
                outcome = run(case)
            except KeyboardInterrupt:
                outcome = {"interrupted": True}
            except HftkError as error:
                outcome = {"error": str(error)}
            os.write(writing, json.dumps(outcome).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as answer:
        content = answer.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {"code": code, **json.loads(content or b"{}")}


def main() -> None:
    torch.set_num_threads(1)
    quiet_libraries()
    start_processes(use_cpu=True)
    answers, sys.stdout = sys.stdout, sys.stderr
    rows = {"train": 30, "validation": 12, "test": 10}
    with tempfile.TemporaryDirectory() as folder:
        run({"folder": folder, "rows": rows})  # what is imported late is there for all children
    gc.freeze()  # else each child's collection goes through all of it
    for line in sys.stdin:
        print(json.dumps(in_child({"rows": rows} | json.loads(line))), file=answers)
        answers.flush()


if __name__ == "__main__":
    main()
