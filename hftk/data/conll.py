"""CoNLL column files → Source: a token per line, an empty line after each sentence."""

import re
from dataclasses import dataclass
from pathlib import Path

from hftk.data.decoding import read_text
from hftk.data.source import Source
from hftk.data.where import Where
from hftk.errors import DataError
from hftk.recipe import schema

_SPACES = re.compile(" +")
_FIRST_ID = re.compile(r"1(-\d+)?|0\.1")
# of a word written as one and analysed as several (1-2), and of a word that is not written (8.1)
_ID_OF_NO_TOKEN = re.compile(r"\d+[-.]\d+")
_DOCUMENT = "-DOCSTART-"


@dataclass(frozen=True)
class _Form:
    counted: bool
    """Like CoNLL-U: column 0 counts the tokens of a sentence, and a line that begins with # is a comment."""
    tabs: bool

    def is_comment(self, line: str) -> bool:
        """Elsewhere # is a token like others, but for a line without a tab in a file of tabs."""
        return line.startswith("#") and (self.counted or (self.tabs and "\t" not in line))


def read_conll(path: Path, *, name: str, encoding: str | None, columns: schema.Columns, where: Where) -> Source:
    """Reads `columns.tokens` and `columns.tags`, which are numbers of columns, from 0.

    Columns end at tabs, or at white space in a line that has no tab. Raises DataError, with file and line, for a line
    with too few columns or with another number of them than its sentence.
    """
    lines = [line.rstrip("\r") for line in read_text(path, encoding=encoding, where=where).split("\n")]
    form = _form(lines, path, columns)
    _refuse_names(columns, lines, form, name=name, where=where)
    tokens, tags, begins = [], [], []
    width = documents = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            width = 0
            continue
        if form.is_comment(line):
            continue
        fields = _fields(line)
        if fields[0] == _DOCUMENT:
            documents += 1
            width = 0
            continue
        if form.counted and _ID_OF_NO_TOKEN.fullmatch(fields[0]):
            continue
        for key in ("tokens", "tags"):
            if getattr(columns, key) >= len(fields):
                raise DataError(
                    f"{where('columns', key)}: {path}, line {number}: no column {getattr(columns, key)}, as there are "
                    f"{len(fields)}, counted from 0 ({_shown(fields)}); mend the line, or name another column"
                )
        if width and len(fields) != width:
            raise DataError(
                f"{where('path')}: {path}, line {number}: {len(fields)} columns where the lines before it in the "
                f"sentence have {width} ({_shown(fields)}); columns end at tabs, or at white space in a line without "
                "a tab; mend the line"
            )
        if not width:
            tokens.append([])
            tags.append([])
            begins.append(number)
            width = len(fields)
        tokens[-1].append(fields[columns.tokens])
        tags[-1].append(fields[columns.tags])
    if not tokens:
        raise DataError(f"{where('path')}: {path} holds no sentence")
    told = "1 line is" if documents == 1 else f"{documents:,} lines are"
    noticed = (f"{name}: {told} {_DOCUMENT}, which begins a document, and passed over",) if documents else ()
    table = {columns.tokens: tokens, columns.tags: tags}
    return Source(name, table, len(tokens), lines=begins, textual=True, notices=noticed)


def _form(lines: list[str], path: Path, columns: schema.Columns) -> _Form:
    tokens = [line for line in lines[:10_000] if line.strip() and not line.startswith(("#", _DOCUMENT))]
    first = _fields(tokens[0]) if tokens else [""]
    counted = path.suffix.lower() == ".conllu" or (columns.tokens != 0 and bool(_FIRST_ID.fullmatch(first[0])))
    return _Form(counted, any("\t" in line for line in tokens))


def _refuse_names(columns: schema.Columns, lines: list[str], form: _Form, *, name: str, where: Where) -> None:
    for key in ("tokens", "tags"):
        column = getattr(columns, key)
        if isinstance(column, str):
            first = next((line for line in lines if line.strip() and not form.is_comment(line)), "")
            raise DataError(
                f"{where('columns', key)}: {name} is a CoNLL file, whose columns have numbers, not names ({column}); "
                f"write data.columns: {{tokens: <number>, tags: <number>}}. Its first line: {_shown(_fields(first))}"
            )


def _fields(line: str) -> list[str]:
    return line.split("\t") if "\t" in line else _SPACES.split(line.strip(" "))


def _shown(fields: list[str]) -> str:
    """`0 = EU, 1 = NNP`"""
    return ", ".join(f"{number} = {field}" for number, field in enumerate(fields[:12]))
