"""Images → pixel values, normalised by an image processor that plain transformers loads."""

from typing import TYPE_CHECKING

import numpy as np

from hftk.data.encoded import ImageRows, in_one_piece
from hftk.data.labelled import LabelledData

if TYPE_CHECKING:
    import datasets
    from transformers import BaseImageProcessor

# pixels summed at a time
_ROWS = 4096


def image_processor(data: LabelledData) -> "BaseImageProcessor":
    """Resizes to the size of the data's images, rescales to 0..1, and normalises by mean and deviation of train.

    It gives three channels always, as transformers' image pipeline does; a model of grey images makes one of them.
    """
    from transformers import ViTImageProcessorPil

    height, width, _ = data.image_shape
    channels = np.moveaxis(_pixels(data.splits["train"], data.image_shape), 1, 0)
    figures = [_mean_and_deviation(channel) for channel in channels] * (3 // len(channels))
    return ViTImageProcessorPil(
        do_resize=True,
        size={"height": height, "width": width},
        do_rescale=True,
        rescale_factor=1 / 255,
        do_normalize=True,
        image_mean=[mean for mean, _ in figures],
        image_std=[std for _, std in figures],
        do_convert_rgb=True,
    )


def pixel_rows(data: LabelledData, processor: "BaseImageProcessor") -> dict[str, ImageRows]:
    """Every split's images as the processor would give them; the pixels are not copied."""
    return {
        split: ImageRows(
            pixels=_pixels(rows, data.image_shape),
            labels=np.asarray(rows["label"][:], dtype=np.int64),
            mean=processor.image_mean[: data.image_shape[2]],
            std=processor.image_std[: data.image_shape[2]],
        )
        for split, rows in data.splits.items()
    }


def _pixels(rows: "datasets.Dataset", shape: tuple[int, int, int]) -> np.ndarray:
    """(rows, channels, height, width) uint8: a view of the column `image`."""
    column = in_one_piece(rows.data.column("image"))
    raw = np.frombuffer(column.buffers()[2], dtype=np.uint8)
    offset = column.offset and int(np.frombuffer(column.buffers()[1], dtype=np.int64)[column.offset])
    height, width, channels = shape
    size = height * width * channels
    return raw[offset : offset + len(column) * size].reshape(-1, height, width, channels).transpose(0, 3, 1, 2)


def _mean_and_deviation(pixels: np.ndarray) -> tuple[float, float]:
    """Of pixels / 255; pixels: (rows, height, width) uint8. Deviation 1 where all are equal."""
    counts = np.zeros(256, dtype=np.int64)
    for start in range(0, len(pixels), _ROWS):
        counts += np.bincount(pixels[start : start + _ROWS].ravel(), minlength=256)
    values = np.arange(256) / 255
    mean = float((counts * values).sum() / counts.sum())
    if np.count_nonzero(counts) == 1:
        return mean, 1.0
    return mean, float(np.sqrt((counts * (values - mean) ** 2).sum() / counts.sum()))
