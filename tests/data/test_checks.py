import pytest

from hftk.data.checks import apply_policy, find_bad_rows, refuse_hidden_labels
from hftk.data.labels import LabelMap
from hftk.data.rows import HIDDEN, Rows, first_rows
from hftk.data.where import Where
from hftk.errors import DataError

MAP = LabelMap(["a", "b"], {"a": 0, "b": 1}, str)


def rows(texts, labels=None, pairs=None, lines=False):
    count = len(texts)
    return Rows(
        list(range(count)),
        ["f.csv"] * count,
        [i + 2 if lines else None for i in range(count)],
        {"text": texts} | ({"text_pair": pairs} if pairs else {}),
        labels or ["a"] * count,
    )


def faults(rows):
    return {fault.fault: fault.positions for fault in find_bad_rows("train", rows, MAP)}


def policy(on_bad_rows, **splits):
    bad = {split: find_bad_rows(split, rows, MAP) for split, rows in splits.items()}
    return apply_policy(splits, bad, on_bad_rows=on_bad_rows, where=Where())


def test_faults_of_texts():
    texts = ["fine", "", " \t\u3000", None, float("nan"), 3, ["a"], "half \ud800", "좋다 🙂"]
    assert faults(rows(texts)) == {
        "text is empty or white space only": [1, 2],
        "text is null": [3, 4],
        "text is not text but int": [5],
        "text is not text but list": [6],
        "text is not valid Unicode": [7],
    }
    assert faults(rows(["x", "x"], pairs=["y", ""])) == {"text_pair is empty or white space only": [1]}


def test_faults_of_labels():
    assert faults(rows(["x"] * 5, labels=["a", None, "c", 1, HIDDEN])) == {
        "label is null": [1],
        "label 'c' does not occur in train": [2],
        "label is of another type than in train (int)": [3],
        "label is hidden (-1)": [4],
    }


def test_the_first_rows_are_named_by_line_or_number():
    assert first_rows(rows(["x"] * 9, lines=True), [1, 3]) == "lines 3, 5 of f.csv"
    assert first_rows(rows(["x"] * 9), [4]) == "row 4 (counted from 0) of f.csv"
    assert first_rows(rows(["x"] * 9), list(range(9))) == "rows 0, 1, 2, 3, 4 (counted from 0) of f.csv, …"


def test_stop_says_everything_found_and_what_to_write():
    with pytest.raises(DataError) as raised:
        policy("stop", train=rows(["x", "", None], lines=True), test=rows(["", "y"]))
    assert str(raised.value).split("\n") == [
        "data.on_bad_rows: there are bad rows",
        "  train: 1 of 3 rows: text is empty or white space only: line 3 of f.csv",
        "  train: 1 of 3 rows: text is null: line 4 of f.csv",
        "  test: 1 of 2 rows: text is empty or white space only: row 0 (counted from 0) of f.csv",
        "  Mend them, or write data.on_bad_rows: skip (they are left out, and counted), "
        "or keep (they are predicted like any other text).",
    ]
    with pytest.raises(DataError, match=r"left out, and counted\)\.$"):
        policy("stop", train=rows(["x", "y"], labels=["a", None]))


def test_skip_drops_and_counts():
    left, notices = policy("skip", train=rows(["x", "", "z"], labels=["a", None, "b"]), test=rows(["y"]))
    assert left["train"].row == [0, 2] and len(left["test"]) == 1
    assert notices == [
        "skipped 1 of 3 rows of train: 2 are left (text is empty or white space only: row 1 (counted from 0) of f.csv; "
        "label is null: row 1 (counted from 0) of f.csv)"
    ]


def test_keep_keeps_empty_texts_and_tells():
    left, notices = policy("keep", train=rows(["x", None, " "], pairs=["", "y", "z"]))
    assert left["train"].inputs == {"text": ["x", "", " "], "text_pair": ["", "y", "z"]}
    assert notices[0] == "kept: train: 1 of 3 rows: text is null: row 1 (counted from 0) of f.csv"


@pytest.mark.parametrize("bad", [{"labels": ["a", None]}, {"labels": ["a", "c"]}, {"texts": ["x", 3]}])
def test_keep_cannot_keep_everything(bad):
    with pytest.raises(
        DataError, match=r"(?s)^data\.on_bad_rows: there are rows that cannot be kept.*on_bad_rows: skip"
    ):
        policy("keep", train=rows(**({"texts": ["x", "y"]} | bad)))


def test_nothing_left():
    with pytest.raises(
        DataError, match=r"^data\.on_bad_rows: no row of test is usable\n  test: 1 of 1 rows: text is null"
    ):
        policy("skip", train=rows(["x"]), test=rows([None]))


def test_hidden_labels():
    refuse_hidden_labels({"test": rows([[]], labels=[[]])}, where=Where())
    with pytest.raises(DataError, match=r"^data\.splits\.test: all 2 labels of f\.csv are hidden \(-1\)"):
        refuse_hidden_labels({"test": rows(["x", "y"], labels=[HIDDEN, HIDDEN])}, where=Where())
