"""Word2Vec and FastText, trained by gensim."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.metadata import version
from typing import Any

import numpy as np

from hftk.embeddings.corpus import Corpus
from hftk.errors import DataError
from hftk.recipe import schema

# raise when what is trained from the same settings changes
_FORMAT = 1
# gensim cuts a longer text without a word
_LONGEST = 10_000
# gensim looks numbers up in a table without asking whether they are numbers: where vectors diverge to nan, it takes the
# whole process down (hence the bound of embeddings.alpha in the schema). Trained vectors hold numbers of 1 to 10
_LARGEST = 1000.0


def training_digest(settings: schema.Embeddings, corpus: Corpus) -> str:
    """sha256 (hex) of the corpus and of the settings that matter to the method."""
    decides = {
        "format": _FORMAT,
        "corpus": corpus.fingerprint,
        "method": settings.method,
        "arguments": _arguments(settings),
    }
    return sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def training_key(settings: schema.Embeddings, corpus: Corpus) -> str:
    """The digest with the versions of gensim and numpy, which decide the last bits: by it the vectors are kept."""
    versions = [version("gensim"), np.__version__]
    return sha256(json.dumps([training_digest(settings, corpus), versions]).encode()).hexdigest()


def train(
    settings: schema.Embeddings, corpus: Corpus, *, at: Callable[[str], str], tell: Callable[[str], None]
) -> tuple[list[str], np.ndarray]:
    """The words of train, and their vectors: float32 (words, vector_size). With one worker the same, bit for bit.

    Texts are streamed, once per epoch. Raises DataError where the vectors diverge.
    """
    # sorted, so that the order in which words were counted decides nothing
    counts = {token: count for token, count in sorted(corpus.counts.items()) if count}
    sentences = _Sentences(corpus)
    with _quiet_gensim():
        model = _model(settings)
        model.build_vocab_from_freq(counts)
        try:
            model.train(
                sentences,
                total_words=sum(counts.values()),
                epochs=settings.epochs,
                callbacks=[_after_epoch(settings, at=at, tell=tell)],
            )
        finally:
            sentences.stopped = True
    if sentences.failure:
        raise sentences.failure
    return list(model.wv.index_to_key), np.ascontiguousarray(model.wv.vectors, dtype=np.float32)


def _arguments(settings: schema.Embeddings) -> dict[str, Any]:
    """What gensim is given: the settings that matter to the method."""
    names = ["vector_size", "window", "epochs", "sg", "negative", "alpha", "sample", "workers", "seed"]
    if settings.method == "fasttext":
        names += ["min_n", "max_n", "bucket"]
    # the vocabulary is the tokenizer's; a learning rate below gensim's last one must not rise to it
    return {name: getattr(settings, name) for name in names} | {
        "min_count": 1,
        "min_alpha": min(0.0001, settings.alpha),
    }


def _model(settings: schema.Embeddings) -> Any:
    # here: gensim takes a second to import, and a kept entry needs none of it
    from gensim.models import FastText, Word2Vec

    return (FastText if settings.method == "fasttext" else Word2Vec)(**_arguments(settings))


class _Sentences:
    """The corpus as gensim can take it: long texts in pieces of about equal length."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self.failure: Exception | None = None
        self.stopped = False

    def __iter__(self) -> Iterator[list[str]]:
        # gensim reads in a thread of its own: an error there would leave it waiting for ever
        try:
            for tokens in () if self.failure else self._corpus:
                if self.stopped:
                    return
                parts = -(-len(tokens) // _LONGEST)
                for part in range(parts):
                    yield tokens[part * len(tokens) // parts : (part + 1) * len(tokens) // parts]
        except Exception as failure:
            self.failure = failure


def _after_epoch(settings: schema.Embeddings, *, at: Callable[[str], str], tell: Callable[[str], None]) -> Any:
    """Tells how far it is, and ends what diverges."""
    from gensim.models.callbacks import CallbackAny2Vec

    class AfterEpoch(CallbackAny2Vec):
        def __init__(self) -> None:
            self.started = time.monotonic()
            self.epoch = 0

        def on_epoch_end(self, model: Any) -> None:
            self.epoch += 1
            # FastText's own table of words is filled in at the end only
            vectors = model.wv.vectors_vocab if settings.method == "fasttext" else model.wv.vectors
            if not np.abs(vectors).max() < _LARGEST:
                raise DataError(
                    f"{at('alpha')}: {settings.method} diverged in epoch {self.epoch} of {settings.epochs}; lower "
                    f"embeddings.alpha (now {settings.alpha:g})"
                )
            seconds = time.monotonic() - self.started
            tell(f"{settings.method}: epoch {self.epoch} of {settings.epochs}, {seconds:,.0f} s")

    return AfterEpoch()


@contextmanager
def _quiet_gensim() -> Iterator[None]:
    """gensim warns of small corpora, and of every epoch that thins words out."""
    logger = logging.getLogger("gensim")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
