"""Rows of validation and test that are nearly rows of train: MinHash finds them, an exact comparison confirms them.

Source: A. Broder, "On the resemblance and containment of documents" (1997); banding as in Leskovec, Rajaraman, Ullman,
"Mining of Massive Datasets", chapter 3.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hftk.analysis.duplicates import KEPT, Overlap, Twin, row_name, row_text
from hftk.analysis.row_keys import RowKeys
from hftk.analysis.row_texts import normalized, parts_of_rows, words

if TYPE_CHECKING:
    import datasets

NEARLY = 0.8
"""Jaccard index of the sets of five-character pieces from which two texts count as nearly equal: in a text of 100
characters about ten pieces differ, which is one short word in the middle or a few letters at an end."""
MOST_TRAIN_ROWS = 100_000
MOST_ROWS = 20_000
"""Of validation and of test; more are drawn."""
_SHORTEST = 30  # characters: below, one ending is a fifth of a text, and phrases that everybody writes look alike
_READ = 1000  # characters of a text, from its start: the time of a long text is that of a short one
_PIECE = 5  # characters
# 16 bands of 4 of 64 hashes: texts at 0.8 are missed with probability 0.0002, those at 0.5 are looked at twice in three
_BANDS, _IN_BAND = 16, 4
_BATCH = 500  # rows: their pieces fit in a processor's cache
_DOUBT = 0.15  # three standard deviations of what 64 hashes estimate
_PER_BAND = 4  # rows of train that share a band with a row, of which the likest is compared exactly


def near_overlaps(splits: "Mapping[str, datasets.Dataset]", keys: Mapping[str, RowKeys]) -> list[Overlap]:
    """Of validation and test against train; rows that are equal to one of train are not among them. None for images.

    What is compared: letters and digits of the first 1,000 characters, where there are 30; of larger splits 20,000 rows
    with 100,000 of train. Time and memory grow with those, not with the data.
    """
    if "image" in splits["train"].column_names:
        return []
    train_at = _drawn(np.flatnonzero(_first_of_each(keys["train"])), MOST_TRAIN_ROWS)
    train = _signatures(splits["train"], train_at)
    return [
        _near(splits, keys, split, train=train, train_at=train_at) for split in ("validation", "test") if split in keys
    ]


def _first_of_each(keys: RowKeys) -> np.ndarray:
    first = np.zeros(len(keys.contents), bool)
    first[np.unique(keys.contents, return_index=True)[1]] = True
    return first


def _drawn(at: np.ndarray, most: int) -> np.ndarray:
    """At most so many of these positions, ascending; the same each time."""
    if len(at) <= most:
        return at
    return np.sort(np.random.default_rng(0).choice(at, most, replace=False))


def _near(
    splits: "Mapping[str, datasets.Dataset]",
    keys: Mapping[str, RowKeys],
    split: str,
    *,
    train: np.ndarray,
    train_at: np.ndarray,
) -> Overlap:
    equal = np.isin(keys[split].contents, keys["train"].contents)
    at = _drawn(np.flatnonzero(~equal), MOST_ROWS)
    ours = _signatures(splits[split], at)
    likest, likeness = _likest(ours, train)
    likely = np.flatnonzero(likeness >= NEARLY - _DOUBT)
    pairs = zip(
        at[likely],
        train_at[likest[likely]],
        _pieces_of(splits[split], at[likely]),
        _pieces_of(splits["train"], train_at[likest[likely]]),
        strict=True,
    )
    compared = [(int(row), int(twin), _jaccard(ours, theirs)) for row, twin, ours, theirs in pairs]
    twins = [(row, twin, similarity) for row, twin, similarity in compared if similarity >= NEARLY]
    own, theirs = keys[split], keys["train"]
    others = [row for row, twin, _ in twins if own.labels[row] != theirs.labels[twin]]
    return Overlap(
        split=split,
        other="train",
        rows=len(twins),
        of=len(at) if len(at) == MOST_ROWS else len(own.contents),
        among=len(train_at) if len(train_at) == MOST_TRAIN_ROWS else len(theirs.contents),
        long=len(twins),
        other_label=len(others),
        first=[
            Twin(
                row=row_name(split, splits[split], row),
                twin=row_name("train", splits["train"], twin),
                text=row_text(splits[split], row),
                same_label=bool(own.labels[row] == theirs.labels[twin]),
                similarity=round(similarity, 3),
            )
            for row, twin, similarity in sorted(twins, key=lambda found: -found[2])[:KEPT]
        ],
    )


def _letters(parts: tuple[str, ...]) -> str:
    return " ".join(words(normalized(" ".join(part[:_READ] for part in parts))))


def _pieces(text: str) -> np.ndarray:
    """uint64: a hash of each piece of five characters, wherever in the text it stands."""
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.uint64)
    if len(codes) < _PIECE:
        return np.zeros(0, np.uint64)
    pieces = np.zeros(len(codes) - _PIECE + 1, np.uint64)
    for offset in range(_PIECE):  # 2^64 wraps round, as intended
        pieces = pieces * np.uint64(0x100000001B3) + codes[offset : offset + len(pieces)]
    return (pieces ^ (pieces >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)


def _signatures(rows: "datasets.Dataset", at: np.ndarray) -> np.ndarray:
    """(rows at `at`, 64) uint32: the least of each hash over a row's pieces; all zero for a row that is too short."""
    random = np.random.default_rng(1)
    factors = random.integers(1, 2**63, _BANDS * _IN_BAND, dtype=np.uint64) | np.uint64(1)
    signatures = np.zeros((len(at), len(factors)), np.uint32)
    if len(at) < len(rows):
        rows = rows.select(at)
    filled: list[int] = []
    pieces: list[np.ndarray] = []

    def hash_them() -> None:
        together = np.concatenate(pieces)
        starts = np.cumsum([0, *(len(one) for one in pieces[:-1])])
        for number, factor in enumerate(factors):
            hashed = (together * factor >> np.uint64(32)).astype(np.uint32)
            signatures[filled, number] = np.minimum.reduceat(hashed, starts)
        filled.clear()
        pieces.clear()

    for number, parts in enumerate(parts_of_rows(rows)):
        text = _letters(parts)
        if len(text) >= _SHORTEST:
            filled.append(number)
            pieces.append(_pieces(text))
        if len(filled) == _BATCH:
            hash_them()
    if filled:
        hash_them()
    return signatures


