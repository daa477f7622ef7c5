"""The mapped columns of some rows, and where each row came from."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from hftk.data.source import Source
from hftk.data.where import Where
from hftk.errors import DataError
from hftk.recipe import schema


@dataclass(frozen=True)
class Rows:
    """Parallel lists, one entry per row."""

    row: list[int]
    """Index in the source, before any filter or limit."""
    source: list[str]
    """Name of the split or file."""
    line: list[int | None]
    """Line of a text file on which the row begins."""
    text: list[Any]
    text_pair: list[Any] | None
    label: list[Any]
    """The class's name where the column is a ClassLabel (HIDDEN for -1), else as found; None where null."""

    def __len__(self) -> int:
        return len(self.row)

    def take(self, indices: Sequence[int]) -> "Rows":
        """The rows at `indices`, in that order."""
        columns = [getattr(self, field.name) for field in fields(self)]
        return Rows(*(None if column is None else [column[i] for i in indices] for column in columns))


class Hidden:
    """The label of a row of which the data set's publisher keeps the label secret: -1 in a ClassLabel column."""

    def __repr__(self) -> str:
        return "hidden (-1)"


HIDDEN = Hidden()


def rows_of(sources: Sequence[Source], *, columns: schema.Columns, keep_numbers: bool, where: Where) -> Rows:
    """The mapped columns of whole sources, one after another.

    `keep_numbers` leaves a ClassLabel's ids in place of its names (`data.label_names` is going to name them).
    Raises DataError for a column that a source does not have.
    """
    parts = []
    for source in sources:
        source.require(columns.text, "columns", "text", where=where)
        if columns.text_pair is not None:
            source.require(columns.text_pair, "columns", "text_pair", where=where)
        source.require(columns.label, "columns", "label", where=where)
        parts.append(
            Rows(
                row=list(range(source.rows)),
                source=[source.name] * source.rows,
                line=list(source.lines) if source.lines else [None] * source.rows,
                text=source.values(columns.text),
                text_pair=None if columns.text_pair is None else source.values(columns.text_pair),
                label=_labels(source, columns.label, keep_numbers=keep_numbers, where=where),
            )
        )
    return parts[0] if len(parts) == 1 else joined(parts)


def joined(parts: Sequence[Rows]) -> Rows:
    def column(name: str) -> list[Any] | None:
        lists = [getattr(part, name) for part in parts]
        return None if lists[0] is None else [value for values in lists for value in values]

    return Rows(*(column(field.name) for field in fields(Rows)))


def _labels(source: Source, column: str, *, keep_numbers: bool, where: Where) -> list[Any]:
    values = source.values(column)
    names = source.class_names.get(column)
    if source.textual:
        return [value if value != "" else None for value in values]
    if names is None:
        # pandas writes a missing number as NaN
        return [None if isinstance(value, float) and value != value else value for value in values]
    outside = sorted({value for value in values if value is not None and not -1 <= value < len(names)})
    if outside:
        raise DataError(
            f"{where('columns', 'label')}: {source.name}: label {outside[0]} is outside the {len(names)} classes "
            f"that the data set itself declares for {column}"
        )
    if keep_numbers:
        return [HIDDEN if value == -1 else value for value in values]
    return [None if value is None else HIDDEN if value == -1 else names[value] for value in values]
