"""Word vectors to begin with: trained on the train split by gensim, or read from a file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from hftk.data.cache import cache_folder
from hftk.embeddings.corpus import Corpus
from hftk.embeddings.coverage import Coverage, covered
from hftk.embeddings.files import read_file
from hftk.embeddings.stored import kept_or_made
from hftk.embeddings.training import train, training_digest, training_key
from hftk.errors import DataError
from hftk.recipe import schema

__all__ = ["Corpus", "Coverage", "WordVectors", "word_vectors"]


@dataclass(frozen=True)
class WordVectors:
    vectors: np.ndarray
    """float32 (found, size), all finite."""
    token_ids: np.ndarray
    """int64 (found), ascending: the row of the tokenizer's vocabulary that each vector belongs to."""
    digest: str
    """sha256 (hex) of what decides the vectors; part of a run's identity. Of a file: its bytes. Trained by one worker:
    the corpus and the settings that matter to the method. Trained by several, which
    never give the same vectors twice: the vectors themselves."""
    coverage: Coverage


def word_vectors(
    settings: schema.Embeddings,
    *,
    corpus: Corpus,
    vocabulary: Mapping[str, int],
    at: Callable[[str], str],
    tell: Callable[[str], None],
    cache_dir: Path | None = None,
) -> WordVectors:
    """The vectors of the words of `vocabulary` (ordinary entry → id, special ones left out) that have one.

    Trained vectors are those of the words that occur in train. They are kept below `cache_dir` (default: $HFTK_CACHE,
    or ~/.cache/hftk) by content, or in memory where that cannot be written. `at(key)` is the start of a message about
    `embeddings.<key>`; `tell` gets progress, about once a second or once an epoch.

    Raises DataError where train has no token of the vocabulary, where training diverges, where a file cannot be read or
    trusted (with its line), and where it has no word of the vocabulary.
    """
    if not any(corpus.counts.values()):
        raise DataError(
            f"{at('method')}: train holds no token of the vocabulary ({corpus.unknown:,} unknown ones), so no "
            "vector can be made or judged; lower tokenizer.min_count, or give more texts"
        )
    if settings.method == "file":
        return _from_file(settings, corpus=corpus, vocabulary=vocabulary, at=at, tell=tell)

    key = training_key(settings, corpus)
    folder = (cache_dir or cache_folder()) / "embeddings" / key
    tokens, vectors = kept_or_made(folder, lambda: train(settings, corpus, at=at, tell=tell), tell=tell)
    digest = training_digest(settings, corpus) if settings.workers == 1 else _content_hash(tokens, vectors)
    token_ids, rows = _sorted({vocabulary[token]: row for row, token in enumerate(tokens) if token in vocabulary})
    coverage = covered(settings.method, corpus, vocabulary, token_ids)
    return WordVectors(vectors[rows], token_ids, digest, coverage)


def _from_file(
    settings: schema.Embeddings,
    *,
    corpus: Corpus,
    vocabulary: Mapping[str, int],
    at: Callable[[str], str],
    tell: Callable[[str], None],
) -> WordVectors:
    if settings.path is None:
        raise DataError(f"{at('path')}: missing; method: file reads the vectors from the file that it names")
    where = f"{at('path')}: {settings.path}"
    path = Path(settings.path).expanduser()
    found, digest = read_file(path, vocabulary, where=where, tell=tell)
    token_ids, rows = _sorted({id_: row for row, id_ in enumerate(found.token_ids)})
    coverage = covered(path.name, corpus, vocabulary, token_ids, file_words=found.words)
    if not rows:
        raise DataError(
            f"{where}: none of the {len(vocabulary):,} words of the vocabulary is among its {len(found.words):,} "
            f"words; probable cause: {coverage.cause or 'another language, or texts cut into words in another way'}"
        )
    return WordVectors(np.stack([found.vectors[row] for row in rows]), token_ids, digest, coverage)


def _sorted(row_of_id: Mapping[int, int]) -> tuple[np.ndarray, list[int]]:
    """Ids ascending, and the row of each."""
    ids = sorted(row_of_id)
    return np.array(ids, dtype=np.int64), [row_of_id[id_] for id_ in ids]


def _content_hash(tokens: list[str], vectors: np.ndarray) -> str:
    return sha256("\n".join(tokens).encode() + b"\0" + vectors.tobytes()).hexdigest()
