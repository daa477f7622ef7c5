"""What word vectors are trained on, and judged by: the train split as the tokenizer reads it."""

from collections.abc import Iterator, Mapping
from typing import Protocol


class Corpus(Protocol):
    """Streamed and read again for every epoch; never whole in memory."""

    fingerprint: str
    """Hex, of the texts of train and of the tokenizer."""
    counts: Mapping[str, int]
    """Ordinary entry of the vocabulary → how often it occurs in train, 0 included."""
    unknown: int
    """Tokens of train that are outside the vocabulary."""

    def __iter__(self) -> Iterator[list[str]]:
        """The tokens of one text after the other; unknown ones are left out."""
        ...
