"""Disks that fill up, turn read-only or fail under a whole sweep: our own words, nothing finished lost, then the same
weights as without."""

import errno
import gc
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pandas as pd
import pytest

import hftk
from hftk.cli import main
from hftk.errors import HftkError
from hftk.sealed import verified
from hftk.training import checkpoint as checkpoint_module
from hftk.training.checkpoint import Checkpoints

RUNS = ["learning_rate=0.001", "learning_rate=0.003"]
MB = 10**6
FIGURES = ["run", "status", "validation_loss", "validation_accuracy", "test_loss", "test_accuracy", "best_epoch"]


@pytest.fixture(scope="module", autouse=True)
def alone(own_cache) -> Iterator[None]:
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def recipe(tiny_csv) -> dict:
    """Two runs of three epochs, a checkpoint of 700 kB after each."""
    return {
        "name": "grid",
        "data": {"path": str(tiny_csv)},
        "model": {"architecture": "rnn", "hidden_size": 64, "embedding_size": 64},
        "tokenizer": {"min_count": 1},
        "training": {
            "num_train_epochs": 3,
            "per_device_train_batch_size": 40,
            "save_strategy": "epoch",
            "save_total_limit": 1,
            "use_cpu": True,
        },
        "sweep": {"parameters": {"training.learning_rate": {"values": [1e-3, 3e-3]}}},
    }


def trained(recipe: dict, folder: Path):
    """What hftk.run returns, and said."""
    said = io.StringIO()
    result = hftk.run(recipe, {"output_dir": str(folder)}, jobs=0, stream=said)
    return result, said.getvalue()


