"""What is odd in labelled data, found before anything is trained on them."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from hftk.analysis.duplicates import Conflicts, Overlap, RowName, conflicts, overlaps, repeats, row_name
from hftk.analysis.near_duplicates import near_overlaps
from hftk.analysis.row_keys import row_keys
from hftk.analysis.vocabulary import Coverage, coverages
from hftk.data.labelled import LabelledData

_EMPTY_KEPT = 10  # rows: to look at a few


@dataclass(frozen=True)
class DataFacts:
    """Numbers, and the rows they rest on; `hftk.analysis.data_findings` says what they mean.

    Rows are equal if their texts are but for the form of letters (NFKC), capitals and white space; images if every
    pixel is (nearly equal images are not looked for).
    """

    task: str
    labels: list[str]
    """id → name."""
    rows: dict[str, int]
    """By split."""
    classes: dict[str, list[int]]
    """By split, rows of each class in the order of `labels`; of sentences, words of each tag."""
    empty: dict[str, int]
    """By split, rows with a text that is empty or white space."""
    first_empty: list[RowName]
    """At most ten."""
    repeats: dict[str, int]
    """By split, rows that repeat an earlier row of the same split; empty ones are no duplicates, here and below."""
    overlaps: list[Overlap]
    """Equal rows across splits: validation and test in train, and what is left of test in validation."""
    near: list[Overlap]
    """Nearly equal ones: validation and test in train; empty for images."""
    conflicts: Conflicts
    coverage: list[Coverage]
    """Of validation and test; empty for images."""

    def to_json(self) -> dict[str, Any]:
        return _ADAPTER.dump_python(self, mode="json")

    @staticmethod
    def from_json(content: Any) -> "DataFacts":
        """Raises ValueError where `content` is not what `to_json` gives."""
        return _ADAPTER.validate_python(content)


_ADAPTER = TypeAdapter(DataFacts)


def find_data_errors(data: LabelledData, *, task: str, tell: Callable[[str], None] = lambda text: None) -> DataFacts:
    """Reads every row once or twice; tell: hears what is looked for.

    Time grows with the data but for near-duplicates, whose rows are bounded: see `near_overlaps`.
    """
    splits = data.splits
    tell("looking for duplicates in the data")
    keys = {split: row_keys(rows) for split, rows in splits.items()}
    found = overlaps(splits, keys)
    differing = conflicts(splits, keys, data.labels)
    tell("looking for near-duplicates in the data")
    near = near_overlaps(splits, keys)
    empty = [(split, at) for split in keys for at in np.flatnonzero(keys[split].empty)]
    return DataFacts(
        task=task,
        labels=list(data.labels),
        rows={split: len(rows) for split, rows in splits.items()},
        classes={split: _class_counts(data, split) for split in splits},
        empty={split: int(keys[split].empty.sum()) for split in splits},
        first_empty=[row_name(split, splits[split], at) for split, at in empty[:_EMPTY_KEPT]],
        repeats=repeats(keys),
        overlaps=found,
        near=near,
        conflicts=differing,
        coverage=coverages(splits, keys),
    )


def _class_counts(data: LabelledData, split: str) -> list[int]:
    rows = data.splits[split]
    ids = chain.from_iterable(rows["tags"]) if "tags" in rows.column_names else rows["label"]
    return np.bincount(np.fromiter(ids, np.int64), minlength=len(data.labels)).tolist()
