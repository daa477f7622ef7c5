"""Labelled rows in splits: what `load` returns and everything after it takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from hftk.data.rows import Rows

if TYPE_CHECKING:
    import datasets
    import numpy as np
    import pyarrow as pa


@dataclass(frozen=True)
class LabelledData:
    splits: "dict[str, datasets.Dataset]"
    """train, validation and perhaps test. Columns: row (int64: index in the source, before any filter or limit), source
    (the split or file it came from), and of texts: text, text_pair (if mapped), label (int64 id); of sentences: tokens,
    tags (lists, of str and of int64 ids); of images: image (bytes: uint8 by row, column and channel), label."""
    labels: list[str]
    """id → name."""
    fingerprint: str
    """sha256 (hex) of the content of all splits and the labels; the same wherever and however the data are stored."""
    rows_before: dict[str, int]
    """Per split: rows before bad ones were skipped; after splitting, before the limit."""
    notices: list[str]
    """What a person must be told: choices that were made for them, rows that were skipped."""
    image_shape: tuple[int, int, int] | None = None
    """Of every image: height and width in pixels, channels (1 or 3); None for what are no images."""
    relabelled: dict[str, float] = field(default_factory=dict)
    """Share (0 to 1) of the labels of a split that `data.relabel` changed."""
    split_fingerprints: dict[str, str] = field(default_factory=dict)
    """Like `fingerprint`, of each split alone: two data sets may share their test rows only."""
    commit: str | None = None
    """Of a data set of the Hub: the commit that was read, by which the same rows are found again."""


def labelled_data(
    splits: Mapping[str, Rows],
    labels: list[str],
    *,
    rows_before: dict[str, int],
    notices: list[str],
    image_shape: tuple[int, int, int] | None = None,
    relabelled: Mapping[str, float] | None = None,
    commit: str | None = None,
) -> LabelledData:
    """`splits` hold label ids, and checked texts, tokens or pixels."""
    import datasets

    made = {}
    for split, rows in splits.items():
        columns = _columns(rows)
        features = datasets.Features({name: _feature(name) for name in columns})
        if "image" in columns:
            columns["image"] = _packed(columns["image"])
        made[split] = datasets.Dataset.from_dict(columns, features, split=split)
    return LabelledData(
        made,
        list(labels),
        fingerprint(splits, labels),
        rows_before,
        notices,
        image_shape,
        dict(relabelled or {}),
        {split: fingerprint({split: rows}, labels) for split, rows in splits.items()},
        commit,
    )


def _columns(rows: Rows) -> dict[str, Any]:
    target = "tags" if "tokens" in rows.inputs else "label"
    return {"row": rows.row, "source": rows.source, **rows.inputs, target: rows.label}


def _feature(column: str) -> Any:
    from datasets import List, Value

    kinds = {"row": Value("int64"), "label": Value("int64"), "image": Value("large_binary")}
    lists = {"tokens": List(Value("string")), "tags": List(Value("int64"))}
    return (kinds | lists).get(column, Value("string"))


def _packed(pixels: "np.ndarray") -> "pa.Array":
    """large_binary, one value per row, without a copy."""
    import numpy as np
    import pyarrow as pa

    pixels = np.ascontiguousarray(pixels)
    size = pixels[0].size
    ends = np.arange(0, (len(pixels) + 1) * size, size, dtype=np.int64)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(pixels)]
    return pa.Array.from_buffers(pa.large_binary(), len(pixels), buffers)


def fingerprint(splits: Mapping[str, Rows], labels: list[str]) -> str:
    """sha256 (hex) over names and values, each text preceded by its length, so that no two contents coincide."""
    digest = sha256()

    def add(name: str, values: Any) -> None:
        if not isinstance(values, list):
            import numpy as np

            digest.update(f"{name} {values.shape}\n".encode())
            digest.update(np.ascontiguousarray(values))
            return
        if values and isinstance(values[0], list):
            add(f"{name} lengths", [len(value) for value in values])
            values = [one for value in values for one in value]
        coded = [str(value).encode() for value in values]
        digest.update(f"{name} {len(coded)} {','.join(str(len(code)) for code in coded)}\n".encode())
        digest.update(b"".join(coded))

    add("labels", labels)
    for split, rows in splits.items():
        for column, values in _columns(rows).items():
            add(f"{split}.{column}", values)
    return digest.hexdigest()
