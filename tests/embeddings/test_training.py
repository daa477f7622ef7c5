"""Word2Vec and FastText: the vectors gensim makes, bit for bit, streamed and kept."""

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import gensim
import numpy as np
import pytest

from hftk.embeddings import training
from hftk.embeddings.training import _Sentences
from hftk.errors import DataError

SMALL = {"method": "word2vec", "vector_size": 8, "epochs": 2, "sg": 1}
FAST = {"method": "fasttext", "vector_size": 8, "epochs": 2, "bucket": 200}


def test_the_vectors_are_gensims_own(give, corpus):
    given = give(corpus, **SMALL, seed=3, window=4, negative=3, alpha=0.03, sample=0.01)
    model = gensim.models.Word2Vec(
        vector_size=8, sg=1, seed=3, window=4, negative=3, alpha=0.03, sample=0.01, workers=1, min_count=1
    )
    model.build_vocab_from_freq(dict(sorted(corpus.counts.items())))
    model.train(corpus.texts, total_words=sum(corpus.counts.values()), epochs=2)
    assert given.vectors.dtype == np.float32 and given.token_ids.dtype == np.int64
    by_id = {id_: token for token, id_ in corpus.vocabulary.items()}
    assert np.array_equal(given.vectors, np.stack([model.wv[by_id[id_]] for id_ in given.token_ids]))
    assert list(given.token_ids) == sorted(corpus.vocabulary.values())


@pytest.mark.parametrize("settings", [SMALL | {"epochs": 20}, FAST | {"epochs": 20}], ids=["word2vec", "fasttext"])
def test_words_that_meet_are_near(give, corpus, settings):
    given = give(corpus, **settings)
    unit = given.vectors / np.linalg.norm(given.vectors, axis=1, keepdims=True)
    near = unit @ unit.T
    first = np.array([id_ in {corpus.vocabulary[f"word{n}"] for n in range(20)} for id_ in given.token_ids])
    assert near[np.ix_(first, first)].mean() > near[np.ix_(first, ~first)].mean() + 0.2


def test_every_setting_changes_the_vectors_and_the_digest(give, corpus):
    changes = [
        {"sg": 0}, {"window": 2}, {"epochs": 3}, {"negative": 2}, {"alpha": 0.1}, {"sample": 1e-2}, {"seed": 1},
        {"vector_size": 12},
    ]  # fmt: skip
    changes = [SMALL | change for change in changes] + [FAST | change for change in ({"min_n": 2}, {"max_n": 4})]
    given = [give(corpus, **settings) for settings in [SMALL, FAST, *changes, FAST | {"bucket": 100}]]
    assert len({made.digest for made in given}) == len(given)
    assert len({made.vectors.tobytes() for made in given}) == len(given)


def test_settings_that_do_not_matter_change_neither(give, corpus):
    first = give(corpus, **SMALL)
    told = len(give.told)
    second = give(corpus, **SMALL, freeze=True, bucket=5, min_n=2)
    assert second.digest == first.digest and np.array_equal(second.vectors, first.vectors)
    assert len(give.told) == told, "nothing is trained again"


def test_another_corpus_has_another_digest(give, corpus, make_texts):
    other = make_texts([*corpus.texts, ["word1", "word2"]])
    assert give(corpus, **SMALL).digest != give(other, **SMALL).digest


def test_progress_is_told_per_epoch(give, corpus):
    give(corpus, **SMALL)
    assert give.told == ["word2vec: epoch 1 of 2, 0 s", "word2vec: epoch 2 of 2, 0 s"]


def test_gensim_cuts_texts_over_ten_thousand_tokens_and_we_do_not(give, make_texts):
    head, tail = ["a", "b"] * 5000, ["c", "d"] * 2500
    cut = gensim.models.Word2Vec([head + tail], vector_size=4, min_count=1, epochs=1, seed=1, workers=1, sample=0)
    rng = np.random.default_rng(1).random((4, 4), dtype=np.float32)
    start = (rng * 2 - 1) / 4
    assert np.array_equal(cut.wv["c"], start[cut.wv.key_to_index["c"]]), "the trap: c was never trained"

    corpus = make_texts([head + tail])
    pieces = list(_Sentences(corpus))
    assert [len(piece) for piece in pieces] == [7500, 7500] and sum(pieces, []) == head + tail
    given = give(corpus, method="word2vec", vector_size=4, epochs=1, seed=1, sample=0)
    assert not np.isclose(given.vectors, start).all(axis=1).any()


