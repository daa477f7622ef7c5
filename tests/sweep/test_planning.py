from types import SimpleNamespace

import numpy as np
import pytest

from hftk.data.encoded import ImageRows
from hftk.recipe import read_sweep
from hftk.sweep.planning import planned_lines, planned_steps
from hftk.training.processes import Processes

ALONE = Processes(rank=0, world_size=1, device="cpu")


@pytest.fixture
def plan(tmp_path):
    (tmp_path / "x.csv").write_text("text,label\n")
    recipe = {
        "name": "grid",
        "data": {"path": str(tmp_path / "x.csv")},
        "model": {"pretrained": "bert-base-uncased"},
        "training": {"num_train_epochs": 1},
        "sweep": {"parameters": {"training.learning_rate": {"values": [1e-5, 2e-5]}}},
    }
    return read_sweep(recipe)


def inputs(*, train=1600, cut=0, notices=(), longer_are="cut"):
    rows = {"train": train, "validation": 200}
    splits = {
        split: ImageRows(pixels=np.zeros((n, 1, 1, 1)), labels=None, mean=[0], std=[1]) for split, n in rows.items()
    }
    splits["train"].truncated = cut
    return SimpleNamespace(
        data=SimpleNamespace(splits={split: range(count) for split, count in rows.items()}, labels=["neg", "pos"]),
        splits=splits,
        max_length=128,
        longer_are=longer_are,
        notices=list(notices),
    )


def told(plan, each, kept=frozenset(), notices=(), processes=ALONE):
    by_name = {run.name: each for run in plan.runs}
    return planned_lines(plan, inputs=by_name, kept=set(kept), notices=notices, processes=processes)


def test_runs_rows_steps_and_device(plan):
    assert told(plan, inputs()) == [
        "grid: 2 runs to train, 400 steps in all, on cpu",
        "rows: train 1,600, validation 200; 2 classes",
    ]


def test_one_run_is_one_run(plan):
    plan.runs.pop()
    assert told(plan, inputs())[0] == "grid: 1 run to train, 200 steps in all, on cpu"


def test_several_processes(plan):
    lines = told(plan, inputs(), processes=Processes(rank=0, world_size=2, device="cuda:0"))
    assert lines[0] == "grid: 2 runs to train, 200 steps in all, on 2 processes on cuda:0"


def test_finished_runs_are_not_counted_again(plan):
    name = plan.runs[0].name
    assert told(plan, inputs(), kept={name})[:2] == [
        "grid: 1 of 2 runs to train, 200 steps in all, on cpu",
        "1 finished before and kept",
    ]
    by_name = {run.name: inputs() for run in plan.runs}
    assert planned_steps(plan, inputs=by_name, kept={name}, world_size=1) == {plan.runs[1].name: 200}


def test_cut_rows_are_told_with_their_number(plan):
    assert told(plan, inputs(cut=1234))[1] == (
        "rows: train 1,600, validation 200; 2 classes; longer than 128 tokens and cut: 1,234 rows of train"
    )

    parts = told(plan, inputs(cut=2, longer_are="read in parts"))[1]
    assert parts.endswith("longer than 128 tokens and read in parts: 2 rows of train")


def test_each_notice_is_told_once(plan):
    plan.notices.append("3 runs became 2")
    lines = told(plan, inputs(notices=["split 80/10/10"]), notices=["W&B: not logged in", "split 80/10/10"])
    assert lines[2:] == ["3 runs became 2", "split 80/10/10", "W&B: not logged in"]


def test_runs_of_different_data_have_a_line_each(plan):
    first, second = plan.runs
    lines = planned_lines(
        plan,
        inputs={first.name: inputs(), second.name: inputs(train=800)},
        kept=set(),
        notices=[],
        processes=ALONE,
    )
    assert lines[0].startswith("grid: 2 runs to train, 300 steps")
    assert lines[1:] == ["rows: train 1,600, validation 200; 2 classes", "rows: train 800, validation 200; 2 classes"]
