"""What one run says of every item of one split: label, prediction, probabilities, and which items belong together."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hftk.errors import RunError

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Of one run and one split, in the split's order. An item is a row, or a word of a tagged sentence."""

    labels: tuple[str, ...]
    """Names by label id."""
    label_ids: np.ndarray
    """(items,) int."""
    prediction_ids: np.ndarray
    """(items,) int."""
    probabilities: np.ndarray | None
    """(items, labels) float; None where the run gave none, as most baselines."""
    unit_ids: np.ndarray
    """(items,) int: 0, 1, 2, … in order. A unit is what was drawn when the data were gathered, so what is drawn again
    in a bootstrap: a row. The words of a sentence are one unit, since they are not independent of each other."""
    rows: np.ndarray
    """(items,) the number that the row has in its source."""
    sources: np.ndarray
    """(items,) the name of the split or file that the row came from."""
    words: np.ndarray | None = None
    """(items,) place of the word in its sentence; None where an item is a row."""

    @property
    def units(self) -> int:
        return int(self.unit_ids[-1]) + 1 if len(self.unit_ids) else 0


def read_outcomes(run_folder: Path, *, split: str, labels: list[str]) -> Outcomes:
    """The rows of one split in a run's predictions.parquet. labels: names by id, as in run.json data.labels.

    Raises RunError when the file is missing, broken, has no row of the split, or holds a label that is not in `labels`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = run_folder / "predictions.parquet"
    wanted = ["row", "source", "word", "label", "prediction", "probabilities"]
    try:
        columns = [name for name in wanted if name in pq.read_schema(path).names]
        table = pq.read_table(path, columns=columns, filters=[("split", "==", split)]).combine_chunks()
        absent = [name for name in wanted if name != "word" and name not in columns]
    except FileNotFoundError as error:
        raise RunError(f"{path}: not there. Only a finished run has one; train the run again.") from error
    except (OSError, pa.ArrowException) as error:
        raise RunError(f"{path}: cannot be read ({error}). Remove the run's folder to train it again.") from error
    if absent:
        raise RunError(f"{path}: no column {', '.join(absent)}; found {', '.join(columns)}. Train the run again.")
    if not table.num_rows:
        raise RunError(f"{path}: no row of the split {split}.")
    names = np.array(table["source"].unique().to_pylist(), dtype=object)
    sources = np.asarray(table["source"].combine_chunks().dictionary_encode().indices)
    rows = table["row"].to_numpy()
    return Outcomes(
        labels=tuple(labels),
        label_ids=_ids(table, "label", labels=labels, path=path),
        prediction_ids=_ids(table, "prediction", labels=labels, path=path),
        probabilities=_matrix(table, width=len(labels), path=path),
        unit_ids=_units(rows, sources) if "word" in columns else np.arange(table.num_rows),
        rows=rows,
        sources=names[sources],
        words=table["word"].to_numpy() if "word" in columns else None,
    )


def unpaired_reason(one: Outcomes, other: Outcomes) -> str | None:
    """Why the two cannot be compared item by item, in words; None where they can.

    They can when they hold the same items in the same order with the same labels.
    """
    if set(one.labels) != set(other.labels):
        alone = sorted(set(one.labels) ^ set(other.labels))
        shown = ", ".join(alone[:3]) + (f" and {len(alone) - 3} more" if len(alone) > 3 else "")
        return f"their labels differ: only one of them knows {shown}"
    if one.labels != other.labels:
        return "the same label has different ids in them"
    if len(one.label_ids) != len(other.label_ids):
        return f"they hold {len(one.label_ids):,} and {len(other.label_ids):,} items"
    if (one.words is None) != (other.words is None):
        return "the items of one are words, those of the other are rows"
    same = (one.rows == other.rows) & (one.sources == other.sources)
    if one.words is not None:
        same &= one.words == other.words
    if not same.all():
        item = int(np.argmin(same))
        return f"item {item + 1} is {_where(one, item)} in one and {_where(other, item)} in the other"
    if not np.array_equal(one.label_ids, other.label_ids):
        item = int(np.argmax(one.label_ids != other.label_ids))
        given = [outcomes.labels[outcomes.label_ids[item]] for outcomes in (one, other)]
        return f"{_where(one, item)} has the label {given[0]} in one and {given[1]} in the other"
    return None


def _where(outcomes: Outcomes, item: int) -> str:
    word = "" if outcomes.words is None else f", word {outcomes.words[item]}"
    return f"row {outcomes.rows[item]} of {outcomes.sources[item]}{word}"


def _ids(table: "pa.Table", column: str, *, labels: list[str], path: Path) -> np.ndarray:
    import pyarrow as pa
    import pyarrow.compute as pc

    names = table[column].cast(pa.large_string())
    found = pc.index_in(names, value_set=pa.array(labels, type=pa.large_string()))
    if found.null_count:
        strange = names.filter(pc.is_null(found))[0].as_py()
        raise RunError(
            f"{path}: the {column} {strange!r} is none of the run's {len(labels)} labels. The file and run.json are "
            "not of the same training; remove the run's folder to train it again."
        )
    return found.to_numpy().astype(np.int64)


def _matrix(table: "pa.Table", *, width: int, path: Path) -> np.ndarray:
    """Lists of equal length as (items, labels)."""
    lists = table["probabilities"].combine_chunks()
    values = lists.flatten().to_numpy(zero_copy_only=False)
    lengths = np.diff(lists.offsets.to_numpy())
    if lists.null_count or not (lengths == width).all():
        raise RunError(
            f"{path}: probabilities must be {width} numbers per item, one for each label, and are not. Remove the "
            "run's folder to train it again."
        )
    return values.reshape(-1, width)


def _units(rows: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """A new unit begins where row or source change."""
    changes = (rows[1:] != rows[:-1]) | (sources[1:] != sources[:-1])
    return np.concatenate([[0], np.cumsum(changes)])
