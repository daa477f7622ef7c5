"""The smallest model that is not shown to be worse."""

from dataclasses import replace

import pytest

from hftk.analysis.smallest import smallest_tied
from hftk.analysis.statistics import Comparison

REFERENCE = Comparison("bert", 1, 0.9, None, 0.88, 0.92, 0.0, 0.0, 0.0, 1.0, 1.0, "reference")
TIE = replace(REFERENCE, setting="gru", verdict="tie", difference=-0.01, difference_low=-0.03, difference_high=0.01)
ROWS = [REFERENCE, TIE, replace(TIE, setting="tiny", verdict="worse"), replace(TIE, setting="lstm")]
PARAMETERS = {"bert": 110_000_000, "gru": 61_962, "tiny": 900, "lstm": 80_000}


def told(rows=ROWS, parameters=PARAMETERS, goal="maximize"):
    return smallest_tied(rows, parameters=parameters, metric="test accuracy", goal=goal)


def test_the_smallest_of_those_that_tie():
    found = told()
    assert (found.setting, found.parameters) == ("gru", 61_962)
    assert (found.reference, found.reference_parameters) == ("bert", 110_000_000)
    assert found.sentence == (
        "gru (61,962 parameters) is the smallest model that test does not show to be worse than bert (110,000,000 "
        "parameters), the best on validation: -0.0100 test accuracy (95 %: -0.0300 to +0.0100). It may still be worse "
        "by 0.0300."
    )


def test_of_a_loss_more_is_worse():
    assert told(goal="minimize").sentence.endswith("It may still be worse by 0.0100.")


def test_one_that_is_better_leaves_no_doubt():
    better = replace(TIE, verdict="better", difference=0.02, difference_low=0.01, difference_high=0.03)
    assert told([REFERENCE, better]).sentence.endswith("(95 %: +0.0100 to +0.0300).")


@pytest.mark.parametrize(
    ("rows", "parameters"),
    [
        (ROWS[:1], PARAMETERS),
        (ROWS[:1] + ROWS[2:3], PARAMETERS),
        (ROWS, PARAMETERS | {"bert": 900}),
        (ROWS, PARAMETERS | {"bert": None}),
        (ROWS, {"bert": 5, "gru": None}),
        (ROWS, {"bert": 61_962, "gru": 61_962}),
    ],
)
def test_where_none_is_known_to_be_smaller_nothing_is_said(rows, parameters):
    assert told(rows, parameters) is None
