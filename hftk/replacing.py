"""A file that takes another's place whole, or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hftk.errors import RunError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` that takes its place if the block ends well, and is removed if not.

    Its folder is made. Raises RunError where the disk refuses; the file is then as before.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        beside.replace(path)
    except OSError as error:
        raise RunError(
            f"{path}: cannot be written ({error.strerror or error}); free space or make it writable, and give the same "
            "command again: what is finished is kept"
        ) from error
    finally:
        with suppress(OSError):  # on a disk that refuses all
            beside.unlink(missing_ok=True)


def replace_text(path: Path, text: str) -> None:
    """Newlines as they are; on the disk when this returns. Raises RunError as above."""
    with replacing(path) as beside, open(beside, "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
