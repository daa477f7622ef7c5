"""A folder that is whole or not there: written beside, checksummed, its manifest last, then renamed.

A save that is killed at any moment leaves the former state and a folder that begins with `.part-`, which nothing reads
and the next save of the same name removes. Checksums are those of the bytes that were meant to be written: a disk that
keeps others is seen when the folder is read.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from hftk.errors import RunError

MANIFEST = "manifest.json"
_BESIDE = ".part-"


class Damaged(RunError):
    """A sealed folder that is not what was written. The message is the reason, without the folder's name."""


@dataclass(frozen=True)
class Manifest:
    about: dict[str, Any]
    """What the writer wanted to be known of the folder."""
    files: dict[str, dict[str, Any]]
    """Name → bytes and sha256 (hex)."""


@dataclass
class Sealing:
    """A folder while it is written."""

    folder: Path
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    @contextmanager
    def open(self, name: str) -> Iterator["HashedFile"]:
        """A new file of the folder, to be written from start to end."""
        with open(self.folder / name, "xb") as file:
            hashed = HashedFile(file)
            yield hashed
            file.flush()
            os.fsync(file.fileno())
        self.files[name] = {"bytes": hashed.bytes, "sha256": hashed.digest.hexdigest()}


class HashedFile:
    """What is written goes to the file and into the checksum."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.bytes = 0
        self.digest = hashlib.sha256()

    def write(self, content: bytes | memoryview) -> int:
        self.digest.update(content)
        written = self._file.write(content)
        self.bytes += written
        return written

    def flush(self) -> None:
        self._file.flush()


@contextmanager
def sealed_folder(path: Path, *, about: Mapping[str, Any]) -> Iterator[Sealing]:
    """The folder `path`, there when the block has ended well. What stood there before is removed just before.

    about: JSON values that `read_manifest` gives back. Raises OSError where the disk does; then nothing has changed.
    """
    beside = path.with_name(_BESIDE + path.name)
    if beside.exists():
        shutil.rmtree(beside)
    beside.mkdir(parents=True)
    sealing = Sealing(beside)
    try:
        yield sealing
        with sealing.open(MANIFEST) as file:
            content = {"about": dict(about), "files": sealing.files}
            file.write(_json(content | {"checksum": _checksum(content)}))
        sync_folder(beside)
        if path.exists():
            shutil.rmtree(path)
        beside.rename(path)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    sync_folder(path.parent)


def read_manifest(path: Path) -> Manifest:
    """Raises Damaged where it is not there, cut or no manifest."""
    try:
        content = json.loads((path / MANIFEST).read_bytes())
        if content.pop("checksum") != _checksum(content):
            raise Damaged(f"{MANIFEST} is not what was written: its checksum differs")
        files = {name: dict(told) for name, told in content["files"].items()}
        return Manifest(about=dict(content["about"]), files=files)
    except FileNotFoundError as error:
        raise Damaged(f"{MANIFEST} is missing") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"{MANIFEST} cannot be read ({type(error).__name__})") from error


def verified(path: Path) -> Manifest:
    """Reads every file of the folder. Raises Damaged, which names the first that is missing, cut or changed."""
    manifest = read_manifest(path)
    for name, told in manifest.files.items():
        try:
            with open(path / name, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size != told["bytes"]:
                    raise Damaged(f"{name} has {size:,} bytes, and {told['bytes']:,} were written")
                if hashlib.file_digest(file, "sha256").hexdigest() != told["sha256"]:
                    raise Damaged(f"{name} is not what was written: its checksum differs")
        except OSError as error:
            raise Damaged(f"{name} cannot be read ({error.strerror})") from error
    return manifest


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=2).encode()


def _checksum(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(_json(content)).hexdigest()


def sync_folder(path: Path) -> None:
    """Makes names durable, where the system can (Windows cannot open folders)."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
