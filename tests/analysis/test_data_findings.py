"""Sentences, and when they are silent."""

import json

import numpy as np
import pytest

from hftk.analysis.data_errors import find_data_errors
from hftk.analysis.data_findings import lines, problems, truncation
from hftk.training.findings import Suggestion

TEXTS, TAGS, IMAGES = "text-classification", "token-classification", "image-classification"
LONG = "the committee met on Tuesday and talked about the new bridge over the river"


@pytest.fixture
def faulty(texts):
    """One fault of each kind."""
    return texts(
        ("bad", "good", "mixed"),
        train=[
            (LONG, "good"),
            ("the same words", "good"),
            ("the same words", "bad"),
            ("a row of its own", "good"),
            ("", "good"),
            ("x y", "good"),
            ("x z", "mixed"),
        ],
        validation=[(f"{LONG}!", "bad"), ("brand new", "good"), ("\t", "mixed")],
        test=[("The same  words", "bad"), (LONG.upper(), "bad"), ("BRAND new", "good"), ("y", "mixed")],
    )


def test_every_fault_in_a_sentence(faulty):
    assert lines(find_data_errors(faulty, task=TEXTS)) == [
        "3 of 4 rows of test also occur in train (2) or validation (1), 2 of them with at most 5 words: row 1 of "
        "test.csv and row 0 of train.csv “THE COMMITTEE MET ON TUESDAY AND TALKED ABOUT THE NEW BRIDG…”; row 0 of "
        "test.csv and row 1 of train.csv “The same words” and 1 more (rows counted from 0); 2 have the same labels "
        "there: what was learnt by heart counts as right",
        "1 of 3 rows of validation is nearly equal to a row of train, 1 of them with another label: row 0 of "
        "validation.csv and row 0 of train.csv “the committee met on Tuesday and talked about the new bridg…” (rows "
        "counted from 0)",
        "2 texts occur with different labels, in 3 rows of train and 2 rows of test: “the same words” is good in row 1 "
        "of train.csv and bad in row 2 of train.csv (rows counted from 0); no model can be right on all of them",
        "2 rows have an empty text (1 of train and 1 of validation): row 4 of train.csv, row 2 of validation.csv (rows "
        "counted from 0); a model can only guess there",
        "the classes of train are uneven: good has 5 rows (71 %), bad 1, 5.0 times fewer; accuracy hides what happens "
        "to small classes",
        "rows that repeat an earlier row of their own split: 1 of 7 of train",
        "vocabulary: 93.8 % of the words of validation occur in train, and 92.3 % of its distinct words",
        "vocabulary: 95.0 % of the words of test occur in train, and 93.8 % of its distinct words",
    ]


def test_every_fault_as_a_finding(faulty):
    found = {problem.kind: problem for problem in problems(find_data_errors(faulty, task=TEXTS))}
    assert list(found) == [
        "duplicates-across-splits",
        "near-duplicates-across-splits",
        "conflicting-labels",
        "empty-texts",
        "uneven-classes",
    ]
    assert found["duplicates-across-splits"].numbers == {
        "split": "test",
        "rows": 3,
        "of": 4,
        "in_train": 2,
        "in_validation": 1,
        "with_another_label": 1,
        "of_few_words": 2,
        "which": [
            ["test.csv", 1, "train.csv", 0],
            ["test.csv", 0, "train.csv", 1],
            ["test.csv", 2, "validation.csv", 1],
        ],
    }
    assert found["uneven-classes"].suggestion == Suggestion("class_weights", "balanced")
    assert found["empty-texts"].suggestion == Suggestion("data.on_bad_rows", "skip")
    assert found["conflicting-labels"].suggestion is None
    for problem in found.values():
        json.dumps(problem.to_json())


def test_clean_data_have_facts_only(texts):
    data = texts(
        train=[(f"a good film number {i}", "good") for i in range(20)] + [(f"bad {i}", "bad") for i in range(10)],
        validation=[("a film", "good"), ("bad", "bad")],
        test=[("bad film", "good"), ("good bad film", "bad")],
    )
    found = find_data_errors(data, task=TEXTS)
    assert problems(found) == []
    assert lines(found) == [
        "vocabulary: 100.0 % of the words of validation occur in train, and 100.0 % of its distinct words",
        "vocabulary: 100.0 % of the words of test occur in train, and 100.0 % of its distinct words",
    ]


