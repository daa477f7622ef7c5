"""What a baseline says of the rows, or words, that models are judged on."""

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from hftk.data.labelled import LabelledData
from hftk.data.strata import draw


@dataclass(frozen=True)
class Answers:
    """An item is a row; of sentences a word, one after another."""

    predictions: dict[str, np.ndarray]
    """By split, validation and test: (items,) label ids."""
    fitted_rows: int
    """Rows of train that were learnt from."""
    note: str | None = None
    """What is special about it here."""


class Unfit(Exception):
    """These data do not allow a baseline; the message says why."""


def judged(data: LabelledData) -> list[str]:
    """The splits on which figures are computed."""
    return [split for split in ("validation", "test") if split in data.splits]


def item_labels(data: LabelledData, split: str) -> np.ndarray:
    """(items,) int64 label ids."""
    rows = data.splits[split].with_format("arrow")
    if "tags" in rows.column_names:
        return pc.list_flatten(rows.select_columns("tags")[:]["tags"]).to_numpy()
    return rows.select_columns("label")[:]["label"].to_numpy()


def drawn(labels: np.ndarray, total: int) -> np.ndarray:
    """Positions of at most `total` rows, ascending, every class in its share and none lost; the same each time."""
    if len(labels) <= total:
        return np.arange(len(labels))
    least = 1 if total >= len(np.unique(labels)) else 0
    return np.array(draw(labels.tolist(), total=total, seed=0, purpose="baseline", least=least, spare=0))


def fitted_on(rows: int, of: int) -> list[str]:
    """For a note: nothing where all rows were used."""
    return [f"fitted on {rows:,} of {of:,} rows, every class in its share"] if rows < of else []
