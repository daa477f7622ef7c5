"""Texts whose label stands at their end, or at their beginning: what a linear model loses where they are cut."""

import random
from dataclasses import replace

import numpy as np
import pytest

from hftk.analysis import linear_text
from hftk.analysis.answers import item_labels
from hftk.analysis.cut_baseline import measure_cutting, paired_interval

WORDS = [f"w{number}" for number in range(40)]


def rows(count, *, at, length, seed):
    """The word that tells the label stands at place `at`."""
    draw = random.Random(seed)
    made = []
    for number in range(count):
        words = draw.choices(WORDS, k=length)
        words[at] = ("dull", "fine")[number % 2]
        made.append((" ".join(words), ("bad", "good")[number % 2]))
    return made


def cut_at(data, length):
    """Words, as a tokenizer of words cuts them."""

    def shorter(split):
        return split.map(lambda row: {"text": " ".join(row["text"].split()[:length])})

    return replace(data, splits={name: shorter(split) for name, split in data.splits.items()})


def measured(data, *, max_length, most=512, cut=cut_at):
    lengths = np.array([len(text.split()) for text in data.splits["validation"]["text"]])
    return measure_cutting(data, max_length=max_length, lengths=lengths, most=most, cut=cut)


def test_what_is_cut_off_told_the_label(texts):
    data = texts(train=rows(200, at=25, length=40, seed=0), validation=rows(100, at=25, length=40, seed=1))
    found = measured(data, max_length=8)
    assert found.hurts and found.whole_accuracy == 1.0 and found.cut_accuracy < 0.7
    assert (found.cut_share, found.n, found.max_length) == (1.0, 100, 8)
    assert found.low < found.whole_accuracy - found.cut_accuracy < found.high
    assert (found.enough, found.enough_accuracy) == (32, 1.0), "8, 16, 32: there the word at place 25 is read"
    limited = measured(data, max_length=8, most=20)
    assert limited.enough == 20 and limited.enough_accuracy < 0.7, "the model takes no more"


def test_what_is_cut_off_told_nothing(texts):
    data = texts(train=rows(200, at=2, length=40, seed=0), validation=rows(100, at=2, length=40, seed=1))
    found = measured(data, max_length=8)
    assert not found.hurts and found.cut_accuracy == 1.0 and found.enough is None
    assert found.low < 0 < found.high


def test_few_rows_show_nothing(texts):
    data = texts(train=rows(200, at=25, length=40, seed=0), validation=rows(6, at=25, length=40, seed=1))
    found = measured(data, max_length=8)
    assert found.whole_accuracy > found.cut_accuracy and not found.hurts


def test_nothing_is_measured_where_it_cannot_be(texts):
    one = texts(train=[("a b c", "good")] * 20, validation=[("a b c", "good")] * 20)
    assert measured(one, max_length=1) is None, "one class"
    data = texts(train=rows(40, at=5, length=8, seed=0), validation=rows(20, at=5, length=8, seed=1))
    assert measured(data, max_length=2, cut=lambda data, length: None) is None, "it is not known where texts are cut"


def test_the_same_rows_are_learnt_from_and_judged(texts, monkeypatch):
    monkeypatch.setattr("hftk.analysis.cut_baseline._MOST_JUDGED", 30)
    monkeypatch.setitem(linear_text.MOST_CHARACTERS, "words", 6000)
    data = texts(train=rows(200, at=25, length=40, seed=0), validation=rows(100, at=25, length=40, seed=1))
    seen = []

    def noting(data, length):
        seen.append((len(data.splits["train"]), len(data.splits["validation"])))
        assert np.bincount(item_labels(data, "validation")).tolist() == [15, 15]
        return cut_at(data, length)

    found = measured(data, max_length=8, cut=noting)
    assert found.n == 30 and set(seen) == {(39, 30)}, "6,000 characters, 151 a row"


def test_no_row_that_was_chosen_is_left_out_of_one_fit_alone(texts, monkeypatch):
    """How many can be read is estimated from a few texts: of those chosen, the whole texts would be found too long."""
    monkeypatch.setattr(linear_text, "_LOOKED_AT", 2)
    monkeypatch.setitem(linear_text.MOST_CHARACTERS, "words", 6000)
    fitted = []

    def noting(data, **more):
        answers = linear_text.linear_on_words(data, **more)
        fitted.append(answers.fitted_rows)
        monkeypatch.setitem(linear_text.MOST_CHARACTERS, "words", 3000)
        return answers

    monkeypatch.setattr("hftk.analysis.cut_baseline.linear_on_words", noting)
    data = texts(train=rows(200, at=25, length=40, seed=0), validation=rows(100, at=25, length=40, seed=1))
    measured(data, max_length=8)
    assert len(fitted) >= 2 and len(set(fitted)) == 1 and fitted[0] < 60


@pytest.mark.parametrize(("n", "more", "less"), [(100, 12, 3), (400, 60, 40), (2000, 9, 9)])
def test_the_interval_is_that_of_resampled_rows(n, more, less):
    one, other = np.zeros(n, bool), np.zeros(n, bool)
    one[:more], other[more : more + less] = True, True
    one[-n // 3 :] = other[-n // 3 :] = True
    low, high = paired_interval(one, other)
    difference = one.astype(int) - other
    draws = np.random.default_rng(0).choice(difference, size=(4000, n)).mean(axis=1)
    assert [low, high] == pytest.approx(np.quantile(draws, [0.025, 0.975]).tolist(), abs=0.012)


def test_the_interval_of_rows_that_agree_is_not_empty():
    low, high = paired_interval(np.ones(50, bool), np.ones(50, bool))
    assert low < 0 < high and high == -low


def test_the_interval_covers():
    """Of 2,000 samples of 60 rows with a difference of 0.1, the interval holds it in about 95 %."""
    draw = np.random.default_rng(0)
    held = 0
    for _ in range(2000):
        kinds = draw.choice(4, size=60, p=[0.5, 0.18, 0.08, 0.24])
        low, high = paired_interval(np.isin(kinds, [0, 1]), np.isin(kinds, [0, 2]))
        held += low <= 0.1 <= high
    assert 0.93 <= held / 2000 <= 0.98