def test_classes_that_a_split_does_not_have(texts, sentences):
    data = texts(("a", "b", "c"), train=[("x", "a"), ("y", "b")], validation=[("z", "a")])
    told = [problem.message for problem in problems(find_data_errors(data, task=TEXTS))]
    assert told == [
        "train has no row of the class c, which cannot be learnt",
        "validation has no row of the class b and c, which is not measured there",
    ]
    tagged = sentences(train=["a/N b/V"], validation=["c/N"])
    [problem] = problems(find_data_errors(tagged, task=TAGS))
    assert problem.message == "validation has no word with the tag V, which is not measured there"
    assert problem.numbers == {"split": "validation", "classes": ["V"]}


def test_sentences(sentences):
    data = sentences(
        train=["one/N two/N three/N four/N five/N six/V", "go/V", "go/N"],
        validation=["One/N two/N three/N four/N five/N six/V", "go/V it/N"],
    )
    assert lines(find_data_errors(data, task=TAGS)) == [
        "1 of 2 rows of validation also occurs in train: row 0 of validation.csv and row 0 of train.csv “One two three "
        "four five six” (rows counted from 0); all have the same tags there: what was learnt by heart counts as right",
        "1 sentence occurs with different tags, in 2 rows of train: “go” in row 1 of train.csv, row 2 of train.csv "
        "(rows counted from 0); no model can be right on all of them",
        "rows that repeat an earlier row of their own split: 1 of 3 of train",
        "vocabulary: 75.0 % of the words of validation occur in train, and 75.0 % of its distinct words",
    ]


def test_images(images):
    pixels = np.arange(32, dtype=np.uint8).reshape(4, 2, 4, 1)
    data = images(train=(pixels, [0, 1, 0, 1]), validation=(pixels[:1], [1]))
    told = lines(find_data_errors(data, task=IMAGES))
    assert told[:2] == [
        "1 of 1 rows of validation also occurs in train: row 0 of validation.csv and row 0 of train.csv (rows counted "
        "from 0); none has the same labels there",
        "1 image occurs with different labels, in 1 row of train and 1 row of validation: one is a in row 0 of "
        "train.csv and b in row 0 of validation.csv (rows counted from 0); no model can be right on all of them",
    ]
    assert told[-1] == "images are compared pixel by pixel: nearly equal ones are not looked for"


def test_where_not_every_row_was_compared(texts, monkeypatch):
    monkeypatch.setattr("hftk.analysis.near_duplicates.MOST_ROWS", 2)
    data = texts(train=[("a b", "good"), ("b c", "bad")], validation=[("a", "bad"), ("c", "good"), ("b", "good")])
    assert lines(find_data_errors(data, task=TEXTS))[-1] == (
        "nearly equal rows were looked for among 2 of 3 rows of validation and 2 of 2 of train, drawn at random"
    )


def test_a_text_cannot_command_a_terminal(texts):
    data = texts(train=[("\x1b[31mred\n", "good"), ("\x1b[31mred", "bad")], validation=[("v", "good")])
    [told] = [line for line in lines(find_data_errors(data, task=TEXTS)) if "different labels" in line]
    assert "“[31mred”" in told and told.isprintable()


def test_truncation():
    rows, cut = {"train": 1000, "validation": 100, "test": 100}, {"train": 120, "validation": 4, "test": 5}
    found = truncation(rows, cut, max_length=150, longer_are="cut")
    assert (
        found.message
        == "12 % of the rows of train and 5 % of the rows of test are longer than 150 tokens and lose what follows"
    )
    assert found.numbers == {"max_length": 150, "share_train": 0.12, "share_validation": 0.04, "share_test": 0.05}
    assert found.suggestion == Suggestion("data.max_length", 300)
    assert truncation(rows, {"train": 49}, max_length=150, longer_are="cut") is None
    assert truncation(rows, cut, max_length=150, longer_are="read in parts") is None
    assert truncation(rows, {}, max_length=None, longer_are="cut") is None, "images"
