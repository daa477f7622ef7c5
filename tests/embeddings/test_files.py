"""Files of word vectors: every form read as gensim reads it, every bad line named."""

import gzip
import hashlib
import random
import struct
from pathlib import Path

import gensim
import numpy as np
import pytest

from hftk.embeddings import found as found_module
from hftk.embeddings.files import read_file
from hftk.errors import DataError

VOCABULARY = {"the": 5, "of": 3, "한국": 9, "absent": 4}
GLOVE = "the 0.1 -0.25 3e-2\n, 1 2 3\nof 0.5 .5 5.\n한국 -1 -2 -3\n"
VECTORS = {"the": [0.1, -0.25, 0.03], "of": [0.5, 0.5, 5.0], "한국": [-1, -2, -3]}


@pytest.fixture
def keyed():
    """gensim's own vectors of four words, two of which are in the vocabulary."""
    made = gensim.models.KeyedVectors(5)
    made.add_vectors(["the", "한국", "x", "New_York"], np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32))
    return made


def read(path: Path, vocabulary=VOCABULARY, told: list[str] | None = None):
    return read_file(
        path, vocabulary, where="x.yaml:3: embeddings.path: f", tell=(told if told is not None else []).append
    )


def vectors_of(path: Path) -> dict[str, np.ndarray]:
    names = {id_: word for word, id_ in VOCABULARY.items()}
    found, _ = read(path)
    assert all(vector.dtype == np.float32 for vector in found.vectors)
    return {names[id_]: vector for id_, vector in zip(found.token_ids, found.vectors, strict=True)}


def same(given: dict, expected: dict) -> bool:
    return given.keys() == expected.keys() and all(
        np.array_equal(given[word], np.array(numbers, dtype=np.float32)) for word, numbers in expected.items()
    )


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "vectors.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        GLOVE,
        "4 3\n" + GLOVE,
        "\ufeff" + GLOVE,
        GLOVE.replace("\n", "\r\n"),
        GLOVE.replace("\n", " \n"),
        GLOVE.replace("the ", "the\t"),
        GLOVE.replace(" ", "  "),
        GLOVE + "\n\n",
        GLOVE.rstrip("\n"),
        GLOVE.replace(",", "at name@domain.com"),
        "5 3\n. . . 1 2 3\n" + GLOVE,
        GLOVE.replace(",", "\u00a0"),
        GLOVE.replace(",", "\u0085"),
    ],
    ids=["glove", "header", "bom", "crlf", "trailing", "tab", "double", "blank_end", "no_break", "spaces", "dots",
         "nbsp", "nel"],
)  # fmt: skip
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gz"])
def test_text(write, content, zipped):
    content = content.encode()
    # the name says nothing: gzip is told by its first bytes
    assert same(vectors_of(write(gzip.compress(content) if zipped else content)), VECTORS)


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "text"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_word2vec_as_gensim_saves_it(tmp_path, keyed, binary, suffix):
    path = tmp_path / f"vectors.w2v{suffix}"
    keyed.save_word2vec_format(str(path), binary=binary)
    reference = gensim.models.KeyedVectors.load_word2vec_format(str(path), binary=binary)
    assert same(vectors_of(path), {word: reference[word] for word in ("the", "한국")})
    assert read(path)[0].words == set(keyed.index_to_key)


def test_word2vec_binary_as_the_c_tool_saves_it(write):
    records = b"".join(word.encode() + b" " + struct.pack("<3f", *VECTORS[word]) + b"\n" for word in VECTORS)
    assert same(vectors_of(write(b"3 3\n" + records)), VECTORS)


def test_a_binary_file_of_several_blocks(write, monkeypatch):
    monkeypatch.setattr("hftk.embeddings.binary_file._BLOCK", 7)
    records = b"".join(word.encode() + b" " + struct.pack("<3f", *VECTORS[word]) for word in VECTORS)
    assert same(vectors_of(write(b"3 3\n" + records)), VECTORS)


