"""Drawn test sets: the same for all runs, and as many of each unit as chance gives."""

import numpy as np
import pytest

from hftk.analysis.bootstrap import REPLICATES, replicate_scores
from hftk.analysis.outcomes import Outcomes
from hftk.analysis.scores import figure, unit_sums


def drawn(seed: int, *, classes: int, items: int) -> Outcomes:
    generator = np.random.default_rng(seed)
    labels = generator.integers(classes, size=items)
    return Outcomes(
        labels=tuple(f"label {number}" for number in range(classes)),
        label_ids=labels,
        prediction_ids=np.where(generator.random(items) < 0.7, labels, 0),
        probabilities=generator.dirichlet(np.ones(classes), size=items).astype(np.float32),
        unit_ids=np.arange(items),
        rows=np.arange(items),
        sources=np.zeros(items, dtype=np.int8),
    )


@pytest.mark.parametrize("name", ["accuracy", "f1_macro", "loss"])
def test_the_sets_are_the_same_for_all_runs_and_for_the_same_seed(name):
    runs = [drawn(seed, classes=4, items=200) for seed in (7, 8)]
    sums = [unit_sums(outcomes, metric=name) for outcomes in runs]
    scores = replicate_scores(sums, metric=name, seed=1)
    assert scores.shape == (2, REPLICATES)
    assert np.array_equal(scores, replicate_scores(sums, metric=name, seed=1))
    assert not np.array_equal(scores, replicate_scores(sums, metric=name, seed=2))
    assert scores[1:] == pytest.approx(replicate_scores(sums[1:], metric=name, seed=1), abs=1e-12)


def test_the_standard_error_of_an_accuracy_is_the_binomial_one():
    outcomes = drawn(9, classes=4, items=200)
    scores = replicate_scores([unit_sums(outcomes, metric="accuracy")], metric="accuracy", seed=0)
    share = figure(outcomes, metric="accuracy")
    assert scores.mean() == pytest.approx(share, abs=0.003)
    assert scores.std() == pytest.approx(np.sqrt(share * (1 - share) / 200), rel=0.06)


@pytest.mark.parametrize("name", ["accuracy", "f1"])
def test_many_units_come_in_parts_of_bounded_size(name, monkeypatch):
    sums = [unit_sums(drawn(seed, classes=6, items=100), metric=name) for seed in range(3)]
    whole = replicate_scores(sums, metric=name, seed=3)
    monkeypatch.setattr("hftk.analysis.bootstrap._CHUNK", 7000)
    assert replicate_scores(sums, metric=name, seed=3) == pytest.approx(whole, abs=1e-12)
