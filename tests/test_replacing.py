"""A file is the old one or the new one, whatever happens between."""

import os
import re

import pytest

from hftk.errors import RunError
from hftk.replacing import replace_text, replacing


def test_the_new_file_takes_the_old_ones_place_with_newlines_as_they_are(tmp_path):
    path = tmp_path / "made" / "file.csv"
    replace_text(path, "old\n")
    replace_text(path, "a\r\nb\n한국어\n")
    assert path.read_bytes() == "a\r\nb\n한국어\n".encode()
    assert os.listdir(path.parent) == ["file.csv"]


def test_a_block_that_fails_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "file"
    replace_text(path, "old")
    with pytest.raises(ZeroDivisionError), replacing(path) as beside:
        beside.write_text("half")
        _ = 1 / 0
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["file"]


def test_a_disk_that_refuses_is_told_with_what_to_do(tmp_path):
    (tmp_path / "file").mkdir()
    told = f"{tmp_path / 'file'}: cannot be written (Is a directory); free space or make it writable, and give the same"
    with pytest.raises(RunError, match=f"^{re.escape(told)} command again: what is finished is kept$"):
        replace_text(tmp_path / "file", "text")
    assert os.listdir(tmp_path) == ["file"]
