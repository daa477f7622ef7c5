"""A sweep shared by two commands, of which one is killed, and workers that are killed, crash, hang and diverge."""

import io
import json
import os
import random
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

import hftk
from hftk.cli import main

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only: too slow elsewhere")
DIVERGES = "learning_rate=1e+38"


@pytest.fixture
def sweep(tiny_csv, tmp_path, monkeypatch) -> Callable[[int], Path]:
    """Writes the recipe of so many runs, of which one diverges."""
    monkeypatch.setenv("HFTK_CACHE", str(tmp_path / "cache"))

    def sweep(count: int) -> Path:
        rates = [1e38, *(round(1e-3 * (number + 1), 6) for number in range(count - 1))]
        content = {
            "name": "grid",
            "output_dir": str(tmp_path / "runs"),
            "data": {"path": str(tiny_csv)},
            "model": {"architecture": "rnn", "hidden_size": 8, "embedding_size": 8},
            "tokenizer": {"min_count": 1},
            "training": {"num_train_epochs": 5, "per_device_train_batch_size": 15, "use_cpu": True},
            "sweep": {"parameters": {"training.learning_rate": {"values": rates}}},
            "limits": {"minutes_without_a_step": 0.05},
        }
        path = tmp_path / "recipe.yaml"
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return sweep


class Command:
    """`hftk train` in a forked process, which shares the server of this one; it speaks to `said`."""

    def __init__(self, recipe: Path, *words: str, said: Path) -> None:
        self.said = said
        self.pid = os.fork()
        if self.pid:
            return
        code = 1
        try:
            forkserver._forkserver.ensure_running = lambda: None  # it runs, but is no child of this process
            sys.stdout = sys.stderr = open(said, "w", encoding="utf-8", buffering=1)
            os.setsid()
            code = main(["train", str(recipe), *words])
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        assert "Traceback" not in self.said.read_text(), self.said.read_text()
        return code


@pytest.fixture
def server(tiny_csv, tmp_path) -> psutil.Process:
    """That from which workers are forked: without this it would be started in each command."""
    recipe = {"name": "first", "output_dir": str(tmp_path), "data": {"path": str(tiny_csv)}}
    recipe |= {"model": {"architecture": "rnn"}, "training": {"num_train_epochs": 1, "use_cpu": True}}
    hftk.run(recipe, stream=io.StringIO())
    return psutil.Process(forkserver._forkserver._forkserver_pid)


def until(look: Callable[[], Any]) -> Any:
    end = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return found


def workers(server: psutil.Process) -> list[psutil.Process]:
    return [one for one in server.children() if one.status() != psutil.STATUS_ZOMBIE]


def events(folder: Path) -> Iterator[tuple[str, str, str | None]]:
    path = folder / "ledger.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        event = json.loads(line)
        if "run" in event:
            yield event["event"], event["run"], event.get("reason")


def finished(folder: Path) -> list[str]:
    return [run for event, run, _ in events(folder) if event == "finished"]


def finished_folders(folder: Path) -> list[str]:
    """As run.json says: of a run whose command was killed in the moment of its end, the ledger does not tell that."""
    told = {path.parent.name: json.loads(path.read_text())["status"] for path in folder.glob("*/run.json")}
    return sorted(run for run, status in told.items() if status == "finished")


def in_training(folder: Path) -> set[str]:
    """Runs that have begun and not ended, and have an epoch behind them; the diverging one left out."""
    begun: set[str] = set()
    for event, run, _ in events(folder):
        begun = begun | {run} if event == "started" else begun - {run}
    return {run for run in begun - {DIVERGES} if (folder / run / "epochs.csv").exists()}


def failed(folder: Path) -> dict[str, str]:
    """Run → reason; the diverging one left out."""
    return {run: str(reason) for event, run, reason in events(folder) if event == "failed" and run != DIVERGES}


def starts(folder: Path) -> list[str]:
    return [run for event, run, _ in events(folder) if event == "started"]


def weights(folder: Path, runs: list[str]) -> dict[str, tuple[bytes, int]]:
    """Of each run: its weights, and when they were written."""
    paths = {run: folder / run / "model" / "model.safetensors" for run in runs}
    return {run: (path.read_bytes(), path.stat().st_mtime_ns) for run, path in paths.items()}


