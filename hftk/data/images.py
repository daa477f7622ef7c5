"""Images of any file form → pixels of one size."""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hftk.data.rows import Rows, first_rows
from hftk.data.where import Where
from hftk.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

# Pillow's modes of one byte per pixel without colour; what is in neither list has colours
_GREY = ("L", "1", "LA", "La")
_NO_BYTES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")


@dataclass(frozen=True)
class Unreadable:
    """In the place of an image."""

    fault: str
    detail: str = ""


def decoded(splits: Mapping[str, Rows]) -> tuple[dict[str, Rows], list[str]]:
    """The splits with pixels (uint8, height × width, or × 3) or Unreadable in the place of files, and what to tell.

    Grey stays grey; palettes, CMYK and the like become RGB. Transparency is left out; of 16 bits the upper 8 are kept.
    A camera's note of which side is up is followed.
    """
    converted: Counter[tuple[str, str]] = Counter()
    made = {}
    for split, rows in splits.items():
        images = rows.inputs["image"]
        if isinstance(images, list):
            rows = replace(rows, inputs={"image": [_pixels(image, converted) for image in images]})
        made[split] = rows
    notices = []
    for (mode, read_as), count in converted.items():
        lost = ", without their transparency" if "a" in mode.lower() else ""
        many = "1 image" if count == 1 else f"{count:,} images"
        notices.append(f"{many} in Pillow's mode {mode}: read as {read_as}{lost}")
    return made, notices


def stacked(splits: Mapping[str, Rows], *, where: Where) -> tuple[dict[str, Rows], tuple[int, int, int], list[str]]:
    """The splits with one array (uint8, rows × height × width × channels) each, the shape of an image, what to tell.

    Train decides: where it has coloured images, grey ones become RGB; where it has none, coloured ones become grey.
    Raises DataError for an image of another size than the first of train.
    """
    _refuse_other_sizes(splits, where)
    coloured = {split: _coloured(rows) for split, rows in splits.items()}
    channels = 3 if coloured["train"] else 1
    made = {
        split: replace(rows, inputs={"image": _stack(rows.inputs["image"], channels)}) for split, rows in splits.items()
    }
    rows, of_three = sum(map(len, splits.values())), sum(coloured.values())
    read = "RGB" if channels == 3 else "grey, as all of train are"
    told = [f"{rows - of_three:,} grey and {of_three:,} coloured images: read as {read}"] if 0 < of_three < rows else []
    height, width = made["train"].inputs["image"].shape[1:3]
    return made, (height, width, channels), told


def _coloured(rows: Rows) -> int:
    images = rows.inputs["image"]
    return sum(image.ndim == 3 for image in images) if isinstance(images, list) else 0


def _refuse_other_sizes(splits: Mapping[str, Rows], where: Where) -> None:
    train = splits["train"]
    wanted = train.inputs["image"][0].shape[:2]
    for split, rows in splits.items():
        images = rows.inputs["image"]
        if isinstance(images, list):
            others = [position for position, image in enumerate(images) if image.shape[:2] != wanted]
        else:
            others = list(range(len(rows))) if images.shape[1:3] != wanted else []
        if others:
            raise DataError(
                f"{where('path')}: {first_rows(rows, others[:1])}: an image of {_size(images[others[0]].shape)}, where "
                f"{first_rows(train, [0])} has {_size(wanted)} (width × height); {len(others):,} of {len(rows):,} "
                f"images of {split} differ from that; all must have one size: resize them"
            )


def _size(shape: Sequence[int]) -> str:
    return f"{shape[1]} × {shape[0]}"


def _stack(images: "list[np.ndarray] | np.ndarray", channels: int) -> "np.ndarray":
    import numpy as np

    if not isinstance(images, list):
        # a grey pixel is repeated for each channel
        return images[..., None] if channels == 1 else np.repeat(images[..., None], channels, axis=-1)
    pixels = np.empty((len(images), *images[0].shape[:2], channels), np.uint8)
    for i, image in enumerate(images):
        grey = image.ndim == 2
        pixels[i] = image[..., None] if grey else image if channels == 3 else _as_grey(image)
    return pixels


def _as_grey(image: "np.ndarray") -> "np.ndarray":
    """(height, width, 3) uint8 → (height, width, 1), as Pillow does."""
    import numpy as np
    from PIL import Image

    return np.array(Image.fromarray(image).convert("L"))[..., None]


def _pixels(image: Any, converted: Counter[tuple[str, str]]) -> "np.ndarray | Unreadable":
    import numpy as np
    from PIL import Image, ImageOps, UnidentifiedImageError

    if image is None:
        return Unreadable("image is null")
    if isinstance(image, np.ndarray):
        return image
    if not isinstance(image, bytes | Path):
        return Unreadable(f"image is no image but {type(image).__name__}")
    if isinstance(image, Path) and not image.is_file():
        return Unreadable("image file is missing", str(image))
    try:
        with Image.open(io.BytesIO(image) if isinstance(image, bytes) else image) as opened:
            return _bytes(ImageOps.exif_transpose(opened), converted)
    except UnidentifiedImageError:
        return Unreadable("image cannot be read", "of no form that Pillow knows")
    # what Pillow finds wrong inside a file comes as one of many kinds
    except Exception as error:
        return Unreadable("image cannot be read", str(error))


def _bytes(image: "Image.Image", converted: Counter[tuple[str, str]]) -> "np.ndarray | Unreadable":
    import numpy as np

    if image.mode in _NO_BYTES:
        return Unreadable(f"image is in Pillow's mode {image.mode}, whose numbers have no known range; save it as L")
    read_as = "L" if image.mode in _GREY else "RGB"
    if image.mode == read_as:
        return np.array(image)
    converted[image.mode, read_as] += 1
    return np.array(image.convert(read_as))
