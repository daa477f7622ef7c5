"""Against the Jaccard index of all pairs."""

import random

import pytest

from hftk.analysis import near_duplicates
from hftk.analysis.near_duplicates import near_overlaps
from hftk.analysis.row_keys import row_keys
from hftk.analysis.row_texts import normalized, words
from hftk.data import LabelledData

WORDS = [
    f"{a}{b}" for a in ("gar", "mil", "tor", "sen", "bul", "kim", "wod", "zap") for b in ("den", "ker", "ing", "os")
]


def found_in(data: LabelledData):
    return near_overlaps(data.splits, {split: row_keys(rows) for split, rows in data.splits.items()})


def text_of(rng: random.Random, count: int = 25) -> str:
    return " ".join(rng.choices(WORDS, k=count))


def test_nearly_equal_rows_are_those_of_all_pairs_compared(texts):
    rng = random.Random(0)
    train = [text_of(rng) for _ in range(150)]
    test = [text_of(rng) for _ in range(30)]
    for number in range(120):  # of every likeness
        parts = train[number].split()
        for _ in range(number % 8):
            parts[rng.randrange(len(parts))] = rng.choice(WORDS)
        test.append(" ".join(parts) + " !")
    data = texts(
        train=[(text, "good") for text in train], validation=[("none", "bad")], test=[(t, "bad") for t in test]
    )
    nothing, found = found_in(data)
    pieces = {text: _pieces(text) for text in {*train, *test}}
    best = [max((_jaccard(pieces[text], pieces[other]), other) for other in train)[0] for text in test]
    expected = {row for row, likeness in enumerate(best) if likeness >= 0.8}
    assert 40 < len(expected) < 120
    assert {twin.row.row for twin in found.first} == expected
    for twin in found.first:
        assert twin.similarity == pytest.approx(best[twin.row.row], abs=6e-4)
    assert (found.rows, found.of, found.among, found.other_label) == (len(expected), 150, 150, len(expected))
    assert (nothing.split, nothing.rows) == ("validation", 0)


def test_equal_rows_and_short_ones_are_not_among_them(texts):
    long = "the quick brown fox jumps over the lazy dog"
    data = texts(
        train=[(long, "good"), ("thank you so much", "good")],
        validation=[(long.upper(), "good"), (f"{long}!", "good"), ("thank you so much!", "good"), ("", "bad")],
    )
    [found] = found_in(data)
    assert [(twin.row.row, twin.similarity, twin.same_label) for twin in found.first] == [(1, 1.0, True)]


def test_large_splits_are_drawn_from_and_say_so(texts, monkeypatch):
    monkeypatch.setattr(near_duplicates, "MOST_ROWS", 10)
    monkeypatch.setattr(near_duplicates, "MOST_TRAIN_ROWS", 20)
    rng = random.Random(1)
    train = [text_of(rng) for _ in range(30)]
    data = texts(train=[(text, "good") for text in train], validation=[(f"{text} .", "good") for text in train])
    [found] = found_in(data)
    assert (found.of, found.among) == (10, 20)
    assert 0 < found.rows < 10
    assert found_in(data) == [found], "the same rows each time"


def test_images_have_none(images):
    import numpy as np

    data = images(train=(np.zeros((2, 2, 2, 1), np.uint8), [0, 1]), validation=(np.zeros((1, 2, 2, 1), np.uint8), [0]))
    assert found_in(data) == []


def test_texts_without_a_letter(texts):
    data = texts(train=[("…" * 50, "good"), ("!" * 50, "bad")], validation=[("?" * 50, "good")])
    [found] = found_in(data)
    assert found.rows == 0


def _pieces(text: str) -> set[str]:
    letters = " ".join(words(normalized(text[:1000])))
    return {letters[i : i + 5] for i in range(len(letters) - 4)}


def _jaccard(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)
