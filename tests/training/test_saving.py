"""When a save waits for the epoch's evaluation, and how training is stopped."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from transformers import TrainerControl

import hftk.training.saving as saving_module
from hftk.training.checkpoint import Checkpoints
from hftk.training.saving import Saving

ARGS = SimpleNamespace(device=torch.device("cpu"))


def saving_of(*, by_time=False, stop=lambda: False):
    return Saving(Checkpoints(Path("unused"), limit=1), by_time=by_time, stop_asked=stop)


def at(epoch):
    return SimpleNamespace(global_step=3, epoch=epoch)


def test_a_save_in_the_middle_of_an_epoch_is_made_there():
    control = TrainerControl(should_save=True)
    saving_of().on_step_end(ARGS, at(1.5), control)
    assert control.should_save


@pytest.mark.parametrize("ending", [{"epoch": 2.0}, {"epoch": 1.5, "should_training_stop": True}])
def test_a_save_at_the_end_of_an_epoch_or_of_training_waits_for_the_evaluation(ending):
    saving, control = saving_of(), TrainerControl(should_save=True)
    control.should_training_stop = ending.get("should_training_stop", False)
    saving.on_epoch_begin(ARGS, None, control)
    saving.on_step_end(ARGS, at(ending["epoch"]), control)
    assert not control.should_save
    saving.on_epoch_end(ARGS, at(ending["epoch"]), control)
    assert control.should_save
    saving.on_evaluate(ARGS, at(ending["epoch"]), control)
    assert control.should_save
    saving.on_save(ARGS, None, control)


def test_a_stop_saves_and_raises():
    saving, control = saving_of(stop=lambda: True), TrainerControl()
    saving.on_step_end(ARGS, at(1.5), control)
    assert control.should_save and not control.should_training_stop
    with pytest.raises(KeyboardInterrupt):
        saving.on_save(ARGS, None, control)


def test_a_stop_that_comes_in_an_evaluation_saves_after_it():
    asked = iter([False, True])
    saving, control = saving_of(stop=lambda: next(asked)), TrainerControl()
    saving.on_epoch_begin(ARGS, None, control)
    saving.on_step_end(ARGS, at(2.0), control)
    saving.on_epoch_end(ARGS, at(2.0), control)
    assert not control.should_save
    saving.on_evaluate(ARGS, at(2.0), control)
    assert control.should_save and saving.stopping


def test_saves_by_the_clock_are_rarer_where_a_save_takes_long(monkeypatch):
    now = 1000.0
    monkeypatch.setattr(saving_module.time, "monotonic", lambda: now)
    saving = saving_of(by_time=True)
    saving.on_train_begin(ARGS, at(0.0), TrainerControl())

    def saves_after(seconds):
        nonlocal now
        now += seconds
        control = TrainerControl()
        saving.on_step_end(ARGS, at(1.5), control)
        if control.should_save:
            saving.on_save(ARGS, at(1.5), control)
        return control.should_save

    assert [saves_after(seconds) for seconds in (59, 2, 59, 2)] == [False, True, False, True]
    saving.checkpoints.seconds = 3.0
    assert [saves_after(seconds) for seconds in (100, 49, 2)] == [False, False, True]


def test_without_the_clock_none_is_asked_for(monkeypatch):
    saving, control = saving_of(), TrainerControl()
    saving.on_train_begin(ARGS, at(0.0), control)
    monkeypatch.setattr(saving_module.time, "monotonic", lambda: saving.saved + 10_000)
    saving.on_step_end(ARGS, at(1.5), control)
    assert not control.should_save
