"""What is known of a data set beside its models, as a sweep's folder keeps it: read by every report."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hftk.analysis.data_errors import DataFacts
from hftk.analysis.outcomes import Outcomes

FOLDER = "baselines"
"""Of a sweep; below it a folder per data set."""
VERSION = 1
"""Raise when what is written, or how it is computed, changes: older folders are then written anew."""
BASELINES, PREDICTIONS, EXAMPLES, FACTS = "baselines.json", "predictions.parquet", "examples.parquet", "data.json"


@dataclass(frozen=True)
class BaselineRecord:
    name: str
    """A column of predictions.parquet: the names of the predicted labels."""
    seconds: float
    """To fit and to predict."""
    fitted_rows: int
    note: str | None
    """What is special about it here."""


@dataclass(frozen=True)
class LeftOut:
    """A baseline that these data do not allow."""

    name: str
    reason: str


@dataclass(frozen=True)
class DataDescription:
    folder: Path
    """Holds predictions.parquet and examples.parquet."""
    fingerprint: str
    task: str
    labels: list[str]
    """id → name."""
    baselines: dict[str, BaselineRecord]
    """By name."""
    left_out: list[LeftOut]
    facts: DataFacts

    def outcomes(self, baseline: str, *, split: str) -> Outcomes | None:
        """What the baseline says of every item; None where the split has none. Raises OSError."""
        table = pq.read_table(self.folder / PREDICTIONS, filters=[("split", "==", split)])
        if not table.num_rows:
            return None
        names = pa.array(self.labels, pa.string())
        rows, sources = table["row"].to_numpy(), table["source"].to_numpy().astype(object)
        words = table["word"].to_numpy() if "word" in table.column_names else None
        begins = np.r_[False, (rows[1:] != rows[:-1]) | (sources[1:] != sources[:-1])] if words is not None else None
        return Outcomes(
            labels=tuple(self.labels),
            label_ids=pc.index_in(table["label"], value_set=names).to_numpy().astype(np.int64),
            prediction_ids=pc.index_in(table[baseline], value_set=names).to_numpy().astype(np.int64),
            probabilities=None,
            unit_ids=np.arange(len(rows)) if begins is None else np.cumsum(begins),
            rows=rows,
            sources=sources,
            words=words,
        )


def description_folder(folder: Path, fingerprint: str) -> Path:
    """folder: the sweep's."""
    return folder / FOLDER / fingerprint[:16]


def read_description(
    folder: Path, fingerprint: str, *, tell: Callable[[str], None] = lambda reason: None
) -> DataDescription | None:
    """What `describe_data` wrote for a data set of the sweep in `folder`; None where it is not there or not whole.

    tell: hears why there is none.
    """
    path = description_folder(folder, fingerprint)
    if not path.is_dir():
        tell("not there")
        return None
    try:
        return _read(path, fingerprint)
    except _Unusable as error:
        tell(str(error))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException) as error:
        tell(f"cannot be read ({type(error).__name__})")
    return None


class _Unusable(Exception):
    """The message is the reason."""


def _read(path: Path, fingerprint: str) -> DataDescription:
    if missing := [name for name in (BASELINES, FACTS, PREDICTIONS, EXAMPLES) if not (path / name).is_file()]:
        raise _Unusable(f"{missing[0]} is missing")
    told, facts = _json(path / BASELINES), _json(path / FACTS)
    for content in (told, facts):
        if content["version"] != VERSION:
            raise _Unusable(f"written by another version of hftk (file version {content['version']}, not {VERSION})")
    if told["fingerprint"] != fingerprint:
        raise _Unusable("of other data")
    baselines = {one["name"]: BaselineRecord(**one) for one in told["baselines"]}
    for file, wanted in ((PREDICTIONS, {"split", "label", *baselines}), (EXAMPLES, {"split", "text", "image"})):
        if absent := wanted - set(pq.read_schema(path / file).names):
            raise _Unusable(f"{file} has no column {', '.join(sorted(absent))}")
    return DataDescription(
        folder=path,
        fingerprint=fingerprint,
        task=told["task"],
        labels=told["labels"],
        baselines=baselines,
        left_out=[LeftOut(**one) for one in told["left_out"]],
        facts=DataFacts.from_json({key: value for key, value in facts.items() if key != "version"}),
    )


def _json(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8"))
