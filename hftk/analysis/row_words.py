"""Rows of data, and what was found of them, in words: on one line, without what a terminal would obey."""

from collections.abc import Sequence

from hftk.analysis.duplicates import Conflict, Overlap, RowName, Twin

_SHOWN = 2  # rows or pairs of them
_LABELS_SHOWN = 3  # of one text
_FROM_0 = "(rows counted from 0)"
_TEXT = 60  # characters of one


def twins_in_words(parts: Sequence[Overlap]) -> str:
    """The first pairs of rows, and how many there are besides."""
    twins = [twin for part in parts for twin in part.first]
    more = sum(part.rows for part in parts) - _SHOWN
    told = "; ".join(_twin(twin) for twin in twins[:_SHOWN])
    return f"{told}{f' and {more:,} more' if more > 0 else ''} {_FROM_0}"


def _twin(twin: Twin) -> str:
    text = f" {_quoted(twin.text)}" if twin.text else ""
    if twin.row.source == twin.twin.source:
        return f"rows {twin.row.row} and {twin.twin.row} of {twin.row.source}{text}"
    return f"{_row(twin.row)} and {_row(twin.twin)}{text}"


def conflict_in_words(conflict: Conflict) -> str:
    """Which row has which label."""
    if not conflict.labels:
        return f"{_quoted(conflict.text)} in {rows_in_words(conflict.rows)}"
    first: dict[str, RowName] = {}
    for row, label in zip(conflict.rows, conflict.labels, strict=True):
        first.setdefault(label, row)
    told = listed([f"{label} in {_row(row)}" for label, row in list(first.items())[:_LABELS_SHOWN]])
    return f"{_quoted(conflict.text) if conflict.text else 'one'} is {told} {_FROM_0}"


def _row(row: RowName) -> str:
    return f"row {row.row} of {row.source}"


def rows_in_words(rows: Sequence[RowName]) -> str:
    """The first rows; `…` where there are more."""
    told = ", ".join(_row(row) for row in rows[:_SHOWN])
    return f"{told}{', …' if len(rows) > _SHOWN else ''} {_FROM_0}"


def _quoted(text: str) -> str:
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return f"“{line}”" if len(line) <= _TEXT else f"“{line[: _TEXT - 1]}…”"


def listed(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