def test_letters_cut_by_word2vec_are_no_error_in_binary(write):
    numbers = struct.pack("<3f", 1, 2, 3)
    content = b"3 3\n\xed\x95 " + numbers + b"the " + numbers + b"\xff " + numbers
    assert same(vectors_of(write(content)), {"the": [1, 2, 3]})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GLOVE.replace("of 0.5 .5 5.", "of 0.5 .5"), "line 3: 2 numbers after the word, where line 1 has 3"),
        (GLOVE.replace("of 0.5 .5 5.", "of 0.5 .5 5. 7"), "line 3: 4 numbers after the word, where line 1 has 3"),
        (GLOVE.replace(", 1 2 3", ", 1 2 3 4"), "line 2: 4 numbers after the word, where line 1 has 3"),
        (GLOVE.replace(", 1 2 3", ", 1  3"), "line 2: 2 numbers after the word, where line 1 has 3"),
        (GLOVE.replace(", 1 2 3", ", 1"), "line 2: 1 numbers after the word, where line 1 has 3"),
        ("4 2\n" + GLOVE, "line 2: 3 numbers after the word, where the header promises 2"),
        ("4 4\n" + GLOVE, "line 2: 3 numbers after the word, where the header promises 4"),
        (GLOVE.replace(".5 5.", "x 5."), "line 3: 'x' is not a number, in the vector of 'of'"),
        (GLOVE.replace(", 1 2", ", 1 x"), "line 2: 'x' is not a number, in the vector of ','"),
        (GLOVE.replace(", 1 2", ", 1 1_0"), "line 2: '1_0' is not a number"),
        (GLOVE.replace(".5 5.", "1.2.3 5."), "line 3: '1.2.3' is not a number"),
        (GLOVE.replace(".5 5.", "nan 5."), "line 3: 'nan' is not a finite number, in the vector of 'of'"),
        (GLOVE.replace(", 1 2", ", 1 NaN"), "line 2: 'NaN' is not a finite number"),
        (GLOVE.replace(", 1 2", ", 1 -inf"), "line 2: '-inf' is not a finite number"),
        (GLOVE.replace(".5 5.", "1e39 5."), "line 3: '1e39' is not a finite number"),
        (GLOVE + "of 1 2 3\n", "line 5: 'of' stands in the file a second time; take out one of the two"),
        (GLOVE + ", 1 2 3\n", "line 5: ',' stands in the file a second time"),
        (GLOVE + f"{'w' * 999} 1 2 3\n" * 2, f"line 6: '{'w' * 60}…' stands in the file a second time"),
        ("5 3\n" + GLOVE, "line 1: the header promises 5 words, the file has 4; is it whole?"),
        ("3 3\n" + GLOVE, "line 5: more words than the 3 that the header promises"),
        ("0 3\n" + GLOVE, "line 1: the header promises 0 words of 3 numbers; allowed"),
        ("4 0\n" + GLOVE, "line 1: the header promises 4 words of 0 numbers; allowed"),
        ("4 3\n", "nothing follows the header; it promises 4 words"),
        ("", "the file is empty"),
        ("\n \n", "the file is empty"),
        (GLOVE.replace(", 1 2 3", ""), "line 2: the line is empty"),
        (GLOVE.replace(",", ""), "line 2: no word before the numbers"),
        (GLOVE.encode("cp949"), "line 4: not valid UTF-8 ('\\xc7ѱ\\xb9'); save the file as UTF-8"),
        (b"4 3\n" + GLOVE.encode("cp949"), "line 5: not valid UTF-8"),
        ("hello world\n", "line 1: 'world' is not a number; expected on every line: a word and its numbers"),
        ("text,label\n", "line 1: no number after the first word ('text,label'); expected"),
        ("x" * 70_000, "no line ends within 65,536 bytes"),
        (b"PK\x03\x04" + b"x" * 90, "is a zip archive; unpack it"),
        (b"\xba\x16\x4f\x2f" + b"x" * 90, "is fastText's own binary form; give the .vec file"),
        (gzip.compress((GLOVE * 1).encode(), mtime=0)[:-9], "line "),
        (gzip.compress(b"", mtime=0)[:5], "the gzip file is cut or damaged; fetch or make it again"),
    ],
)  # fmt: skip
def test_bad_text_is_named(write, content, message):
    with pytest.raises(DataError) as error:
        read(write(content))
    told = str(error.value)
    assert told.startswith("x.yaml:3: embeddings.path: f") and message in told
    assert "\n" not in told


