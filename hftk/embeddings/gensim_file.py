"""gensim's own files of word vectors (.kv): pickles, read without running anything that stands in them."""

import pickle
from pathlib import Path
from typing import IO, Any

import numpy as np

from hftk.embeddings.found import Found, quoted
from hftk.embeddings.gz import DAMAGED, damaged
from hftk.errors import DataError

_CONVERT = 'convert it where it was made: vectors.save_word2vec_format("vectors.bin", binary=True)'
# rows looked at together
_ROWS = 10_000


def beside(path: Path) -> Path | None:
    """Where gensim put the numbers of a large `path`; None: it holds them itself."""
    for name in (f"{path.name}.vectors.npy", f"{path.name}.vectors.npz"):
        if path.with_name(name).is_file():
            return path.with_name(name)
    return None


def read_gensim(stream: IO[bytes], path: Path, found: Found) -> None:
    """The words and vectors of a gensim 4 KeyedVectors.

    Of the pickle, only arrays of numbers and the attributes of KeyedVectors are taken, into stand-ins of our own; any
    other name in it is refused (so are pickle protocols other than 4, gensim's own, which need more names).
    Raises DataError.
    """
    where = found.where
    try:
        content = _Unpickler(stream).load()
    except DAMAGED as problem:
        raise damaged(where) from problem
    except _Refused as refused:
        raise DataError(
            f"{where}: the pickle asks for {refused}, which word vectors have not; it was not run: {_CONVERT}"
        ) from None
    except Exception as problem:
        # whatever bytes can make the pickle machine do
        raise DataError(f"{where}: damaged, or no file of gensim's ({problem}); {_CONVERT}") from problem
    state = vars(content) if type(content) is _KeyedVectors else {}
    words = state.get("index_to_key")
    if not isinstance(words, list):
        raise DataError(f"{where}: holds no vectors of gensim 4 (no list index_to_key); {_CONVERT}")
    vectors = _matrix(state.get("vectors"), path, where)
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or len(vectors) != len(words):
        raise DataError(
            f"{where}: {len(words):,} words, but vectors of shape {vectors.shape} and type {vectors.dtype}; {_CONVERT}"
        )
    _take(words, vectors, found)


def _take(words: list[Any], vectors: np.ndarray, found: Found) -> None:
    for start in range(0, len(words), _ROWS):
        rows = vectors[start : start + _ROWS]
        with np.errstate(over="ignore"):
            finite = np.isfinite(rows.astype(np.float32)).all(axis=1)
        for offset, word in enumerate(words[start : start + _ROWS]):
            place = f"word number {start + offset + 1}"
            if not isinstance(word, str):
                # its text could fill the memory: parts that are shared in the pickle would be written out
                raise DataError(f"{found.where}, {place}: an object of type {type(word).__name__} is no word")
            if not finite[offset]:
                raise DataError(
                    f"{found.where}, {place}: the vector of {quoted(word)} holds a number that is not finite in 32 bits"
                )
            token_id = found.add(word, place)
            if token_id is not None:
                found.keep(token_id, rows[offset].astype(np.float32))


def _matrix(inside: Any, path: Path, where: str) -> np.ndarray:
    """The array in the pickle, or the one that gensim put into a file beside it."""
    if isinstance(inside, _Array):
        try:
            return inside.numbers()
        except (ValueError, TypeError, AttributeError) as problem:
            raise DataError(f"{where}: its vectors are no array of numbers ({problem}); {_CONVERT}") from problem
    file = beside(path)
    if file is None:
        raise DataError(
            f"{where}: its vectors are in the file {path.name}.vectors.npy, which is not beside it; keep both together"
        )
    try:
        stored = np.load(file, mmap_mode="r", allow_pickle=False)
        return stored if isinstance(stored, np.ndarray) else stored["val"]
    except Exception as problem:
        # zipfile, zlib and numpy each have their own
        raise DataError(f"{where}: {file.name} beside it is damaged ({problem})") from problem


class _Refused(Exception):
    """A name that stands in the pickle, and is none of a KeyedVectors."""


class _KeyedVectors:
    """Takes the attributes, and does nothing."""


class _Type:
    """Stands for numpy.dtype."""

    def __init__(self, name: str, *_: Any) -> None:
        self.name, self.order = name, "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]

    def dtype(self) -> np.dtype:
        if not isinstance(self.name, str) or self.name not in ("f2", "f4", "f8") or self.order not in ("<", ">", "="):
            raise ValueError("of a type that is no float of numpy's")
        return np.dtype(self.order + self.name)


class _Array:
    """Stands for numpy.ndarray: numpy's own trusts what it is given."""

    def __init__(self, *_: Any) -> None:
        self.state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state

    def numbers(self) -> np.ndarray:
        _, shape, kind, columns_first, raw = self.state
        return np.frombuffer(raw, kind.dtype()).reshape(shape, order="F" if columns_first else "C")


def _nothing(*_: Any) -> None:
    """Stands for single numbers, which no attribute that we read is."""


_STAND_INS: dict[tuple[str, str], Any] = {
    ("gensim.models.keyedvectors", "KeyedVectors"): _KeyedVectors,
    ("numpy", "dtype"): _Type,
    ("numpy", "ndarray"): _Array,
} | {
    (f"numpy.{core}.multiarray", name): stand_in
    for core in ("core", "_core")
    for name, stand_in in (("_reconstruct", _Array), ("scalar", _nothing))
}


class _Unpickler(pickle._Unpickler):
    """Of Python's two, the one written in Python: seven bytes make the other one take all memory (they put an object
    into place 2,147,483,647 of its table). It is six times slower: four seconds for 400,000 words.
    """

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _STAND_INS[module, name]
        except KeyError:
            raise _Refused(f"{module}.{name}") from None
