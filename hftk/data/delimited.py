"""csv and tsv → Source, every field as it stands: no word becomes a number or null, no row is passed over."""

import csv
import io
from pathlib import Path

from hftk.data.decoding import read_text
from hftk.data.source import Source
from hftk.data.where import Where
from hftk.errors import DataError

# longer than any post; the default of 131,072 characters refuses real rows. 2**31 - 1 fits a C long everywhere
_LONGEST_FIELD = 2**31 - 1


def read_delimited(
    path: Path,
    *,
    name: str,
    encoding: str | None,
    header: bool | str | None,
    delimiter: str | None,
    quoting: str,
    column_names: list[str] | None,
    where: Where,
) -> Source:
    """Reads one file.

    `header` "infer" means: the first line names the columns unless `column_names` are given. An empty field is "".
    Raises DataError, with file and line, for a row whose number of fields differs and for broken quotation.
    """
    delimiter = delimiter or ("\t" if path.suffix.lower() == ".tsv" else ",")
    if len(delimiter) != 1 or delimiter in '\r\n"':
        raise DataError(
            f"{where('delimiter')}: {delimiter!r} cannot separate fields; one character is allowed, "
            'a tab is written "\\t" in double quotes'
        )
    text = read_text(path, encoding=encoding, where=where)
    rows, lines, blank = _parse(text, path, delimiter=delimiter, quoting=quoting, where=where)

    headed = column_names is None if header == "infer" else bool(header)
    if headed:
        columns = _column_names(rows.pop(0), path, where)
        lines.pop(0)
    else:
        columns = [str(number) for number in range(len(rows[0]))]
    if column_names is not None:
        columns = column_names
        if not headed and rows[0] == columns:
            raise DataError(
                f"{where('column_names')}: the first line of {path} holds these names already; take column_names out"
            )
        if len(set(columns)) < len(columns):
            raise DataError(f"{where('column_names')}: a name stands there twice: {', '.join(columns)}")
    if not rows:
        raise DataError(f"{where('path')}: {path} has a header and no row")

    first_line = text.split("\n", 1)[0]
    wrong_delimiter = _other_delimiter(first_line, delimiter) if len(columns) == 1 else ""
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(columns):
            by = "data.column_names names" if column_names else "the first line has"
            quoted = (
                "; a field that holds the delimiter needs quotation marks around it"
                if quoting == "minimal" and not wrong_delimiter
                else ""
            )
            raise DataError(
                f"{where('path')}: {path}, line {line}: {_fields(len(row))} where {by} "
                f"{len(columns)} ({', '.join(columns[:8])}){quoted}.{wrong_delimiter}"
            )
    hint = wrong_delimiter
    if not hint and headed:
        hint = " If the first line is a row already, name the columns: data.column_names: […]."
    elif not hint and column_names is None:
        hint = " The file was read without a header: name the columns, data.column_names: […]."
    told = "1 blank line between rows was" if blank == 1 else f"{blank} blank lines between rows were"
    noticed = (f"{name}: {told} passed over",) if blank else ()
    table = {column: list(values) for column, values in zip(columns, zip(*rows, strict=True), strict=True)}
    return Source(name, table, len(rows), lines=lines, textual=True, hint=hint, notices=noticed)


def _parse(
    text: str, path: Path, *, delimiter: str, quoting: str, where: Where
) -> tuple[list[list[str]], list[int], int]:
    """All rows, the line on which each begins, and the number of blank lines between them."""
    style = csv.QUOTE_NONE if quoting == "none" else csv.QUOTE_MINIMAL
    before = csv.field_size_limit(_LONGEST_FIELD)
    # newline="" keeps the line ends that stand inside quotation marks
    reader = csv.reader(io.StringIO(text.rstrip("\r\n"), newline=""), delimiter=delimiter, quoting=style, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    blank, line = 0, 1
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(line)
            else:
                blank += 1
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{where('path')}: {path}: quotation marks do not pair in the row that begins on line {line} ({error}); "
            "where quotation marks are ordinary characters write data.quoting: none"
        ) from None
    finally:
        csv.field_size_limit(before)
    return rows, lines, blank


def _column_names(header: list[str], path: Path, where: Where) -> list[str]:
    # a spreadsheet's or pandas' index column has no name; it may stay so, as nobody maps it
    names = [name or f"Unnamed: {number}" for number, name in enumerate(header)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"{where('path')}: {path}: the header names a column twice ({', '.join(twice)}); "
            "rename it there, or write data.header: true with data.column_names: […] to name all columns anew"
        )
    return names


def _other_delimiter(line: str, delimiter: str) -> str:
    found = {mark: line.count(mark) for mark in (",", "\t", ";", "|") if mark != delimiter and mark in line}
    if not found:
        return ""
    mark = max(found, key=found.get)
    written = '"\\t"' if mark == "\t" else f'"{mark}"'
    return f" The file looks separated by {'tabs' if mark == chr(9) else mark}: write data.delimiter: {written}."


def _fields(count: int) -> str:
    return f"{count} field" if count == 1 else f"{count} fields"
