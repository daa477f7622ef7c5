"""Small sets whose answers are known, the same each time, and what happens where nothing can be fitted."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from hftk.analysis import answers, linear_pixels, linear_text
from hftk.analysis.answers import item_labels
from hftk.analysis.baselines import LINEAR_PIXELS, LINEAR_TEXT, MAJORITY, TAG_PER_WORD, fit_baselines
from hftk.analysis.description import LeftOut

TEXTS, TAGS, IMAGES = "text-classification", "token-classification", "image-classification"


def named(data, task):
    found, left_out = fit_baselines(data, task=task)
    return {one.name: one.answers for one in found}, left_out


def accuracy(data, answers, split="test") -> float:
    return float((answers.predictions[split] == item_labels(data, split)).mean())


def reviews(count: int, start: int = 0):
    return [
        (f"number {i} is {'a fine film' if i % 3 else 'a dull film'} of {i % 7} hours", ("bad", "good")[bool(i % 3)])
        for i in range(start, start + count)
    ]


def test_of_texts(texts):
    data = texts(train=reviews(60), validation=reviews(20, 60), test=reviews(30, 80))
    found, left_out = named(data, TEXTS)
    assert list(found) == [MAJORITY, LINEAR_TEXT] and left_out == []
    assert found[MAJORITY].predictions["validation"].tolist() == [1] * 20
    assert accuracy(data, found[LINEAR_TEXT]) == 1.0
    assert (found[LINEAR_TEXT].fitted_rows, found[LINEAR_TEXT].note) == (60, None)
    again, _ = named(data, TEXTS)
    assert all((again[LINEAR_TEXT].predictions[s] == p).all() for s, p in found[LINEAR_TEXT].predictions.items())


def test_both_texts_of_a_pair_are_read(texts):
    train = [(f"w{i}", ("yes", "no")[i % 2], ("good", "bad")[i % 2]) for i in range(40)]
    swapped = [("yes no", "yes", "good"), ("yes", "no", "bad")] * 5
    data = texts(train=train, validation=swapped)
    found, _ = named(data, TEXTS)
    assert accuracy(data, found[LINEAR_TEXT], "validation") == 1.0


def test_a_script_without_words_is_read_by_characters(texts):
    train = [
        (f"{'재미있는데요' if i % 2 else '지루한데요'}{chr(0xAC00 + 40 * i)}", ("bad", "good")[i % 2])
        for i in range(40)
    ]
    data = texts(train=train, validation=[("정말재미있었다", "good"), ("너무지루했다", "bad")])
    found, _ = named(data, TEXTS)
    assert accuracy(data, found[LINEAR_TEXT], "validation") == 1.0, "no word of validation is in train"
    assert found[LINEAR_TEXT].note == "pieces of 1 to 3 characters in place of words, which say little in this script"


def test_most_frequent_tag_per_word_is_that_of_a_plain_count(sentences):
    random = np.random.default_rng(0)
    tags = ("A", "B", "C")

    def rows(count):
        return [
            " ".join(f"w{random.integers(12)}/{tags[random.integers(3)]}" for _ in range(random.integers(1, 6)))
            for _ in range(count)
        ]

    splits = {"train": rows(30), "validation": rows(8), "test": rows(9)}
    splits["test"].append("unseen/A W1/B")
    data = sentences(tags, **splits)
    found, left_out = named(data, TAGS)
    assert list(found) == [MAJORITY, TAG_PER_WORD] and left_out == []
    counts = defaultdict(Counter)
    for row in splits["train"]:
        for word, tag in (pair.split("/") for pair in row.split()):
            counts[word][tags.index(tag)] += 1
    every = sum(counts.values(), Counter())
    most = min(every, key=lambda tag: (-every[tag], tag))
    for split in ("validation", "test"):
        words = [pair.split("/")[0] for row in splits[split] for pair in row.split()]
        expected = [min(counts[w], key=lambda t, w=w: (-counts[w][t], t)) if w in counts else most for w in words]
        assert found[TAG_PER_WORD].predictions[split].tolist() == expected
        assert found[MAJORITY].predictions[split].tolist() == [most] * len(words)


def test_of_equally_frequent_tags_the_first_of_the_labels(sentences):
    data = sentences(("A", "B"), train=["x/B x/A y/A y/A z/B"], validation=["x/A z/A unseen/B"])
    found, _ = named(data, TAGS)
    assert found[TAG_PER_WORD].predictions["validation"].tolist() == [0, 1, 0]


def squares(count: int, side: int = 6, channels: int = 1):
    """Bright on the left, or on the right."""
    random = np.random.default_rng(count)
    pixels = random.integers(0, 120, (count, side, side, channels), dtype=np.uint8)
    labels = [i % 2 for i in range(count)]
    for image, label in zip(pixels, labels, strict=True):
        image[:, side // 2 * label : side // 2 * (label + 1)] += 100
    return pixels, labels


def test_of_images(images):
    data = images(train=squares(60), validation=squares(20), test=squares(21))
    found, left_out = named(data, IMAGES)
    assert list(found) == [MAJORITY, LINEAR_PIXELS] and left_out == []
    assert accuracy(data, found[LINEAR_PIXELS]) == 1.0
    assert found[LINEAR_PIXELS].note is None


def test_large_images_are_made_smaller(images):
    data = images(train=squares(30, side=50, channels=3), validation=squares(10, side=50, channels=3))
    found, _ = named(data, IMAGES)
    assert accuracy(data, found[LINEAR_PIXELS], "validation") == 1.0
    assert found[LINEAR_PIXELS].note == "images made 3 times smaller"


def test_smaller_images_are_means_of_blocks():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    smaller = linear_pixels._smaller(pixels, 3)
    assert smaller.shape == (2, 2, 3, 3)
    np.testing.assert_allclose(smaller[1, 1, 2], pixels[1, 3:5, 6:7].mean(axis=(0, 1)), rtol=1e-6)
    np.testing.assert_allclose(smaller[0, 0, 0], pixels[0, :3, :3].mean(axis=(0, 1)), rtol=1e-6)
    np.testing.assert_array_equal(linear_pixels._smaller(pixels, 1), pixels)


def test_no_more_rows_than_take_seconds(texts, images, monkeypatch):
    data = texts(train=reviews(90), validation=reviews(9))
    monkeypatch.setattr(linear_text, "MOST_ROWS", 30)
    found, _ = named(data, TEXTS)
    assert found[LINEAR_TEXT].fitted_rows == 30
    assert found[LINEAR_TEXT].note == "fitted on 30 of 90 rows, every class in its share"
    monkeypatch.setattr(linear_text, "MOST_WORK", 20 * 2 * 9)  # rows × classes × words of a row
    assert named(data, TEXTS)[0][LINEAR_TEXT].fitted_rows == pytest.approx(20, abs=1)
    monkeypatch.setattr(linear_text, "MOST_CHARACTERS", {"words": 10 * 36, "characters": 0})
    assert named(data, TEXTS)[0][LINEAR_TEXT].fitted_rows == pytest.approx(10, abs=1)
    monkeypatch.setattr(linear_pixels, "MOST_ROWS", 12)
    found, _ = named(images(train=squares(40), validation=squares(4)), IMAGES)
    assert found[LINEAR_PIXELS].note == "fitted on 12 of 40 rows, every class in its share"


def test_every_class_keeps_its_share_and_none_is_lost():
    labels = np.array([0] * 90 + [1] * 9 + [2])
    at = answers.drawn(labels, 20)
    assert np.bincount(labels[at]).tolist() == [18, 1, 1]
    assert (answers.drawn(labels, 20) == at).all()
    assert answers.drawn(labels, 100).tolist() == list(range(100))


def test_what_cannot_be_fitted_is_left_out_with_the_reason(texts, images):
    one_class = texts(train=[("a", "good"), ("b", "good")], validation=[("a", "bad")])
    found, left_out = named(one_class, TEXTS)
    assert list(found) == [MAJORITY]
    assert left_out == [LeftOut(LINEAR_TEXT, "train has one class only")]
    empty = texts(train=[("", "good"), (" ", "bad")], validation=[("a", "bad")])
    assert named(empty, TEXTS)[1] == [LeftOut(LINEAR_TEXT, "no text of train has a word")]
    pixels, _ = squares(4)
    same = images(train=(pixels, [1, 1, 1, 1]), validation=(pixels, [0, 0, 1, 1]))
    assert named(same, IMAGES)[1] == [LeftOut(LINEAR_PIXELS, "train has one class only")]


def test_what_a_library_refuses_ends_nothing(texts, monkeypatch):
    def refuse(data):
        raise MemoryError("no room")

    monkeypatch.setattr("hftk.analysis.baselines.linear_on_words", refuse)
    found, left_out = named(texts(train=reviews(4), validation=reviews(2)), TEXTS)
    assert list(found) == [MAJORITY]
    assert left_out == [LeftOut(LINEAR_TEXT, "MemoryError: no room")]


@pytest.mark.parametrize(
    "train", [[("a", "good"), ("b", "bad")], [("a", "good"), ("", "bad")], [("!", "good"), ("?", "bad")]]
)
def test_two_rows(texts, train):
    data = texts(train=train, validation=[(train[0][0], "good")])
    found, left_out = named(data, TEXTS)
    assert left_out == []
    assert found[LINEAR_TEXT].predictions["validation"].tolist() == [1]
    assert set(found[LINEAR_TEXT].predictions) == {"validation"}, "there is no test split"


# accuracy on test, and on validation where it decided; measured
@pytest.mark.slow
@pytest.mark.parametrize(
    "name, baseline, validation, test",
    [
        ("20ng", LINEAR_TEXT, 0.759, 0.703),
        ("airline", LINEAR_TEXT, 0.828, 0.823),
        ("reviews", LINEAR_TEXT, 0.799, 0.769),
        ("cola", LINEAR_TEXT, 0.685, 0.688),
        ("cola", MAJORITY, 0.704, 0.689),
        ("korean", LINEAR_TEXT, 0.668, 0.667),
        ("ewt", TAG_PER_WORD, 0.840, 0.838),
        ("fashion", LINEAR_PIXELS, 0.858, 0.838),
    ],
)
def test_of_real_data(real, name, baseline, validation, test):
    data, task = real(name)
    found, left_out = named(data, task)
    assert left_out == []
    assert accuracy(data, found[baseline], "validation") == pytest.approx(validation, abs=0.004)
    assert accuracy(data, found[baseline]) == pytest.approx(test, abs=0.004)
