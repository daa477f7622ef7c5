"""gensim's .kv: the real ones are read, and nothing in a pickle is ever run."""

import gzip
import os
import pickle
import subprocess
import sys
from pathlib import Path

import gensim
import numpy as np
import pytest

from hftk.embeddings.files import read_file
from hftk.errors import DataError

ROOT = Path(__file__).resolve().parents[2]
VOCABULARY = {"the": 5, "한국": 9, "absent": 4}


@pytest.fixture
def keyed():
    made = gensim.models.KeyedVectors(5)
    made.add_vectors(["the", "x", "한국"], np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32))
    return made


def read(path: Path):
    return read_file(path, VOCABULARY, where="x.yaml:3: embeddings.path: f", tell=lambda _: None)


def matches(path: Path, keyed) -> bool:
    found, _ = read(path)
    expected = keyed.vectors[[0, 2]].astype(np.float32)
    return found.token_ids == [5, 9] and np.array_equal(np.stack(found.vectors), expected)


@pytest.mark.parametrize("name", ["vectors.kv", "vectors.anything", "vectors.kv.gz"])
@pytest.mark.parametrize("separately", [None, ["vectors"]], ids=["inside", "beside"])
def test_as_gensim_saves_it(tmp_path, keyed, name, separately):
    keyed.save(str(tmp_path / name), **({"separately": separately} if separately else {}))
    assert (len(list(tmp_path.iterdir())) == 2) == bool(separately)
    assert matches(tmp_path / name, keyed)


