"""The rows of validation and test for people to look at: texts, or small images."""

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from hftk.analysis.answers import judged
from hftk.analysis.row_texts import parts_of_row, shown
from hftk.data.labelled import LabelledData

LONGEST_TEXT = 1000  # characters
LARGEST_SIDE = 64  # pixels of a longer side: enough to recognise, about 5 kB of colour
_BATCH = 1000  # rows in memory at a time
_SCHEMA = pa.schema(
    {"split": pa.string(), "row": pa.int64(), "source": pa.string(), "text": pa.string(), "image": pa.binary()}
)


def write_examples(data: LabelledData, file: Path) -> None:
    """split, row, source, text, image (a PNG file, null where there is none), in the order of the splits.

    A text is cut to 1,000 characters, an image made no larger than 64 pixels a side. Raises OSError.
    """
    with pq.ParquetWriter(file, _SCHEMA, compression="zstd") as writer:
        for split in judged(data):
            rows = data.splits[split]
            for start in range(0, len(rows), _BATCH):
                batch = rows.select(range(start, min(start + _BATCH, len(rows))))
                made = [_example(row, data.image_shape) | {"split": split} for row in batch]
                writer.write_table(pa.Table.from_pylist(made, _SCHEMA))


def _example(row: dict[str, Any], image_shape: tuple[int, int, int] | None) -> dict[str, Any]:
    image = None if image_shape is None else _png(row["image"], image_shape)
    text = "" if image_shape is not None else shown(parts_of_row(row), LONGEST_TEXT)
    return {"row": row["row"], "source": row["source"], "text": text, "image": image}


def _png(pixels: bytes, shape: tuple[int, int, int]) -> bytes:
    height, width, channels = shape
    image = Image.frombytes("L" if channels == 1 else "RGB", (width, height), pixels)
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))  # leaves smaller ones as they are
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