@pytest.fixture(scope="module")
def counted(recipe, tmp_path_factory) -> tuple[Path, dict[str, int]]:
    """The folder of an undisturbed sweep, and how often it did each of what fails in others."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with ExitStack() as counting:
        calls = {what: counting.enter_context(failing(what, [], below=folder)) for what in FAULTS}
        assert trained(recipe, folder)[0].exit_code == 0
    gc.freeze()  # looking through all that is imported, as each run does, takes longer than these runs
    counts = {what: len(calls[what]) for what in FAULTS}
    assert min(counts.values()) > 5, counts
    return folder / "grid", counts


@pytest.fixture(scope="module")
def undisturbed(counted) -> Path:
    return counted[0]


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A real file system of 16 MiB, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mounting, capture_output=True).returncode:
        pytest.skip("needs Linux and the right to mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path, *, leave: int) -> None:
    """A file that takes all room of the volume but `leave` bytes."""
    with open(disk / "filler", "wb") as file:
        left = shutil.disk_usage(disk).free - leave
        os.posix_fallocate(file.fileno(), 0, left // 4096 * 4096)


def at_call(number: int, act: Callable[[], None], of: Callable) -> Callable:
    """`of`, which at its call `number`, from 1, acts first."""
    calls = []

    def called(*arguments, **named):
        calls.append(1)
        if len(calls) == number:
            act()
        return of(*arguments, **named)

    return called


def record(folder: Path, run: str) -> dict:
    return json.loads((folder / run / "run.json").read_text())


def same_as(undisturbed: Path, folder: Path) -> None:
    """Weights bit for bit, and the table."""
    for run in RUNS:
        weights = [path / run / "model" / "model.safetensors" for path in (undisturbed, folder)]
        assert weights[0].read_bytes() == weights[1].read_bytes(), run
        told = [pd.read_csv(path / run / "epochs.csv").drop(columns="seconds") for path in (undisturbed, folder)]
        pd.testing.assert_frame_equal(*told)
    tables = [pd.read_csv(path / "results.csv")[FIGURES] for path in (undisturbed, folder)]
    pd.testing.assert_frame_equal(*tables)


def left_over(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.name.endswith(".part") or path.name.startswith(".part-")]


@pytest.mark.parametrize("when", ["before the save", "in the middle of it"])
def test_a_disk_that_fills_up_costs_the_run_and_names_itself(recipe, undisturbed, small_disk, monkeypatch, when):
    """At the second checkpoint of the second run: before the check for room, or behind it."""

    def act() -> None:
        if when == "before the save":
            fill(small_disk, leave=4 * MB)
        else:
            monkeypatch.setattr(
                checkpoint_module, "check_free_space", lambda *_: fill(small_disk, leave=400_000)
            )  # for the report

    monkeypatch.setattr(Checkpoints, "save", at_call(5, act, Checkpoints.save))
    result, said = trained(recipe, small_disk)
    folder = small_disk / "grid"
    assert (result.exit_code, result.statuses) == (1, dict(zip(RUNS, ["finished", "failed"], strict=True)))
    told = record(folder, RUNS[1])
    assert f"no room for a save on the volume {small_disk}: " in told["reason"]
    assert "free some space there, or write another output_dir or a smaller training.save_total_limit" in told["reason"]
    assert [finding["kind"] for finding in told["findings"]] == ["no-space"]
    assert "no room for a save on the volume" in said
    assert pd.read_csv(folder / "results.csv").set_index("run")["reason"][RUNS[1]].startswith(str(folder))
    for sealed in (folder / RUNS[1] / "checkpoints").glob("*-*"):
        verified(sealed)
    before = (folder / RUNS[0] / "model" / "model.safetensors").stat()

    monkeypatch.undo()
    (small_disk / "filler").unlink()
    result, said = trained(recipe, small_disk)
    assert result.exit_code == 0 and "goes on from" in said
    assert (folder / RUNS[0] / "model" / "model.safetensors").stat() == before
    same_as(undisturbed, folder)
    assert not left_over(folder)


def test_a_disk_without_room_for_a_line_ends_the_command_in_our_words(
    recipe, undisturbed, small_disk, monkeypatch, capsys
):
    """Neither run.json nor the ledger can be written: what they say stays true, and nothing is lost."""
    path = small_disk.parent / "recipe.yaml"
    path.write_text(json.dumps(recipe))
    command = ["train", str(path), f"output_dir={small_disk}", "--jobs", "0"]
    monkeypatch.setattr(Checkpoints, "save", at_call(5, lambda: fill(small_disk, leave=0), Checkpoints.save))
    assert main(command) == 1
    said = capsys.readouterr()
    assert "cannot be written (No space left on device); free space or make it writable" in said.err
    assert "Traceback" not in said.out + said.err
    folder = small_disk / "grid"
    assert [record(folder, run)["status"] for run in RUNS] == ["finished", "interrupted"]

    monkeypatch.undo()
    (small_disk / "filler").unlink()
    assert main(command) == 0
    same_as(undisturbed, folder)
    assert not left_over(folder)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The system's own limit for this process; the files of its trainings are below it, save the checkpoints."""
    import resource  # not on Windows

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(os.name != "posix", reason="needs RLIMIT_FSIZE")
def test_a_file_beyond_the_limit_of_the_process(recipe, undisturbed, tmp_path):
    with files_of_at_most(200_000):
        result, _ = trained(recipe, tmp_path)
    assert result.statuses == dict.fromkeys(RUNS, "failed")
    for run in RUNS:
        reason = record(tmp_path / "grid", run)["reason"]
        assert "no room for a save on the volume" in reason and "File too large" in reason and "free some" in reason
    assert trained(recipe, tmp_path)[0].exit_code == 0
    same_as(undisturbed, tmp_path / "grid")
    assert not left_over(tmp_path / "grid")


