"""Real sweeps in real worker processes, of which some are killed."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing import forkserver
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import psutil
import pytest

import hftk
from hftk.cli import main
from hftk.recipe import read_sweep
from hftk.sweep.progress import SilentProgress
from hftk.sweep.threads import threads_each
from hftk.sweep.workers import Workers

RATES = [1e-3, 2e-3, 3e-3]
RUNS = [f"learning_rate={rate}" for rate in RATES]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only: too slow elsewhere")


@pytest.fixture
def recipe(tiny_csv, tmp_path):
    content = {
        "name": "grid",
        "output_dir": str(tmp_path),
        "data": {"path": str(tiny_csv)},
        "model": {"architecture": "rnn", "cell": "gru", "hidden_size": 8, "embedding_size": 8},
        "tokenizer": {"type": "word", "min_count": 1},
        "training": {"num_train_epochs": 20, "per_device_train_batch_size": 30},
        "sweep": {"parameters": {"training.learning_rate": {"values": RATES}}},
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.fixture
def command(recipe, fork, tmp_path):
    """Starts `hftk train` in a process of its own, which shares the server of this one; it speaks to tmp_path/said*."""
    # without this the first fork of the server would happen in each command
    hftk.run(recipe, ["training.num_train_epochs=1", "sweep=null", "name=first"], stream=io.StringIO())

    def command(*words: str, said: str = "said"):
        def work(child):
            forkserver._forkserver.ensure_running = lambda: None  # it runs, but is no child of this process
            sys.stdout = sys.stderr = open(tmp_path / said, "w", encoding="utf-8", buffering=1)
            os.setsid()
            code = main(["train", str(recipe), *words])
            sys.stdout.flush()
            os._exit(code)

        return fork(work)

    return command


def runs(folder: Path) -> dict[str, dict]:
    return {path.parent.name: json.loads(path.read_text()) for path in (folder / "grid").glob("*/run.json")}


def statuses(folder: Path) -> dict[str, str]:
    return pd.read_csv(folder / "grid" / "results.csv").set_index("run")["status"].to_dict()


def events(folder: Path) -> list[tuple[str, str]]:
    path = folder / "grid" / "ledger.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [(event["event"], event.get("run")) for event in map(json.loads, lines)]


def until(look: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not look():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def workers() -> list[psutil.Process]:
    """Those that live now: children of the server from which they are forked."""
    server = psutil.Process(forkserver._forkserver._forkserver_pid)
    return [one for one in server.children() if one.status() != psutil.STATUS_ZOMBIE]


def test_side_by_side_and_one_after_another_give_the_same(recipe, tmp_path):
    here = hftk.run(recipe, {"output_dir": str(tmp_path / "here")}, jobs=0, stream=io.StringIO())
    said = io.StringIO()
    there = hftk.run(recipe, {"output_dir": str(tmp_path / "there")}, jobs=2, stream=said)
    assert here.exit_code == there.exit_code == 0
    figures = ["run", "validation_accuracy", "validation_f1", "test_accuracy", "test_f1", "best_epoch", "parameters"]
    pd.testing.assert_frame_equal(here.results[figures], there.results[figures])
    for run in RUNS:
        weights = [path / run / "model" / "model.safetensors" for path in (here.folder, there.folder)]
        assert weights[0].read_bytes() == weights[1].read_bytes()
    assert "3 runs to train" in said.getvalue() and "[3/3] finished after" in said.getvalue()
    again = io.StringIO()
    assert hftk.run(recipe, {"output_dir": str(tmp_path / "there")}, jobs=2, stream=again).exit_code == 0
    assert "3 finished before and kept" in again.getvalue()


def test_what_a_worker_refuses_is_raised_as_if_it_were_here(recipe, tmp_path):
    with pytest.raises(hftk.errors.DataError, match="data.columns.text: no column body"):
        hftk.run(recipe, {"data.columns": {"text": "body"}}, stream=io.StringIO())
    assert not (tmp_path / "grid").exists()


def test_a_killed_worker_costs_its_run_only(command, tmp_path):
    going = command()
    until(lambda: RUNS[1] in runs(tmp_path))
    [worker] = workers()
    worker.kill()
    assert going.wait() == 1
    assert statuses(tmp_path) == {RUNS[0]: "finished", RUNS[1]: "failed", RUNS[2]: "finished"}
    record = runs(tmp_path)[RUNS[1]]
    assert record["reason"] == (
        "crashed: its process was ended by signal 9 (SIGKILL, as the system does when memory runs out)"
    )
    assert record["identity"] and record["data"]["rows"] == {"train": 120, "validation": 15, "test": 15}
    assert "[2/3] failed after" in (tmp_path / "said").read_text()
    before = [(tmp_path / "grid" / run / "model" / "model.safetensors").stat() for run in (RUNS[0], RUNS[2])]
    assert command().wait() == 0
    assert set(statuses(tmp_path).values()) == {"finished"}
    assert events(tmp_path).count(("started", RUNS[0])) == 1 and events(tmp_path).count(("started", RUNS[1])) == 2
    assert before == [(tmp_path / "grid" / run / "model" / "model.safetensors").stat() for run in (RUNS[0], RUNS[2])]


def test_a_run_whose_worker_is_killed_when_it_has_finished_has_finished(recipe, tmp_path):
    """Its last word was not heard, but its folder says it."""
    hftk.run(recipe, stream=io.StringIO())
    plan, said = read_sweep(recipe), []
    works = {name: SimpleNamespace(identity=record["identity"]) for name, record in runs(tmp_path).items()}
    agenda = SimpleNamespace(
        folder=tmp_path / "grid",
        works=works,
        runs={run.name: run for run in plan.runs},
        ended=lambda name, **how: said.append((name, how)),
    )
    workers = Workers(plan, jobs=1, progress=SilentProgress())
    (tmp_path / "grid" / RUNS[1] / "checkpoints").mkdir()
    workers._lose(SimpleNamespace(run=RUNS[1]), agenda, status="failed", reason="crashed")
    [(name, how)] = said
    assert (name, how["status"], how["reason"]) == (RUNS[1], "finished", None)
    assert how["metrics"] == runs(tmp_path)[RUNS[1]]["metrics"] and runs(tmp_path)[RUNS[1]]["status"] == "finished"
    assert not (tmp_path / "grid" / RUNS[1] / "checkpoints").exists()


def test_a_worker_that_is_killed_before_its_first_word(command, tmp_path):
    going = command()
    until(lambda: ("started", RUNS[0]) in events(tmp_path))
    [worker] = workers()
    worker.kill()
    assert going.wait() == 1
    assert statuses(tmp_path) == {RUNS[0]: "failed", RUNS[1]: "finished", RUNS[2]: "finished"}
    assert (tmp_path / "grid" / RUNS[0] / "recipe.yaml").exists()


def test_a_killed_command_takes_its_workers_with_it(command, tmp_path):
    going = command("--jobs", "2")
    until(lambda: RUNS[2] in runs(tmp_path))
    going.kill()
    until(lambda: not workers())
    assert runs(tmp_path)[RUNS[2]]["reason"] == "its process ended before the run did"
    assert command().wait() == 0
    assert set(statuses(tmp_path).values()) == {"finished"}
    assert f"{RUNS[2]}: taken over from process" in (tmp_path / "said").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_records_reports_and_goes_on_later(command, tmp_path, number):
    going = command()
    until(lambda: RUNS[1] in runs(tmp_path))
    going.send(number)
    assert going.wait() == 130
    assert not workers()
    assert statuses(tmp_path) == {RUNS[0]: "finished", RUNS[1]: "interrupted"}
    assert runs(tmp_path)[RUNS[1]]["reason"] == "interrupted by the user"
    assert "the same command goes on with the rest" in (tmp_path / "said").read_text()
    assert command().wait() == 0
    assert set(statuses(tmp_path).values()) == {"finished"}


def test_a_second_interrupt_ends_at_once(command, tmp_path):
    going = command()
    until(lambda: RUNS[0] in runs(tmp_path))
    [worker] = workers()
    worker.suspend()  # it will never save its state
    going.send(signal.SIGINT)
    time.sleep(0.5)  # until the first has been seen
    going.send(signal.SIGINT)
    assert going.wait() == 130
    assert not workers()
    assert runs(tmp_path)[RUNS[0]]["status"] == "interrupted"


def test_a_hanging_run_is_given_up(command, tmp_path):
    going = command("limits.minutes_without_a_step=0.05")
    until(lambda: RUNS[0] in runs(tmp_path))
    [worker] = workers()
    worker.suspend()
    assert going.wait() == 1
    assert statuses(tmp_path) == {RUNS[0]: "failed", RUNS[1]: "finished", RUNS[2]: "finished"}
    assert runs(tmp_path)[RUNS[0]]["reason"] == "hang: no step for 0.05 minutes (limits.minutes_without_a_step)"


def test_a_run_that_takes_too_long_is_given_up(command, tmp_path):
    going = command("limits.minutes_per_run=0.02", "training.num_train_epochs=100000", "training.learning_rate=1e-3")
    assert going.wait() == 1
    assert [one["reason"] for one in runs(tmp_path).values()] == [
        "time limit: not finished after 0.02 minutes (limits.minutes_per_run)"
    ]


def test_two_commands_share_the_runs(command, tmp_path):
    going = [command(said="one"), command(said="other")]
    assert [one.wait() for one in going] == [0, 0]
    assert sorted(run for event, run in events(tmp_path) if event == "started") == RUNS
    assert set(statuses(tmp_path).values()) == {"finished"}
    tables = [(tmp_path / said).read_text().partition("rank ")[2] for said in ("one", "other")]
    assert tables[0] == tables[1] != ""


def test_a_dead_command_s_run_is_taken_over(command, tmp_path):
    first = command(said="one")
    until(lambda: ("started", RUNS[0]) in events(tmp_path))
    second = command(said="other")
    until(lambda: RUNS[1] in runs(tmp_path))
    first.kill()
    assert second.wait() == 0
    assert set(statuses(tmp_path).values()) == {"finished"}


def test_nobody_writes_beside_a_worker_that_outlives_its_command(command, tmp_path):
    first = command(said="one")
    until(lambda: RUNS[0] in runs(tmp_path))
    [worker] = workers()
    worker.suspend()  # it cannot see that its command is gone
    first.kill()
    second, said = command(said="other"), tmp_path / "other"
    until(lambda: said.exists() and "taken over from process" in said.read_text())
    time.sleep(2)
    assert not (tmp_path / "grid" / RUNS[0] / "run.json").exists(), "what had no checkpoint has made room"
    worker.resume()  # now it sees it
    assert second.wait() == 0
    assert set(statuses(tmp_path).values()) == {"finished"}


def test_another_recipe_s_runs_in_the_same_folder_are_left_alone(command, tmp_path):
    going = command()
    until(lambda: ("started", RUNS[0]) in events(tmp_path))
    assert command("training.weight_decay=0.1", said="other").wait() == 1
    assert (
        "which this recipe does not ask for; wait for its end, or give this one another name="
        in (tmp_path / "other").read_text()
    )
    assert going.wait() == 0


SCRIPT = """
import hftk, sys
print("at the top of the script", flush=True)
result = hftk.run(sys.argv[1], ["sweep=null", "training.num_train_epochs=1"])
print("statuses", result.statuses, flush=True)
"""


@pytest.mark.slow
def test_a_script_without_a_main_guard(recipe, tmp_path):
    """multiprocessing would run it again in each worker."""
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, str(tmp_path / "script.py"), str(recipe)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=Path(hftk.__file__).parents[1])
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("at the top of the script") == 1
    assert "statuses {'seed=0': 'finished'}" in result.stdout


def test_threads_are_shared_out(monkeypatch):
    monkeypatch.setattr(psutil, "cpu_count", lambda logical: 8)
    monkeypatch.setattr(psutil.Process, "cpu_affinity", lambda self: list(range(6)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("ACCELERATE_MIXED_PRECISION", raising=False)
    assert [threads_each(jobs) for jobs in (1, 2, 4, 12)] == [None, 3, 1, 1]
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert threads_each(4) is None, "the user's own decision"
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    monkeypatch.setattr(psutil.Process, "environ", lambda self: {})
    assert [threads_each(jobs) for jobs in (1, 2)] == [6, 3], "accelerate launch said 1 where nobody had asked"
    monkeypatch.setattr(psutil.Process, "environ", lambda self: {"OMP_NUM_THREADS": "1"})
    assert threads_each(1) is None
