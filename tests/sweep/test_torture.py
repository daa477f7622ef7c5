"""scripts/torture in short, and that it sees what it looks for."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.torture.outcome import differences, finished_but_failed, lost_runs, outcome
from hftk.sweep.history import append_event

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(sys.platform != "linux", reason="commands and workers are forked")
def test_a_few_kills_change_nothing(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- measured: torture -->\nof last time\n<!-- /measured -->\nafter\n")
    words = ["--runs", "4", "--kills", "4", "--minutes", "1", "--seed", "0", "--write", str(page)]
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.torture", *words],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    figures = {words: int(number) for number, words in re.findall(r"^ +(\d+)  (.+)$", result.stdout, re.MULTILINE)}
    assert figures["kills"] == 4 and figures["commands started"] > figures["sweeps trained under kills"]
    assert figures["differences"] == figures["lost runs"] == figures["other faults"] == 0
    told = page.read_text()
    assert told.startswith("before\n") and told.endswith("\nafter\n") and "of last time" not in told
    assert "| kills | 4 |" in told and "--seed 0`" in told
    assert not list(tmp_path.glob("hftk-torture-*")), "only a failing one is kept"


@pytest.fixture
def sweep(tmp_path):
    """Two runs as a sweep leaves them, as far as it is looked at."""
    folder = tmp_path / "sweep"
    for run in ("one", "two"):
        (folder / run / "model").mkdir(parents=True)
        (folder / run / "model" / "model.safetensors").write_bytes(b"weights of " + run.encode())
        (folder / run / "epochs.csv").write_text("epoch,seconds,validation_loss\n1.0,0.5,0.25\n")
        record = {"run": run, "status": "finished", "reason": None, "seconds": 1.5, "metrics": {"test_f1": 0.5}}
        (folder / run / "run.json").write_text(json.dumps(record))
        for event in ("started", "finished"):
            append_event(folder / "ledger.jsonl", event, {"run": run, "identity": f"of {run}", "claim": "c"})
    (folder / "report.md").write_text("| rank | run | test f1 | time |\n| 1 | one | 0.5000 | 1.5 s |\n")
    return folder


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_times_are_no_difference(sweep):
    before = outcome(sweep)
    changed(sweep / "one" / "epochs.csv", "0.5,", "0.75,")
    changed(sweep / "one" / "run.json", "1.5", "61.5")
    changed(sweep / "report.md", "1.5 s", "1 min 02 s")
    assert differences(before, outcome(sweep)) == []


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("one/epochs.csv", "0.25", "0.250000001"),
        ("one/run.json", "0.5", "0.50000001"),
        ("report.md", "0.5000", "0.5001"),
        ("two/model/model.safetensors", "of", "oF"),
    ],
)
def test_a_difference_is_named(sweep, name, old, new):
    before = outcome(sweep)
    changed(sweep / name, old, new)
    [line] = differences(before, outcome(sweep))
    assert line.startswith(f"{name}: differs: ")


def test_what_is_missing_and_what_was_left_is_named(sweep):
    before = outcome(sweep)
    (sweep / "two" / "epochs.csv").unlink()
    (sweep / "two" / "checkpoints" / ".part-step-3").mkdir(parents=True)
    (sweep / "two" / "checkpoints" / ".part-step-3" / "state.json").write_text("{}")
    assert differences(before, outcome(sweep)) == [
        "two/checkpoints/.part-step-3/state.json: was left behind",
        "two/epochs.csv: is missing",
    ]


def test_lost_runs(sweep):
    assert lost_runs(sweep, runs=2) == []
    assert lost_runs(sweep, runs=3) == ["2 runs, not 3"]
    changed(sweep / "one" / "run.json", '"finished"', '"failed"')
    append_event(sweep / "ledger.jsonl", "started", {"run": "two", "identity": "of two", "claim": "d"})
    assert lost_runs(sweep, runs=2) == ["one: failed: None", "two: trained again after it had finished"]


def test_a_finished_run_that_counts_as_failed(sweep):
    assert finished_but_failed(sweep) == []
    changed(sweep / "one" / "run.json", '"finished"', '"failed"')
    assert finished_but_failed(sweep) == [], "it had failed before its files were whole"
    changed(sweep / "one" / "run.json", '"reason": null', '"reason": "crashed", "files": {"epochs.csv": {}}')
    assert finished_but_failed(sweep) == ["one: failed after it had finished: crashed"]
