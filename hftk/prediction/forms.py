"""Rows with their predictions → bytes of a form: jsonl, csv, tsv, parquet, CoNLL."""

import csv
import io
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from hftk.data.where import listed
from hftk.errors import DataError
from hftk.prediction.added import Added, flat_values, nested_values
from hftk.prediction.notices import Notices
from hftk.prediction.rows import Chunk

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

Probabilities = np.ndarray | Sequence[np.ndarray]
# rows: the writer remembers every group until the end, and a reader opens each
_ROW_GROUP = 1 << 14


def writer_for(form: str, file: BinaryIO, added: Added, notices: Notices, *, words: str | int | None) -> "Writer":
    """form: jsonl, csv, tsv, parquet or conll. words: the column of a sentence's words."""
    if form == "parquet":
        return Parquet(file, added, notices)
    if form == "conll":
        return Conll(file, added, notices, words=words)
    if form == "jsonl":
        return JsonLines(file, added, notices)
    return Delimited(file, added, notices, delimiter="\t" if form == "tsv" else ",")


class Writer(ABC):
    """Writes rows with their predictions, in the order in which they come."""

    def __init__(self, file: BinaryIO, added: Added, notices: Notices) -> None:
        self.file = file
        self.added = added
        self.notices = notices

    @abstractmethod
    def write(self, chunk: Chunk, probabilities: Probabilities) -> None:
        """Raises DataError for a row that this form cannot hold."""

    def end(self) -> None:  # noqa: B027 - most forms have nothing there
        """Writes what stands behind the last row."""


class JsonLines(Writer):
    """An object per row. JSON has neither nan nor infinity: null. Bytes are left out, and told."""

    def write(self, chunk: Chunk, probabilities: Probabilities) -> None:
        values = nested_values(self.added, probabilities)
        lines = []
        for index, (row, added) in enumerate(zip(chunk.rows, values, strict=True)):
            refuse_taken(row, self.added.nested, chunk.place(index))
            whole = row | dict(zip(self.added.nested, added, strict=True))
            try:
                lines.append(json.dumps(whole, ensure_ascii=False, allow_nan=False).encode())
            except (TypeError, ValueError):  # what JSON has no word for; UnicodeEncodeError is a ValueError too
                lines.append(json.dumps(_plain(whole, "", self.notices)).encode())
        self.file.write(b"".join(line + b"\n" for line in lines))


class Delimited(Writer):
    """csv or tsv with a header. What is neither text nor number is written as JSON, null as nothing."""

    def __init__(self, file: BinaryIO, added: Added, notices: Notices, *, delimiter: str) -> None:
        super().__init__(file, added, notices)
        self.delimiter = delimiter
        self._columns: list[str] | None = None

    def write(self, chunk: Chunk, probabilities: Probabilities) -> None:
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=self.delimiter, lineterminator="\n")
        if self._columns is None:
            self._columns = all_columns(chunk)
            writer.writerow([*self._columns, *self.added.flat])
        check_columns(chunk, self._columns)
        for row, added in zip(chunk.rows, flat_values(self.added, probabilities), strict=True):
            writer.writerow([*(self._cell(row.get(column), column) for column in self._columns), *added])
        try:
            self.file.write(text.getvalue().encode())
        except UnicodeEncodeError:
            raise DataError(f"{chunk.place(0)}, or after it: a value that is not valid Unicode; write .jsonl") from None

    def _cell(self, value: Any, column: str) -> Any:
        if isinstance(value, float) and value != value:
            return None
        if value is None or (isinstance(value, str | int | float) and not isinstance(value, bool)):
            return value
        return json.dumps(_plain(value, column, self.notices), ensure_ascii=False)


