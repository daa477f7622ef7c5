"""The plan beside what the runs took."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hftk.report.planned import planned_against_actual


@pytest.fixture
def sweep(tmp_path):
    """Writes plan.json and run folders: name → planned (fixed, per epoch, epochs) and run.json's part."""

    def sweep(runs: dict[str, tuple[tuple[float, float, float], dict | None]], **plan) -> Path:
        told = {
            name: {
                "identity": f"id {name}",
                "seconds": fixed + per_epoch * epochs,
                "fixed_seconds": fixed,
                "seconds_per_epoch": per_epoch,
                "epochs": epochs,
            }
            for name, ((fixed, per_epoch, epochs), _) in runs.items()
        }
        (tmp_path / "plan.json").write_text(json.dumps({"version": 1, "jobs": 1, "runs": told} | plan))
        for name, (_, record) in runs.items():
            if record is not None:
                (tmp_path / name).mkdir()
                record = {"status": "finished", "identity": f"id {name}", "epochs": 3.0} | record
                (tmp_path / name / "run.json").write_text(json.dumps(record))
        return tmp_path

    return sweep


def test_planned_and_actual_together_and_of_each_run(sweep):
    found = planned_against_actual(
        sweep(
            {"a": ((1, 3, 3), {"seconds": 11.0}), "b": ((1, 13, 3), {"seconds": 39.0}), "c": ((1, 3, 3), None)}, jobs=2
        )
    )
    assert [(run.run, run.planned, run.actual) for run in found.runs] == [("a", 10, 11.0), ("b", 40, 39.0)]
    assert (found.planned, found.actual, found.ratio, found.shortened, found.jobs) == (50, 50.0, 1.0, 0, 2)
    assert found.runs[0].ratio == 1.1
    assert found.sentence == (
        "2 runs: planned 50 s together and took 50 s, as planned to the percent. "
        "Furthest off: a, planned 10 s, took 11 s."
    )


def test_one_run(sweep):
    slower = planned_against_actual(sweep({"a": ((10, 100, 3), {"seconds": 387.5})}))
    assert slower.sentence == "Planned 5 min 10 s and took 6 min 28 s, 25 % more than planned."


def test_a_run_that_ended_early_is_compared_up_to_there(sweep):
    found = planned_against_actual(
        sweep({"a": ((10, 10, 5), {"seconds": 24.0, "epochs": 2.0}), "b": ((10, 10, 3), {"seconds": 40.0})})
    )
    assert found.planned == 30 + 40
    assert found.shortened == 1
    assert found.sentence.endswith("1 run ended early; the plan is counted up to there.")
    assert "9 % less than planned" in found.sentence


@pytest.mark.parametrize(
    "record", [{"status": "failed"}, {"identity": "another"}, {"seconds": None}], ids=["failed", "changed", "untimed"]
)
def test_other_runs_are_not_compared(sweep, record):
    assert planned_against_actual(sweep({"a": ((1, 3, 3), {"seconds": 10.0} | record)})) is None


@pytest.mark.parametrize(
    "content", [None, "{", "[]", '{"version": 2}', '{"version": 1, "jobs": 1}', '{"version": 1, "runs": 3}']
)
def test_without_a_plan_that_can_be_read_there_is_nothing_to_say(tmp_path, content):
    if content is not None:
        (tmp_path / "plan.json").write_text(content)
    assert planned_against_actual(tmp_path) is None


def test_it_needs_no_torch():
    code = "import hftk.report.planned, sys; print('torch' in sys.modules or 'transformers' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert told.stdout.strip() == "False", told.stderr
