"""A corpus small enough to train on in a moment, and settings for it."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from hftk.embeddings import WordVectors, word_vectors
from hftk.recipe.schema import Embeddings


class Texts:
    """A corpus in memory."""

    def __init__(self, texts: list[list[str]], unknown: int = 0, extra: tuple[str, ...] = ()) -> None:
        self.texts, self.unknown = texts, unknown
        self.counts = Counter(token for text in texts for token in text) | Counter()
        self.counts.update(dict.fromkeys(extra, 0))
        self.fingerprint = sha256(repr(texts).encode()).hexdigest()

    def __iter__(self) -> Iterator[list[str]]:
        return iter(self.texts)

    @property
    def vocabulary(self) -> dict[str, int]:
        """Ids begin after two special tokens."""
        return {token: id_ for id_, token in enumerate(self.counts, start=2)}


class Give:
    """Calls word_vectors as the recipe's line 12 would, and keeps what was told."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.told: list[str] = []

    def __call__(self, corpus: Texts, vocabulary: dict[str, int] | None = None, **settings: object) -> WordVectors:
        return word_vectors(
            Embeddings(**settings),
            corpus=corpus,
            vocabulary=vocabulary or corpus.vocabulary,
            at=lambda key: f"recipes/x.yaml:12: embeddings.{key}",
            tell=self.told.append,
            cache_dir=self.cache,
        )


@pytest.fixture
def give(tmp_path: Path) -> Give:
    return Give(tmp_path / "cache")


@pytest.fixture
def make_texts() -> Callable[..., Texts]:
    return Texts


@pytest.fixture(scope="session")
def corpus() -> Texts:
    """300 texts over 40 words; those of the first 20 never meet those of the last 20. Korean ones among them."""
    rng = random.Random(0)
    halves = [[f"{stem}{number}" for number in range(20)] for stem in ("word", "단어")]
    return Texts([rng.choices(halves[number % 2], k=rng.randint(0, 20)) for number in range(300)])
