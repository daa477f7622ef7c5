"""Rows → what a model reads of them, checked: every fault is told with its place."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hftk.errors import DataError
from hftk.prediction.notices import Notices
from hftk.prediction.rows import LINE, Chunk
from hftk.prediction.wanted import Wanted, no_column

_EMPTY = {
    "text-classification": {
        "one": "1 text is empty or white space only; it was predicted like any other text",
        "many": "{count} texts are empty or white space only; they were predicted like any other text",
    },
    "token-classification": {
        "one": "1 sentence has no word, so it has no tag",
        "many": "{count} sentences have no word, so they have no tag",
    },
}
SPLIT_AT_SPACES = "texts were split at white space into words: a sign that touches a word belongs to it"


@dataclass(frozen=True)
class Inputs:
    """Of the rows of a chunk, in their order; the task decides which of these there are."""

    texts: list[str] = field(default_factory=list)
    pairs: list[str] | None = None
    sentences: list[list[str]] = field(default_factory=list)
    images: list[Any] = field(default_factory=list)
    """Bytes of an image file, or its path."""


@dataclass
class InputReader:
    wanted: Wanted
    base: Path
    """To which paths of images are relative."""
    notices: Notices
    """Hears of empty texts."""

    def read(self, chunk: Chunk) -> Inputs:
        """Raises DataError for a row that cannot be predicted. Gives a line of a plain file the name of what it is, and
        a text that is split into words these words."""
        wanted = self.wanted
        if wanted.task == "image-classification":
            return Inputs(images=[self._image(chunk, index) for index in range(len(chunk.rows))])
        if wanted.task == "token-classification":
            return Inputs(sentences=[self._words(chunk, index) for index in range(len(chunk.rows))])
        texts = [self._text(chunk, index, wanted.text or "text", "text") for index in range(len(chunk.rows))]
        pairs = None
        if wanted.text_pair is not None:
            rows = range(len(chunk.rows))
            pairs = [self._text(chunk, index, wanted.text_pair, "text_pair") for index in rows]
        self._count_empty(sum(not text or text.isspace() for text in texts))
        return Inputs(texts=texts, pairs=pairs)

    def _text(self, chunk: Chunk, index: int, column: str, key: str) -> str:
        row, place = chunk.rows[index], chunk.place(index)
        if LINE in row and key == "text":
            text = row.pop(LINE)
            row["text"] = text
            return text
        if column not in row:
            if LINE in row or (key == "text_pair" and set(row) == {"text"}):
                raise DataError(
                    f"{place}: the model reads two texts, and a line is one; give a csv, or jsonl lines "
                    f'{{"{self.wanted.text}": …, "{column}": …}}'
                )
            raise DataError(no_column(place, column, list(row), key=key))
        return _checked(row[column], f"{place}: column {column}", empty_is='write "" for an empty text')

    def _words(self, chunk: Chunk, index: int) -> list[str]:
        row, place = chunk.rows[index], chunk.place(index)
        column = "tokens" if isinstance(self.wanted.tokens, int) else self.wanted.tokens or "tokens"
        text = self.wanted.text or ("text" if column not in row and "text" in row else None)
        if LINE in row or text is not None:
            text_column = "text" if LINE in row else str(text)
            words = self._text(chunk, index, text_column, "text").split()
            if "tokens" in row:
                raise DataError(
                    f"{place}: the words of column {text_column} are written as column tokens, and the row has one "
                    "already; rename it, or read it: --column tokens=tokens"
                )
            row["tokens"] = words
            self.notices.say(SPLIT_AT_SPACES)
        else:
            if column not in row:
                raise DataError(no_column(place, column, list(row), key="tokens"))
            words = row[column]
            if not isinstance(words, list):
                raise DataError(
                    f"{place}: column {column} holds no list of words but {type(words).__name__} "
                    f"({str(words)[:40]!r}); for a text to be split at white space write --column text={column}"
                )
            for word in words:
                if not _checked(word, f"{place}: a word in column {column}", empty_is="leave it out").strip():
                    raise DataError(f"{place}: a word in column {column} is empty or white space only; leave it out")
        self._count_empty(not words)
        return words

    def _image(self, chunk: Chunk, index: int) -> Any:
        row, place = chunk.rows[index], chunk.place(index)
        column = str(self.wanted.image)
        if LINE in row:
            row[column] = row.pop(LINE)
        if column not in row:
            raise DataError(no_column(place, column, list(row), key="image"))
        image = row[column]
        if isinstance(image, dict) and image.keys() >= {"bytes", "path"}:
            image = image["bytes"] if image["bytes"] is not None else image["path"]
        if isinstance(image, str) and image:
            return self.base / image
        if not isinstance(image, bytes):
            what = "null" if image is None or image == "" else f"no image but {type(image).__name__}"
            raise DataError(f"{place}: column {column} is {what}; it must hold the path or the bytes of an image file")
        return image

    def _count_empty(self, count: int) -> None:
        self.notices.count(count, **_EMPTY[self.wanted.task])


def _checked(value: Any, what: str, *, empty_is: str) -> str:
    if value is None or (isinstance(value, float) and value != value):
        raise DataError(f"{what} is null; {empty_is}")
    if not isinstance(value, str):
        raise DataError(f"{what} holds no text but {type(value).__name__} ({str(value)[:40]!r}); write it as text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise DataError(f"{what} is not valid Unicode (half of a surrogate pair); mend it") from None
    return value
