"""Runs that did not learn: the learning rate, and collapse."""

from dataclasses import replace

import numpy as np
import pytest

from hftk.analysis.evidence import Judged

EVEN = float(np.log(4))


def falling(first, last, epochs=10):
    return {"train_loss": np.linspace(first, last, epochs).tolist(), "validation_loss": [last] * epochs}


def test_too_high_a_spike_and_chance(make, the_one, trace):
    curve = {"train_loss": [2.9, 1.5, 1.45, 1.42], "validation_loss": [1.5, 1.45, 1.43, 1.42]}
    finding = the_one(make(curve=curve, changes={"training.learning_rate": 0.3}, trace=trace([1.4, 9.1, 2.0])))
    assert finding.kind == "learning-rate-too-high"
    assert finding.message == (
        "The learning rate, 0.3, is too high: the training loss rose to 9.1 at step 2 (epoch 0.2), and ended at 1.42; "
        "giving all 4 classes the same probability costs 1.39."
    )
    assert (finding.suggestion.key, finding.suggestion.value) == ("training.learning_rate", 0.01)


def test_too_high_without_a_trace_and_saved_by_its_schedule(make, the_one):
    curve = {"train_loss": [2.9, 1.2, 0.9, 0.7], "validation_loss": [1.5, 1.2, 0.9, 0.7]}
    finding = the_one(make(curve=curve, changes={"training.learning_rate": 0.02}))
    assert finding.kind == "learning-rate-too-high" and finding.epoch == 1.0
    assert finding.suggestion.value == 0.002


def test_too_high_what_was_learnt_is_lost_again(make, the_one):
    curve = {"train_loss": [1.0, 0.6, 0.5, 1.2, 1.3], "validation_loss": [1.0, 0.6, 0.5, 1.2, 1.3]}
    finding = the_one(make(curve=curve))
    assert finding.kind == "learning-rate-too-high" and finding.epoch == 3.0
    assert "had come down to 0.5 by epoch 3 and rose again" in finding.message


def test_too_high_for_pretrained_weights(make, kinds, the_one, one_class, flat):
    changes = {"model": {"pretrained": "bert-base-uncased"}, "tokenizer": None, "training.learning_rate": 1e-3}
    evidence = make(curve=flat(1.385), changes=changes, validation=one_class(shares=(0.25, 0.25, 0.25, 0.25)))
    assert the_one(evidence).kind == "learning-rate-too-high"
    usual = changes | {"training.learning_rate": 5e-5}
    assert "learning-rate-too-high" not in kinds(make(curve=flat(1.385), changes=usual))


def test_class_weights_lift_the_plain_loss_by_themselves(make, kinds):
    curve = {"train_loss": [2.9, 2.7, 2.6], "validation_loss": [2.9, 2.7, 2.6]}
    assert "learning-rate-too-high" not in kinds(make(curve=curve, changes={"class_weights": "balanced"}))


@pytest.mark.parametrize(("rate", "wanted"), [(1e-6, 3e-5), (3e-5, 9e-4)])
def test_too_low(make, rate, wanted, the_one, one_class):
    evidence = make(
        curve=falling(1.40, 1.37),
        changes={"training.learning_rate": rate},
        validation=one_class(shares=(0.25, 0.25, 0.25, 0.25)),
    )
    finding = the_one(evidence)
    assert finding.kind == "learning-rate-too-low" and finding.suggestion.value == pytest.approx(wanted)
    assert "fell by 2.1 %, from 1.4 to 1.37" in finding.message


def test_too_low_by_its_pace_alone(make, the_one):
    finding = the_one(make(curve=falling(1.30, 1.24), changes={"training.learning_rate": 2e-4}))
    assert finding.kind == "learning-rate-too-low" and "times as long" in finding.message


def test_not_too_low_where_a_linear_model_does_no_better(make, judge, kinds, cutting):
    losses = np.linspace(1.30, 1.24, 10).tolist()
    curve, changes = {"train_loss": losses, "validation_loss": losses}, {"training.learning_rate": 2e-4}
    slow = {"curve": curve, "changes": changes, "validation": judge(0.5)}
    assert kinds(make(**slow, baseline=0.52)) == ["below-baseline"], "within two standard errors, 0.05"
    assert kinds(make(**slow, baseline=0.6)) == ["learning-rate-too-low"]
    cut = replace(cutting, cut_accuracy=0.52)
    assert kinds(make(**slow, baseline=0.6, cutting=cut)) == ["truncation-hurts"], "it reads as little"


def test_collapse_names_the_class_and_its_share(make, the_one, one_class, flat):
    finding = the_one(make(curve=flat(0.673), changes={"training.optim": "sgd"}, validation=one_class()))
    assert finding.kind == "collapse"
    assert finding.message == (
        "The model collapsed: it predicts 'c0' for 100 % of the 200 items of validation, and its accuracy, 0.6000, is "
        "that class's share (0.6000); the entropy of its predictions is 0.0 % of that of the labels."
    )
    assert (finding.suggestion.key, finding.suggestion.value) == ("training.optim", "adamw_torch")


def test_one_class_by_weights_given_by_hand(make, kinds, the_one):
    """A model that tells the classes apart and still says one: without such weights it has only not come far enough."""
    labels = np.arange(200) % 2
    probabilities = np.where(labels[:, None] == 0, [0.9, 0.1], [0.6, 0.4])
    judged, curve = (
        Judged(label_ids=labels, probabilities=probabilities),
        {"train_loss": [0.6], "validation_loss": [0.6]},
    )
    finding = the_one(make(curve=curve, validation=judged, changes={"class_weights": {"c0": 300}}))
    assert finding.kind == "collapse" and finding.suggestion.value == "balanced"
    assert kinds(make(curve=curve, validation=judged)) == []


def test_one_class_that_most_labels_are_is_imbalance(make, kinds, one_class, flat):
    assert kinds(make(curve=flat(0.42), validation=one_class(shares=(0.85, 0.15)))) == ["class-imbalance"]


def test_too_high_though_a_falling_rate_saved_most_of_it(make, kinds, trace, judge):
    """Steps far above the loss of even shares throw the weights about: what is left of it tells whether it mattered."""
    thrown = trace([1.4, *[3.0] * 6, 1.0, 0.6])
    late = {"train_loss": [1.45, 0.9, 0.6, 0.3], "validation_loss": [1.2, 0.9, 0.6, 0.59]}
    assert kinds(make(curve=late, trace=thrown)) == ["learning-rate-too-high"], "a fifth of the loss is left"
    assert kinds(make(curve=late, trace=trace([1.4, *[1.7] * 6, 1.0, 0.6]))) == [], "a quarter above is a bad start"
    repaired = {"train_loss": [1.45, 0.5, 0.1, 0.05], "validation_loss": [1.2, 0.6, 0.31, 0.3]}
    assert kinds(make(curve=repaired, trace=thrown, baseline=0.85)) == []
    assert kinds(make(curve=repaired, trace=thrown, baseline=0.93)) == ["below-baseline"], "within noise"
    assert kinds(make(curve=repaired, trace=thrown, baseline=0.97)) == ["learning-rate-too-high"]