def test_a_cut_gzip_file_names_the_line(write):
    content = "".join(f"w{number} {number} 1 2\n" for number in range(50_000)).encode()
    cut = gzip.compress(content)[:-40]
    with pytest.raises(DataError, match=r"f, line 4[89],\d\d\d|f, line (49|50)\d\d\d: the gzip file is cut or damaged"):
        read(write(cut))


RANDOM = random.Random(0).randbytes(12)  # hard to compress; the same in every process, as it names a test
RECORD = b"the " + struct.pack("<3f", 0.1, 0.2, 0.3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"2 3\n" + RECORD, "word number 2: the file ends here; the header promises 2 words of 3 numbers"),
        (b"1 3\n" + RECORD[:-1], "word number 1: the file ends here"),
        (b"1 3\n" + RECORD + RECORD, "more follows after 1 words of 3 numbers, which the header promises"),
        (b"2 3\n" + RECORD + RECORD, "word number 2: 'the' stands in the file a second time"),
        (b"1 3\nthe " + struct.pack("<3f", 1, float("nan"), 1), "word number 1: the vector of 'the' holds a number"),
        (b"1 3\nzzz " + struct.pack("<3f", 1, float("inf"), 1), "word number 1: the vector of 'zzz' holds a number"),
        (b"2 2\n" + RECORD + b"of " + RECORD[4:], "more follows after 2 words of 2 numbers, which the header promises"),
        (b"9 2\nthe " + struct.pack("<3f", 1, 1, 1) + RECORD, "is no word; the header promises 2 numbers per word: is"),
        (b"1 3\n\x00\x01" + bytes(20_000).replace(b" ", b""), "no word ends within 10,000 bytes"),
        (gzip.compress(b"9 3\n" + RECORD + b"of " + RANDOM, mtime=0)[:-12], "word number 1: the gzip file is cut"),
    ],
)  # fmt: skip
def test_bad_binary_is_named(write, content, message):
    with pytest.raises(DataError) as error:
        read(write(content))
    assert message in str(error.value)


def test_large_finite_numbers_in_binary_are_no_error(write):
    large = struct.pack("<3f", 1e30, 1, 1)
    assert same(vectors_of(write(b"1 3\nthe " + large)), {"the": [1e30, 1, 1]})


def test_a_folder_and_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="f: is a folder; name the file of vectors in it"):
        read(tmp_path)
    with pytest.raises(DataError, match="f: cannot be read: No such file or directory"):
        read(tmp_path / "none.txt")


def test_progress(write, monkeypatch):
    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr(found_module, "monotonic", lambda: next(clock))
    told: list[str] = []
    read(write("".join(f"w{number} 1 2\n" for number in range(5000))), told=told)
    assert told == ["vectors.txt: 2,048 lines read", "vectors.txt: 4,096 lines read"]


def test_the_digest_is_of_the_bytes(write):
    path = write(GLOVE)
    _, digest = read(path)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest() == read(path, {"of": 1})[1]


def test_only_the_vocabulary_is_kept(write):
    found, _ = read(write("".join(f"w{number} 1 2\n" for number in range(5000))), {"w7": 1})
    assert found.token_ids == [1] and len(found.vectors) == 1 and len(found.words) == 5000


@pytest.mark.parametrize("name", ["glove.6B.50d.subset.txt.gz", "glove.6B.100d.top2604.txt.gz"])
def test_real_glove_is_read_as_gensim_reads_it(shared_data, name):
    path = shared_data / "glove" / name
    reference = gensim.models.KeyedVectors.load_word2vec_format(str(path), no_header=True, limit=3000)
    vocabulary = {word: id_ for id_, word in enumerate(reference.index_to_key)}
    found, _ = read(path, vocabulary)
    assert found.token_ids == list(range(len(vocabulary)))
    assert np.array_equal(np.stack(found.vectors), reference.vectors)


def test_a_header_of_thousands_of_digits(write):
    with pytest.raises(DataError, match="line 1: a number of 5,000 digits, where a header promises words"):
        read(write(b"9" * 5000 + b" 3\nthe 1 2 3\n"))


def test_a_line_without_an_end_does_not_fill_the_memory(write):
    content = gzip.compress(b"the 1 2 3\n" + b"x" * (5 << 20))  # 5 KB on disk; it could be gigabytes
    with pytest.raises(DataError, match="line 2: the line does not end within 1,048,576 bytes"):
        read(write(content))
