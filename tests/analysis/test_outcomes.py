"""predictions.parquet as arrays, and which runs can be paired."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hftk.analysis.outcomes import Outcomes, read_outcomes, unpaired_reason
from hftk.errors import RunError

LABELS = ["bad", "good"]


@pytest.fixture
def frame() -> pd.DataFrame:
    """Two rows of validation and three of test, from two files."""
    return pd.DataFrame(
        {
            "row": [4, 7, 0, 1, 0],
            "source": ["a.csv", "a.csv", "b.csv", "b.csv", "c.csv"],
            "split": ["validation", "validation", "test", "test", "test"],
            "label": ["bad", "good", "good", "bad", "good"],
            "prediction": ["bad", "bad", "good", "good", "good"],
            "probabilities": [np.array([p, 1 - p], dtype=np.float32) for p in (0.75, 0.5, 0.25, 0.125, 0.0)],
        }
    )


@pytest.fixture
def tagged(frame) -> pd.DataFrame:
    return frame.assign(word=[0, 0, 0, 1, 0], row=[4, 7, 0, 0, 0])


def written(frame: pd.DataFrame, folder):
    frame.to_parquet(folder / "predictions.parquet", index=False)
    return folder


def test_a_split_is_read_as_ids_in_the_order_of_the_file(frame, tmp_path):
    outcomes = read_outcomes(written(frame, tmp_path), split="test", labels=LABELS)
    assert outcomes.label_ids.tolist() == [1, 0, 1]
    assert outcomes.prediction_ids.tolist() == [1, 1, 1]
    assert outcomes.probabilities.tolist() == [[0.25, 0.75], [0.125, 0.875], [0.0, 1.0]]
    assert outcomes.probabilities.dtype == np.float32
    assert outcomes.unit_ids.tolist() == [0, 1, 2] and outcomes.units == 3
    assert (outcomes.rows.tolist(), outcomes.sources.tolist()) == ([0, 1, 0], ["b.csv", "b.csv", "c.csv"])
    assert outcomes.words is None


def test_words_of_a_sentence_are_one_unit(tagged, tmp_path):
    outcomes = read_outcomes(written(tagged, tmp_path), split="test", labels=LABELS)
    assert outcomes.unit_ids.tolist() == [0, 0, 1], "row 0 of c.csv is another sentence than row 0 of b.csv"
    assert outcomes.words.tolist() == [0, 1, 0]
    assert outcomes.units == 2


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(RunError, match=r"predictions\.parquet: not there\. Only a finished run has one"):
        read_outcomes(tmp_path, split="test", labels=LABELS)


def test_a_file_that_is_cut_short(frame, tmp_path):
    path = written(frame, tmp_path) / "predictions.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RunError, match=r"predictions\.parquet: cannot be read \(.*Remove the run's folder"):
        read_outcomes(tmp_path, split="test", labels=LABELS)


def test_a_split_without_rows(frame, tmp_path):
    with pytest.raises(RunError, match="no row of the split train"):
        read_outcomes(written(frame, tmp_path), split="train", labels=LABELS)


def test_a_column_that_is_missing(frame, tmp_path):
    with pytest.raises(RunError, match="no column prediction; found row, source, label, probabilities"):
        read_outcomes(written(frame.drop(columns="prediction"), tmp_path), split="test", labels=LABELS)


def test_a_label_that_the_run_does_not_know(frame, tmp_path):
    frame.loc[3, "label"] = "ugly"
    with pytest.raises(RunError, match="the label 'ugly' is none of the run's 2 labels"):
        read_outcomes(written(frame, tmp_path), split="test", labels=LABELS)


def test_probabilities_of_another_number_of_labels(frame, tmp_path):
    with pytest.raises(RunError, match="the prediction 'good' is none of the run's 1 labels|probabilities must be 1"):
        read_outcomes(written(frame[frame.label == "bad"], tmp_path), split="test", labels=["bad"])
    with pytest.raises(RunError, match="probabilities must be 3 numbers per item"):
        read_outcomes(tmp_path, split="test", labels=[*LABELS, "ugly"])


@pytest.fixture
def outcomes(tagged, tmp_path) -> Outcomes:
    return read_outcomes(written(tagged, tmp_path), split="test", labels=LABELS)


def test_the_same_items_can_be_paired_whatever_was_predicted(outcomes):
    other = replace(outcomes, prediction_ids=1 - outcomes.prediction_ids, probabilities=None)
    assert unpaired_reason(outcomes, other) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"labels": ("bad", "fine")}, "their labels differ: only one of them knows fine, good"),
        ({"labels": ("good", "bad")}, "the same label has different ids in them"),
        ({"words": None}, "the items of one are words, those of the other are rows"),
        (
            {"rows": np.array([0, 0, 5])},
            "item 3 is row 0 of c.csv, word 0 in one and row 5 of c.csv, word 0 in the other",
        ),
        (
            {"words": np.array([0, 2, 0])},
            "item 2 is row 0 of b.csv, word 1 in one and row 0 of b.csv, word 2 in the other",
        ),
        ({"label_ids": np.array([1, 1, 1])}, "row 0 of b.csv, word 1 has the label bad in one and good in the other"),
    ],
)
def test_why_two_cannot_be_paired(outcomes, changes, reason):
    assert unpaired_reason(outcomes, replace(outcomes, **changes)) == reason


def test_other_sources_or_numbers_of_items_cannot_be_paired(outcomes):
    other = replace(outcomes, sources=np.array(["b.csv", "x.csv", "c.csv"], dtype=object))
    assert "item 2 is row 0 of b.csv, word 1 in one and row 0 of x.csv" in unpaired_reason(outcomes, other)
    fewer = replace(outcomes, label_ids=outcomes.label_ids[:2])
    assert unpaired_reason(outcomes, fewer) == "they hold 3 and 2 items"
    many = replace(outcomes, labels=tuple("abcdef"))
    assert unpaired_reason(outcomes, many) == "their labels differ: only one of them knows a, b, bad and 5 more"
