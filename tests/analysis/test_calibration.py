"""ECE and Brier against plain loops and scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from hftk.analysis.calibration import BINS, calibration


def drawn(classes: int, *, items: int = 500, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.full(classes, 0.4), size=items).astype(np.float32)
    labels = np.array([generator.choice(classes, p=row / row.sum()) for row in probabilities.astype(np.float64)])
    return labels, probabilities


@pytest.mark.parametrize("classes", [2, 3, 20])
def test_both_are_the_plain_loop(classes):
    labels, probabilities = drawn(classes)
    brier, bins = 0.0, [[] for _ in range(BINS)]
    for label, row in zip(labels.tolist(), probabilities.astype(np.float64).tolist(), strict=True):
        brier += sum((value - (place == label)) ** 2 for place, value in enumerate(row))
        top = max(row)
        for number in range(BINS):
            if number / BINS < top <= (number + 1) / BINS:
                bins[number].append((top, row.index(top) == label))
    ece = sum(
        len(each) * abs(np.mean([right for _, right in each]) - np.mean([top for top, _ in each]))
        for each in bins
        if each
    )
    found = calibration(labels, probabilities=probabilities)
    assert found.brier == pytest.approx(brier / 500, abs=1e-12)
    assert found.ece == pytest.approx(ece / 500, abs=1e-12)
    assert [each.count for each in found.bins] == [len(each) for each in bins]
    assert found.items == 500


def test_with_two_labels_the_brier_score_is_twice_scikit_learns():
    labels, probabilities = drawn(2)
    probabilities = probabilities.astype(np.float64)
    expected = 2 * brier_score_loss(labels, probabilities[:, 1])
    # float32's two probabilities add up to 1 within 6e-8
    assert calibration(labels, probabilities=probabilities).brier == pytest.approx(expected, abs=1e-6)


def test_with_more_labels_it_is_scikit_learns():
    labels, probabilities = drawn(4)
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    expected = brier_score_loss(labels, exact, labels=range(4))
    assert calibration(labels, probabilities=exact).brier == pytest.approx(expected, abs=1e-12)


def test_certain_and_right_is_perfect_certain_and_wrong_the_worst():
    certain = np.eye(3, dtype=np.float32)
    perfect = calibration(np.arange(3), probabilities=certain)
    assert (perfect.ece, perfect.brier) == (0, 0)
    worst = calibration(np.array([1, 2, 0]), probabilities=certain)
    assert (worst.ece, worst.brier) == (1, 2)
    assert (worst.bins[-1].count, worst.bins[-1].confidence, worst.bins[-1].accuracy) == (3, 1, 0)


def test_a_bin_ends_with_its_upper_edge_and_empty_ones_have_no_figures():
    found = calibration(np.zeros(2, dtype=int), probabilities=np.array([[0.6, 0.4], [0.61, 0.39]]))
    assert [(each.low, each.high) for each in found.bins if each.count] == [(8 / 15, 9 / 15), (9 / 15, 10 / 15)]
    assert found.bins[0].confidence is None and found.bins[0].accuracy is None


def test_probabilities_that_mean_what_they_say_have_a_small_error():
    labels, probabilities = drawn(3, items=20_000)
    assert calibration(labels, probabilities=probabilities).ece < 0.01
    sharpened = probabilities**3 / (probabilities**3).sum(axis=1, keepdims=True)
    assert calibration(labels, probabilities=sharpened).ece > 0.1