def test_a_volume_that_turns_read_only_in_the_middle(recipe, undisturbed, small_disk, monkeypatch):
    def remount(mode: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{mode}", str(small_disk)], check=True)

    monkeypatch.setattr(Checkpoints, "save", at_call(5, lambda: remount("ro"), Checkpoints.save))
    with pytest.raises(HftkError, match=r"cannot be (written|locked) \(Read-only file system\)"):
        trained(recipe, small_disk)
    monkeypatch.undo()
    with pytest.raises(HftkError, match=r"output_dir: .* cannot be written \(Read-only file system\); write another"):
        trained(recipe, small_disk)
    remount("rw")
    folder = small_disk / "grid"
    assert record(folder, RUNS[0])["status"] == "finished"
    result, said = trained(recipe, small_disk)
    assert result.exit_code == 0 and "goes on from" in said and "1 finished before and kept" in said
    same_as(undisturbed, folder)


def opened(path: object, mode: str = "r", *more: object, **named: object) -> bool:
    """Does this call of `open` write?"""
    return bool(set(mode) & set("wxa+"))


# what fails: where it stands, its name, the error, and which of its calls count
FAULTS: dict[str, tuple[object, str, int, Callable[..., bool]]] = {
    "fsync": (os, "fsync", errno.EIO, lambda *_: True),
    "rename": (Path, "rename", errno.EIO, lambda *_: True),
    "replace": (Path, "replace", errno.EACCES, lambda *_: True),
    "open": (__import__("builtins"), "open", errno.EMFILE, opened),
    "mkdir": (Path, "mkdir", errno.EACCES, lambda *_, **__: True),
}


@contextmanager
def failing(what: str, numbers: range | list[int], *, below: Path) -> Iterator[list[int]]:
    """Calls with these numbers, from 1, of what is done while the block runs fail, as the disk would have it.

    Only calls for paths below `below`, where the call names one. Gives the list of all calls.
    """
    owner, name, number, counts = FAULTS[what]
    real, calls = getattr(owner, name), []

    def called(*arguments, **named):
        ours = not isinstance(arguments[0], str | Path) or str(arguments[0]).startswith(str(below))
        if ours and counts(*arguments, **named):
            calls.append(1)
            if len(calls) in numbers:
                raise OSError(number, os.strerror(number), str(arguments[0]))
        return real(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, called)
        yield calls


def is_told_and_mended(recipe: dict, undisturbed: Path, folder: Path, what: str, numbers: range | list[int]) -> None:
    with failing(what, numbers, below=folder) as calls:
        try:
            result, _ = trained(recipe, folder)
        except HftkError as error:
            assert "cannot be" in str(error)
        else:
            for run, status in result.statuses.items():
                assert status == "finished" or record(folder / "grid", run)["reason"], run
    assert len(calls) >= min(numbers), "nothing failed"
    finished = [run for run in RUNS if (folder / "grid" / run / "run.json").exists()]
    finished = [run for run in finished if record(folder / "grid", run)["status"] == "finished"]
    before = [(folder / "grid" / run / "model" / "model.safetensors").stat() for run in finished]
    assert trained(recipe, folder)[0].exit_code == 0
    assert before == [(folder / "grid" / run / "model" / "model.safetensors").stat() for run in finished]
    same_as(undisturbed, folder / "grid")


@pytest.mark.parametrize("what", ["fsync", "rename", "open"])
def test_what_fails_from_the_middle_on_costs_runs_or_the_command_and_nothing_more(recipe, counted, tmp_path, what):
    undisturbed, counts = counted
    is_told_and_mended(recipe, undisturbed, tmp_path, what, range(counts[what] // 2, 10**6))


def test_a_run_that_cannot_be_recorded_as_finished_has_failed_and_the_next_goes_on(
    recipe, undisturbed, tmp_path, monkeypatch
):
    real, written = Path.replace, []

    def replace(self, target):
        written.extend([1] if self.name == ".run.json.part" else [])
        if self.name == ".run.json.part" and len(written) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    result, said = trained(recipe, tmp_path)
    assert result.statuses == dict(zip(RUNS, ["failed", "finished"], strict=True))
    path = tmp_path / "grid" / RUNS[0] / "run.json"
    told = json.loads(path.read_text())
    assert told["status"] == "failed" and told["reason"].startswith(f"{path}: cannot be written (Input/output error); ")
    assert told["reason"] in said
    monkeypatch.undo()
    assert trained(recipe, tmp_path)[0].exit_code == 0
    same_as(undisturbed, tmp_path / "grid")


@pytest.mark.slow
@pytest.mark.parametrize("what", FAULTS)
def test_any_one_call_that_fails_costs_a_run_or_the_command_and_nothing_more(recipe, counted, tmp_path, what):
    undisturbed, counts = counted
    for number in range(1, counts[what] + 1, max(1, counts[what] // 12)):
        is_told_and_mended(recipe, undisturbed, tmp_path / str(number), what, [number])
