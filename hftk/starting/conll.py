"""Which columns of a CoNLL file hold the words and the tags."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from hftk.errors import DataError

_SAMPLE = 20_000  # lines; and of bytes, for the look at a .txt file
_SAMPLE_BYTES = 1 << 18
_FEW = 300
_FIRST_ID = re.compile(r"1(-\d+)?|0\.1")


@dataclass(frozen=True)
class ConllColumns:
    tokens: int
    tags: int
    reasons: dict[str, str]
    """Key of data.columns → why."""


def looks_like_conll(path: Path) -> bool:
    """Lines of as many columns each, in groups between empty lines, without a header?"""
    text = path.read_bytes()[:_SAMPLE_BYTES].decode("utf-8", errors="replace")
    lines = text.splitlines()[:-1]
    filled = [line for line in lines if line.strip() and not line.startswith(("#", "-DOCSTART-"))]
    widths = {len(_fields(line)) for line in filled}
    blank = sum(not line.strip() for line in lines)
    return bool(filled) and len(widths) == 1 and widths.pop() >= 2 and blank >= max(1, len(filled) // 200)


def conll_columns(text: str, *, name: str) -> ConllColumns:
    """By CoNLL-U's order where column 0 counts the words; else the first column, and the last one of few values.

    Raises DataError where no column can be the tags.
    """
    lines = [line.rstrip("\r") for line in text.split("\n", _SAMPLE)[:_SAMPLE]]
    rows = [_fields(line) for line in lines if line.strip() and not line.startswith(("#", "-DOCSTART-"))]
    width = min((len(row) for row in rows), default=0)
    if width < 2:
        raise DataError(f"{name}: a CoNLL file has a word and its tag per line, at least two columns; it has {width}")
    counts = [Counter(row[column] for row in rows) for column in range(width)]
    counted = name.lower().endswith(".conllu") or (bool(_FIRST_ID.fullmatch(rows[0][0])) and width > 2)
    tokens = 1 if counted else 0
    few = [
        column
        for column in range(tokens + 1, width)
        if 2 <= len(counts[column]) <= _FEW and len(counts[column]) < max(len(counts[tokens]), 3)
    ]
    if not few:
        told = ", ".join(f"{column}: {len(one):,}" for column, one in enumerate(counts))
        raise DataError(
            f"{name}: no column can be the tags: distinct values by column (from 0) are {told}. Write a recipe by "
            "hand: data.columns: {tokens: <number>, tags: <number>}"
        )
    tags = 3 if counted and 3 in few else few[0] if counted else few[-1]
    further = [f"{column} ({len(counts[column])} values)" for column in few if column != tags]
    also = f"; also possible: {', '.join(further)}" if further else ""
    common = ", ".join(f"{value} {count:,}" for value, count in counts[tags].most_common(6))
    told = f"column {tags}, from 0: {len(counts[tags])} distinct values: {common}{also}"
    first = "column 0 counts the words" if counted else "the first column"
    words = f"{first}; column {tokens} has {len(counts[tokens]):,} distinct values"
    return ConllColumns(tokens, tags, {"tokens": words, "tags": told})


def _fields(line: str) -> list[str]:
    return line.split("\t") if "\t" in line else line.split()
