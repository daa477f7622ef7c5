import math
from types import SimpleNamespace

import numpy as np
import pytest

from hftk.data.batching import ProcessBatches
from hftk.errors import RunError
from hftk.recipe.schema import Recipe
from hftk.sweep.runners import _fit, _reason, steps_per_epoch, total_steps


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


def test_a_run_without_one_whole_batch_is_refused():
    asked = recipe(per_device_train_batch_size=32, dataloader_drop_last=True)
    inputs = SimpleNamespace(splits={"train": range(31)})
    record = SimpleNamespace(
        inputs=inputs, run=SimpleNamespace(recipe=asked), processes=SimpleNamespace(world_size=1, main=True)
    )
    with pytest.raises(RunError, match="training.dataloader_drop_last: the rows of train do not fill one batch"):
        _fit(record, progress=None)


def test_reasons_are_one_line():
    assert _reason(RunError("non-finite: train_loss is nan")) == "non-finite: train_loss is nan"
    assert (
        _reason(RuntimeError("CUDA out of memory.\n  Tried 2 GiB")) == "RuntimeError: CUDA out of memory. Tried 2 GiB"
    )
    long = _reason(ValueError("x" * 1000))
    assert long == "ValueError: " + "x" * 500 + "…"
    assert _reason(KeyError("label")) == "KeyError: 'label'"