def test_of_a_trained_model(tmp_path, corpus):
    model = gensim.models.Word2Vec(corpus.texts, vector_size=4, min_count=1, epochs=1)
    model.wv.save(str(tmp_path / "v.kv"))
    found, _ = read_file(tmp_path / "v.kv", corpus.vocabulary, where="w", tell=lambda _: None)
    names = {id_: word for word, id_ in corpus.vocabulary.items()}
    assert len(found.vectors) == 40
    assert all(
        np.array_equal(vector, model.wv[names[id_]]) for id_, vector in zip(found.token_ids, found.vectors, strict=True)
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_other_floats_and_protocols(tmp_path, keyed, dtype, protocol):
    keyed.vectors = np.asfortranarray(keyed.vectors.astype(dtype))
    keyed.save(str(tmp_path / "v.kv"), pickle_protocol=protocol)
    if protocol != 4:
        # gensim 4 itself writes 4, unless told otherwise
        with pytest.raises(DataError, match=r"asks for (_codecs\.encode|builtins\.frozenset|numpy\..*_frombuffer)"):
            read(tmp_path / "v.kv")
    else:
        assert matches(tmp_path / "v.kv", keyed)


def test_the_digest_covers_the_file_beside(tmp_path, keyed):
    keyed.save(str(tmp_path / "v.kv"), separately=["vectors"])
    before = read(tmp_path / "v.kv")[1]
    assert before == read(tmp_path / "v.kv")[1]
    np.save(tmp_path / "v.kv.vectors.npy", keyed.vectors * 2)
    assert before != read(tmp_path / "v.kv")[1]


class Runs:
    """Pickles to a call of os.system."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("inside", [True, False], ids=["attribute", "whole"])
@pytest.mark.parametrize("zipped", [True, False], ids=["gz", "plain"])
def test_a_hostile_pickle_is_refused_and_runs_nothing(tmp_path, keyed, protocol, inside, zipped):
    mark = tmp_path / "was_here"
    hostile = Runs(f"touch {mark}")
    if inside:
        keyed.mapfile_path = hostile
    content = pickle.dumps(keyed if inside else hostile, protocol=protocol)
    path = tmp_path / "v.kv"
    path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(DataError) as error:
        read(path)
    told = str(error.value)
    assert not mark.exists()
    assert "the pickle asks for " in told and "it was not run" in told
    # in other protocols than 4 something that comes first is refused already
    assert ".system" in told or (inside and protocol != 4)
    assert 'save_word2vec_format("vectors.bin", binary=True)' in told
    assert pickle.loads(pickle.dumps(hostile)) == 0 and mark.exists(), "it would have run"


@pytest.mark.parametrize(
    "name", ["builtins.eval", "builtins.getattr", "numpy.load", "gensim.utils.SaveLoad", "hftk.errors.DataError"]
)
def test_other_names_are_refused(tmp_path, name):
    module, attribute = name.rsplit(".", 1)
    (tmp_path / "v.kv").write_bytes(b"\x80\x02c" + f"{module}\n{attribute}\n".encode() + b".")
    with pytest.raises(DataError, match=f"the pickle asks for {name}, which word vectors have not"):
        read(tmp_path / "v.kv")


def test_an_array_of_objects_beside_is_refused(tmp_path, keyed):
    mark = tmp_path / "was_here"
    keyed.save(str(tmp_path / "v.kv"), separately=["vectors"])
    np.save(tmp_path / "v.kv.vectors.npy", np.array([[Runs(f"touch {mark}")]], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"f: v\.kv\.vectors\.npy beside it is damaged \(.*Python objects"):
        read(tmp_path / "v.kv")
    assert not mark.exists()


def test_the_file_beside_is_missing_or_cut(tmp_path, keyed):
    keyed.save(str(tmp_path / "v.kv"), separately=["vectors"])
    numbers = tmp_path / "v.kv.vectors.npy"
    numbers.write_bytes(numbers.read_bytes()[:-5])
    with pytest.raises(DataError, match=r"v\.kv\.vectors\.npy beside it is damaged"):
        read(tmp_path / "v.kv")
    numbers.unlink()
    with pytest.raises(DataError, match=r"in the file v\.kv\.vectors\.npy, which is not beside it; keep both together"):
        read(tmp_path / "v.kv")


def test_a_whole_model_is_refused_with_its_name(tmp_path, corpus):
    gensim.models.Word2Vec(corpus.texts, vector_size=4, min_count=1, epochs=1).save(str(tmp_path / "m.model"))
    with pytest.raises(DataError, match=r"asks for gensim\.models\.word2vec\.Word2Vec.*save_word2vec_format"):
        read(tmp_path / "m.model")


def test_fasttext_vectors_are_refused_with_their_name(tmp_path, corpus):
    model = gensim.models.FastText(corpus.texts, vector_size=4, min_count=1, epochs=1, bucket=50)
    model.wv.save(str(tmp_path / "f.kv"))
    with pytest.raises(DataError, match=r"asks for gensim\.models\.fasttext\.FastTextKeyedVectors"):
        read(tmp_path / "f.kv")


def test_a_cut_pickle(tmp_path, keyed):
    keyed.save(str(tmp_path / "v.kv"))
    content = (tmp_path / "v.kv").read_bytes()
    for length in (2, 20, len(content) // 2, len(content) - 1):
        (tmp_path / "v.kv").write_bytes(content[:length])
        with pytest.raises(DataError, match="f: (damaged|the gzip file)"):
            read(tmp_path / "v.kv")


def test_content_that_is_no_keyed_vectors(tmp_path):
    (tmp_path / "v.kv").write_bytes(pickle.dumps({"the": [1.0, 2.0]}))
    with pytest.raises(DataError, match=r"f: holds no vectors of gensim 4 \(no list index_to_key\)"):
        read(tmp_path / "v.kv")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vectors": np.ones((2, 5), dtype=np.float32)}, r"3 words, but vectors of shape \(2, 5\)"),
        ({"vectors": np.ones(3, dtype=np.float32)}, r"3 words, but vectors of shape \(3,\)"),
        ({"vectors": np.array([[np.nan] * 5] * 3, dtype=np.float32)}, "word number 1: the vector of 'the' holds a"),
        ({"vectors": np.full((3, 5), 1e300)}, "the vector of 'the' holds a number that is not finite in 32 bits"),
        ({"vectors": np.array([["a"] * 5] * 3, dtype=object)}, "its vectors are no array of numbers"),
        ({"vectors": np.ones((3, 5), dtype=np.int64)}, "its vectors are no array of numbers"),
        ({"index_to_key": ["the", "x", "the"]}, "word number 3: 'the' stands in the file a second time"),
        ({"index_to_key": ["the", 7, "x"]}, "word number 2: an object of type int is no word"),
    ],
)  # fmt: skip
def test_bad_content(tmp_path, keyed, change, message):
    vars(keyed).update(change)
    keyed.save(str(tmp_path / "v.kv"))
    with pytest.raises(DataError, match=message):
        read(tmp_path / "v.kv")


def test_a_few_bytes_do_not_take_all_memory(tmp_path):
    # LONG_BINPUT: Python's fast reader makes a table of that many places; 33 million of them are half a gigabyte
    (tmp_path / "v.kv").write_bytes(b"\x80\x04Nr\x00\x00\x00\x02.")
    program = (
        "import resource, sys; from pathlib import Path; from hftk.embeddings.files import read_file\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: read_file(Path(sys.argv[1]), {}, where='w', tell=print)\n"
        "except Exception as error: print(error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "v.kv")], capture_output=True, text=True, check=True, cwd=ROOT
    )
    told, grown = done.stdout.splitlines()
    assert "holds no vectors of gensim 4" in told
    assert int(grown) < 100_000  # kilobytes


def test_a_word_that_would_fill_the_memory_is_not_shown(tmp_path, keyed):
    word = ["x"]
    for _ in range(40):  # 2 ** 40 times the x, if it were written out
        word = [word, word]
    keyed.index_to_key[0] = word
    keyed.key_to_index = {}
    keyed.save(str(tmp_path / "v.kv"))
    with pytest.raises(DataError, match="word number 1: an object of type list is no word"):
        read(tmp_path / "v.kv")
