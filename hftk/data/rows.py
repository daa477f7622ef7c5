"""The mapped columns of some rows, and where each row came from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hftk.data.source import Source
from hftk.data.where import Where
from hftk.errors import DataError
from hftk.recipe import schema
from hftk.recipe.file_kinds import INPUT_KEYS, TARGET_KEY

if TYPE_CHECKING:
    import numpy as np


_SHOWN = 5


@dataclass(frozen=True)
class Rows:
    """Parallel lists, one entry per row."""

    row: list[int]
    """Index in the source, before any filter or limit."""
    source: list[str]
    """Name of the split or file."""
    line: list[int | str | None]
    """Line of a text file on which the row begins; the file, where a row is one file of a folder."""
    inputs: "dict[str, list[Any] | np.ndarray]"
    """What a model reads, by column: text and perhaps text_pair, tokens, or image; an array where images are pixels."""
    label: list[Any]
    """The class's name where the column is a ClassLabel (HIDDEN for -1), else as found; None where null. Of tokens: a
    list of such, one per token."""

    def __len__(self) -> int:
        return len(self.row)

    def take(self, indices: Sequence[int]) -> "Rows":
        """The rows at `indices`, in that order."""

        def chosen(values: Any) -> Any:
            return [values[i] for i in indices] if isinstance(values, list) else values[list(indices)]

        inputs = {name: chosen(values) for name, values in self.inputs.items()}
        return Rows(chosen(self.row), chosen(self.source), chosen(self.line), inputs, chosen(self.label))

    def classes(self) -> Iterator[Any]:
        """Every label of every row: one by one, also where a row has a list of them."""
        for label in self.label:
            yield from label if isinstance(label, list) else (label,)


class Hidden:
    """The label of a row of which the data set's publisher keeps the label secret: -1 in a ClassLabel column."""

    def __repr__(self) -> str:
        return "hidden (-1)"


HIDDEN = Hidden()


def rows_of(sources: Sequence[Source], *, task: str, columns: schema.Columns, keep_numbers: bool, where: Where) -> Rows:
    """The columns that `task` needs of whole sources, one after another.

    `keep_numbers` leaves a ClassLabel's ids in place of its names (`data.label_names` is going to name them).
    Raises DataError for a column that a source does not have, and for one without lists where tokens or tags are.
    """
    parts = []
    for source in sources:
        target = TARGET_KEY[task]
        inputs = {}
        for key in (*INPUT_KEYS[task], target):
            if (column := getattr(columns, key)) is not None:
                source.require(column, "columns", key, where=where)
                inputs[key] = source.values(column)
                if task == "token-classification":
                    _require_lists(inputs[key], source, column, key, where)
        label = _labels(
            inputs.pop(target), source, getattr(columns, target), target, keep_numbers=keep_numbers, where=where
        )
        if "image" in inputs:
            inputs["image"] = _files(inputs["image"], source.folder)
        parts.append(
            Rows(
                row=list(range(source.rows)),
                source=[source.name] * source.rows,
                line=list(source.lines) if source.lines else [None] * source.rows,
                inputs=inputs,
                label=label,
            )
        )
    return parts[0] if len(parts) == 1 else joined(parts)


def joined(parts: Sequence[Rows]) -> Rows:
    def column(lists: list[Any]) -> Any:
        # pixels of several sizes stay apart, to be named later
        if not any(isinstance(values, list) for values in lists) and len({values.shape[1:] for values in lists}) == 1:
            import numpy as np

            return np.concatenate(lists)
        return [value for values in lists for value in values]

    inputs = {name: column([part.inputs[name] for part in parts]) for name in parts[0].inputs}
    plain = {name: column([getattr(part, name) for part in parts]) for name in ("row", "source", "line", "label")}
    return Rows(inputs=inputs, **plain)


def first_rows(rows: Rows, positions: Sequence[int]) -> str:
    """`lines 3, 7 of a.csv` for text files, `train/cat/1.png` for image files, `rows 0, 5 (counted from 0) of train`
    for others; the first five."""
    by_source: dict[str, list[int]] = {}
    for position in positions[:_SHOWN]:
        by_source.setdefault(rows.source[position], []).append(position)
    parts = []
    for source, at in by_source.items():
        lines = [rows.line[i] for i in at]
        if isinstance(lines[0], str):
            parts.append(", ".join(lines))
            continue
        in_lines = lines[0] is not None
        numbers = ", ".join(str(rows.line[i] if in_lines else rows.row[i]) for i in at)
        word = ("line" if in_lines else "row") + ("s" if len(at) > 1 else "")
        parts.append(f"{word} {numbers}{'' if in_lines else ' (counted from 0)'} of {source}")
    return " and ".join(parts) + (", …" if len(positions) > _SHOWN else "")


def _require_lists(values: list[Any], source: Source, column: str | int, key: str, where: Where) -> None:
    for row, value in enumerate(values):
        if value is not None and not isinstance(value, list):
            at = f"line {source.lines[row]}" if source.lines else f"row {row} (counted from 0)"
            raise DataError(
                f"{where('columns', key)}: {source.name}, {at}: column {column} holds no list but "
                f"{type(value).__name__} ({str(value)[:40]!r}); each row needs a list of its sentence's {key}"
            )


def _files(images: Any, folder: Path | None) -> Any:
    """Images as the bytes or the path of a file; pixels, and what is neither, as they are."""

    def path(name: str) -> Path | None:
        return (folder or Path()) / name if name else None

    def file(image: Any) -> Any:
        if isinstance(image, dict) and image.keys() >= {"bytes", "path"}:
            return image["bytes"] if image["bytes"] is not None else path(image["path"])
        return path(image) if isinstance(image, str) else image

    return [file(image) for image in images] if isinstance(images, list) else images


def _labels(
    values: list[Any], source: Source, column: str | int, key: str, *, keep_numbers: bool, where: Where
) -> list[Any]:
    names = source.class_names.get(column)

    def plain(value: Any) -> Any:
        if source.textual:
            return value if value != "" else None
        # pandas writes a missing number as NaN
        if value is None or (isinstance(value, float) and value != value):
            return None
        if names is None:
            return value
        if not -1 <= value < len(names):
            raise DataError(
                f"{where('columns', key)}: {source.name}: label {value} is outside the {len(names)} classes "
                f"that the data set itself declares for {column}"
            )
        return HIDDEN if value == -1 else value if keep_numbers else names[value]

    if key == "tags":
        return [None if row is None else [plain(value) for value in row] for row in values]
    return [plain(value) for value in values]