def table(folder: Path) -> pd.DataFrame:
    """Without times."""
    found = pd.read_csv(folder / "results.csv")
    return found.drop(columns=[name for name in found.columns if "seconds" in name])


def shared_sweep_with_faults(recipe: Path, count: int, server: psutil.Process, tmp_path: Path) -> None:
    folder, rng = tmp_path / "runs" / "grid", random.Random()
    first = Command(recipe, said=tmp_path / "first.txt")
    until(lambda: in_training(folder))
    [former] = workers(server)
    second = Command(recipe, said=tmp_path / "second.txt")
    until(lambda: len(finished(folder)) >= max(1, count // 5) and len(in_training(folder)) == 2)
    time.sleep(rng.random() * 0.3)
    first.kill()
    assert os.waitstatus_to_exitcode(os.waitpid(first.pid, 0)[1]) == -signal.SIGKILL
    until(lambda: former not in workers(server))

    before = len(starts(folder))
    until(lambda: len(starts(folder)) > before)  # what was begun last is now the second command's
    for count_before, number in enumerate((signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP)):
        until(lambda: starts(folder)[-1] in in_training(folder))
        [worker] = workers(server)
        worker.send_signal(number)
        until(lambda count_before=count_before: len(failed(folder)) > count_before)
    assert second.wait() == 1
    assert not workers(server)
    reasons = list(failed(folder).values())
    assert len(reasons) == 3, "each fault costs its run only"
    assert "signal 9 (SIGKILL" in reasons[0] and "signal 11 (SIGSEGV" in reasons[1]
    assert reasons[2] == "hang: no step for 0.05 minutes (limits.minutes_without_a_step)"
    # once per command: the second began after the first had seen it fail
    diverged = [str(reason) for event, run, reason in events(folder) if (event, run) == ("failed", DIVERGES)]
    assert diverged and all(reason.startswith("non-finite: ") for reason in diverged)
    kept, told = finished_folders(folder), finished(folder)
    assert len(kept) == count - 4
    assert len(told) == len(set(told)) and set(told) <= set(kept) and len(told) >= len(kept) - 1, "trained twice"
    begun, whole = starts(folder), weights(folder, kept)
    twice = taken_over(tmp_path / "second.txt")
    assert len(twice) <= 1 and all(begun.count(run) == 1 + (run in twice) for run in kept)

    assert Command(recipe, said=tmp_path / "again.txt").wait() == 1
    assert f"{len(kept)} finished before and kept" in (tmp_path / "again.txt").read_text()
    assert weights(folder, kept) == whole
    assert finished_folders(folder) == sorted([*kept, *failed(folder)])
    assert sorted(starts(folder)[len(begun) :]) == sorted([DIVERGES, *failed(folder)])


def taken_over(said: Path) -> list[str]:
    """What the killed command was at: the only run that may have been begun twice."""
    return re.findall(r"(\S+): taken over from process", said.read_text())


def compare_with_undisturbed(recipe: Path, tmp_path: Path) -> None:
    said = tmp_path / "undisturbed.txt"
    assert Command(recipe, f"output_dir={tmp_path / 'undisturbed'}", "--jobs", "2", said=said).wait() == 1
    folders = [tmp_path / name / "grid" for name in ("undisturbed", "runs")]
    runs = finished_folders(folders[0])
    assert runs == finished_folders(folders[1])
    assert [of for of, _ in weights(folders[0], runs).values()] == [of for of, _ in weights(folders[1], runs).values()]
    pd.testing.assert_frame_equal(*map(table, folders))


def test_eight_runs_with_every_fault(sweep, server, tmp_path):
    recipe = sweep(8)
    shared_sweep_with_faults(recipe, 8, server, tmp_path)
    compare_with_undisturbed(recipe, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(3))
def test_twenty_runs_with_every_fault(sweep, server, tmp_path, attempt):
    recipe = sweep(20)
    shared_sweep_with_faults(recipe, 20, server, tmp_path)
    compare_with_undisturbed(recipe, tmp_path)
