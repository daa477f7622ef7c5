"""A save that has no room is told before it begins, and one that runs out of it leaves what was there."""

import os
import re
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from hftk.errors import RunError
from hftk.sealed import sealed_folder, verified
from hftk.training.space import NoSpace, check_free_space, tensor_bytes, told_when_full

MB = 10**6
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 8 MiB, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mounting, capture_output=True).returncode:
        pytest.skip("needs Linux and the right to mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_all_tensors_count_at_any_depth():
    shared = torch.zeros(10, dtype=torch.bfloat16)
    state = {"optimizer": {0: {"exp_avg": torch.zeros(3, 4), "step": 7}}, "rng": (torch.zeros(5, dtype=torch.uint8),)}
    assert tensor_bytes([{"w": shared}, state, None, "text"]) == 20 + 48 + 5


def test_too_little_space_is_told_before_the_save(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 0, 50 * MB))
    check_free_space(tmp_path / "not" / "yet", {"weights": torch.zeros(10 * MB)})
    with pytest.raises(NoSpace) as raised:
        check_free_space(tmp_path / "not" / "yet", {"weights": torch.zeros(12 * MB)})
    assert isinstance(raised.value, RunError)
    text = str(raised.value)
    assert text.startswith(f"{tmp_path / 'not' / 'yet'}: no room for a save on the volume ")
    assert ": 53.2 MB are needed and 50 MB are free; free some space there, or write another output_dir" in text
    assert "or a smaller training.save_total_limit. What was saved before is whole" in text
    numbers = raised.value.finding.to_json()["numbers"]
    assert numbers["free"] == 50 * MB and numbers["needed"] > 48 * MB and os.path.ismount(numbers["volume"])


def write(folder: Path, content: bytes) -> None:
    with sealed_folder(folder, about={}) as sealing, sealing.open("weights") as file:
        for start in range(0, len(content), 4096):
            file.write(content[start : start + 4096])


def test_a_small_disk_is_measured(small_disk):
    write(small_disk / "step-1", b"1" * 2 * MB)
    check_free_space(small_disk / "step-2", torch.zeros(MB // 4))
    with pytest.raises(NoSpace, match=re.escape(f"no room for a save on the volume {small_disk}: 7.25 MB are needed")):
        check_free_space(small_disk / "step-2", torch.zeros(MB * 3 // 4))


@pytest.mark.parametrize("name", ["step-1", "step-2"])
def test_a_disk_that_fills_up_leaves_the_former_checkpoint(small_disk, name):
    write(small_disk / "step-1", b"1" * 2 * MB)
    with pytest.raises(NoSpace, match=r"writing ended with: .*No space left on device.*; .* are free; free some"):
        with told_when_full(small_disk):
            write(small_disk / name, b"2" * 8 * MB)
    assert os.listdir(small_disk) == ["step-1"]
    assert (small_disk / "step-1" / "weights").read_bytes() == b"1" * 2 * MB
    verified(small_disk / "step-1")
    write(small_disk / name, b"2" * 3 * MB)


def test_what_safetensors_says_of_a_full_disk_is_understood(small_disk):
    with pytest.raises(NoSpace, match="No space left on device"), told_when_full(small_disk / "model"):
        save_file({"weights": torch.zeros(4 * MB)}, small_disk / "model.safetensors")


def test_what_torch_says_of_a_full_disk_is_understood(small_disk):
    with pytest.raises(NoSpace), told_when_full(small_disk / "model"), open(small_disk / "state", "wb") as file:
        torch.save({"weights": torch.zeros(4 * MB)}, file)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_file_beyond_the_limit_of_the_process_leaves_the_former_checkpoint(tmp_path):
    write(tmp_path / "step-1", b"1" * 1000)
    child = os.fork()
    if not child:
        code = 1
        try:
            import resource  # not on Windows

            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
            try:
                with told_when_full(tmp_path):
                    write(tmp_path / "step-2", b"2" * 200_000)
            except NoSpace as error:
                code = 0 if "File too large" in str(error) else 3
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert os.listdir(tmp_path) == ["step-1"]
    verified(tmp_path / "step-1")


def test_other_errors_pass(tmp_path):
    with pytest.raises(PermissionError), told_when_full(tmp_path):
        raise PermissionError(13, "Permission denied")