def test_short_and_empty_texts_are_harmless(give, make_texts):
    corpus = make_texts([[], ["a"], ["b", "a"], []], extra=("never",))
    given = give(corpus, **SMALL)
    assert list(given.token_ids) == [2, 3], "an entry that does not occur has no vector"
    assert given.coverage.tokens == 1 and given.coverage.types == pytest.approx(2 / 3)


@pytest.mark.parametrize("method", ["word2vec", "fasttext"])
def test_no_token_at_all_is_an_error_that_says_what_to_do(give, make_texts, method):
    corpus = make_texts([[], []], unknown=1200, extra=("never",))
    with pytest.raises(DataError, match=r"x\.yaml:12: embeddings\.method: train holds no token .*1,200.*min_count"):
        give(corpus, method=method)


@pytest.mark.parametrize("settings", [SMALL, FAST], ids=["word2vec", "fasttext"])
def test_vectors_that_diverge_are_an_error(give, corpus, settings, monkeypatch):
    monkeypatch.setattr(training, "_LARGEST", 1e-4)
    with pytest.raises(DataError, match=r"embeddings\.alpha: \w+ diverged in epoch 1 of 2; lower .*\(now 0\.03\)"):
        give(corpus, **settings, alpha=0.03)
    assert not list((give.cache / "embeddings").glob("*/index.json"))


def test_an_error_of_the_corpus_ends_training(give, corpus, make_texts):
    class Broken(make_texts):
        def __iter__(self):
            yield self.texts[0]
            raise DataError("row 7 is gone")

    with pytest.raises(DataError, match="row 7 is gone"):
        give(Broken(corpus.texts), **SMALL)


def test_the_corpus_is_streamed(give, make_texts):
    class Streamed(make_texts):
        def __iter__(self):
            for number in range(20_000):
                yield [f"w{(number + place) % 50}" for place in range(20)]

    corpus = Streamed([])
    corpus.counts = {f"w{number}": 8000 for number in range(50)}
    tracemalloc.start()
    give(corpus, method="word2vec", vector_size=4, epochs=1, negative=1, window=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # its 400,000 tokens alone would be 20 MB as lists of strings
    assert peak < 8e6


CHILD = """
import hashlib, sys
sys.path[:0] = sys.argv[1:3]
from pathlib import Path
from conftest import Give, Texts
texts = Texts([[f"word{(a * b) % 23}" for b in range(60)] for a in range(1, 400)])
for method in ("word2vec", "fasttext"):
    give = Give(Path(sys.argv[3]))
    given = give(texts, method=method, vector_size=16, epochs=20, bucket=500)
    vectors = hashlib.sha256(given.vectors.tobytes()).hexdigest()
    print(method, given.digest, vectors, sum("epoch" in told for told in give.told))
"""


def in_processes(*caches: Path) -> list[list[list[str]]]:
    """What each of several processes, begun together, prints: one per cache, each with hashes of its own."""
    root = Path(__file__).resolve().parents[2]
    begun = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, str(root), str(Path(__file__).parent), str(cache)],
            env=os.environ | {"PYTHONHASHSEED": str(number + 1)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for number, cache in enumerate(caches)
    ]
    printed = [process.communicate(timeout=120)[0] for process in begun]
    assert [process.returncode for process in begun] == [0] * len(begun)
    return [[line.split() for line in text.splitlines()] for text in printed]


def test_processes_give_the_same_bits_and_train_once_per_cache(tmp_path):
    alone, first, second = in_processes(tmp_path / "own", tmp_path / "shared", tmp_path / "shared")
    # method, digest and vectors
    assert [line[:3] for line in alone] == [line[:3] for line in first] == [line[:3] for line in second]
    assert [line[3] for line in alone] == ["20", "20"]
    assert [{a[3], b[3]} for a, b in zip(first, second, strict=True)] == [{"0", "20"}] * 2


def test_several_workers_make_the_kept_vectors_part_of_the_digest(give, corpus):
    settings = SMALL | {"workers": 2}
    first = give(corpus, **settings)
    again = give(corpus, **settings)
    assert again.digest == first.digest and np.array_equal(first.vectors, again.vectors)
    assert first.digest != give(corpus, **SMALL).digest
    entry = next(path for path in (give.cache / "embeddings").iterdir() if path.is_dir())
    assert first.digest != entry.name


def test_a_learning_rate_below_gensims_last_one_does_not_rise(corpus):
    from hftk.recipe.schema import Embeddings

    assert training._arguments(Embeddings(method="word2vec", alpha=1e-5))["min_alpha"] == 1e-5
