"""The run folder: what a run leaves, and by what it is known again."""

import hashlib
import json
import os
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import hftk
from hftk.recipe.schema import Recipe
from hftk.recipe.trainer_arguments import training_with_defaults

IDENTITY_VERSION = 1
# sections that name, place or publish a run; data is replaced by the fingerprint of its content
_UNDECIDING_SECTIONS = {"name", "output_dir", "data", "tracking", "hub", "sweep"}
_UNDECIDING_TRAINING = {
    "per_device_eval_batch_size",
    "per_device_train_batch_size",  # its product with the number of processes counts
    "eval_accumulation_steps",
    "dataloader_num_workers",
    "dataloader_pin_memory",
    "dataloader_persistent_workers",
    "dataloader_prefetch_factor",
    "dataloader_multiprocessing_context",
    "dataloader_in_order",
    "logging_strategy",
    "logging_steps",
    "logging_first_step",
    "log_level",
    "log_level_replica",
    "save_strategy",
    "save_steps",
    "save_total_limit",
    "save_only_model",
}
_VERSIONS = ("torch", "transformers", "datasets", "evaluate", "accelerate", "peft", "scikit-learn", "numpy")


def identity(recipe: Recipe, *, data_fingerprint: str, model_fingerprint: str, world_size: int) -> str:
    """Hex digest of everything that decides a run's result.

    recipe: one run's. Names, folders, trackers and logging do not count; the data count by content, a model by its
    name and its files or commit, word vectors by what they were made from, the batch by its rows over all processes.
    """
    decided = recipe.model_dump(mode="json", exclude=_UNDECIDING_SECTIONS)
    if decided["embeddings"] is not None:
        del decided["embeddings"]["path"]  # its content counts, in model_files
    resolved = training_with_defaults(recipe.training)  # a default that is written out changes nothing
    training = {key: value for key, value in resolved.items() if key not in _UNDECIDING_TRAINING}
    training["batch"] = resolved["per_device_train_batch_size"] * world_size
    content = {
        "version": IDENTITY_VERSION,
        **decided,
        "training": training,
        "max_length": recipe.data.max_length,
        "data": data_fingerprint,
        "model_files": model_fingerprint,
    }
    if recipe.class_weights is not None and resolved["label_smoothing_factor"]:
        content["loss"] = "weights by row"  # by class once, also of the smoothed share
    if recipe.task == "token-classification":
        content["tag_piece"] = recipe.data.tag_piece
    return hashlib.sha256(json.dumps(_plain(content), sort_keys=True).encode()).hexdigest()[:16]


def write_atomically(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.part")
    with open(beside, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    write_atomically(path, json.dumps(content, ensure_ascii=False, indent=2, default=str) + "\n")


def write_epochs(folder: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """epochs.csv anew with all rows so far."""
    import pandas as pd

    write_atomically(
        folder / "epochs.csv",
        pd.DataFrame(rows).drop(columns="step").to_csv(index=False, na_rep="nan", lineterminator="\n"),
    )


def write_predictions(folder: Path, frames: Sequence[Any]) -> None:
    """predictions.parquet from one data frame per split."""
    import pandas as pd

    beside = folder / ".predictions.parquet.part"
    pd.concat(frames, ignore_index=True).to_parquet(beside, index=False)
    beside.replace(folder / "predictions.parquet")


def read_run(folder: Path) -> dict[str, Any] | None:
    """run.json of a run folder; None where there is none or it was cut."""
    try:
        return json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def environment() -> dict[str, Any]:
    """Versions, hardware, git commit and command, as run.json holds them."""
    import torch

    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "versions": {"hftk": hftk.__version__, "python": platform.python_version()}
        | {name: version(name) for name in _VERSIONS},
        "hardware": {
            "machine": platform.machine(),
            "cpus": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "gpus": gpus,
        },
        "git_commit": _git_commit(),
        "command": _command(),
    }


def _git_commit() -> str | None:
    """Of the current folder, with `+changes` where files differ from it; None outside a repository."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None
    return commit + ("+changes" if _git("status", "--porcelain", "--untracked-files=no") else "")


def _git(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def _command() -> str:
    """As typed, but for the name of the home folder: reports are shown around.

    Of a script or notebook that calls hftk.run only the name: its arguments are its own business.
    """
    program = Path(sys.argv[0])
    if program.resolve() == Path(hftk.__file__).with_name("train.py"):
        words = ["accelerate launch hftk/train.py"]
    elif program.name == "hftk" or program.resolve() == Path(hftk.__file__).with_name("cli.py"):
        words = ["hftk"]
    else:
        return f"hftk.run(…) in {program.name}"
    home = re.compile(re.escape(str(Path.home())) + r"(?![\w.-])")
    arguments = sys.argv[1:] if Path.home() == Path("/") else [home.sub("~", argument) for argument in sys.argv[1:]]
    return " ".join([*words, *map(shlex.quote, arguments)])


def _plain(value: Any) -> Any:
    """5 and 5.0 are one setting."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
