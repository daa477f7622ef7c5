"""idx files, the form of MNIST and its family → Source."""

import gzip
import math
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hftk.data.source import Source
from hftk.data.where import Where
from hftk.errors import DataError

if TYPE_CHECKING:
    import numpy as np

_NAME = re.compile(r"(?P<split>train|t10k|test)-(?P<what>images|labels)[-.]idx[13]-ubyte(\.gz)?")
# of bytes: two zeros, 8, the number of dimensions
_DIMENSIONS = {"images": 3, "labels": 1}
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class IdxPair:
    images: Path
    labels: Path

    def read(self, name: str, where: Where) -> Source:
        """Images (uint8, rows × height × width) and labels. Raises DataError for files that are not what they should
        be, or do not belong together."""
        images = _read(self.images, "images", where)
        labels = _read(self.labels, "labels", where)
        if len(images) != len(labels):
            raise DataError(
                f"{where('path')}: {self.images} holds {len(images):,} images and {self.labels} {len(labels):,} "
                "labels; they must be of the same rows"
            )
        if not len(images):
            raise DataError(f"{where('path')}: {self.images} holds no image")
        return Source(name, {"image": images, "label": labels.tolist()}, len(images))


def find_idx(folder: Path, where: Where) -> dict[str, IdxPair]:
    """Split (train, test) → its two files; nothing where the folder holds none. Raises DataError for one alone."""
    found: dict[str, dict[str, Path]] = {}
    # longest first: of a file and its packed form the last, unpacked one is taken
    for file in sorted(folder.iterdir(), key=lambda file: (-len(file.name), file.name)):
        if (match := _NAME.fullmatch(file.name)) and file.is_file():
            split = "train" if match["split"] == "train" else "test"
            found.setdefault(split, {})[match["what"]] = file
    for files in found.values():
        for what, other in (("images", "labels"), ("labels", "images")):
            if what not in files:
                missing = f"{files[other].name.split('-')[0]}-{what}-idx{_DIMENSIONS[what]}-ubyte"
                raise DataError(f"{where('path')}: {folder} holds {files[other].name} and no {missing} (or .gz)")
    return {split: IdxPair(**found[split]) for split in ("train", "test") if split in found}


def _read(path: Path, what: str, where: Where) -> "np.ndarray":
    import numpy as np

    at = where("path")
    raw = path.read_bytes()
    if raw.startswith(_GZIP):
        try:
            raw = gzip.decompress(raw)
        except (EOFError, OSError, zlib.error) as error:
            raise DataError(f"{at}: {path} cannot be unpacked ({error}); it may not be whole: fetch it again") from None
    dimensions = _DIMENSIONS[what]
    start = 4 + 4 * dimensions
    magic = 0x0800 + dimensions
    if len(raw) < start or int.from_bytes(raw[:4]) != magic:
        raise DataError(
            f"{at}: {path} is no idx file of {what}: it begins with the number {int.from_bytes(raw[:4])}, not {magic}"
        )
    shape = [int.from_bytes(raw[i : i + 4]) for i in range(4, start, 4)]
    if len(raw) - start != math.prod(shape):
        raise DataError(
            f"{at}: {path} holds {len(raw) - start:,} bytes of {what} where its header says {math.prod(shape):,} "
            f"({' × '.join(map(str, shape))}); it may not be whole: fetch it again"
        )
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)
