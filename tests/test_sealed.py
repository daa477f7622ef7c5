"""A sealed folder is whole or not there, whatever happens while it is written."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hftk.errors import RunError
from hftk.sealed import MANIFEST, Damaged, read_manifest, sealed_folder, verified

CONTENT = {"weights": b"\x00\x01" * 5000, "state": b"step 7"}


def write(path: Path, content: dict[str, bytes] = CONTENT) -> None:
    with sealed_folder(path, about={"step": 7, "이름": "한국어"}) as sealing:
        for name, data in content.items():
            with sealing.open(name) as file:
                for start in range(0, len(data), 4096):
                    file.write(memoryview(data)[start : start + 4096])


def test_what_is_written_is_read(tmp_path):
    write(tmp_path / "step-7")
    manifest = verified(tmp_path / "step-7")
    assert manifest == read_manifest(tmp_path / "step-7")
    assert manifest.about == {"step": 7, "이름": "한국어"}
    assert {name: told["bytes"] for name, told in manifest.files.items()} == {"weights": 10_000, "state": 6}
    assert os.listdir(tmp_path) == ["step-7"]


def test_a_folder_of_that_name_is_replaced(tmp_path):
    write(tmp_path / "step-7")
    write(tmp_path / "step-7", {"other": b"x"})
    assert set(verified(tmp_path / "step-7").files) == {"other"}
    assert sorted(os.listdir(tmp_path / "step-7")) == [MANIFEST, "other"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_error_while_writing_leaves_what_was_there(tmp_path, error):
    write(tmp_path / "step-7")
    with pytest.raises(type(error)), sealed_folder(tmp_path / "step-7", about={}) as sealing:
        with sealing.open("weights") as file:
            file.write(b"half")
            raise error
    assert os.listdir(tmp_path) == ["step-7"]
    assert set(verified(tmp_path / "step-7").files) == set(CONTENT)


@pytest.mark.parametrize(
    ("breaking", "reason"),
    [
        (lambda path: (path / "weights").unlink(), r"weights cannot be read \(No such file"),
        (lambda path: (path / "weights").write_bytes(b"\x00\x01" * 4999), "weights has 9,998 bytes, and 10,000 were"),
        (lambda path: flip(path / "weights", 6000), "weights is not what was written: its checksum differs"),
        (lambda path: (path / MANIFEST).unlink(), "manifest.json is missing"),
        (lambda path: cut(path / MANIFEST), r"manifest.json cannot be read \(JSONDecodeError\)"),
        (lambda path: (path / MANIFEST).write_text("[]"), r"manifest.json cannot be read \(TypeError\)"),
        (lambda path: (path / MANIFEST).write_text("{}"), r"manifest.json cannot be read \(KeyError\)"),
        (lambda path: change_step(path / MANIFEST), "manifest.json is not what was written: its checksum differs"),
    ],
)
def test_damage_is_named(tmp_path, breaking, reason):
    write(tmp_path / "step-7")
    breaking(tmp_path / "step-7")
    with pytest.raises(Damaged, match=reason):
        verified(tmp_path / "step-7")
    assert issubclass(Damaged, RunError)


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def change_step(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    content["about"]["step"] = 6
    path.write_text(json.dumps(content), encoding="utf-8")


# kills itself at the k-th call that changes the disk; ends with "done" where there are fewer
KILLED_SAVE = """
import os, shutil, signal, sys
from pathlib import Path
import hftk.sealed as sealed

left = int(sys.argv[2])

def counted(function):
    def call(*arguments, **settings):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **settings)
    return call

sealed.HashedFile.write = counted(sealed.HashedFile.write)
os.fsync = counted(os.fsync)
Path.rename, Path.mkdir, shutil.rmtree = counted(Path.rename), counted(Path.mkdir), counted(shutil.rmtree)
folder = Path(sys.argv[1])
with sealed.sealed_folder(folder / "step-8", about={"step": 8}) as sealing:
    for name in ("weights", "state"):
        with sealing.open(name) as file:
            for part in range(3):
                file.write(name.encode() * 2000)
print("done")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_save_killed_at_every_write_leaves_all_or_nothing(tmp_path):
    write(tmp_path / "step-7")
    for kill_at in range(1, 100):
        command = [sys.executable, "-c", KILLED_SAVE, str(tmp_path), str(kill_at)]
        result = subprocess.run(command, capture_output=True, text=True)
        assert set(verified(tmp_path / "step-7").files) == set(CONTENT)
        if (tmp_path / "step-8").exists():
            assert read_manifest(tmp_path / "step-8").about == verified(tmp_path / "step-8").about == {"step": 8}
        if result.stdout:
            break
        assert result.returncode == -signal.SIGKILL, result.stderr
    assert kill_at > 12 and sorted(os.listdir(tmp_path)) == ["step-7", "step-8"]
