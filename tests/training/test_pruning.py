"""The median rule, against a plain reading of it."""

from types import SimpleNamespace

import pytest

from hftk.training.pruning import Bar, PruneByMedian, Pruned

CURVES = [[(1.0, 0.5), (2.0, 0.6)], [(1.0, 0.4), (2.0, 0.7)], [(1.0, 0.6), (2.0, 0.8), (3.0, 0.9)]]


def bar(goal="maximize", curves=CURVES, min_epochs=1, min_runs=3) -> Bar:
    return Bar(metric="validation_accuracy", goal=goal, curves=curves, min_epochs=min_epochs, min_runs=min_runs)


def test_below_the_median_at_the_same_epoch():
    assert bar().behind(epoch=2.0, value=0.69) == (
        "validation accuracy 0.6900 at epoch 2 is below 0.7000, the median of 3 earlier runs there"
    )
    assert bar().behind(epoch=2.0, value=0.7) is None
    assert bar().behind(epoch=1.0, value=0.5) is None
    assert bar().behind(epoch=1.0, value=0.49).startswith("validation accuracy 0.4900 at epoch 1 is below 0.5000")


def test_where_less_is_better_above_it():
    assert bar(goal="minimize").behind(epoch=2.0, value=0.69) is None
    assert "0.7100 at epoch 2 is above 0.7000" in bar(goal="minimize").behind(epoch=2.0, value=0.71)


def test_runs_that_did_not_come_so_far_do_not_count():
    assert bar().behind(epoch=3.0, value=0.1) is None
    assert "below 0.9000, the median of 1 earlier runs" in bar(min_runs=1).behind(epoch=3.0, value=0.1)


def test_neither_the_first_epochs_nor_the_first_runs_are_pruned():
    assert bar(min_epochs=2).behind(epoch=1.0, value=0.0) is None
    assert bar(min_epochs=2).behind(epoch=2.0, value=0.0) is not None
    assert bar(min_runs=4).behind(epoch=2.0, value=0.0) is None
    assert bar(curves=[]).behind(epoch=2.0, value=0.0) is None


def test_within_an_epoch_the_last_evaluation_up_to_there_counts():
    """Other batch sizes are evaluated at other shares of an epoch."""
    curves = [[(0.4, 0.1), (0.8, 0.5), (1.2, 0.9)]] * 3
    assert "below 0.5000" in bar(curves=curves, min_epochs=0).behind(epoch=1.0, value=0.4)
    assert bar(curves=curves, min_epochs=0).behind(epoch=0.2, value=0.0) is None


@pytest.mark.parametrize(("metric", "goal"), [("validation_accuracy", "maximize"), ("validation_loss", "minimize")])
def test_the_callback_ends_the_run_but_not_behind_its_last_step(metric, goal):
    behind = 0.0 if goal == "maximize" else 9.0
    callback = PruneByMedian(Bar(metric=metric, goal=goal, curves=CURVES, min_epochs=1, min_runs=3))
    metrics = {"eval_accuracy": behind, "eval_loss": behind}

    def evaluate(step: int, metrics=metrics) -> None:
        state = SimpleNamespace(global_step=step, max_steps=30, epoch=step / 10)
        callback.on_evaluate(None, state, None, metrics=metrics)

    with pytest.raises(Pruned, match=f"{metric.replace('_', ' ')} .* at epoch 2 is"):
        evaluate(20)
    evaluate(30)
    evaluate(20, {"eval_accuracy": 0.75, "eval_loss": 0.65})
