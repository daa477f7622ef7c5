"""Labels that are wrong, and labels that are rare."""

from functools import partial

import numpy as np
import pytest
from scipy.stats import binom

from hftk.analysis.diagnosis import diagnose
from hftk.analysis.diagnosis.overlap import overlapping_classes
from hftk.analysis.evidence import Judged


def noisy(share, *, n=1000, classes=4, hard=0.0):
    """A model that is right but for labels flipped anywhere, and unsure and half wrong on a share of hard items."""
    draw = np.random.default_rng(0)
    truth = np.arange(n) % classes
    sureness = np.where(draw.random(n) < hard, 0.4, 0.6 + 0.39 * draw.random(n))
    said = np.where((sureness < 0.5) & (draw.random(n) < 0.5), (truth + 1) % classes, truth)
    labels = np.where(draw.random(n) < share, (truth + 2) % classes, truth)
    probabilities = np.repeat(((1 - sureness) / (classes - 1))[:, None], classes, axis=1)
    probabilities[np.arange(n), said] = sureness
    return Judged(label_ids=labels, probabilities=probabilities)


def overlapping(apart, *, classes, n=600, flipped=0.0, seed=0):
    """Scores of classes that overlap, the right one's higher by `apart` standard deviations; the best model of them."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(classes, size=n)
    scores = draw.standard_normal((n, classes))
    scores[np.arange(n), truth] += apart
    probabilities = np.exp(apart * scores)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    other = (truth + draw.integers(1, classes, size=n)) % classes
    return Judged(label_ids=np.where(draw.random(n) < flipped, other, truth), probabilities=probabilities)


def rare(recall, *, n=400, share=0.1):
    count = round(n * share)
    labels = np.array([1] * count + [0] * (n - count))
    probabilities = np.tile([0.8, 0.2], (n, 1))
    # the rare ones rank above the others, as of a model that learnt something
    probabilities[:count] = [0.6, 0.4]
    probabilities[: round(recall * count)] = [0.3, 0.7]
    return Judged(label_ids=labels, probabilities=probabilities)


def test_label_noise_is_told_from_a_hard_task(make, kinds, the_one):
    finding = the_one(make(validation=noisy(0.3)))
    assert finding.kind == "label-noise" and finding.numbers["suspected_share"] == pytest.approx(0.3, abs=0.06)
    assert (finding.suggestion.key, finding.suggestion.value) == ("training.label_smoothing_factor", 0.3)
    assert diagnose(make(validation=noisy(0.0, hard=0.6))) == []
    assert diagnose(make(validation=noisy(0.03))) == []
    assert diagnose(make(validation=noisy(0.15, hard=0.6))) == [], "most errors are elsewhere"
    assert kinds(make(validation=noisy(0.3), baseline=0.9)) == ["below-baseline"]
    assert diagnose(make(validation=noisy(0.3, n=80))) == [], "too few to say"


@pytest.mark.parametrize(("classes", "apart"), [(2, 0.65), (3, 0.9), (6, 1.2)])
def test_a_task_that_is_only_hard_is_not_noisy(make, kinds, classes, apart):
    """Even where more than one in eight of the surest are wrong. Two questions, each wrong once in a hundred times."""
    tasks = [overlapping(apart, classes=classes, seed=seed) for seed in range(50)]
    assert np.mean([task.accuracy for task in tasks]) < 0.7
    assert sum("label-noise" in kinds(make(validation=task)) for task in tasks) <= 3


def test_many_items_and_a_model_that_is_a_little_wrong_about_its_sureness(make, kinds):
    task = overlapping(1.2, classes=6, n=20_000)
    sharpness = np.random.default_rng(1).uniform(0.5, 2.0, size=(20_000, 1))
    blurred = task.probabilities**sharpness
    judged = Judged(label_ids=task.label_ids, probabilities=blurred / blurred.sum(axis=1, keepdims=True))
    surest = np.argsort(-judged.probabilities.max(axis=1))[:4_000]
    usual = overlapping_classes(judged.label_shares, judged.accuracy).wrong[:1_600].mean()
    assert binom.sf((~judged.right[surest]).sum(), 4_000, usual) < 1e-4, "no chance"
    assert "label-noise" not in kinds(make(validation=judged)), "and a trifle"


def test_noise_where_the_best_are_wrong_as_often(make, the_one):
    curve = {"train_loss": [0.68, 0.6, 0.59, 0.58], "validation_loss": [0.65, 0.61, 0.61, 0.61]}
    finding = the_one(make(curve=curve, validation=overlapping(2.2, classes=2, flipped=0.3, n=1000)))
    assert finding.kind == "label-noise" and finding.numbers["expected_share"] < 0.15
    assert finding.numbers["suspected_share"] > 0.2 and "not even its second choice" not in finding.message


def test_noise_of_a_weak_model_by_labels_that_are_not_even_its_second_choice(make, the_one):
    noise = overlapping(1.6, classes=6, flipped=0.3)
    assert noise.accuracy < 0.51
    finding = the_one(make(validation=noise))
    assert finding.kind == "label-noise"
    assert finding.numbers["beyond_second_share"] > 1.5 * finding.numbers["beyond_second_expected"]
    assert "have a label that is not even its second choice" in finding.message


def test_class_imbalance(make, kinds, the_one):
    make = partial(make, curve={"train_loss": [0.3, 0.25, 0.25, 0.24], "validation_loss": [0.3, 0.27, 0.27, 0.27]})
    finding = the_one(make(validation=rare(0.05)))
    assert finding.kind == "class-imbalance" and "'c1' 5.0 % of 40" in finding.message
    assert (finding.suggestion.key, finding.suggestion.value) == ("class_weights", "balanced")
    assert diagnose(make(validation=rare(0.5))) == []
    assert diagnose(make(validation=rare(0.05), changes={"class_weights": "balanced"})) == []
    assert kinds(make(validation=rare(0.0))) == ["class-imbalance"], "one class is predicted, yet both are known"


def test_how_much_of_a_rare_class_must_be_found(make, kinds):
    make = partial(make, curve={"train_loss": [0.3, 0.25, 0.25, 0.24], "validation_loss": [0.3, 0.27, 0.27, 0.27]})
    assert kinds(make(validation=rare(0.3, share=0.06))) == ["class-imbalance"], "an eighth of an even share"
    assert kinds(make(validation=rare(0.3, share=0.2))) == [], "two in five of it: perhaps no more can be told apart"
    assert kinds(make(validation=rare(0.1, share=0.2))) == ["class-imbalance"]
    assert kinds(make(validation=rare(0.3, share=0.02, n=2000))) == ["class-imbalance"], "a class of one in fifty"
    labels = np.r_[np.zeros(20, dtype=int), np.ones(20, dtype=int), np.arange(4960) % 18 + 2]
    probabilities = np.eye(20)[np.where(labels < 2, 2, labels)]
    tags = Judged(label_ids=labels, probabilities=probabilities)
    assert kinds(make(validation=tags)) == [], "two of twenty classes, in 0.8 % of the items"
    assert kinds(make(validation=rare(0.3, share=0.06, n=1000), baseline=1.0)) == ["class-imbalance"]
    far = rare(0.3, share=0.1, n=1000)
    assert kinds(make(validation=far, baseline=0.99)) == ["below-baseline"], "the model is to blame"


def test_a_rare_class_that_is_said_often_enough_is_not_neglected(make, kinds):
    make = partial(make, curve={"train_loss": [0.3, 0.25, 0.25, 0.24], "validation_loss": [0.3, 0.27, 0.27, 0.27]})
    judged = rare(0.3, share=0.06)
    judged.probabilities[-30:] = [0.3, 0.7]
    assert kinds(make(validation=judged)) == []
