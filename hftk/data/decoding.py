"""Bytes of a text file → text, strictly: what cannot be read as the recipe says is an error with the way out."""

import codecs
import unicodedata
from pathlib import Path

from hftk.data.where import Where
from hftk.errors import DataError

# longest first: the mark of utf-32 (little endian) begins with that of utf-16
_MARKS = [
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]


def read_text(path: Path, *, encoding: str | None, where: Where) -> str:
    """The text of a file, without a byte order mark; utf-8 unless `encoding` is given.

    Raises DataError for bytes that are not in that encoding (naming the likely one), for NUL characters and for an
    empty file.
    """
    raw = path.read_bytes()
    if encoding is None:
        marked = next((name for mark, name in _MARKS if raw.startswith(mark)), None)
        if marked:
            raise DataError(
                f"{where('path')}: {path} is written in {marked}, not in utf-8; write data.encoding: {marked}"
            )
    try:
        text = raw.decode(encoding or "utf-8")
    except LookupError:
        raise DataError(
            f"{where('encoding')}: no text encoding is called {encoding!r}; known are utf-8, utf-16, cp949, euc-kr, "
            "shift_jis, gb18030, cp1252, latin-1 and the others of Python's codecs"
        ) from None
    except UnicodeError as error:
        line = raw[: getattr(error, "start", 0)].count(b"\n") + 1
        likely = likely_encoding(raw)
        problem = f"{path} is not {encoding or 'utf-8'} (line {line})"
        if likely is None:
            raise DataError(f"{where('encoding')}: {problem}; write the encoding it has, data.encoding: …") from None
        sample = _first_beyond_ascii(raw.decode(likely, errors="replace"))
        raise DataError(
            f"{where('encoding')}: {problem}; it looks like {likely}, in which it reads {sample!r}: "
            f"write data.encoding: {likely}"
        ) from None
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise DataError(f"{where('path')}: {path} is empty")
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        # every second byte of western text in utf-16 is a NUL
        hint = "utf-16-be" if raw[:1] == b"\0" else "utf-16-le"
        advice = f"; it looks like {hint}: write data.encoding: {hint}" if raw.count(b"\0") > len(raw) // 4 else ""
        raise DataError(f"{where('path')}: {path}, line {line}: a NUL character, which no text file holds{advice}")
    return text


def likely_encoding(raw: bytes) -> str | None:
    """utf-8, or the encoding in which the letters beyond ASCII belong to the script that it was made for."""
    # Chinese and Japanese bytes often make Hangul too, but then many rare syllables, which euc-kr lacks, or hanja
    for name, plain, script, share in (
        ("utf-8", "utf-8", "", 0.0),
        ("cp949", "euc-kr", "HANGUL", 0.8),
        ("shift_jis", "shift_jis", ("HIRAGANA", "KATAKANA"), 0.2),
        ("gb18030", "gb2312", "CJK UNIFIED", 0.8),
        ("cp1252", "cp1252", "LATIN", 0.8),
    ):
        try:
            text = raw.decode(name)
        except UnicodeDecodeError:
            continue
        letters = [char for char in text[:200_000] if ord(char) > 127 and char.isalpha()]
        # Python writes a syllable that euc-kr lacks in eight bytes
        usual = [char for char in letters if 0 < len(char.encode(plain, "ignore")) <= 4]
        fitting = [char for char in usual if unicodedata.name(char, "").startswith(script)]
        if letters and len(fitting) >= share * len(letters):
            return name
    return None


def _first_beyond_ascii(text: str) -> str:
    """About 24 characters around the first one that is not ASCII, within its line."""
    at = next((i for i, char in enumerate(text) if ord(char) > 127), 0)
    start = max(text.rfind("\n", 0, at) + 1, at - 8)
    return text[start : start + 24].split("\n")[0].strip("\r")
