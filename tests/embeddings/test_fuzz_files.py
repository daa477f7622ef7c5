"""Whatever a file of word vectors holds: its vectors are finite and of one size, or an error of ours says why not."""

import gzip
import io
import struct
from pathlib import Path
from typing import Any

import gensim
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hftk.embeddings.files import read_file
from hftk.errors import DataError

QUIET = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
few = settings(max_examples=100, derandomize=True, **QUIET)
many = settings(max_examples=5000, **QUIET)

VOCABULARY = {"the": 2, "cat": 3, "한국": 4, "a": 5}
WORDS = [b"the", b"cat", "한국".encode(), b"a", b"", b"x y", b"\xff", b"1", b"the\x00", b"-", b"nan"]
NUMBERS = [
    b"0",
    b"-1.5",
    b"1e-3",
    b"1e39",
    b"1e999",
    b"nan",
    b"inf",
    b"1_0",
    b"",
    b"x",
    b"9" * 5000,
    b"0x1",
    "½".encode(),
]
COUNTS = [b"0", b"1", b"2", b"3", b"-1", b"1.5", b"16385", b"99999999999999999999", b"9" * 5000, b"", b"x"]


def mostly(usual: list[bytes], rare: list[bytes]) -> st.SearchStrategy[bytes]:
    return st.sampled_from(usual * 4 + rare)


SPACES = mostly([b" "], [b"\t", b"  ", b"", b"\xc2\xa0"])
ENDS = mostly([b"\n"], [b"\r\n", b"\n\n", b"", b"\r", b"\0"])


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Lines of words and numbers, with a header that is right, wrong or absent."""
    size = draw(st.integers(1, 3))
    lines = []
    if draw(st.booleans()):
        count = draw(mostly([b"3"], COUNTS))
        lines.append(count + draw(SPACES) + draw(mostly([b"%d" % size], COUNTS)) + draw(ENDS))
    for _ in range(draw(st.integers(0, 4))):
        numbers = [draw(mostly([b"0.5", b"-2"], NUMBERS)) for _ in range(draw(_size(size)))]
        line = draw(mostly(WORDS[:4], WORDS))
        for number in numbers:
            line += draw(SPACES) + number
        lines.append(line + draw(ENDS))
    return draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf", b"\n"])) + b"".join(lines)


def _size(usual: int) -> st.SearchStrategy[int]:
    return st.sampled_from([usual] * 6 + [0, usual + 1, max(0, usual - 1)])


@st.composite
def binaries(draw: st.DrawFn) -> bytes:
    """word2vec's binary form, whose header may lie."""
    size = draw(st.integers(1, 3))
    header = draw(mostly([b"2"], COUNTS)) + b" " + draw(mostly([b"%d" % size], COUNTS)) + b"\n"
    body = b""
    for _ in range(draw(st.integers(0, 3))):
        word = draw(mostly(WORDS[:4], [*WORDS, b"w" * 20_000]))
        body += (
            word + b" " + draw(st.binary(min_size=0, max_size=4 * size + 1) | st.just(struct.pack("<f", 1.5) * size))
        )
        body += draw(mostly([b""], [b"\n"]))
    return header + body


def _valid_files(folder: Path) -> list[bytes]:
    keyed = gensim.models.KeyedVectors(3)
    keyed.add_vectors(["the", "x", "한국"], np.arange(9, dtype=np.float32).reshape(3, 3))
    keyed.save(str(folder / "v.kv"))
    keyed.save_word2vec_format(str(folder / "v.txt"), binary=False)
    keyed.save_word2vec_format(str(folder / "v.bin"), binary=True)
    keyed.save_word2vec_format(str(folder / "v.vec"), write_header=False)
    plain = [(folder / name).read_bytes() for name in ("v.kv", "v.txt", "v.bin", "v.vec")]
    array = io.BytesIO()
    np.save(array, np.zeros((2, 3), np.float32))
    return [*plain, *map(gzip.compress, plain), array.getvalue()]


@st.composite
def mutations(draw: st.DrawFn, files: list[bytes]) -> bytes:
    """A valid file with some of its bytes flipped, cut, put in or doubled; packed again, or not."""
    content = bytearray(draw(st.sampled_from(files)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(content) - 1)))
        kind = draw(st.sampled_from(["flip", "cut", "insert", "remove", "double"]))
        if kind == "flip" and content:
            content[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del content[at:]
        elif kind == "insert":
            content[at:at] = draw(st.binary(max_size=6))
        elif kind == "remove":
            del content[at : at + draw(st.integers(1, 9))]
        else:
            content[at:at] = content[at : at + draw(st.integers(1, 40))]
    return gzip.compress(bytes(content)) if draw(st.booleans()) else bytes(content)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def read_or_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        found, digest = read_file(path, VOCABULARY, where="x.yaml:3: embeddings.path: f", tell=lambda _: None)
    except DataError as error:
        assert str(error).startswith("x.yaml:3: embeddings.path: f")
        assert len(str(error)) < 2000
        str(error).encode()  # a terminal can show it
        return
    assert len(digest) == 64
    assert len(found.vectors) == len(found.token_ids) == len(set(found.token_ids))
    assert set(found.token_ids) <= set(VOCABULARY.values())
    assert len({vector.shape for vector in found.vectors}) <= 1
    assert all(vector.dtype == np.float32 and np.isfinite(vector).all() for vector in found.vectors)


def inputs(kind: str, folder: Path) -> st.SearchStrategy[Any]:
    return {
        "text": texts(),
        "text packed": texts().map(gzip.compress),
        "binary": binaries(),
        "mutations": mutations(_valid_files(folder)),
        "bytes": st.binary(max_size=80),
        "pickle": st.binary(max_size=40).map(lambda content: b"\x80\x04" + content),
    }[kind]


KINDS = ["text", "text packed", "binary", "mutations", "bytes", "pickle"]


def fuzz(kind: str, folder: Path, how_many: settings) -> None:
    @how_many
    @given(inputs(kind, folder))
    def each(content: bytes) -> None:
        read_or_refused(folder / "fuzzed", content)

    each()


@pytest.mark.parametrize("kind", KINDS)
def test_only_our_errors_come_out(folder, kind):
    fuzz(kind, folder, few)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_only_our_errors_come_out_of_thousands(folder, kind):
    fuzz(kind, folder, many)
