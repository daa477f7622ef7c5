"""Image files → pixels as the model takes them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image
from transformers import PreTrainedConfig, ViTImageProcessorPil

from hftk.data.encoded import ImageRows
from hftk.data.images import Unreadable, decoded
from hftk.data.rows import Rows
from hftk.errors import DataError
from hftk.prediction.notices import Notices
from hftk.prediction.rows import Chunk


def image_rows(
    images: Sequence[Any], chunk: Chunk, *, config: PreTrainedConfig, processor: ViTImageProcessorPil, notices: Notices
) -> ImageRows:
    """images: the bytes or path of each. Raises DataError, with its place, for one that cannot be read.

    Grey and coloured ones become what the model was trained on. One of another size is resized, as the model's image
    processor says, and counted.
    """
    rows = Rows(list(range(len(images))), [chunk.name] * len(images), [None] * len(images), {"image": list(images)}, [])
    read, told = decoded({"images": rows})
    for text in told:
        count, _, rest = text.replace(" images in", " image in").partition(" image in ")
        notices.count(int(count.replace(",", "")), one=f"1 image in {rest}", many=f"{{count}} images in {rest}")
    height, width = config.image_size
    pixels = np.empty((len(images), height, width, config.num_channels), np.uint8)
    resized = 0
    for number, image in enumerate(read["images"].inputs["image"]):
        if isinstance(image, Unreadable):
            detail = f" ({image.detail})" if image.detail else ""
            raise DataError(f"{chunk.place(number)}: {image.fault}{detail}")
        resized += image.shape[:2] != (height, width)
        pixels[number] = _fitted(image, height=height, width=width, channels=config.num_channels, processor=processor)
    notices.count(
        resized,
        one=f"1 image was resized to {width} × {height} pixels, which the model takes",
        many=f"{{count}} images were resized to {width} × {height} pixels, which the model takes",
    )
    return ImageRows(
        pixels=pixels.transpose(0, 3, 1, 2),
        labels=np.zeros(len(images), np.int64),
        mean=processor.image_mean[: config.num_channels],
        std=processor.image_std[: config.num_channels],
    )


def _fitted(
    image: np.ndarray, *, height: int, width: int, channels: int, processor: ViTImageProcessorPil
) -> np.ndarray:
    """(height, width, channels) uint8. image: (rows, columns) or (rows, columns, 3) uint8."""
    if image.shape[:2] != (height, width) or (image.ndim == 3) != (channels == 3):
        made = Image.fromarray(image).convert("RGB" if channels == 3 else "L")
        if image.shape[:2] != (height, width):
            made = made.resize((width, height), resample=processor.resample)
        image = np.array(made)
    return image.reshape(height, width, channels)
