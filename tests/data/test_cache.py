"""Entries of the cache: whole or not there, and no error where they cannot be written."""

import tempfile

import pytest

from hftk.data.cache import discard_entry, write_entry


@pytest.fixture
def read_only(monkeypatch):
    def refused(*_, **__):
        raise PermissionError("read-only file system")

    monkeypatch.setattr(tempfile, "mkdtemp", refused)


def test_an_entry_is_there_only_when_it_is_whole(tmp_path):
    def half(folder):
        (folder / "a").write_text("half")
        raise OSError("disk full")

    assert not write_entry(tmp_path / "cache" / "entry", half)
    assert list((tmp_path / "cache").iterdir()) == []
    assert write_entry(tmp_path / "cache" / "entry", lambda folder: (folder / "a").write_text("whole"))
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["entry"]


def test_the_entry_of_a_faster_process_stays(tmp_path):
    for content in ("first", "second"):
        assert write_entry(tmp_path / "entry", lambda folder, text=content: (folder / "a").write_text(text))
    assert (tmp_path / "entry" / "a").read_text() == "first"


def test_a_damaged_entry_goes(tmp_path):
    write_entry(tmp_path / "entry", lambda folder: (folder / "a").write_text("damaged"))
    discard_entry(tmp_path / "entry")
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, read_only):
    (tmp_path / "entry").mkdir()
    discard_entry(tmp_path / "entry")
    assert (tmp_path / "entry").is_dir()
    assert not write_entry(tmp_path / "other", lambda folder: None)
