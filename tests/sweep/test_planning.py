import math
from types import SimpleNamespace

import numpy as np
import pytest

from hftk.data.batching import ProcessBatches
from hftk.data.encoded import ImageRows
from hftk.recipe import read_sweep
from hftk.recipe.schema import Recipe
from hftk.sweep.planning import planned_lines, planned_steps, planned_work, steps_per_epoch, total_steps


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
        identity="0123",
    )


def works_of(plan, *each, world_size=1):
    inputs_of = each if len(each) > 1 else each * len(plan.runs)
    runs = zip(plan.runs, inputs_of, strict=True)
    return {run.name: planned_work(run, of, world_size=world_size) for run, of in runs}


def told(plan, each, kept=frozenset(), notices=(), where="cpu", world_size=1):
    works = works_of(plan, each, world_size=world_size)
    return planned_lines(plan, works=works, kept=set(kept), notices=notices, where=where)


def test_runs_rows_steps_and_device(plan):
    assert told(plan, inputs()) == [
        "grid: 2 runs to train, 400 steps in all, on cpu",
        "rows: train 1,600, validation 200; 2 classes",
    ]


def test_one_run_is_one_run(plan):
    plan.runs.pop()
    assert told(plan, inputs())[0] == "grid: 1 run to train, 200 steps in all, on cpu"


def test_several_processes(plan):
    lines = told(plan, inputs(), where="2 processes on cuda:0", world_size=2)
    assert lines[0] == "grid: 2 runs to train, 200 steps in all, on 2 processes on cuda:0"


def test_finished_runs_are_not_counted_again(plan):
    name = plan.runs[0].name
    assert told(plan, inputs(), kept={name})[:2] == [
        "grid: 1 of 2 runs to train, 200 steps in all, on cpu",
        "1 finished before and kept",
    ]
    assert planned_steps(works_of(plan, inputs()), kept={name}) == {plan.runs[1].name: 200}


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
    works = works_of(plan, inputs(), inputs(train=800))
    lines = planned_lines(plan, works=works, kept=set(), notices=[], where="cpu")
    assert lines[0].startswith("grid: 2 runs to train, 300 steps")
    assert lines[1:] == ["rows: train 1,600, validation 200; 2 classes", "rows: train 800, validation 200; 2 classes"]


def recipe(**training) -> Recipe:
    content = {"name": "x", "data": {"path": "x.csv"}, "model": {"pretrained": "m"}, "training": training}
    return Recipe.model_validate(content)


@pytest.mark.parametrize("rows", [7, 64, 65, 100])
@pytest.mark.parametrize("world_size", [1, 2])
@pytest.mark.parametrize("accumulation", [1, 3])
@pytest.mark.parametrize("drop_last", [False, True])
def test_the_steps_told_are_those_of_the_batches(rows, world_size, accumulation, drop_last):
    batches = ProcessBatches(
        lengths=np.ones(rows, dtype=np.int32),
        per_device_batch_size=4,
        gradient_accumulation_steps=accumulation,
        world_size=world_size,
        rank=0,
        strategy="random",
        drop_last=drop_last,
        seed=0,
    )
    asked = recipe(
        per_device_train_batch_size=4, gradient_accumulation_steps=accumulation, dataloader_drop_last=drop_last
    )
    told = steps_per_epoch(asked, rows=rows, world_size=world_size)
    assert told == math.ceil(len(list(batches)) / accumulation)


def test_steps_of_all_epochs():
    assert total_steps(recipe(), rows=80, world_size=1) == 30, "batch 8 and 3 epochs unless told"
    assert total_steps(recipe(num_train_epochs=1.25), rows=80, world_size=1) == 13
    assert total_steps(recipe(num_train_epochs=2), rows=80, world_size=2) == 10
    assert total_steps(recipe(max_steps=7), rows=80, world_size=1) == 7
    assert total_steps(recipe(max_steps=-1, num_train_epochs=1), rows=80, world_size=1) == 10
