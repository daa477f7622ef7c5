"""Swept values in few words."""

import pytest

from hftk.analysis.short_values import ABSENT, short_values, word

WORD2VEC = {"method": "word2vec", "vector_size": 100, "window": 5}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-4, "1e-4"),
        (2.5e-05, "2.5e-5"),
        (0.001, "0.001"),
        (0.5, "0.5"),
        (0.0, "0"),
        (3, "3"),
        (2.0, "2"),
        (1e7, "1e7"),
        ("gru", "gru"),
        (True, "true"),
        (None, "none"),
        ([1, 2], "[1, 2]"),
        ({"파일": 1}, '{"파일": 1}'),
        (ABSENT, "not set"),
    ],
)
def test_values_read_as_in_a_recipe(value, text):
    assert word(value) == text


def test_a_mapping_is_named_by_what_it_is():
    assert short_values([WORD2VEC, {"method": "파일", "path": "glove.txt"}, None, ABSENT, {"window": 5}]) == [
        "word2vec",
        "파일",
        "none",
        "not set",
        '{"window": 5}',
    ]


def test_mappings_of_one_name_are_told_apart_by_what_differs_between_them():
    """Two sizes of one method once had the same name: "beside word2vec, word2vec is better"."""
    others = [WORD2VEC | {"vector_size": 200}, {"method": "word2vec", "window": 5}, {"method": "fasttext"}]
    assert short_values([WORD2VEC, *others]) == [
        "word2vec (vector_size=100)",
        "word2vec (vector_size=200)",
        "word2vec",
        "fasttext",
    ]


def test_equal_mappings_have_one_text():
    assert short_values([WORD2VEC, dict(reversed(WORD2VEC.items()))]) == ["word2vec", "word2vec"]
