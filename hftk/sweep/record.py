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
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import hftk
from hftk.errors import RunError
from hftk.recipe.schema import Recipe
from hftk.recipe.trainer_arguments import training_with_defaults
from hftk.replacing import replace_text, replacing

IDENTITY_VERSION = 1
# sections that name, place or publish a run; data is replaced by the fingerprint of its content
_UNDECIDING_SECTIONS = {"name", "output_dir", "data", "tracking", "hub", "sweep", "limits"}
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
}
_STARTED = "started.json"
_QUICKLY_READ = 16 * 2**20  # bytes
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


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    replace_text(path, json.dumps(content, ensure_ascii=False, indent=2, default=str) + "\n")


def write_epochs(folder: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """epochs.csv anew with all rows so far."""
    import pandas as pd

    replace_text(
        folder / "epochs.csv",
        pd.DataFrame(rows).drop(columns="step").to_csv(index=False, na_rep="nan", lineterminator="\n"),
    )


def write_predictions(folder: Path, frames: Sequence[Any]) -> None:
    """predictions.parquet from one data frame per split. Raises RunError where the disk refuses."""
    import pandas as pd

    with replacing(folder / "predictions.parquet") as beside:
        pd.concat(frames, ignore_index=True).to_parquet(beside, index=False)


def read_run(folder: Path) -> dict[str, Any] | None:
    """run.json of a run folder; None where there is none or it was cut."""
    return _read_mapping(folder / "run.json")


def finished_record(folder: Path) -> dict[str, Any]:
    """run.json of a run that is finished and whole. Raises RunError where it is neither, or cannot be read."""
    record = read_run(folder)
    if record is None:
        raise RunError(f"{folder / 'run.json'} cannot be read, so it is not known whether the run was finished")
    if record.get("status") != "finished":
        reason = f" ({record['reason']})" if record.get("reason") else ""
        raise RunError(
            f"the run {folder} is not finished but {record.get('status')}{reason}: it has no model yet; give its hftk "
            "train command again"
        )
    if damage := damaged_files(folder, record):
        raise RunError(f"the run {folder} is damaged: {'; '.join(damage)}; its hftk train command trains it again")
    return record


def _read_mapping(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def mark_started(folder: Path, *, identity: str) -> None:
    """Beside a run's checkpoints, whose run they are: run.json is written when it ends."""
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    write_json(folder / "checkpoints" / _STARTED, {"identity": identity})


def started_identity(folder: Path) -> str | None:
    """The identity of the run whose checkpoints `folder` holds; None where there is none to go on from."""
    checkpoints = folder / "checkpoints"
    if not checkpoints.is_dir() or not any(
        path.is_dir() and not path.name.startswith(".") for path in checkpoints.iterdir()
    ):
        return None
    return (_read_mapping(checkpoints / _STARTED) or {}).get("identity")


def file_checks(folder: Path) -> dict[str, dict[str, Any]]:
    """Name → bytes and sha256 of what a run leaves for good, to stand as `files` in run.json when it is finished.

    All of model/ but its card, which may be written anew, the epochs and the predictions. They are flushed to the disk
    on the way, so that a run.json that says finished is not there before them. Reads every byte once.
    """
    names = [path.relative_to(folder).as_posix() for path in sorted((folder / "model").rglob("*")) if path.is_file()]
    kept = [name for name in names if name != "model/README.md"]
    return {
        name: _file_check(folder / name)
        for name in [*kept, "epochs.csv", "gradients.csv", "trace.csv", "predictions.parquet"]
        if (folder / name).is_file()
    }


def _file_check(path: Path) -> dict[str, Any]:
    with open(path, "rb") as file:
        if os.name == "posix":  # elsewhere what is open for reading cannot be flushed
            os.fsync(file.fileno())
        return {"bytes": os.fstat(file.fileno()).st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def damaged_files(folder: Path, record: Mapping[str, Any]) -> list[str]:
    """What is wrong with a finished run's files, a sentence per file; empty if all is as `record`, its run.json, says.

    Sizes always, checksums of files up to 16 MiB: reading the weights of many large models would take minutes at every
    start. A record without `files` tells nothing of them, but the model's config must be there.
    """
    if not (folder / "model" / "config.json").is_file():
        return ["model/config.json is missing"]
    try:
        told = {name: (int(of["bytes"]), str(of["sha256"])) for name, of in record.get("files", {}).items()}
        outside = [name for name in told if Path(name).is_absolute() or ".." in Path(name).parts]
    except (AttributeError, KeyError, TypeError, ValueError):
        return ["run.json does not tell the sizes and checksums of its files"]
    if outside:
        return [f"run.json names files outside of the folder: {', '.join(outside)}"]
    damaged = [_damage(folder / name, size, checksum) for name, (size, checksum) in told.items()]
    return [f"{name} {what}" for name, what in zip(told, damaged, strict=True) if what]


def _damage(path: Path, size: int, checksum: str) -> str | None:
    try:
        with open(path, "rb") as file:
            found = os.fstat(file.fileno()).st_size
            if found != size:
                return f"has {found:,} bytes, and {size:,} were written"
            if size <= _QUICKLY_READ and hashlib.file_digest(file, "sha256").hexdigest() != checksum:
                return "is not what was written: its checksum differs"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
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
            "cpu": _cpu(),
            "cpus": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "gpus": gpus,
        },
        "git_commit": _git_commit(),
        "command": _command(),
    }


def _cpu() -> str | None:
    """The processor's name: another one adds in another order. None where the system does not tell."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or None


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
