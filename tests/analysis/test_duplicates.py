"""Against a plain count over dictionaries."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from hftk.analysis.duplicates import Conflict, RowName, Twin, conflicts, overlaps, repeats
from hftk.analysis.row_keys import row_keys
from hftk.analysis.row_texts import normalized
from hftk.data import LabelledData


@pytest.fixture
def keys():
    return lambda data: {split: row_keys(rows) for split, rows in data.splits.items()}


def test_rows_in_other_splits(texts, keys):
    data = texts(
        train=[("One two three four five six", "good"), ("thanks", "good"), ("other", "bad"), ("  ", "bad")],
        validation=[("THANKS\n", "bad"), ("only here", "good"), ("", "good")],
        test=[("only  here", "good"), ("one two three four five SIX", "good"), ("thanks", "good"), ("new", "bad")],
    )
    in_validation, in_test, left = overlaps(data.splits, keys(data))
    assert (in_validation.split, in_validation.other, in_validation.rows, in_validation.of) == (
        "validation",
        "train",
        1,
        3,
    )
    assert (in_validation.other_label, in_validation.long) == (1, 0), "an empty text is no duplicate"
    assert (in_test.rows, in_test.other_label, in_test.long, in_test.among) == (2, 0, 1, 4)
    assert in_test.first == [
        Twin(RowName("test", "test.csv", 1), RowName("train", "train.csv", 0), "one two three four five SIX", True),
        Twin(RowName("test", "test.csv", 2), RowName("train", "train.csv", 1), "thanks", True),
    ]
    assert (left.split, left.other, left.rows) == ("test", "validation", 1), "what is in train as well counts there"
    assert left.first[0].row == RowName("test", "test.csv", 0)
    assert repeats(keys(data)) == {"train": 0, "validation": 0, "test": 0}


def test_any_row_with_the_same_label_makes_it_the_same(texts, keys):
    data = texts(
        train=[("same", "bad"), ("same", "good")], validation=[("same", "good"), ("x", "bad")], test=[("y", "bad")]
    )
    first = overlaps(data.splits, keys(data))[0]
    assert (first.rows, first.other_label) == (1, 0)
    assert first.first[0].twin.row == 0


def test_pairs_count_as_a_whole(texts, keys):
    data = texts(
        train=[("a", "b c", "good"), ("ab", "c", "bad"), ("", "", "bad")],
        validation=[("a", "b  C", "good"), ("a", "bc", "bad"), ("", "", "good")],
    )
    [found] = overlaps(data.splits, keys(data))
    assert (found.rows, found.first[0].row.row, found.first[0].text) == (1, 0, "a ⏎ b  C")
    assert conflicts(data.splits, keys(data), data.labels).contents == 0
    assert row_keys(data.splits["train"]).empty.tolist() == [False, False, True]


def test_conflicts_within_and_across_splits(texts, keys):
    data = texts(
        ("bad", "good"),
        train=[("x", "good"), ("x", "bad"), ("y", "good"), ("x", "good"), ("", "good")],
        validation=[("Y", "bad"), ("", "bad")],
        test=[("z", "good"), ("z", "good")],
    )
    found = conflicts(data.splits, keys(data), data.labels)
    assert (found.contents, found.rows) == (2, {"train": 4, "validation": 1, "test": 0})
    assert found.first == [
        Conflict("x", [RowName("train", "train.csv", i) for i in (0, 1, 3)], ["good", "bad", "good"]),
        Conflict("y", [RowName("train", "train.csv", 2), RowName("validation", "validation.csv", 0)], ["good", "bad"]),
    ]
    assert repeats(keys(data)) == {"train": 2, "validation": 0, "test": 1}


def test_of_many_rows_those_are_named_that_differ(texts, keys):
    data = texts(train=[("x", "good")] * 30 + [("x", "bad")], validation=[("v", "bad")])
    [found] = conflicts(data.splits, keys(data), data.labels).first
    assert ([row.row for row in found.rows[:3]], found.labels[:3]) == ([0, 30, 1], ["good", "bad", "good"])
    assert len(found.rows) == 10


def test_sentences_with_other_tags(sentences, keys):
    data = sentences(
        train=["run/V fast/N", "dog/N"], validation=["Run/V fast/N", "run/N fast/N"], test=["run/V fast/N cat/N"]
    )
    first = overlaps(data.splits, keys(data))[0]
    assert (first.rows, first.other_label) == (2, 1)
    found = conflicts(data.splits, keys(data), data.labels)
    assert (found.contents, found.first[0].labels, found.first[0].text) == (1, [], "run fast")


def test_images_are_equal_to_the_last_pixel(images, keys):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 4, 3, 3), dtype=np.uint8)
    changed = pixels[:2].copy()
    changed[0, 3, 2, 2] ^= 1
    data = images(train=(pixels, [0, 1, 0, 1, 0, 1]), validation=(changed, [0, 0]))
    [found] = overlaps(data.splits, keys(data))
    assert (found.rows, found.first[0].row.row, found.first[0].twin.row, found.first[0].text) == (1, 1, 1, "")
    assert not found.first[0].same_label
    assert conflicts(data.splits, keys(data), data.labels).contents == 1


def test_nothing_but_empty_texts(texts, keys):
    data = texts(train=[("", "good"), (" ", "bad")], validation=[("", "good")])
    assert conflicts(data.splits, keys(data), data.labels).contents == 0
    assert repeats(keys(data)) == {"train": 0, "validation": 0}


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_those_of_a_plain_loop(texts, keys, seed):
    random = np.random.default_rng(seed)
    rows = {
        split: [(str(random.integers(40)), ("bad", "good")[random.integers(2)]) for _ in range(count)]
        for split, count in {"train": 60, "validation": 20, "test": 30}.items()
    }
    data = texts(**rows)
    expected = _plain(data)
    in_validation, in_test, left = overlaps(data.splits, keys(data))
    assert in_validation.rows == expected["validation in train"]
    assert in_test.rows == expected["test in train"]
    assert left.rows == expected["test in validation only"]
    assert in_test.other_label == expected["other label"]
    assert repeats(keys(data)) == expected["repeats"]
    assert conflicts(data.splits, keys(data), data.labels).contents == expected["conflicts"]


def _plain(data: LabelledData) -> dict:
    rows = {
        split: [(normalized(row["text"]), row["label"]) for row in of if row["text"].strip()]
        for split, of in data.splits.items()
    }
    seen = {split: {text for text, _ in of} for split, of in rows.items()}
    labels = defaultdict(set)
    for of in rows.values():
        for text, label in of:
            labels[text].add(label)
    in_train = [row for row in rows["test"] if row[0] in seen["train"]]
    return {
        "validation in train": sum(text in seen["train"] for text, _ in rows["validation"]),
        "test in train": len(in_train),
        "test in validation only": sum(
            text in seen["validation"] and text not in seen["train"] for text, _ in rows["test"]
        ),
        "other label": sum(row not in rows["train"] for row in in_train),
        "repeats": {
            split: sum(count - 1 for count in Counter(text for text, _ in of).values()) for split, of in rows.items()
        },
        "conflicts": sum(len(of) > 1 for of in labels.values()),
    }
