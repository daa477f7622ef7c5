"""Free space: asked for before a save, and told where the disk fills up all the same."""

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from hftk.training.findings import Finding, FindingError

# beside the tensors: names and numbers as JSON, the manifest, the file system's own blocks
_MARGIN = 4 * 2**20
_SHARE = 0.02
# a full disk, a used-up quota, a file beyond the process's limit
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


class NoSpace(FindingError):
    """A volume that has no room for a save."""


def check_free_space(folder: Path, saved: Any) -> None:
    """Raises NoSpace where the volume of `folder`, which need not be there yet, has too little room for what is saved.

    saved: tensors in mappings, lists and tuples of any depth; all else counts nothing. What a save replaces is removed
    after it, so the room for both is needed.
    """
    content = tensor_bytes(saved)
    needed = int(content * (1 + _SHARE)) + _MARGIN
    present = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(present).free
    if free < needed:
        raise _no_space(folder, f"{_size(needed)} are needed and {_size(free)} are free", needed=needed, free=free)


@contextmanager
def told_when_full(folder: Path) -> Iterator[None]:
    """A write in the block that ends in a full disk raises NoSpace: a quota shows only then, and others write too."""
    try:
        yield
    except NoSpace:
        raise
    except Exception as error:
        if not _is_full(error):
            raise
        free = shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists())).free
        raise _no_space(folder, f"writing ended with: {error}; {_size(free)} are free", free=free) from error


def tensor_bytes(value: Any) -> int:
    """Of all tensors in nested mappings, lists and tuples."""
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, Mapping):
        return sum(tensor_bytes(item) for item in value.values())
    if isinstance(value, list | tuple):
        return sum(tensor_bytes(item) for item in value)
    return 0


def _is_full(error: BaseException | None) -> bool:
    """safetensors and torch wrap the system's error, or give its number as text only."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if any(f"(os error {number})" in str(error) for number in _FULL):
            return True
        error = error.__cause__ or error.__context__
    return False


def _no_space(folder: Path, reason: str, **numbers: int) -> NoSpace:
    return NoSpace(
        Finding(
            kind="no-space",
            message=f"{folder}: no room for a save on the volume {_volume(folder)}: {reason}; free some space there, "
            "or write another output_dir or a smaller training.save_total_limit. What was saved before is whole, and "
            "the same command again goes on from there",
            numbers={"volume": str(_volume(folder)), **numbers},
        )
    )


def _volume(folder: Path) -> Path:
    """Where the folder's file system is mounted."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if os.path.ismount(path))


def _size(count: int) -> str:
    """Three digits, as disks are sold: 1.23 GB."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"