class Conll(Writer):
    """A word and its tag per line, an empty line after each sentence."""

    def __init__(self, file: BinaryIO, added: Added, notices: Notices, *, words: str | int | None) -> None:
        """words: the column of the words, where they were no text that was split."""
        super().__init__(file, added, notices)
        self.words = words

    def write(self, chunk: Chunk, probabilities: Probabilities) -> None:
        lines = []
        for index, (row, one) in enumerate(zip(chunk.rows, probabilities, strict=True)):
            words = row[self.words] if isinstance(row.get(self.words), list) else row["tokens"]
            for word, at in zip(words, one.argmax(axis=-1).tolist(), strict=True):
                if word.split() != [word]:
                    raise DataError(
                        f"{chunk.place(index)}: the word {word!r} holds white space, which ends a column in CoNLL; "
                        "write .jsonl"
                    )
                lines.append(f"{word}\t{self.added.labels[at]}\n")
            lines.append("\n")
        self.file.write("".join(lines).encode())


class Parquet(Writer):
    """The types of the input are kept; those of jsonl are what its first rows show."""

    def __init__(self, file: BinaryIO, added: Added, notices: Notices) -> None:
        super().__init__(file, added, notices)
        self._writer: pq.ParquetWriter | None = None
        self._schema: pa.Schema | None = None
        self._waiting: list[pa.Table] = []

    def write(self, chunk: Chunk, probabilities: Probabilities) -> None:
        import pyarrow as pa

        table = self._table(chunk)
        columns = list(zip(*nested_values(self.added, probabilities), strict=True))
        for name, values, kind in zip(self.added.nested, columns, self._kinds(), strict=True):
            table = table.append_column(pa.field(name, kind), pa.array(values, kind))
        self._waiting.append(table)
        if sum(len(one) for one in self._waiting) >= _ROW_GROUP:
            self._write_waiting()

    def end(self) -> None:
        self._write_waiting()
        self._writer.close()

    def _write_waiting(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not self._waiting:
            return
        if self._writer is None:
            self._writer = pq.ParquetWriter(self.file, self._waiting[0].schema)
        self._writer.write_table(pa.concat_tables(self._waiting))
        self._waiting = []

    def _table(self, chunk: Chunk) -> "pa.Table":
        import pyarrow as pa

        if chunk.table is not None:
            table = chunk.table
            for column in all_columns(chunk):
                if column not in table.column_names:  # the words of a text that was split
                    words = pa.array([row[column] for row in chunk.rows], pa.list_(pa.string()))
                    table = table.append_column(column, words)
            return table
        columns = all_columns(chunk) if self._schema is None else list(self._schema.names)
        check_columns(chunk, columns)
        try:
            values = {column: [row.get(column) for row in chunk.rows] for column in columns}
            table = pa.table(values, schema=self._schema)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            reason = " ".join(str(error).split())
            raise DataError(
                f"{chunk.place(0)}, or after it: a value that is of another type than those before it ({reason}); "
                "a parquet column has one type: write .jsonl"
            ) from None
        self._schema = table.schema
        return table

    def _kinds(self) -> "list[pa.DataType]":
        import pyarrow as pa

        if self.added.tagging:
            return [pa.list_(pa.string()), pa.list_(pa.float32())]
        return [pa.string(), pa.float32(), pa.struct([(name, pa.float32()) for name in self.added.labels])]


def all_columns(chunk: Chunk) -> list[str]:
    return list(dict.fromkeys(column for row in chunk.rows for column in row))


def refuse_taken(row: dict[str, Any], names: Sequence[str], place: str) -> None:
    if taken := [name for name in names if name in row]:
        raise DataError(
            f"{place}: the row has {listed(taken)}, which rows before it have not, and the prediction goes there; "
            "rename it"
        )


def check_columns(chunk: Chunk, columns: Sequence[str]) -> None:
    """Raises DataError for a row with a column that the first rows have not: it would have to be left out."""
    known = set(columns)
    for index, row in enumerate(chunk.rows):
        if more := [column for column in row if column not in known]:
            raise DataError(
                f"{chunk.place(index)}: the row has {listed(more)}, which the first rows have not, and a table's "
                "columns are fixed by then; write .jsonl"
            )


def _plain(value: Any, column: str, notices: Notices) -> Any:
    """What JSON can hold of a value."""
    if isinstance(value, dict):
        return {str(key): _plain(one, column or str(key), notices) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, column, notices) for one in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    if isinstance(value, bytes):
        notices.say(f"column {column} holds bytes, which are left out (null); .parquet keeps them")
        return None
    return value if isinstance(value, str | int | float | None) else str(value)
