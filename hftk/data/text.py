"""Labelled texts in splits: what `load` returns and everything after it takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from hftk.data.rows import Rows

if TYPE_CHECKING:
    import datasets


@dataclass(frozen=True)
class TextData:
    splits: "dict[str, datasets.Dataset]"
    """train, validation and perhaps test. Columns: row (int64: index in the source, before any filter or limit), source
    (the split or file it came from), text, text_pair (if mapped), label (int64 id)."""
    labels: list[str]
    """id → name."""
    fingerprint: str
    """sha256 (hex) of the content of all splits and the labels; the same wherever and however the data are stored."""
    rows_before: dict[str, int]
    """Per split: rows before bad ones were skipped; after splitting, before the limit."""
    notices: list[str]
    """What a person must be told: choices that were made for them, rows that were skipped."""


def text_data(
    splits: Mapping[str, Rows], labels: list[str], *, rows_before: dict[str, int], notices: list[str]
) -> TextData:
    """`splits` hold label ids and checked texts."""
    import datasets

    made = {}
    for split, rows in splits.items():
        columns = {"row": rows.row, "source": rows.source, "text": rows.text}
        if rows.text_pair is not None:
            columns["text_pair"] = rows.text_pair
        features = {name: datasets.Value("int64" if name == "row" else "string") for name in columns}
        made[split] = datasets.Dataset.from_dict(
            columns | {"label": rows.label},
            datasets.Features(features | {"label": datasets.Value("int64")}),
            split=split,
        )
    return TextData(made, list(labels), fingerprint(splits, labels), rows_before, notices)


def fingerprint(splits: Mapping[str, Rows], labels: list[str]) -> str:
    """sha256 (hex) over names and values, each text preceded by its length, so that no two contents coincide."""
    digest = sha256()

    def add(name: str, values: list) -> None:
        coded = [str(value).encode() for value in values]
        digest.update(f"{name} {len(coded)} {','.join(str(len(code)) for code in coded)}\n".encode())
        digest.update(b"".join(coded))

    add("labels", labels)
    for split, rows in splits.items():
        for column in ("row", "source", "text", "text_pair", "label"):
            values = getattr(rows, column)
            if values is not None:
                add(f"{split}.{column}", values)
    return digest.hexdigest()
