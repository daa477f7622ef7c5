"""Rows that cannot be trained on as they are: found, counted, and left, dropped or refused as `on_bad_rows` says."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hftk.data.labels import LabelMap
from hftk.data.rows import HIDDEN, Rows
from hftk.data.where import Where
from hftk.errors import DataError

_SHOWN = 5
_SKIP = "Mend them, or write data.on_bad_rows: skip (they are left out, and counted)"


@dataclass(frozen=True)
class BadRows:
    """Rows of one split that share a fault."""

    split: str
    fault: str
    positions: list[int]
    """In the split."""
    first: str
    """Where the first few stand, in words."""
    keepable: bool
    """An empty text can be predicted like any other; a row without a usable label cannot be scored."""

    def line(self, of: int) -> str:
        return f"{self.split}: {len(self.positions):,} of {of:,} rows: {self.fault}: {self.first}"


def find_bad_rows(split: str, rows: Rows, label_map: LabelMap) -> list[BadRows]:
    """All faults of a split, a row under each fault that it has."""
    faults: dict[str, list[int]] = {}
    keepable: dict[str, bool] = {}
    for column, values in (("text", rows.text), ("text_pair", rows.text_pair or [])):
        for position, value in enumerate(values):
            if isinstance(value, str) and not value.isspace() and value:
                if value.isascii() or _is_unicode(value):
                    continue
                fault, fits = f"{column} is not valid Unicode", False
            else:
                kind, fits = _text_fault(value)
                fault = f"{column} is {kind}"
            faults.setdefault(fault, []).append(position)
            keepable[fault] = fits
    for position, value in enumerate(rows.label):
        if label_map.id_of(value) is None:
            fault = _label_fault(value, label_map)
            faults.setdefault(fault, []).append(position)
            keepable[fault] = False
    return [BadRows(split, fault, at, first_rows(rows, at), keepable[fault]) for fault, at in faults.items()]


def apply_policy(
    splits: Mapping[str, Rows], bad: Mapping[str, list[BadRows]], *, on_bad_rows: str, where: Where
) -> tuple[dict[str, Rows], list[str]]:
    """The splits without bad rows (skip), with null texts as "" (keep), and what a person must be told.

    Raises DataError with everything found for `stop`, for rows that `keep` cannot keep, and for a split of which
    nothing is left.
    """
    found = [fault for faults in bad.values() for fault in faults]
    if not found:
        return dict(splits), []
    lines = [f"  {fault.line(len(splits[fault.split]))}" for fault in found]
    keepable = all(fault.keepable for fault in found)
    at = where("on_bad_rows")
    if on_bad_rows == "stop":
        keep = ", or keep (they are predicted like any other text)" if keepable else ""
        raise DataError(
            "\n".join(
                [
                    f"{at}: there are bad rows",
                    *lines,
                    f"  {_SKIP}{keep}.",
                ]
            )
        )
    if on_bad_rows == "keep" and not keepable:
        lost = [f"  {fault.line(len(splits[fault.split]))}" for fault in found if not fault.keepable]
        raise DataError(
            "\n".join(
                [
                    f"{at}: there are rows that cannot be kept",
                    *lost,
                    f"  {_SKIP}.",
                ]
            )
        )
    if on_bad_rows == "keep":
        return {split: _with_empty_texts(rows) for split, rows in splits.items()}, [
            f"kept: {line[2:]}" for line in lines
        ]

    left, notices = {}, []
    for split, rows in splits.items():
        gone = {position for fault in bad[split] for position in fault.positions}
        left[split] = rows.take([i for i in range(len(rows)) if i not in gone]) if gone else rows
        if not len(left[split]):
            raise DataError(
                "\n".join(
                    [f"{at}: no row of {split} is usable", *(line for line in lines if line.startswith(f"  {split}:"))]
                )
            )
        if gone:
            faults = "; ".join(f"{fault.fault}: {fault.first}" for fault in bad[split])
            counts = f"{len(gone):,} of {len(rows):,} rows of {split}: {len(left[split]):,} are left"
            notices.append(f"skipped {counts} ({faults})")
    return left, notices


def refuse_hidden_labels(splits: Mapping[str, Rows], *, where: Where) -> None:
    """Raises DataError for a split none of whose labels is published (GLUE's test splits)."""
    for split, rows in splits.items():
        if all(label is HIDDEN for label in rows.label):
            raise DataError(
                f"{where('splits', split)}: all {len(rows):,} labels of {rows.source[0]} are hidden (-1): the "
                "publisher keeps them secret, so nothing can be measured there; write data.splits without it, for "
                "example {train: train, validation: 0.1, test: validation}"
            )


def first_rows(rows: Rows, positions: list[int]) -> str:
    """`lines 3, 7 of a.csv` for text files, `rows 0, 5 (counted from 0) of train` for others; the first five."""
    by_source: dict[str, list[int]] = {}
    for position in positions[:_SHOWN]:
        by_source.setdefault(rows.source[position], []).append(position)
    parts = []
    for source, at in by_source.items():
        in_lines = rows.line[at[0]] is not None
        numbers = ", ".join(str(rows.line[i] if in_lines else rows.row[i]) for i in at)
        word = ("line" if in_lines else "row") + ("s" if len(at) > 1 else "")
        parts.append(f"{word} {numbers}{'' if in_lines else ' (counted from 0)'} of {source}")
    return " and ".join(parts) + (", …" if len(positions) > _SHOWN else "")


def _text_fault(value: Any) -> tuple[str, bool]:
    if value is None or (isinstance(value, float) and value != value):
        return "null", True
    if isinstance(value, str):
        return "empty or white space only", True
    return f"not text but {type(value).__name__}", False


def _label_fault(value: Any, label_map: LabelMap) -> str:
    if value is None:
        return "label is null"
    if value is HIDDEN:
        return "label is hidden (-1)"
    if isinstance(value, str) or type(value) is label_map.kind:
        return f"label {value!r} does not occur in train"
    return f"label is of another type than in train ({type(value).__name__})"


def _is_unicode(text: str) -> bool:
    """False for half of a surrogate pair, which JSON escapes can smuggle in and no tokenizer takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _with_empty_texts(rows: Rows) -> Rows:
    def filled(values: list[Any] | None) -> list[Any] | None:
        return None if values is None else [value if isinstance(value, str) else "" for value in values]

    return replace(rows, text=filled(rows.text), text_pair=filled(rows.text_pair))
