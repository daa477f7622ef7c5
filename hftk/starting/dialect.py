"""How a csv or tsv file is written: encoding, delimiter, quotation marks, header; tried out on the whole file."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hftk.data.decoding import likely_encoding, read_text
from hftk.data.source import USUAL_NAMES
from hftk.data.where import Where

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_DELIMITERS = (",", "\t", ";", "|")
_IN_WORDS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
_LONGEST_FIELD = 2**31 - 1
# rows that are looked at to tell a header from a row
_SAMPLE = 2000
_FEW = 20


@dataclass(frozen=True)
class Dialect:
    settings: dict[str, Any] = field(default_factory=dict)
    """Keys of the recipe's data, where they differ from the defaults."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why, by key."""


def sniff(path: Path) -> Dialect:
    """Raises DataError for a file that is empty, or in no encoding that can be told."""
    settings: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    encoding = _encoding(path)
    if encoding is not None:
        settings["encoding"] = encoding
        reasons["encoding"] = f"the file is not UTF-8; as {encoding} it reads well"
    text = read_text(path, encoding=encoding, where=Where())
    usual = "\t" if path.suffix.lower() == ".tsv" else ","
    found = _form(text, usual)
    if found is None:  # reading it will tell which line is wrong
        return Dialect(settings, reasons)
    delimiter, quoting, rows = found
    if delimiter != usual:
        settings["delimiter"] = delimiter
        reasons["delimiter"] = f"every row has {len(rows[0])} fields between {_IN_WORDS[delimiter]}"
    if quoting != "minimal":
        settings["quoting"] = quoting
        reasons["quoting"] = (
            "quotation marks are ordinary characters here: taken as quotes, they do not pair or join rows"
        )
    if not _has_header(rows):
        settings["header"] = None
        reasons["header"] = "the first line is a row like the others, so the columns get names here"
    return Dialect(settings, reasons)


def _encoding(path: Path) -> str | None:
    """None: UTF-8, or one that cannot be told."""
    raw = path.read_bytes()
    for mark, name in ((b"\xff\xfe\0\0", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if raw.startswith(mark):
            return name
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return likely_encoding(raw)
    return None


def _form(text: str, usual: str) -> tuple[str, str, list[list[str]]] | None:
    """Delimiter, quoting and the rows, where all rows have the same number of fields; two or more if possible."""
    single = None
    for delimiter in (usual, *(one for one in _DELIMITERS if one != usual)):
        quoted = _rows(text, delimiter, csv.QUOTE_MINIMAL)
        plain = _rows(text, delimiter, csv.QUOTE_NONE)
        # a quotation mark that opens by mistake swallows whole rows; between commas, fields of several lines are usual
        swallowed = quoted is not None and plain is not None and len(plain) > len(quoted) and delimiter == "\t"
        if plain is not None and len(plain[0]) > 1 and (quoted is None or swallowed):
            return delimiter, "none", plain
        if quoted is not None and len(quoted[0]) > 1:
            return delimiter, "minimal", quoted
        if delimiter == usual and quoted is not None:
            single = (delimiter, "minimal", quoted)
    return single


def _rows(text: str, delimiter: str, style: int) -> list[list[str]] | None:
    """None where rows have several numbers of fields, or quotation marks do not pair."""
    before = csv.field_size_limit(_LONGEST_FIELD)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=style, strict=True):
            if row and rows and len(row) != len(rows[0]):
                return None
            if row:
                rows.append(row)
    except csv.Error:
        return None
    finally:
        csv.field_size_limit(before)
    return rows or None


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Is the first row of another kind than those below it?"""
    first, rest = rows[0], rows[1 : _SAMPLE + 1]
    if not rest:
        return True
    known = {name for names in USUAL_NAMES.values() for name in names} | set(USUAL_NAMES)
    if any(cell.strip().casefold() in known for cell in first):
        return True
    if len(set(first)) < len(first):
        return False
    votes = 0
    for cell, *below in zip(first, *rest, strict=True):
        values = {value for value in below if value}
        if values and all(_NUMBER.fullmatch(value) for value in values):
            votes += -1 if _NUMBER.fullmatch(cell) else 1
        elif len(values) <= max(_FEW, len(below) // 20):  # a column of classes, or of nothing
            votes += -1 if cell in values or not cell else 1
        elif cell in values or len(cell) > 60:
            votes -= 1
    return votes > 0 or (votes == 0 and all(re.fullmatch(r"[^\W\d][\w .-]{0,39}", cell) for cell in first))
