"""The rows of a file, read a chunk at a time, each with its place."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

# what a line of a text file without columns is called
LINE = "line"


@dataclass(frozen=True)
class Chunk:
    """Rows that follow each other in a file."""

    name: str
    """The file's."""
    rows: list[dict[str, Any]]
    """Column → value; of a text file without columns: LINE → the line."""
    first: int
    """Number of its first row in the file, from 0."""
    lines: Sequence[int] | None = None
    """Of a text file: the line (from 1) on which each row begins."""
    table: "pa.Table | None" = None
    """The same rows as Arrow has them, where the file holds types."""

    def place(self, index: int) -> str:
        """Where row `index` of the chunk stands, to begin a message with."""
        if self.lines is not None:
            return f"{self.name}, line {self.lines[index]}"
        return f"{self.name}, row {self.first + index} (counted from 0)"


@dataclass
class RowFile:
    """A file that is read once, from its start to its end."""

    name: str
    """As the user wrote it, for messages."""
    read: Callable[[int], Iterator[Chunk]]
    """Chunks of at most so many rows. Raises DataError, with the place of what is wrong."""
    kind: str
    """csv, tsv, jsonl, parquet, conll, images or lines: how it is written again unless a name says otherwise."""
    share: Callable[[], float | None] = lambda: None
    """How much of it has been read, from 0 to 1; None where that cannot be known."""
    base: Path = Path()
    """To which paths in it are relative."""


def in_chunks(name: str, numbered: Iterator[tuple[int, dict[str, Any]]], size: int) -> Iterator[Chunk]:
    """numbered: the line on which a row begins, and the row."""
    first, rows, lines = 0, [], []
    for line, row in numbered:
        rows.append(row)
        lines.append(line)
        if len(rows) == size:
            yield Chunk(name, rows, first, lines)
            first, rows, lines = first + size, [], []
    if rows:
        yield Chunk(name, rows, first, lines)
