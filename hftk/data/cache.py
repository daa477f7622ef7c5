"""Where prepared data are kept between commands, each entry whole or not at all."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

_LONGEST_WRITE = 24 * 3600  # seconds


def cache_folder() -> Path:
    """$HFTK_CACHE, or ~/.cache/hftk; all in it can be made again."""
    return Path(os.environ.get("HFTK_CACHE") or Path.home() / ".cache" / "hftk").expanduser()


def write_entry(folder: Path, fill: Callable[[Path], None]) -> bool:
    """Has `fill` write into a folder beside `folder`, then renames it, so that an entry is always whole.

    False: it cannot be written. Where another process was faster its entry stays: it has the same content. What a
    process left that was killed while it wrote the same entry is removed a day later.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in folder.parent.glob(f"{folder.name[:16]}-*"):
            if time.time() - left.stat().st_mtime > _LONGEST_WRITE:
                shutil.rmtree(left, ignore_errors=True)
        beside = Path(tempfile.mkdtemp(prefix=f"{folder.name[:16]}-", dir=folder.parent))
    except OSError:
        return False
    try:
        fill(beside)
        try:
            beside.rename(folder)
        except OSError:
            return folder.is_dir()
        return True
    except OSError:
        return False
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def discard_entry(folder: Path) -> None:
    """Takes a damaged entry away, as far as the cache can be written.

    Renamed first, so that no other process finds a half-emptied folder under the name.
    """
    try:
        damaged = Path(tempfile.mkdtemp(prefix="damaged-", dir=folder.parent))
    except OSError:
        return
    try:
        folder.rename(damaged / "entry")
    except OSError:
        pass
    shutil.rmtree(damaged, ignore_errors=True)


def file_hash(file: Path) -> str:
    """sha256 (hex) of a file's bytes."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
