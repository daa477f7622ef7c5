from collections import Counter

import pytest

from hftk.data.strata import allocate, draw, strata


@pytest.mark.parametrize(
    ("sizes", "total", "least", "spare", "counts"),
    [
        ([50, 50], 10, 0, 1, [5, 5]),
        ([70, 30], 10, 0, 1, [7, 3]),
        ([75, 25], 10, 0, 1, [8, 2]),
        ([33, 33, 34], 10, 0, 1, [3, 3, 4]),
        ([98, 1, 1], 10, 0, 1, [10, 0, 0]),
        ([98, 1, 1], 10, 1, 0, [8, 1, 1]),
        ([1, 1, 1], 2, 0, 1, [0, 0, 0]),
        ([5, 5], 20, 1, 0, [5, 5]),
        ([1] * 60_000, 6_000, 0, 0, [1] * 6_000 + [0] * 54_000),
    ],
)
def test_allocate(sizes, total, least, spare, counts):
    assert allocate(sizes, total=total, least=least, spare=spare) == counts


def test_draw_is_a_pure_function_in_original_order():
    labels = ["a"] * 80 + ["b"] * 20
    drawn = draw(labels, total=10, seed=0, purpose="test", least=0, spare=1)
    assert drawn == draw(labels, total=10, seed=0, purpose="test", least=0, spare=1)
    # golden: the same on every machine and with every version of every library
    assert drawn == [5, 9, 11, 20, 39, 41, 70, 73, 83, 96]
    assert drawn == sorted(drawn)
    assert Counter(labels[i] for i in drawn) == {"a": 8, "b": 2}
    assert drawn != draw(labels, total=10, seed=1, purpose="test", least=0, spare=1)
    assert drawn != draw(labels, total=10, seed=0, purpose="validation", least=0, spare=1)


def test_a_sentence_is_drawn_by_its_rarest_tag():
    tags = [["N", "V"], ["N", "N", "N"], ["N", "A"], ["V", "A", "N"], ["N"], [], None, ["V", None]]
    # of rows, not tokens: N is in five, V in three, A in two, None in one
    assert strata(tags) == ["V", "N", "A", "A", "N", None, None, None]
    assert strata(["x", 1, [2, [3]], {"a": 1}]) == ["x", 1, 2, "{'a': 1}"]
