"""Word vectors as text: a word and its numbers per line, with word2vec's header or without (GloVe)."""

from typing import IO, NoReturn

import numpy as np

from hftk.embeddings.found import Found, Reading
from hftk.embeddings.gz import DAMAGED, damaged
from hftk.errors import DataError

# bytes; thousands of numbers take less, and a damaged or hostile file may have no end of a line at all
_LONGEST_LINE = 1 << 20
_NUMERIC = b"0123456789.+-eE "
_LARGEST = float(np.finfo(np.float32).max)
_SHAPE = "expected on every line: a word and its numbers, separated by spaces"


def read_text(stream: IO[bytes], found: Found, header: tuple[int, int] | None, reading: Reading) -> None:
    """Reads every line; `header`: the words and the numbers per word that line 1 promises, read already.

    Of every line are checked: UTF-8, one word, how many numbers, that they hold nothing but digits, signs, points and
    e (so no nan, no inf). That each is a number that fits 32 bits is checked where the word belongs to the vocabulary:
    for all lines it would take ten times as long. A word may hold spaces: the last numbers of the line are its vector.
    """
    where = found.where
    number, size = (1, header[1]) if header else (0, 0)
    first = f"the header promises {size}" if header else ""
    # lines at the end that hold nothing; elsewhere they are an error
    empty = 0
    try:
        while line := stream.readline(_LONGEST_LINE):
            number += 1
            if len(line) == _LONGEST_LINE:
                raise DataError(
                    f"{where}, line {number}: the line does not end within {_LONGEST_LINE:,} bytes; {_SHAPE}"
                )
            line = line.rstrip(b"\r\n \t")
            if not line:
                empty += 1
                continue
            if empty:
                raise DataError(f"{where}, line {number - empty}: the line is empty; {_SHAPE}")
            if not size:
                size = _size_of(line, where)
                first = f"line {number} has {size}"
            word, _, numbers = line.partition(b" ")
            regular = (
                word
                and numbers
                and numbers.count(b" ") == size - 1
                and b"  " not in numbers
                and b"\t" not in word
                and not numbers.translate(None, _NUMERIC)
            )
            if not regular:
                word, numbers = _irregular(line, size, f"{where}, line {number}", first)
            try:
                text = word.decode()
            except UnicodeDecodeError as problem:
                raise DataError(
                    f"{where}, line {number}: not valid UTF-8 ({_shown(word)}); save the file as UTF-8"
                ) from problem
            token_id = found.add(text, f"line {number}")
            if token_id is not None:
                found.keep(token_id, _vector(numbers, size, f"{where}, line {number}", first, line))
            if header and number - 1 > header[0]:
                raise DataError(f"{where}, line {number}: more words than the {header[0]:,} that the header promises")
            if number % 2048 == 0:
                reading.at(number)
    except DAMAGED as problem:
        raise damaged(f"{where}, line {number + 1}") from problem
    if header and len(found.words) != header[0]:
        raise DataError(
            f"{where}, line 1: the header promises {header[0]:,} words, the file has {len(found.words):,}; is it whole?"
        )


def _size_of(line: bytes, where: str) -> int:
    """Numbers per word, by the first line of a file without a header."""
    fields = line.split()[1:]
    if not fields:
        raise DataError(f"{where}, line 1: no number after the first word ({_shown(line)}); {_SHAPE}")
    for field in fields:
        if _as_number(field) is None:
            raise DataError(f"{where}, line 1: {_shown(field)} is not a number; {_SHAPE}")
    return len(fields)


def _vector(numbers: bytes, size: int, place: str, first: str, line: bytes) -> np.ndarray:
    try:
        vector = np.array([float(number) for number in numbers.split(b" ")])
    except ValueError:
        _irregular(line, size, place, first)
        raise
    if not (np.abs(vector) <= _LARGEST).all():
        _irregular(line, size, place, first)
    return vector.astype(np.float32)


def _irregular(line: bytes, size: int, place: str, first: str) -> tuple[bytes, bytes]:
    """Word and numbers of any line (words with spaces, tabs, several spaces); raises what is wrong with it."""
    fields = line.rsplit(None, size)
    given = len(line.split()) - 1
    if line[:1] in b" \t":
        raise DataError(f"{place}: no word before the numbers; {_SHAPE}")
    if len(fields) <= size:
        _wrong_count(place, given, first)
    word, *numbers = fields
    inner = word.split()
    # a word may end in a number of its own only if something else would be wrong: here numbers are too many
    if len(inner) > 1 and _as_number(inner[-1]) is not None:
        _wrong_count(place, given, first)
    for field in numbers:
        value = _as_number(field)
        if value is None:
            raise DataError(f"{place}: {_shown(field)} is not a number, in the vector of {_shown(word)}")
        if not abs(value) <= _LARGEST:
            raise DataError(f"{place}: {_shown(field)} is not a finite number, in the vector of {_shown(word)}")
    return word, b" ".join(numbers)


def _wrong_count(place: str, given: int, first: str) -> NoReturn:
    raise DataError(f"{place}: {given} numbers after the word, where {first}; every word needs the same count")


def _as_number(field: bytes) -> float | None:
    """Python's own numbers may hold underscores."""
    try:
        return None if b"_" in field else float(field)
    except ValueError:
        return None


def _shown(field: bytes) -> str:
    """Bytes of a file in a message: short, on one line."""
    text = field.decode(errors="backslashreplace")
    text = text if text.isprintable() else repr(text)[1:-1]
    return f"'{text}'" if len(text) <= 60 else f"'{text[:60]}…'"
