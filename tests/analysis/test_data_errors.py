import json

import numpy as np
import pytest

from hftk.analysis.data_errors import DataFacts, find_data_errors
from hftk.analysis.duplicates import RowName
from hftk.analysis.row_texts import normalized

TEXTS, TAGS, IMAGES = "text-classification", "token-classification", "image-classification"


def test_counts_of_a_small_set(texts):
    data = texts(
        ("bad", "good", "mixed"),
        train=[("one", "good"), ("one", "good"), ("", "bad"), ("two", "mixed")],
        validation=[(" ", "bad")],
        test=[("two", "good")],
    )
    told = []
    found = find_data_errors(data, task=TEXTS, tell=told.append)
    assert found.rows == {"train": 4, "validation": 1, "test": 1}
    assert found.classes == {"train": [1, 2, 1], "validation": [1, 0, 0], "test": [0, 1, 0]}
    assert found.empty == {"train": 1, "validation": 1, "test": 0}
    assert found.first_empty == [RowName("train", "train.csv", 2), RowName("validation", "validation.csv", 0)]
    assert found.repeats == {"train": 1, "validation": 0, "test": 0}
    assert [overlap.rows for overlap in found.overlaps] == [0, 1, 0]
    assert told == ["looking for duplicates in the data", "looking for near-duplicates in the data"]


def test_words_are_counted_by_their_tags(sentences):
    data = sentences(train=["a/N b/V c/N", "d/N"], validation=["e/V"])
    assert find_data_errors(data, task=TAGS).classes == {"train": [3, 1], "validation": [0, 1]}


@pytest.mark.parametrize("kind", ["texts", "pairs", "sentences", "images"])
def test_to_json_and_back(kind, texts, sentences, images):
    long = "a text that is long enough to be compared with others"
    pixels = np.zeros((3, 2, 2, 1), np.uint8)
    data, task = {
        "texts": lambda: (
            texts(
                train=[(long, "good"), ("x", "bad"), ("x", "good")],
                validation=[(f"{long} too", "bad")],
                test=[("x", "bad")],
            ),
            TEXTS,
        ),
        "pairs": lambda: (texts(train=[("a", "b", "good"), ("a", "b", "bad")], validation=[("a", "b", "bad")]), TEXTS),
        "sentences": lambda: (sentences(train=["a/N b/V", "a/V b/V"], validation=["a/N b/V"]), TAGS),
        "images": lambda: (images(train=(pixels, [0, 1, 1]), validation=(pixels, [0, 0, 0])), IMAGES),
    }[kind]()
    found = find_data_errors(data, task=task)
    assert DataFacts.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert found == find_data_errors(data, task=task), "the same each time"


def test_what_is_no_such_json():
    with pytest.raises(ValueError, match="task"):
        DataFacts.from_json({"rows": {}})


def test_cola_has_18_development_sentences_in_train(real, shared_data):
    data, task = real("cola")
    found = find_data_errors(data, task=task)
    in_test = [overlap for overlap in found.overlaps if overlap.split == "test"]
    assert {overlap.other: overlap.rows for overlap in in_test} == {"train": 17, "validation": 1}
    assert found.conflicts.contents == 16
    assert found.repeats["train"] + sum(overlap.rows for overlap in found.overlaps) + found.repeats["test"] == 43

    def sentences(name: str) -> list[str]:
        lines = (shared_data / "cola" / name).read_text(encoding="utf-8").splitlines()
        return [normalized(line.split("\t")[3]) for line in lines]

    train = set(sentences("in_domain_train.tsv"))
    expected = {
        (name, row)
        for name in ("in_domain_dev.tsv", "out_of_domain_dev.tsv")
        for row, sentence in enumerate(sentences(name))
        if sentence in train
    }
    assert len(expected) == 18
    named = {(twin.row.source, twin.row.row) for overlap in in_test for twin in overlap.first}
    assert named == expected


@pytest.mark.slow
def test_ud_ewt_has_72_and_105_sentences_in_train(real):
    data, task = real("ewt")
    found = find_data_errors(data, task=task)
    assert [(o.split, o.other, o.rows, o.long) for o in found.overlaps[:2]] == [
        ("validation", "train", 72, 2),
        ("test", "train", 105, 1),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, expected",
    {
        "20ng": {"empty": 515, "conflicts": 15, "test seen": 18, "repeated": 78},
        "airline": {"empty": 0, "conflicts": 27, "test seen": 0, "repeated": 234},
        "reviews": {"empty": 0, "conflicts": 0, "test seen": 0, "repeated": 0},
        "korean": {"empty": 0, "conflicts": 111, "test seen": 0, "repeated": 1000},
        "fashion": {"empty": 0, "conflicts": 0, "test seen": 0, "repeated": 0},
    }.items(),
)
def test_what_the_readme_of_the_data_says_is_odd(real, name, expected):
    data, task = real(name)
    found = find_data_errors(data, task=task)
    seen = sum(overlap.rows for overlap in found.overlaps if overlap.split == "test")
    assert {
        "empty": sum(found.empty.values()),
        "conflicts": found.conflicts.contents,
        "test seen": seen,
        "repeated": _repeated(data),
    } == expected


def _repeated(data) -> int:
    """Rows that repeat an earlier one of any split: what the splits' own and shared ones add up to."""
    from hftk.analysis.row_keys import row_keys

    keys = [row_keys(rows) for rows in data.splits.values()]
    contents = np.concatenate([of.contents[~of.blank] for of in keys])
    return len(contents) - len(np.unique(contents))
