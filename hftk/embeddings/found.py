"""What is kept of a file of word vectors while it is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic

import numpy as np

from hftk.errors import DataError

_LONGEST_SHOWN = 60  # characters


@dataclass
class Found:
    """The vectors of the vocabulary; of other words only the word, to notice duplicates and judge coverage."""

    vocabulary: Mapping[str, int]
    where: str
    """The start of every message: where the recipe names the file, and its path."""
    words: set[str] = field(default_factory=set)
    token_ids: list[int] = field(default_factory=list)
    vectors: list[np.ndarray] = field(default_factory=list)
    """float32 (size,) each, in the order of token_ids."""

    def add(self, word: str, place: str) -> int | None:
        """The id of a word that belongs to the vocabulary. Raises DataError where the file had the word before."""
        if word in self.words:
            raise DataError(
                f"{self.where}, {place}: {quoted(word)} stands in the file a second time; take out one of the two"
            )
        self.words.add(word)
        return self.vocabulary.get(word)

    def keep(self, token_id: int, vector: np.ndarray) -> None:
        self.token_ids.append(token_id)
        self.vectors.append(vector)


def quoted(word: str) -> str:
    """As a message shows it: a damaged file's words may be as long as the file."""
    return repr(word if len(word) <= _LONGEST_SHOWN else word[:_LONGEST_SHOWN] + "…")


class Reading:
    """Tells how far the reading is, at most once a second."""

    def __init__(self, name: str, unit: str, tell: Callable[[str], None]) -> None:
        self._name, self._unit, self._tell = name, unit, tell
        self._told = monotonic()

    def at(self, number: int) -> None:
        if monotonic() - self._told >= 1:
            self._told = monotonic()
            self._tell(f"{self._name}: {number:,} {self._unit} read")
