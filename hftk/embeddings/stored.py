"""Trained vectors on disk, by content: checked when read, made once even by processes that begin together."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from hftk.data.cache import discard_entry, file_hash, write_entry

_VECTORS, _TOKENS, _INDEX = "vectors.npy", "tokens.json", "index.json"

Table = tuple[list[str], np.ndarray]
"""Words and their vectors: float32 (words, size)."""


def kept_or_made(folder: Path, make: Callable[[], Table], *, tell: Callable[[str], None]) -> Table:
    """What `folder` holds, or what `make` makes and is then held there; in memory only where it cannot be written."""
    stored = _read(folder)
    if stored is not None:
        return stored
    with _alone(folder, tell):
        # another process may have made it meanwhile
        stored = _read(folder)
        if stored is None:
            made = make()
            stored = (_write(folder, made) and _read(folder)) or made
        return stored


@contextmanager
def _alone(folder: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """One process at a time per entry, where the file system can; elsewhere each makes its own, and one is kept."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{folder}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            tell("embeddings: another process trains the same vectors; waiting for it")
            lock.acquire()
    except (OSError, NotImplementedError):
        lock = None
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def _write(folder: Path, made: Table) -> bool:
    """Stores the table as one entry of the cache. False: it cannot be written."""

    def fill(beside: Path) -> None:
        tokens, vectors = made
        np.save(beside / _VECTORS, vectors, allow_pickle=False)
        (beside / _TOKENS).write_text(json.dumps(tokens), encoding="utf-8")
        index = {name: file_hash(beside / name) for name in (_VECTORS, _TOKENS)}
        (beside / _INDEX).write_text(json.dumps(index), encoding="utf-8")

    return write_entry(folder, fill)


def _read(folder: Path) -> Table | None:
    """What `_write` stored; None, and nothing left there, if it is not whole."""
    if not folder.is_dir():
        return None
    try:
        index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        for name in (_VECTORS, _TOKENS):
            if file_hash(folder / name) != index[name]:
                raise ValueError(f"{folder / name} is damaged")
        tokens = json.loads((folder / _TOKENS).read_text(encoding="utf-8"))
        return tokens, np.load(folder / _VECTORS, allow_pickle=False)
    except (OSError, ValueError, KeyError, TypeError):
        discard_entry(folder)
        return None
