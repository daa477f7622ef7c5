"""csv, tsv, jsonl and plain lines, read as they come: a row is kept no longer than its chunk."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from hftk.data.where import listed
from hftk.errors import DataError
from hftk.prediction.notices import Notices
from hftk.prediction.rows import LINE, Chunk, RowFile, in_chunks
from hftk.recipe import schema

# longer than any post; fits a C long everywhere
_LONGEST_FIELD = 2**31 - 1
_MARK = "\ufeff"
_BLANK_LINE, _BLANK_LINES = (
    "1 blank line between rows was passed over",
    "{count} blank lines between rows were passed over",
)
_SCANNED = 1 << 20  # bytes at a time


def open_delimited(path: Path, *, name: str, as_in: schema.Data | None, wanted: str, notices: Notices) -> RowFile:
    """A csv or tsv file with a header, or one like the file that `as_in`, the data of a run's recipe, describes.

    wanted: the column that holds the texts. A first line that names it is a header, whatever the recipe says: so a
    file with a header can be given to a model that was trained on one without.
    """
    tabs = path.suffix.lower() == ".tsv"
    settings = as_in or schema.Data(path=name)
    encoding = _encoding(path, settings.encoding)
    delimiter = "\t" if tabs else ","
    with open(path, "rb") as file:
        if settings.delimiter is not None and settings.delimiter.encode(encoding) in file.readline():
            delimiter = settings.delimiter
    style = csv.QUOTE_NONE if settings.quoting == "none" else csv.QUOTE_MINIMAL

    def rows(opened: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
        fields = _fields(opened, name=name, encoding=encoding, delimiter=delimiter, style=style, notices=notices)
        first = next(fields, None)
        if first is None:
            raise DataError(f"{name} is empty")
        columns, headed = _columns(first[1], settings, wanted, name)
        for line, values in fields if headed else chain([first], fields):
            if len(values) != len(columns):
                raise DataError(
                    f"{name}, line {line}: {len(values)} field{'s' * (len(values) != 1)} where there are "
                    f"{len(columns)} columns ({listed(columns, most=8)}); a field that holds the delimiter needs "
                    "quotation marks around it"
                )
            yield line, dict(zip(columns, values, strict=True))

    return _reading(path, rows, name=name, kind="tsv" if tabs else "csv")


def open_json_lines(path: Path, *, name: str) -> RowFile:
    """An object per line; blank lines are passed over."""

    def rows(opened: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
        return _objects(enumerate(_decoded(opened, name), start=1), name)

    return _reading(path, rows, name=name, kind="jsonl")


def open_lines(path: Path, *, name: str) -> RowFile:
    """A text per line, empty ones too; or an object per line where the first one is an object."""
    return _reading(path, partial(_texts_or_objects, name=name), name=name, kind="lines")


def open_standard_input(stream: BinaryIO) -> RowFile:
    """As `open_lines`."""
    name = "standard input"
    return RowFile(name, lambda size: in_chunks(name, _texts_or_objects(stream, name=name), size), "lines")


def _reading(
    path: Path, rows: Callable[[BinaryIO], Iterator[tuple[int, dict[str, Any]]]], *, name: str, kind: str
) -> RowFile:
    total, position = max(path.stat().st_size, 1), [0]

    def read(size: int) -> Iterator[Chunk]:
        with open(path, "rb") as opened:
            for chunk in in_chunks(name, rows(opened), size):
                position[0] = opened.tell()
                yield chunk

    return RowFile(name, read, kind, share=lambda: position[0] / total, base=path.parent)


def _texts_or_objects(stream: BinaryIO, *, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    lines = enumerate(_decoded(stream, name), start=1)
    blank: list[tuple[int, str]] = []
    for line in lines:
        if not line[1].strip():
            blank.append(line)
            continue
        whole = chain([*blank, line], lines)
        if _is_object(line[1]):
            yield from _objects(whole, name)
        else:
            yield from _texts(whole)
        return
    yield from _texts(iter(blank))


def _texts(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, dict[str, Any]]]:
    return ((number, {LINE: text.rstrip("\r\n")}) for number, text in lines)


def _is_object(line: str) -> bool:
    try:
        return line.lstrip().startswith("{") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _objects(lines: Iterator[tuple[int, str]], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, text in lines:
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except json.JSONDecodeError as error:
            raise DataError(f"{name}, line {number}: not JSON ({error.msg})") from None
        except (ValueError, RecursionError) as error:
            why = "nested too deeply" if isinstance(error, RecursionError) else "a number of more than 4,300 digits"
            raise DataError(f"{name}, line {number}: {why}") from None
        if not isinstance(row, dict):
            raise DataError(f"{name}, line {number}: JSON, but no object; every line must be one, {{…}}")
        yield number, row


def _fields(
    opened: BinaryIO, *, name: str, encoding: str, delimiter: str, style: int, notices: Notices
) -> Iterator[tuple[int, list[str]]]:
    """The line on which each row begins, and its fields."""
    before = csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(_decoded(opened, name, encoding), delimiter=delimiter, quoting=style, strict=True)
    line, blank = 1, 0
    try:
        for row in reader:
            if row:
                notices.count(blank, one=_BLANK_LINE, many=_BLANK_LINES)
                blank = 0
                yield line, row
            else:
                blank += 1
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{name}: quotation marks do not pair in the row that begins on line {line} ({error}); mend that row"
        ) from None
    finally:
        csv.field_size_limit(before)


def _columns(first: list[str], settings: schema.Data, wanted: str, name: str) -> tuple[list[str], bool]:
    """The names of the columns, and whether the first line holds them."""
    if wanted in first or (settings.header == "infer" and settings.column_names is None) or settings.header is True:
        if settings.header is True and settings.column_names is not None and wanted not in first:
            return settings.column_names, True
        columns = [field or f"Unnamed: {number}" for number, field in enumerate(first)]
        if twice := sorted({column for column in columns if columns.count(column) > 1}):
            raise DataError(f"{name}: the header names a column twice ({listed(twice)}); rename it there")
        return columns, True
    return settings.column_names or [str(number) for number in range(len(first))], False


def _decoded(stream: BinaryIO, name: str, encoding: str = "utf-8") -> Iterator[str]:
    """Lines with their ends, without a byte order mark."""
    if encoding.replace("-", "").replace("_", "").startswith(("utf16", "utf32")):
        yield from io.TextIOWrapper(stream, encoding=encoding, newline="")  # the whole file has been decoded before
        return
    for number, raw in enumerate(stream, start=1):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            raise DataError(
                f"{name}, line {number}: not {encoding}; save the file as UTF-8, for example with: "
                "iconv -f cp949 -t utf-8"
            ) from None
        if "\0" in text:
            raise DataError(f"{name}, line {number}: a NUL character, which no text file holds; save it as UTF-8")
        text = text.removeprefix(_MARK) if number == 1 else text
        if "\r" in text.removesuffix("\r\n"):  # line ends of old Macs, too
            yield from io.StringIO(text, newline="")
        else:
            yield text


def _encoding(path: Path, in_recipe: str | None) -> str:
    """UTF-8 where the whole file is; else what the recipe's own file was written in."""
    if in_recipe is None:
        return "utf-8"
    with open(path, encoding="utf-8", newline="") as file:
        try:
            while file.read(_SCANNED):
                pass
        except UnicodeDecodeError:
            return in_recipe
    return "utf-8"
