"""word2vec's binary form: a header, then each word, a space, and its numbers as 32-bit floats."""

from typing import IO

import numpy as np

from hftk.embeddings.found import Found, Reading
from hftk.embeddings.gz import DAMAGED, damaged
from hftk.errors import DataError

_BLOCK = 1 << 20
# bytes; a longer word means that the numbers are read as letters
_LONGEST_WORD = 10_000
_CONTROL = bytes(range(32)) + b"\x7f"


def read_binary(stream: IO[bytes], found: Found, header: tuple[int, int], reading: Reading) -> None:
    """Reads every word; `header`: the words and the numbers per word that it promises, read already.

    Bytes that are no UTF-8 are no error: word2vec itself cuts long words within a letter, and such a word is in no
    vocabulary.
    """
    count, size = header
    where, width = found.where, 4 * size
    misread = f"the header promises {size} numbers per word: is that what the file holds?"
    buffer, position = b"", 0
    number = 0
    try:
        for number in range(1, count + 1):
            place = f"word number {number}"
            while True:
                space = buffer.find(b" ", position)
                if 0 <= space <= len(buffer) - width - 1:
                    break
                if space < 0 and len(buffer) - position > _LONGEST_WORD:
                    raise DataError(f"{where}, {place}: no word ends within {_LONGEST_WORD:,} bytes; {misread}")
                block = stream.read(max(_BLOCK, width))
                if not block:
                    raise DataError(
                        f"{where}, {place}: the file ends here; the header promises {count:,} words of {size} numbers"
                    )
                buffer, position = buffer[position:] + block, 0
            # some writers end each vector with a line break
            raw = buffer[position:space].lstrip(b"\n")
            word = raw.decode(errors="surrogateescape")
            if not raw or raw.translate(None, _CONTROL) != raw:
                raise DataError(f"{where}, {place}: {_shown(raw)} is no word; {misread}")
            vector = np.frombuffer(buffer, "<f4", size, space + 1)
            if not _finite(vector):
                raise DataError(f"{where}, {place}: the vector of {_shown(raw)} holds a number that is not finite")
            token_id = found.add(word, place)
            if token_id is not None:
                found.keep(token_id, vector.astype(np.float32))
            position = space + 1 + width
            if number % 2048 == 0:
                reading.at(number)
        if (buffer[position:] + stream.read(_BLOCK)).strip():
            raise DataError(f"{where}: more follows after {count:,} words of {size} numbers, which the header promises")
    except DAMAGED as problem:
        raise damaged(f"{where}, word number {number}") from problem


def _finite(vector: np.ndarray) -> bool:
    # one product shows it for almost every vector; that of very large numbers overflows, and is looked at closely
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(vector.dot(vector)) or np.isfinite(vector).all())


def _shown(word: bytes) -> str:
    text = repr(word[:40].decode(errors="backslashreplace"))
    return text if len(word) <= 40 else f"{text}…"
