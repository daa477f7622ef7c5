"""Too little memory under a whole run: it finishes with what a run with enough gives, and says what it did."""

import gc
import io
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import wraps
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

import hftk
from hftk.models.rnn import RnnForSequenceClassification

ROOT = Path(__file__).resolve().parents[1]
CUDA = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.1 GiB."


@pytest.fixture(scope="module", autouse=True)
def alone(own_cache) -> Iterator[None]:
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def recipe(tiny_csv) -> dict:
    """Without dropout, which is drawn per micro-batch."""
    return {
        "name": "memory",
        "data": {"path": str(tiny_csv)},
        "model": {"architecture": "rnn", "hidden_size": 16, "embedding_size": 16},
        "tokenizer": {"min_count": 1},
        "training": {
            "num_train_epochs": 2,
            "per_device_train_batch_size": 24,
            "per_device_eval_batch_size": 15,
            "learning_rate": 1e-2,
            "use_cpu": True,
        },
    }


def trained(recipe: dict, folder: Path, *overrides: str) -> tuple[Path, dict, str]:
    """The folder of the one run, its run.json, and what was said."""
    said = io.StringIO()
    hftk.run(recipe, [f"output_dir={folder}", *overrides], jobs=0, stream=said)
    [path] = folder.glob("memory/*/run.json")
    return path.parent, run_json(path), said.getvalue()


def run_json(path: Path) -> dict:
    """With what was found of memory only: what the diagnosis thinks of so small a model is another matter."""
    told = json.loads(path.read_text())
    return told | {"findings": [one for one in told["findings"] if one["kind"] == "out-of-memory"]}


@pytest.fixture(scope="module")
def undisturbed(recipe, tmp_path_factory) -> tuple[Path, dict, str]:
    found = trained(recipe, tmp_path_factory.mktemp("undisturbed"))
    assert found[1]["status"] == "finished" and found[1]["findings"] == []
    gc.freeze()  # looking through all that is imported, as each run does, takes longer than these runs
    return found


@pytest.fixture
def room(monkeypatch):
    """From now on, models run out of memory with more rows than so many at once in training or in evaluation."""
    real = RnnForSequenceClassification.forward

    def room(*, training: float = math.inf, evaluation: float = math.inf, from_batch: int = 1) -> None:
        batches = []

        @wraps(real)  # Trainer reads the names of its arguments
        def forward(self, *arguments, **named):
            batches.append(1)
            rows = len(named["input_ids"])
            if rows > (training if self.training else evaluation) and len(batches) >= from_batch:
                raise torch.OutOfMemoryError(CUDA)
            return real(self, *arguments, **named)

        monkeypatch.setattr(RnnForSequenceClassification, "forward", forward)

    return room


def same_as(undisturbed: tuple[Path, dict, str], folder: Path, told: dict) -> None:
    """Up to rounding: figures, curves, weights."""
    before, whole, _ = undisturbed
    assert told["status"] == "finished", told["reason"]
    assert told["metrics"] == pytest.approx(whole["metrics"], abs=1e-4)
    curves = [pd.read_csv(path / "epochs.csv").drop(columns="seconds") for path in (before, folder)]
    pd.testing.assert_frame_equal(*curves, atol=1e-4)
    weights = [load_file(path / "model" / "model.safetensors") for path in (before, folder)]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("from_batch", [1, 7], ids=["at the first batch", "in the second epoch"])
def test_in_training_the_micro_batch_shrinks(recipe, undisturbed, room, tmp_path, from_batch):
    room(training=7, from_batch=from_batch)
    folder, told, said = trained(recipe, tmp_path)
    same_as(undisturbed, folder, told)
    findings = [(one["kind"], one["numbers"]["per_device_train_batch_size"]) for one in told["findings"]]
    assert findings == [("out-of-memory", 12), ("out-of-memory", 6)]
    assert told["findings"][-1]["numbers"] == {
        "per_device_train_batch_size": 6,
        "gradient_accumulation_steps": 4,
        "effective_batch": 24,
    }
    assert f"out of memory with batches of 24 rows ({CUDA})" in said
    assert (
        "training again with per_device_train_batch_size: 6 and gradient_accumulation_steps: 4; the effective" in said
    )
    assert "per_device_train_batch_size: 24" in (folder / "recipe.yaml").read_text()
    assert told["identity"] == undisturbed[1]["identity"], "it is the run that was asked for"


