"""Rows that occur twice, within a split and across splits, and equal rows with different labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hftk.analysis.row_keys import RowKeys
from hftk.analysis.row_texts import parts_of_row, shown

if TYPE_CHECKING:
    import datasets

KEPT = 100
"""Rows, or texts with their rows, that are named; all are counted."""
FEW_WORDS = 5
"""Rows of so many words or fewer (`Thanks !`) repeat in any collection of texts."""
_ROWS_NAMED = 10  # of one content
_TEXT = 200  # characters: enough to recognise a row


@dataclass(frozen=True)
class RowName:
    split: str
    source: str
    row: int
    """In the source, counted from 0."""


@dataclass(frozen=True)
class Twin:
    """A row of validation or test and the first row of another split that it repeats."""

    row: RowName
    twin: RowName
    text: str
    """Of `row`, at most 200 characters; empty for images."""
    same_label: bool
    """Has any such row of the other split the same label (of sentences: the same tags throughout)?"""
    similarity: float = 1.0
    """Jaccard index of their pieces of five characters (see near_duplicates); 1: equal."""


@dataclass(frozen=True)
class Overlap:
    """Rows of `split` that also occur in `other`."""

    split: str
    other: str
    rows: int
    of: int
    """Rows of `split` that were looked at."""
    among: int
    """Rows of `other` that were looked at."""
    long: int
    """Of `rows`, those of more than five words."""
    other_label: int
    """Of `rows`, those that have another label wherever they occur in `other`."""
    first: list[Twin]
    """At most 100."""


@dataclass(frozen=True)
class Conflict:
    text: str
    rows: list[RowName]
    """At most ten, those first that are the first with their label."""
    labels: list[str]
    """One per row of `rows`; empty for sentences, where some tag differs."""


@dataclass(frozen=True)
class Conflicts:
    """Equal rows with different labels, within and across splits."""

    contents: int
    """Distinct texts, sentences or images."""
    rows: dict[str, int]
    """By split, the rows that have such a content."""
    first: list[Conflict]
    """At most 100, those with the most rows first."""


def row_name(split: str, rows: "datasets.Dataset", at: int) -> RowName:
    row = rows[int(at)]
    return RowName(split, row["source"], row["row"])


def row_text(rows: "datasets.Dataset", at: int) -> str:
    """At most 200 characters; empty for an image."""
    return shown(parts_of_row(rows[int(at)]), _TEXT)


def repeats(keys: Mapping[str, RowKeys]) -> dict[str, int]:
    """By split, the rows that repeat an earlier row of the same split."""
    counts = {}
    for split, of in keys.items():
        contents = of.contents[~of.blank]
        counts[split] = len(contents) - len(np.unique(contents))
    return counts


def overlaps(splits: "Mapping[str, datasets.Dataset]", keys: Mapping[str, RowKeys]) -> list[Overlap]:
    """Validation in train, test in train, and of what is left of test, validation: by it models are chosen."""
    found = [_overlap(splits, keys, split, "train") for split in ("validation", "test") if split in keys]
    if "test" in keys and "validation" in keys:
        in_train = np.isin(keys["test"].contents, keys["train"].contents)
        found.append(_overlap(splits, keys, "test", "validation", leave_out=in_train))
    return found


def _overlap(
    splits: "Mapping[str, datasets.Dataset]",
    keys: Mapping[str, RowKeys],
    split: str,
    other: str,
    *,
    leave_out: np.ndarray | None = None,
) -> Overlap:
    ours, theirs = keys[split], keys[other]
    contents, first_at = np.unique(theirs.contents, return_index=True)
    place = np.minimum(np.searchsorted(contents, ours.contents), len(contents) - 1)
    shared = (contents[place] == ours.contents) & ~ours.blank
    if leave_out is not None:
        shared &= ~leave_out
    same_label = np.isin(_with_label(ours), _with_label(theirs))
    at = np.flatnonzero(shared)
    return Overlap(
        split=split,
        other=other,
        rows=len(at),
        of=len(ours.contents),
        among=len(theirs.contents),
        long=int((ours.words[at] > FEW_WORDS).sum()),
        other_label=int((~same_label[at]).sum()),
        first=[
            Twin(
                row=row_name(split, splits[split], i),
                twin=row_name(other, splits[other], first_at[place[i]]),
                text=row_text(splits[split], i),
                same_label=bool(same_label[i]),
            )
            for i in _long_first(at, ours.words)[:KEPT]
        ],
    )


def _with_label(keys: RowKeys) -> np.ndarray:
    """One number for content and label; 2^64 wraps round, as intended."""
    return keys.contents ^ (keys.labels.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))


def _long_first(at: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Rows of more than a few words first: the others repeat by chance."""
    return at[np.argsort(words[at] <= FEW_WORDS, kind="stable")]


def conflicts(
    splits: "Mapping[str, datasets.Dataset]", keys: Mapping[str, RowKeys], labels: Sequence[str]
) -> Conflicts:
    """labels: id → name."""
    names = list(keys)
    split_of = np.repeat(np.arange(len(names)), [len(keys[name].contents) for name in names])
    at = np.concatenate([np.arange(len(keys[name].contents)) for name in names])
    contents = np.concatenate([keys[name].contents for name in names])
    label = np.concatenate([keys[name].labels for name in names])
    there = np.flatnonzero(~np.concatenate([keys[name].blank for name in names]))
    order = there[np.argsort(contents[there], kind="stable")]
    if not len(order):
        return Conflicts(0, dict.fromkeys(names, 0), [])
    starts = np.flatnonzero(np.r_[True, contents[order][1:] != contents[order][:-1]])
    sizes = np.diff(np.r_[starts, len(order)])
    differ = np.minimum.reduceat(label[order], starts) != np.maximum.reduceat(label[order], starts)
    in_conflict = order[np.repeat(differ, sizes)]
    counts = np.bincount(split_of[in_conflict], minlength=len(names))
    groups = [order[start : start + size] for start, size in zip(starts[differ], sizes[differ], strict=True)]
    groups.sort(key=lambda group: (-len(group), group[0]))

    def named(group: np.ndarray) -> Conflict:
        first_of_each = np.sort(np.unique(label[group], return_index=True)[1])
        group = group[np.r_[first_of_each, np.setdiff1d(np.arange(len(group)), first_of_each)]][:_ROWS_NAMED]
        places = [(names[split_of[i]], at[i]) for i in group]
        tagged = "tags" in splits["train"].column_names
        return Conflict(
            text=row_text(splits[places[0][0]], places[0][1]),
            rows=[row_name(split, splits[split], row) for split, row in places],
            labels=[] if tagged else [labels[label[i]] for i in group],
        )

    return Conflicts(
        contents=len(groups),
        rows={name: int(count) for name, count in zip(names, counts, strict=True)},
        first=[named(group) for group in groups[:KEPT]],
    )