def _likest(ours: np.ndarray, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For every row of ours, the row of train that shares a band with it and most of the 64 hashes; that share."""
    best, likeness = np.zeros(len(ours), np.int64), np.zeros(len(ours))
    if not len(train):
        return best, likeness
    long = np.flatnonzero(ours.any(axis=1))
    theirs_long = np.flatnonzero(train.any(axis=1))
    if not len(theirs_long):
        return best, likeness
    for band in range(_BANDS):
        columns = slice(band * _IN_BAND, (band + 1) * _IN_BAND)
        own, theirs = _band(ours[long, columns]), _band(train[theirs_long, columns])
        order = np.argsort(theirs, kind="stable")
        first = np.searchsorted(theirs[order], own)
        for step in range(_PER_BAND):
            place = np.minimum(first + step, len(order) - 1)
            candidate = theirs_long[order[place]]
            share = np.zeros(len(long))
            same = theirs[order[place]] == own
            share[same] = (ours[long[same]] == train[candidate[same]]).mean(axis=1)
            better = share > likeness[long]
            best[long[better]], likeness[long[better]] = candidate[better], share[better]
    return best, likeness


def _band(values: np.ndarray) -> np.ndarray:
    """(rows, 4) uint32 → (rows,) uint64."""
    mixed = np.zeros(len(values), np.uint64)
    for column in values.T:
        mixed = (mixed ^ column) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(31)
    return mixed


def _pieces_of(rows: "datasets.Dataset", at: np.ndarray) -> list[np.ndarray]:
    return [np.unique(_pieces(_letters(parts))) for parts in parts_of_rows(rows.select(at))]


def _jaccard(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Of two sets."""
    both = len(np.intersect1d(ours, theirs, assume_unique=True))
    return both / max(len(ours) + len(theirs) - both, 1)
