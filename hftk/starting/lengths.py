"""How many tokens texts have, by a tokenizer as the recipe's would be."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hftk.data.words import build_tokenizer
from hftk.errors import DataError
from hftk.recipe import schema

if TYPE_CHECKING:
    import datasets

# rows that are looked at, spread over train: enough for a percentile
_SAMPLE = 5000
_STEP = 8  # max_length is a multiple of it
_LEAST, _MOST = 16, 512
_FEW_ROWS = 500  # below, most words occur once: all are kept


@dataclass(frozen=True)
class Lengths:
    tokenizer: dict[str, Any]
    """The recipe's section."""
    max_length: int
    reason: str


def measured(train: "datasets.Dataset", settings: dict[str, Any]) -> Lengths:
    """settings: of the tokenizer. Raises DataError where texts hold no word.

    max_length takes 95 of 100 texts whole, and every sentence to tag up to 512 tokens: what is longer is read in parts
    there.
    """
    spread = train.select(range(0, len(train), max(len(train) // _SAMPLE, 1)))
    if len(train) < _FEW_ROWS and settings["type"] == "word":
        settings = settings | {"min_count": 1}
    tokenizer = build_tokenizer(spread, schema.Tokenizer(**settings), max_length=_MOST)
    sizes = _sizes(spread, tokenizer)
    tagging = "tokens" in train.column_names
    wanted = float(sizes.max() if tagging else np.percentile(sizes, 95))
    max_length = int(min(max(math.ceil(wanted / _STEP) * _STEP, _LEAST), _MOST))
    longer = int((sizes > max_length).sum())
    looked = f"{len(sizes):,} rows of train" if len(sizes) == len(train) else f"{len(sizes):,} rows, spread over train"
    what = "the longest" if tagging else "95 of 100 have at most"
    told = f"{what} {'has ' if tagging else ''}{wanted:,.0f} tokens, the average {sizes.mean():,.0f} ({looked})"
    cut = (
        f"; {100 * longer / len(sizes):.1f} % are longer and {'read in parts' if tagging else 'cut'}" if longer else ""
    )
    return Lengths(settings, max_length, told + cut)


def _sizes(rows: "datasets.Dataset", tokenizer: Any) -> np.ndarray:
    """(rows,) tokens of each text, or of both texts and what stands between them."""
    backend = tokenizer.backend_tokenizer
    tagging = "tokens" in rows.column_names
    sizes = np.zeros(len(rows), dtype=np.int64)
    for column in ("tokens",) if tagging else ("text", "text_pair"):
        if column in rows.column_names:
            coded = backend.encode_batch_fast(rows[column][:], is_pretokenized=tagging, add_special_tokens=False)
            sizes += [len(one.ids) for one in coded]
    if not sizes.any():
        raise DataError("no text of train holds a word")
    return sizes + ("text_pair" in rows.column_names)
