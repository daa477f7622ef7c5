"""Trained too long or too short."""

import numpy as np
import pytest

from hftk.analysis.diagnosis import diagnose


def test_overfitting_keeps_the_last(make, the_one, rising):
    finding = the_one(make(curve=rising, changes={"keep": "last"}))
    assert finding.kind == "overfitting" and finding.epoch == 3.0
    assert (finding.suggestion.key, finding.suggestion.value) == ("keep", "best")
    assert finding.message == (
        "The model overfits from epoch 3 on: the validation loss was lowest there, 0.7, and rose by 36 % to 0.95 in "
        "epoch 6, while the training loss fell from 0.6 to 0.3; the weights of the last epoch were kept."
    )


def test_no_overfitting_while_more_is_right(make, kinds, rising):
    accuracy = [0.6, 0.7, 0.8, 0.89, 0.9, 0.9]
    assert diagnose(make(curve=rising | {"validation_accuracy": accuracy})) == []
    accuracy[3:] = [0.82] * 3  # one standard error of 400 items: 0.015
    assert kinds(make(curve=rising | {"validation_accuracy": accuracy})) == ["overfitting"]


def test_too_early_by_accuracy_while_the_loss_rises(make, the_one, rising):
    curve = rising | {"validation_accuracy": [0.6, 0.7, 0.8, 0.82, 0.86, 0.9]}
    finding = the_one(make(curve=curve))
    assert finding.kind == "stopped-too-early"
    assert (
        "after 6 epochs the accuracy still rose by 4.0 % per epoch; the loss is 0.95 on validation" in finding.message
    )


def test_overfitting_keeps_the_best(make, the_one, rising):
    assert the_one(make(curve=rising)).suggestion.key == "model.head_dropout"


def test_early_stopping_that_did_its_work_is_no_fault(make, rising):
    changes = {"early_stopping": {"metric": "loss", "patience": 3}, "training.num_train_epochs": 30}
    assert diagnose(make(curve=rising, changes=changes)) == []


def test_too_early(make, the_one):
    curve = {"train_loss": [1.3, 1.0, 0.8], "validation_loss": [1.2, 0.95, 0.75]}
    finding = the_one(make(curve=curve))
    assert finding.kind == "stopped-too-early"
    assert (finding.suggestion.key, finding.suggestion.value) == ("training.num_train_epochs", 9)


def test_too_early_after_a_single_epoch(make, kinds, trace):
    curve = {"train_loss": [1.1], "validation_loss": [0.9]}
    assert kinds(make(curve=curve, trace=trace(np.linspace(1.4, 0.9, 40).tolist()))) == ["stopped-too-early"]
    assert kinds(make(curve=curve, trace=trace([1.4] * 10 + [0.9] * 30))) == []
    assert kinds(make(curve=curve)) == []


def test_too_early_by_early_stopping(make, the_one):
    changes = {"early_stopping": {"metric": "loss", "patience": 1}, "training.num_train_epochs": 30}
    curve = {"train_loss": [1.3, 1.0, 0.8], "validation_loss": [1.2, 0.95, 0.75]}
    finding = the_one(make(curve=curve, changes=changes))
    assert finding.suggestion.key == "early_stopping.patience" and "with a patience of 1" in finding.message


def test_too_late(make, the_one):
    curve = {"train_loss": [1.2, 0.5] + [0.4] * 18, "validation_loss": [1.1, 0.5] + [0.5] * 18}
    finding = the_one(make(curve=curve))
    assert finding.kind == "stopped-too-late" and finding.epoch == 2.0 and finding.numbers["wasted_epochs"] == 18
    assert finding.suggestion.key == "early_stopping"
    assert diagnose(make(curve=curve, changes={"early_stopping": {"metric": "loss", "patience": 20}})) == []


def test_a_small_loss_that_rises_is_no_overfitting_unless_less_is_right(make, kinds):
    losses = {"train_loss": [0.5, 0.3, 0.2, 0.15, 0.1], "validation_loss": [0.5, 0.3, 0.16, 0.19, 0.22]}
    even = {"validation_accuracy": [0.9] * 5}
    assert kinds(make(curve=losses | even)) == [], "a rise by 38 %, but by 4 % of what guessing costs"
    fallen = {"validation_accuracy": [0.9, 0.9, 0.95, 0.93, 0.9]}  # two standard errors of a difference: 0.042
    assert kinds(make(curve=losses | fallen)) == ["overfitting"]


@pytest.mark.parametrize(("first", "last"), [((0.49, 0.41), (0.01, 1.19)), ((0.57, 0.48), (0.07, 0.71))])
def test_bert_on_two_classes_overfits(make, kinds, judge, first, last):
    """R5a: of ten epochs the validation loss is lowest in the first or second, and the accuracy stays at 0.84."""
    curve = {
        "train_loss": np.geomspace(first[0], last[0], 10).tolist(),
        "validation_loss": np.linspace(first[1], last[1], 10).tolist(),
    }
    changes = {"model": {"pretrained": "bert-base-uncased"}, "tokenizer": None, "training.learning_rate": 2e-5}
    assert kinds(make(curve=curve, changes=changes, validation=judge(0.84, classes=2))) == ["overfitting"]


def test_too_late_while_a_small_loss_rises(make, kinds):
    places = np.arange(60)
    curve = {
        "train_loss": (0.05 + 0.8 * np.exp(-places / 4)).tolist(),
        "validation_loss": (0.15 + 0.8 * np.exp(-places / 4) + 0.001 * places).tolist(),
    }
    chance = np.where(places == 52, 0.925, 0.9)  # the highest of many is no better epoch
    assert kinds(make(curve=curve | {"validation_accuracy": chance.tolist()})) == ["stopped-too-late"]
    more = np.linspace(0.8, 0.95, 60)
    assert kinds(make(curve=curve | {"validation_accuracy": more.tolist()})) == []


def test_a_few_epochs_too_many_are_no_matter(make, kinds):
    curve = {"train_loss": [0.5] + [0.4] * 9, "validation_loss": [0.5] * 10}
    assert kinds(make(curve=curve)) == []


def test_too_early_by_what_the_last_third_brought(make, kinds, judge):
    """A slow rise, 1.2 % an epoch: of twelve epochs the last four brought five in a hundred, of thirty far more."""
    for epochs, found in ((12, []), (30, ["stopped-too-early"])):
        accuracy = np.linspace(0.75 - 0.012 * epochs, 0.75 - 0.012, epochs).tolist()
        losses = np.linspace(0.9, 0.8, epochs).tolist()
        curve = {"train_loss": losses, "validation_loss": losses, "validation_accuracy": accuracy}
        assert kinds(make(curve=curve, validation=judge(0.75, n=1000))) == found


def test_too_early_where_it_has_only_begun(make, kinds, judge):
    curve = {"train_loss": [1.38, 1.35], "validation_loss": [1.37, 1.35]}
    begun = {"curve": curve, "validation": judge(0.4)}
    assert kinds(make(**begun, baseline=0.8)) == ["stopped-too-early"]
    assert kinds(make(**begun)) == [], "nothing says that there is more to learn"
    assert kinds(make(**begun, baseline=0.45)) == ["below-baseline"]
