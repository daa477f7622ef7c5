"""Trained vectors on disk: whole or made again, never a pickle."""

import os
import stat
import threading

import numpy as np
import pytest
from filelock import FileLock

from hftk.embeddings.stored import kept_or_made

TABLE = (["a", "한국"], np.arange(4, dtype=np.float32).reshape(2, 2))


class Maker:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return TABLE


@pytest.fixture
def maker() -> Maker:
    return Maker()


def given(folder, maker, told=None):
    tokens, vectors = kept_or_made(folder, maker, tell=(told if told is not None else []).append)
    assert tokens == TABLE[0] and np.array_equal(vectors, TABLE[1])


def test_made_once(tmp_path, maker):
    given(tmp_path / "key", maker)
    given(tmp_path / "key", maker)
    assert maker.calls == 1
    assert sorted(path.name for path in (tmp_path / "key").iterdir()) == ["index.json", "tokens.json", "vectors.npy"]


@pytest.mark.parametrize("name", ["vectors.npy", "tokens.json", "index.json"])
@pytest.mark.parametrize("damage", ["cut", "other", "gone"])
def test_a_damaged_entry_is_made_again(tmp_path, maker, name, damage):
    given(tmp_path / "key", maker)
    file = tmp_path / "key" / name
    content = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(content[:-3] if damage == "cut" else content[:-3] + b"xxx")
    given(tmp_path / "key", maker)
    assert maker.calls == 2
    given(tmp_path / "key", maker)
    assert maker.calls == 2, "mended"
    assert {path.name for path in tmp_path.iterdir()} <= {"key", "key.lock"}


def test_in_memory_where_nothing_can_be_written(tmp_path, maker):
    (tmp_path / "file").write_text("")
    given(tmp_path / "file" / "key", maker)
    given(tmp_path / "file" / "key", maker)
    assert maker.calls == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_read(tmp_path, maker):
    given(tmp_path / "key", maker)
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    given(tmp_path / "key", maker)
    tmp_path.chmod(stat.S_IRWXU)
    assert maker.calls == 1


def test_the_second_waits_for_the_first_and_says_so(tmp_path, maker):
    told: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def slow():
        begun.set()
        assert go_on.wait(20)
        return maker()

    first = threading.Thread(target=kept_or_made, args=(tmp_path / "key", slow), kwargs={"tell": told.append})
    first.start()
    assert begun.wait(20)
    second = threading.Thread(target=given, args=(tmp_path / "key", maker, told))
    second.start()
    while not told:
        second.join(0.01)
    assert told == ["embeddings: another process trains the same vectors; waiting for it"]
    go_on.set()
    first.join(20)
    second.join(20)
    assert maker.calls == 1


def test_a_file_system_without_locks_trains_all_the_same(tmp_path, maker, monkeypatch):
    def refuse(*_, **__):
        raise NotImplementedError("no locks here")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    given(tmp_path / "key", maker)
    given(tmp_path / "key", maker)
    assert maker.calls == 1
