"""The table of predictions: which rows, what of them, how many."""

import datasets
import numpy as np
import pytest

from hftk.tracking.examples import MOST, cut, examples
from hftk.training.predictions import Predictions

LABELS = ["bad", "좋음"]


def predictions(label_ids: list[int]) -> Predictions:
    """All of them right but the first."""
    probabilities = np.full((len(label_ids), 2), 0.25, dtype=np.float32)
    probabilities[np.arange(len(label_ids)), label_ids] = 0.75
    probabilities[0] = probabilities[0][::-1]
    return Predictions(probabilities=probabilities, label_ids=np.array(label_ids))


def test_texts_with_what_was_said_of_them():
    split = datasets.Dataset.from_dict(
        {"row": [4, 7], "source": ["a", "a"], "text": ["one", "<b>둘</b>"], "label": [0, 1]}
    )
    table = examples({"validation": predictions([1, 1]), "test": predictions([0, 1])}, {"test": split}, labels=LABELS)
    assert table.columns == ["row", "text", "label", "prediction", "probability", "right"]
    assert table.rows == [[4, "one", "bad", "좋음", 0.75, False], [7, "<b>둘</b>", "좋음", "좋음", 0.75, True]]
    assert table.note == "all 2 rows of test"


def test_both_texts_of_a_pair():
    split = datasets.Dataset.from_dict({"row": [0], "text": ["a"], "text_pair": ["b"], "label": [0]})
    table = examples({"validation": predictions([0])}, {"validation": split}, labels=LABELS)
    assert table.columns[:3] == ["row", "text", "text_pair"] and table.rows[0][:3] == [0, "a", "b"]
    assert table.note == "all 1 rows of validation"


def test_the_cap_is_told():
    count = MOST + 100
    split = datasets.Dataset.from_dict({"row": range(count), "text": ["t"] * count, "label": [0] * count})
    table = examples({"test": predictions([0] * count)}, {"test": split}, labels=LABELS)
    assert len(table.rows) == MOST and table.note == "the first 500 of 600 rows of test"


def test_a_word_of_a_sentence_is_a_row():
    tokens = [["A", "dog"], ["runs"]]
    split = datasets.Dataset.from_dict({"row": [3, 5], "tokens": tokens, "tags": [[0, 1], [1]]})
    table = examples({"test": predictions([0, 1, 1])}, {"test": split}, labels=LABELS)
    assert table.columns[:3] == ["row", "place", "word"]
    assert [row[:4] for row in table.rows] == [[3, 0, "A", "bad"], [3, 1, "dog", "좋음"], [5, 0, "runs", "좋음"]]
    assert table.note == "all 3 words of test"


def test_an_image_is_named_by_its_row():
    split = datasets.Dataset.from_dict({"row": [9], "image": [b"x"], "label": [0]})
    table = examples({"test": predictions([0])}, {"test": split}, labels=LABELS)
    assert table.columns[:2] == ["row", "label"] and table.rows[0][:2] == [9, "bad"]


def test_without_predictions_there_is_no_table():
    assert examples({}, {}, labels=LABELS) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\nb\x1b[31m\u202ec", "a b [31m c"), ("x" * 300, "x" * 300), ("x" * 301, "x" * 300 + "…"), ("한국어", "한국어")],
)
def test_a_text_is_one_line_of_limited_length(text, shown):
    assert cut(text) == shown
