from types import SimpleNamespace

import pytest

from hftk.errors import RunError
from hftk.interruption import Interruption
from hftk.recipe.schema import Recipe, Tracking
from hftk.sweep import runners
from hftk.sweep.progress import SilentProgress
from hftk.sweep.runners import _fit, _reason


def test_a_run_without_one_whole_batch_is_refused():
    training = {"per_device_train_batch_size": 32, "dataloader_drop_last": True}
    content = {"name": "x", "data": {"path": "x.csv"}, "model": {"pretrained": "m"}, "training": training}
    asked = Recipe.model_validate(content)
    inputs = SimpleNamespace(splits={"train": range(31)})
    record = SimpleNamespace(
        inputs=inputs, run=SimpleNamespace(recipe=asked), processes=SimpleNamespace(world_size=1, main=True)
    )
    with pytest.raises(RunError, match="training.dataloader_drop_last: the rows of train do not fill one batch"):
        _fit(record, progress=None, interruption=Interruption(), trackers=None, bar=None)


def test_a_signal_that_comes_when_all_is_done_costs_nothing(monkeypatch, tmp_path):
    interruption, ends = Interruption(), []

    class Record:
        def __init__(self, *args, **kwargs):
            self.folder = tmp_path

        def start(self): ...

        def tidy(self): ...

        def end(self, **how):
            ends.append(how["status"])

    def fit(record, **kwargs):
        interruption.ask("SIGTERM")  # while the test split is predicted, say
        return SimpleNamespace(metrics={"test_accuracy": 1.0})

    monkeypatch.setattr(runners, "RunRecord", Record)
    monkeypatch.setattr(runners, "_fit", fit)
    run = SimpleNamespace(name="a", recipe=SimpleNamespace(tracking=Tracking()))
    ended = runners.train_run(
        SimpleNamespace(folder=tmp_path),
        run=run,
        inputs=None,
        processes=SimpleNamespace(main=True),
        group=SimpleNamespace(agree=lambda reason: reason),
        progress=SilentProgress(),
        interruption=interruption,
    )
    assert ends == ["finished"] and (ended.status, ended.metrics) == ("finished", {"test_accuracy": 1.0})
    with pytest.raises(KeyboardInterrupt):
        interruption.stop_if_asked()


def test_reasons_are_one_line():
    assert _reason(RunError("non-finite: train_loss is nan")) == "non-finite: train_loss is nan"
    assert (
        _reason(RuntimeError("CUDA out of memory.\n  Tried 2 GiB")) == "RuntimeError: CUDA out of memory. Tried 2 GiB"
    )
    long = _reason(ValueError("x" * 1000))
    assert long == "ValueError: " + "x" * 500 + "…"
    assert _reason(KeyError("label")) == "KeyError: 'label'"
