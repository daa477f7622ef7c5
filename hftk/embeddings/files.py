"""Word vectors made before: which form a file has, told by its content, and its reader."""

import codecs
import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from hftk.embeddings.binary_file import read_binary
from hftk.embeddings.found import Found, Reading
from hftk.embeddings.gensim_file import beside, read_gensim
from hftk.embeddings.gz import DAMAGED, damaged, opened
from hftk.embeddings.text_file import read_text
from hftk.errors import DataError

# bytes by which the form is told; a line of text is shorter
_HEAD = 1 << 16
_MOST_NUMBERS = 1 << 14
_MOST_DIGITS = 18
_BOM = b"\xef\xbb\xbf"
_HEADER = re.compile(rb"[ \t]*(\d+)[ \t]+(\d+)[ \t]*\r?\n")
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
# first bytes → what it is, and what to do
_OTHER_FORMS = {
    b"PK\x03\x04": "a zip archive; unpack it, and name the file in it",
    b"\xba\x16\x4f\x2f": "fastText's own binary form; give the .vec file that belongs to it",
}


def read_file(
    path: Path, vocabulary: Mapping[str, int], *, where: str, tell: Callable[[str], None]
) -> tuple[Found, str]:
    """The vectors of the words of `vocabulary` in a file, and the sha256 (hex) of its bytes.

    Forms: word2vec's text and binary, GloVe's text, each also compressed by gzip, and gensim's .kv. Only these vectors,
    and the words of the file, are in memory. `where` is the start of every message. Raises DataError, with the line or
    the number of the word.
    """
    found = Found(vocabulary, where)
    if path.is_dir():
        raise DataError(f"{where}: is a folder; name the file of vectors in it")
    try:
        with opened(path) as stream:
            _read(stream, path, found, tell)
        return found, _digest(path)
    except OSError as problem:
        raise DataError(f"{where}: cannot be read: {problem.strerror or problem}") from problem


def _read(stream: IO[bytes], path: Path, found: Found, tell: Callable[[str], None]) -> None:
    where = found.where
    try:
        head = _head(stream)
        stream.seek(len(_BOM) if head.startswith(_BOM) else 0)
    except DAMAGED as problem:
        raise damaged(where) from problem
    head = head.removeprefix(_BOM)
    if not head.strip():
        raise DataError(f"{where}: the file is empty")
    for start, form in _OTHER_FORMS.items():
        if head.startswith(start):
            raise DataError(f"{where}: is {form}")
    if _PICKLE.match(head):
        return read_gensim(stream, path, found)
    header, body = _header(head, where)
    if header:
        stream.readline()
        if not head[body:].strip():
            raise DataError(f"{where}: nothing follows the header; it promises {header[0]:,} words")
        if not _is_text(head[body:]):
            return read_binary(stream, found, header, Reading(path.name, "words", tell))
    if b"\n" not in head[body:] and len(head) == _HEAD:
        raise DataError(f"{where}: no line ends within {_HEAD:,} bytes: no file of word vectors that is known here")
    read_text(stream, found, header, Reading(path.name, "lines", tell))


def _head(stream: IO[bytes]) -> bytes:
    """The first bytes; those before a damaged place, so that a reader can name the place."""
    head = b""
    try:
        while len(head) < _HEAD and (block := stream.read1(_HEAD - len(head))):  # type: ignore[attr-defined]
            head += block
    except DAMAGED:
        if not head:
            raise
    return head


def _header(head: bytes, where: str) -> tuple[tuple[int, int] | None, int]:
    """Words and numbers per word, where the first line gives them; and the bytes of that line."""
    line = _HEADER.match(head)
    if line is None:
        return None, 0
    for number in line.groups():
        if len(number) > _MOST_DIGITS:
            raise DataError(f"{where}, line 1: a number of {len(number):,} digits, where a header promises words")
    count, size = int(line[1]), int(line[2])
    if not count or not 1 <= size <= _MOST_NUMBERS:
        raise DataError(
            f"{where}, line 1: the header promises {count:,} words of {size:,} numbers; allowed: at least 1 word, "
            f"of 1 to {_MOST_NUMBERS:,} numbers"
        )
    return (count, size), line.end()


def _is_text(body: bytes) -> bool:
    """Do numbers follow the first word, or, in a damaged file, does it look written at all?"""
    fields = body.split(b"\n", 1)[0].split()[1:]
    if 2 * sum(_is_number(field) for field in fields) > len(fields):
        return True
    try:
        # incremental: a letter may be cut at the end
        text = codecs.getincrementaldecoder("utf-8")().decode(body)
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _digest(path: Path) -> str:
    """sha256 of the bytes of the file, and of the one beside it that holds its numbers."""
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    with path.open("rb") as content:
        pickled = _PICKLE.match(content.read(2)) or path.name.endswith(".gz")
    numbers = beside(path) if pickled else None
    if numbers is None:
        return digest
    with numbers.open("rb") as content:
        return hashlib.sha256((digest + hashlib.file_digest(content, "sha256").hexdigest()).encode()).hexdigest()
