"""The yardstick of label noise: classes that merely overlap."""

import numpy as np
import pytest
from scipy.stats import norm

from hftk.analysis.diagnosis.overlap import choices_before, overlapping_classes


@pytest.mark.parametrize("accuracy", [0.6, 0.66, 0.75, 0.9])
def test_two_even_classes_against_the_normal_distribution(accuracy):
    """The likelier class is told by the difference of two scores: normal, apart by d, with variance 2."""
    apart = norm.ppf(accuracy) * 2**0.5
    values = np.linspace(-8, 12, 400_001)
    density = norm.pdf(values, loc=apart, scale=2**0.5)
    far = np.abs(values)
    order = np.argsort(-far)
    mass = np.cumsum(density[order]) / density.sum()
    surest = order[: np.searchsorted(mass, 0.2)]
    expected = density[surest][values[surest] < 0].sum() / density[surest].sum()
    found = overlapping_classes(np.array([0.5, 0.5]), accuracy)
    assert 1 - found.wrong.mean() == pytest.approx(accuracy, abs=0.005)
    fifth = found.wrong[: len(found.wrong) // 5]
    assert fifth.mean() == pytest.approx(expected, abs=3 * (expected * (1 - expected) / len(fifth)) ** 0.5 + 0.01)
    assert not found.beyond_second.any(), "there is no third"


def test_errors_thin_out_and_are_second_choices():
    found = overlapping_classes(np.full(10, 0.1), 0.6)
    fifths = np.array_split(found.wrong, 5)
    shares = [fifth.mean() for fifth in fifths]
    assert shares == sorted(shares) and shares[0] < 0.12 < 0.6 < shares[-1]
    assert found.beyond_second.sum() < 0.7 * found.wrong.sum(), "of ten labels at random eight in nine would be"


def test_uneven_classes_many_classes_and_none_to_tell():
    assert overlapping_classes(np.array([0.9, 0.1]), 0.9) is None
    assert overlapping_classes(np.array([0.9, 0.1]), 0.93) is not None
    many = overlapping_classes(np.r_[np.full(999, 1 / 999), 0.0], 0.5)
    assert 1 - many.wrong.mean() == pytest.approx(0.5, abs=0.03)
    again = overlapping_classes(np.array([0.6, 0.4]), 0.7).wrong
    assert (again == overlapping_classes(np.array([0.6, 0.4]), 0.7).wrong).all()


def test_choices_before_the_label():
    assert choices_before(np.array([[0.5, 0.3, 0.2]] * 3), np.arange(3)).tolist() == [0, 1, 2]
