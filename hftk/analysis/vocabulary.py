"""How much of what validation and test say was seen in train."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hftk.analysis.row_keys import RowKeys

if TYPE_CHECKING:
    import datasets


@dataclass(frozen=True)
class Coverage:
    """Words of a split: of texts normalized, of sentences the tokens as they are."""

    split: str
    words: int
    """Occurrences."""
    words_in_train: int
    """Of `words`, those whose word occurs in train at all."""
    types: int
    """Distinct words."""
    types_in_train: int
    new_tags: int | None
    """Of `words`, those that train has, but never with this tag; None where words have no tags."""


def coverages(splits: "Mapping[str, datasets.Dataset]", keys: Mapping[str, RowKeys]) -> list[Coverage]:
    """Of validation and test; empty for images and where train has no word."""
    known = keys["train"].vocabulary
    if not known:
        return []
    seen = _tagged_words(splits["train"]) if "tags" in splits["train"].column_names else None
    return [_coverage(split, splits[split], keys[split], known, seen) for split in keys if split != "train"]


def _coverage(
    split: str,
    rows: "datasets.Dataset",
    keys: RowKeys,
    known: Mapping[str, int],
    seen: set[tuple[str, int]] | None,
) -> Coverage:
    vocabulary = keys.vocabulary
    there = [word for word in vocabulary if word in known]
    new_tags = None
    if seen is not None:
        pairs = (
            pair
            for tokens, tags in zip(rows["tokens"], rows["tags"], strict=True)
            for pair in zip(tokens, tags, strict=True)
        )
        new_tags = sum(pair not in seen and pair[0] in known for pair in pairs)
    return Coverage(
        split=split,
        words=vocabulary.total(),
        words_in_train=sum(vocabulary[word] for word in there),
        types=len(vocabulary),
        types_in_train=len(there),
        new_tags=new_tags,
    )


def _tagged_words(rows: "datasets.Dataset") -> set[tuple[str, int]]:
    return {
        pair
        for tokens, tags in zip(rows["tokens"], rows["tags"], strict=True)
        for pair in zip(tokens, tags, strict=True)
    }
