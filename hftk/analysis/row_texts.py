"""Rows as texts: as people read them, in a form in which equal ones are equal, and as words."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datasets

BETWEEN_PAIRS = " ⏎ "
"""Stands between text and text_pair."""
_COLUMNS = ("text", "text_pair", "tokens")
_BATCH = 1000  # rows: texts of any length stay small in memory

# scripts that write no spaces between words: Thai to Tibetan, Myanmar, Khmer, kana, Chinese characters
_UNSPACED = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
# Korean has spaces, but hangs particles and endings on its words: a quarter of those of a review are in no other one
_HANGUL = "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"
_WORD = re.compile(f"[{_UNSPACED}]|[^\\W_{_UNSPACED}]+")
_LETTER = re.compile(r"[^\W\d_]")
_OF_FEW_WORDS = re.compile(f"[{_UNSPACED}{_HANGUL}]")


def parts_of_rows(rows: "datasets.Dataset") -> Iterator[tuple[str, ...]]:
    """Of each row its text, its text and text_pair, or the tokens of its sentence joined by spaces."""
    columns = [column for column in _COLUMNS if column in rows.column_names]
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        for values in zip(*(batch[column] for column in columns), strict=True):
            yield _parts(values)


def parts_of_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    return _parts(row[column] for column in _COLUMNS if column in row)


def _parts(values: Iterable[str | list[str]]) -> tuple[str, ...]:
    return tuple(value if isinstance(value, str) else " ".join(value) for value in values)


def shown(parts: Iterable[str], most: int) -> str:
    """A row for people: at most `most` characters; one that is cut ends with `…`."""
    text = BETWEEN_PAIRS.join(parts)
    return text if len(text) <= most else text[: most - 1] + "…"


def normalized(text: str) -> str:
    """Without the differences that mean nothing: form of the letters (NFKC), capitals, white space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def words(text: str) -> list[str]:
    """Runs of letters and digits; in scripts that write no spaces every character."""
    return _WORD.findall(text)


def words_say_little(texts: Iterable[str]) -> bool:
    """Are most letters of scripts whose words hardly repeat between texts?"""
    letters = of_few_words = 0
    for text in texts:
        letters += len(_LETTER.findall(text))
        of_few_words += len(_OF_FEW_WORDS.findall(text))
    return 2 * of_few_words > letters
