"""Rows as numbers that are equal where the rows are: what duplicates are found by."""

from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from hftk.analysis.row_texts import normalized, parts_of_rows, words

if TYPE_CHECKING:
    import datasets

_BATCH = 1000  # images


@dataclass(frozen=True)
class RowKeys:
    """(rows,) each. Two different contents share a key in one of 10^7 data sets of a million rows."""

    contents: np.ndarray
    """uint64: of the text (NFKC, casefold, white space collapsed) or both, of the sentence, of the pixels."""
    labels: np.ndarray
    """int64: the label's id; of a sentence, a hash of all its tags."""
    empty: np.ndarray
    """bool: a text of the row is empty or white space; never true of images."""
    blank: np.ndarray
    """bool: all of its texts are; such rows are no duplicates of each other."""
    words: np.ndarray
    """int32: how many; 0 for images."""
    vocabulary: Counter[str]
    """Word → occurrences, words normalized; of sentences their tokens as they are; empty for images."""


def row_keys(rows: "datasets.Dataset") -> RowKeys:
    return _of_images(rows) if "image" in rows.column_names else _of_texts(rows)


def _of_texts(rows: "datasets.Dataset") -> RowKeys:
    tagged = "tags" in rows.column_names
    contents = np.zeros(len(rows), np.uint64)
    empty, blank = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
    counts = np.zeros(len(rows), np.int32)
    vocabulary: Counter[str] = Counter()
    for at, parts in enumerate(parts_of_rows(rows)):
        parts = [normalized(part) for part in parts]
        contents[at] = _key("\n".join(parts).encode())
        empty[at], blank[at] = not all(parts), not any(parts)
        if not tagged:
            found = [word for part in parts for word in words(part)]
            counts[at] = len(found)
            vocabulary.update(found)
    if tagged:
        labels = np.zeros(len(rows), np.int64)
        for at, (tokens, tags) in enumerate(zip(rows["tokens"], rows["tags"], strict=True)):
            counts[at], labels[at] = len(tokens), hash(tuple(tags))
            vocabulary.update(tokens)
    else:
        labels = np.array(rows["label"][:], np.int64)
    return RowKeys(contents=contents, labels=labels, empty=empty, blank=blank, words=counts, vocabulary=vocabulary)


def _of_images(rows: "datasets.Dataset") -> RowKeys:
    contents = np.zeros(len(rows), np.uint64)
    for start in range(0, len(rows), _BATCH):
        images = rows[start : start + _BATCH]["image"]
        contents[start : start + len(images)] = [_key(image) for image in images]
    none = np.zeros(len(rows), bool)
    return RowKeys(
        contents=contents,
        labels=np.array(rows["label"][:], np.int64),
        empty=none,
        blank=none,
        words=np.zeros(len(rows), np.int32),
        vocabulary=Counter(),
    )


def _key(content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "little")
