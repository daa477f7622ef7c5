"""Small labelled data for the tests of hftk.analysis."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hftk.data import LabelledData, load
from hftk.data.labelled import labelled_data
from hftk.data.rows import Rows
from hftk.recipe import schema


@pytest.fixture
def texts() -> Callable[..., LabelledData]:
    """Splits of (text, label) or (text, text_pair, label)."""

    def texts(labels: Sequence[str] = ("bad", "good"), **splits: Sequence[tuple]) -> LabelledData:
        def inputs(rows: Sequence[tuple]) -> dict[str, list[str]]:
            columns = {"text": [row[0] for row in rows], "text_pair": [row[1] for row in rows]}
            return columns if rows and len(rows[0]) == 3 else {"text": columns["text"]}

        made = {
            split: _rows(split, inputs(rows), [labels.index(row[-1]) for row in rows]) for split, rows in splits.items()
        }
        return _labelled(made, labels)

    return texts


@pytest.fixture
def sentences() -> Callable[..., LabelledData]:
    """Splits of sentences, written `word/TAG word/TAG`."""

    def sentences(labels: Sequence[str] = ("N", "V"), **splits: Sequence[str]) -> LabelledData:
        made = {}
        for split, rows in splits.items():
            pairs = [[word.rsplit("/", 1) for word in row.split()] for row in rows]
            tags = [[labels.index(tag) for _, tag in row] for row in pairs]
            made[split] = _rows(split, {"tokens": [[word for word, _ in row] for row in pairs]}, tags)
        return _labelled(made, labels)

    return sentences


@pytest.fixture
def images() -> Callable[..., LabelledData]:
    """Splits of (rows, height, width, channels) uint8 pixels and label ids."""

    def images(labels: Sequence[str] = ("a", "b"), **splits: tuple[np.ndarray, Sequence[int]]) -> LabelledData:
        made = {split: _rows(split, {"image": pixels}, list(ids)) for split, (pixels, ids) in splits.items()}
        return _labelled(made, labels, image_shape=splits["train"][0].shape[1:])

    return images


@pytest.fixture
def real(shared_data: Path) -> Callable[[str], tuple[LabelledData, str]]:
    """A real data set as its recipe reads it, and its task."""

    def real(name: str) -> tuple[LabelledData, str]:
        task, keys = REAL[name]
        keys = dict(keys, path=str(shared_data / keys["path"]))
        return load(schema.Data(**keys), task=task), task

    return real


def _rows(split: str, inputs: Mapping[str, Any], labels: list[Any]) -> Rows:
    count = len(labels)
    return Rows(list(range(count)), [f"{split}.csv"] * count, [None] * count, dict(inputs), labels)


def _labelled(splits: Mapping[str, Rows], labels: Sequence[str], **more: Any) -> LabelledData:
    before = {split: len(rows) for split, rows in splits.items()}
    return labelled_data(splits, list(labels), rows_before=before, notices=[], **more)


def _by_column(validation: Any = "validation") -> dict[str, Any]:
    marked = {split: {"column": "split", "value": split} for split in ("train", "test")}
    by = validation if isinstance(validation, float) else {"column": "split", "value": validation}
    return marked | {"validation": by}


REAL: dict[str, tuple[str, dict[str, Any]]] = {
    "cola": (
        "text-classification",
        {
            "path": "cola",
            "column_names": ["source", "label", "mark", "sentence"],
            "quoting": "none",
            "columns": {"text": "sentence", "label": "label"},
            "label_names": {0: "unacceptable", 1: "acceptable"},
            "splits": {
                "train": "in_domain_train.tsv",
                "validation": 0.1,
                "test": ["in_domain_dev.tsv", "out_of_domain_dev.tsv"],
            },
        },
    ),
    "20ng": (
        "text-classification",
        {
            "path": "twenty_newsgroups/twenty_newsgroups.parquet",
            "columns": {"text": "body", "label": "label"},
            "splits": _by_column(0.1),
            "on_bad_rows": "keep",
        },
    ),
    "airline": (
        "text-classification",
        {"path": "sentiment3/twitter_us_airline.parquet", "splits": _by_column()},
    ),
    "reviews": (
        "text-classification",
        {"path": "rt_polarity/rt_polarity.parquet", "splits": _by_column()},
    ),
    "korean": (
        "text-classification",
        {"path": "korean/nsmc_3class.parquet", "splits": _by_column()},
    ),
    "ewt": (
        "token-classification",
        {
            "path": "ud_english_ewt/en_ewt-ud.parquet",
            "columns": {"tokens": "form", "tags": "xpos"},
            "splits": _by_column(),
        },
    ),
    "fashion": (
        "image-classification",
        {"path": "fashion_mnist", "splits": {"train": "train", "validation": 0.1, "test": "test"}},
    ),
}
