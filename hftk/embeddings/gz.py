"""Files that may be compressed by gzip, opened alike."""

import gzip
import zlib
from pathlib import Path
from typing import IO

from hftk.errors import DataError

DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)
"""What reading a cut or damaged gzip file raises."""


def opened(path: Path) -> IO[bytes]:
    """The content of a file, decompressed if it begins as gzip does, whatever its name."""
    file = path.open("rb", buffering=1 << 20)
    if file.peek(2)[:2] != b"\x1f\x8b":
        return file
    file.close()
    return gzip.open(path, "rb")


def damaged(place: str) -> DataError:
    return DataError(f"{place}: the gzip file is cut or damaged; fetch or make it again")