def test_in_evaluation_only_the_evaluation_batch_shrinks(recipe, undisturbed, room, tmp_path):
    room(evaluation=4)
    folder, told, said = trained(recipe, tmp_path)
    same_as(undisturbed, folder, told)
    sizes = [one["numbers"] for one in told["findings"]]
    assert sizes == [{"per_device_eval_batch_size": 7}, {"per_device_eval_batch_size": 3}]
    assert {one["kind"] for one in told["findings"]} == {"out-of-memory"}
    assert "out of memory in evaluation with per_device_eval_batch_size 15" in said
    assert "going on with 7, which changes no figure" in said


def test_one_row_that_does_not_fit_is_a_failed_run_with_advice(recipe, room, tmp_path):
    room(training=0)
    folder, told, said = trained(recipe, tmp_path)
    assert told["status"] == "failed"
    assert told["reason"].startswith(f"out of memory with batches of one row ({CUDA}); write training.gradient_checkp")
    assert "a smaller data.max_length, another training.optim (adafactor needs less), or a smaller" in told["reason"]
    sizes = [one["numbers"]["per_device_train_batch_size"] for one in told["findings"]]
    assert sizes == [12, 6, 3, 1, 1]
    assert told["findings"][-1]["suggestion"] == {"key": "training.gradient_checkpointing", "value": True}
    assert "failed after" in said and "Traceback" not in said
    table = pd.read_csv(tmp_path / "memory" / "results.csv")
    assert table["status"].tolist() == ["failed"] and table["reason"][0] == told["reason"]


def test_one_row_that_cannot_be_evaluated_is_a_failed_run_too(recipe, room, tmp_path):
    room(evaluation=0)
    _, told, _ = trained(recipe, tmp_path)
    assert told["status"] == "failed"
    assert told["reason"].startswith(f"out of memory in evaluation with batches of one row ({CUDA}); write a smaller")
    assert [one["numbers"]["per_device_eval_batch_size"] for one in told["findings"]] == [7, 3, 1, 1]


HUNGRY_ON_ONE = """
import functools, os, sys
sys.path.insert(0, sys.argv.pop(1))
import torch
from hftk.models.rnn import RnnForSequenceClassification

real = RnnForSequenceClassification.forward

@functools.wraps(real)
def forward(self, *arguments, **named):
    if self.training and os.environ["RANK"] == "1" and len(named["input_ids"]) > 8:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    return real(self, *arguments, **named)

RnnForSequenceClassification.forward = forward
from hftk.cli import main
from hftk.launcher import leave
leave(main(["train", *sys.argv[1:]]))
"""


@pytest.mark.slow
def test_of_two_processes_the_run_fails_with_the_keys_to_change(recipe, tmp_path):
    """And what it says to write works."""
    (tmp_path / "script.py").write_text(HUNGRY_ON_ONE)
    (tmp_path / "recipe.yaml").write_text(json.dumps(recipe))
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", "accelerate_config.yaml"]
    launch += ["--num_processes", "2", tmp_path / "script.py", ROOT, tmp_path / "recipe.yaml"]

    def command(*words: str) -> tuple[int, dict]:
        done = subprocess.run(
            [*launch, f"output_dir={tmp_path}", *words],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "HFTK_CACHE": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            timeout=240,
        )
        [path] = tmp_path.glob("memory/*/run.json")
        assert "Traceback" not in done.stdout
        return done.returncode, run_json(path)

    code, told = command("training.per_device_train_batch_size=12")
    assert code == 1 and told["status"] == "failed"
    keys = "training.per_device_train_batch_size: 6 and training.gradient_accumulation_steps: 2"
    assert f"2 processes train together, and the batch is not changed for them: write {keys}" in told["reason"]
    code, told = command("training.per_device_train_batch_size=6", "training.gradient_accumulation_steps=2")
    assert (code, told["status"], told["findings"]) == (0, "finished", [])
