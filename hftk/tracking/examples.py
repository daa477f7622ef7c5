"""The predictions that a tracker shows as a table: the first ones, with their texts."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datasets

    from hftk.training.predictions import Predictions

MOST = 500
"""Predictions in a table: enough to look through, and 100 kB to send for each run at most."""
_LONGEST = 300  # characters of a text


@dataclass(frozen=True)
class Examples:
    columns: list[str]
    rows: list[list[Any]]
    note: str
    """Which these are: `the first 500 of 2,000 rows of test`."""


def examples(
    predictions: "dict[str, Predictions]", splits: "dict[str, datasets.Dataset]", *, labels: list[str]
) -> Examples | None:
    """Of the test split, or of validation where there is none: the same rows for every run of a sweep.

    predictions: by split, in the order of its rows; of tagged sentences one per word. labels: id → name.
    """
    split = next((name for name in ("test", "validation") if name in predictions), None)
    if split is None:
        return None
    shown = predictions[split]
    probabilities, label_ids = shown.probabilities[:MOST], shown.label_ids[:MOST]
    inputs, names = _inputs(splits[split])
    rows = [
        [*texts, labels[label], labels[predicted], float(probability[predicted]), bool(label == predicted)]
        for texts, probability, label, predicted in zip(
            inputs, probabilities, label_ids, probabilities.argmax(axis=-1), strict=False
        )
    ]
    items = "words" if "word" in names else "rows"
    whole = len(shown.label_ids)
    note = f"the first {len(rows):,} of {whole:,}" if len(rows) < whole else f"all {whole:,}"
    return Examples([*names, "label", "prediction", "probability", "right"], rows, f"{note} {items} of {split}")


def _inputs(split: "datasets.Dataset") -> tuple[list[list[Any]], list[str]]:
    """Of the first items: the number of the row in its source, and what can be read of it."""
    first = split[: min(len(split), MOST)]
    if "tokens" in first:
        words = [
            [row, place, cut(word)]
            for row, tokens in zip(first["row"], first["tokens"], strict=True)
            for place, word in enumerate(tokens)
        ]
        return words[:MOST], ["row", "place", "word"]
    texts = [name for name in ("text", "text_pair") if name in first]
    columns = [first["row"], *([cut(text) for text in first[name]] for name in texts)]
    return [list(values) for values in zip(*columns, strict=True)], ["row", *texts]


def cut(text: str) -> str:
    """In one line, without characters that move a cursor or turn the direction of writing."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text[: _LONGEST + 1])
    return plain if len(plain) <= _LONGEST else plain[:_LONGEST] + "…"
