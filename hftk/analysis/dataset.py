"""Baselines, examples and errors of a data set, computed once and kept with the sweep."""

import json
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hftk.analysis.answers import item_labels, judged
from hftk.analysis.baselines import Baseline, fit_baselines
from hftk.analysis.data_errors import find_data_errors
from hftk.analysis.description import (
    BASELINES,
    EXAMPLES,
    FACTS,
    PREDICTIONS,
    VERSION,
    DataDescription,
    description_folder,
    read_description,
)
from hftk.analysis.examples import write_examples
from hftk.data.labelled import LabelledData
from hftk.errors import RunError

_MANY_ROWS = 5_000  # fewer take a second or two: nobody wonders what happens
_PART = ".part-"
_LONGEST_WRITE = 24 * 3600  # seconds


def describe_data(
    data: LabelledData, *, task: str, folder: Path, tell: Callable[[str], None] = lambda text: None
) -> DataDescription:
    """Computes and writes `<folder>/baselines/<fingerprint[:16]>/`, or reads it where it is there already.

    folder: the sweep's. Several processes may do it at once: the first to end is kept. tell: hears what takes long.
    Raises RunError where the disk refuses; nothing is left then.
    """
    path = description_folder(folder, data.fingerprint)
    found = read_description(folder, data.fingerprint)
    if found is not None:
        return found
    if sum(len(rows) for rows in data.splits.values()) < _MANY_ROWS:
        tell = _say_nothing
    tell("computing baselines and looking for errors in the data")
    baselines, left_out = fit_baselines(data, task=task, tell=tell)
    facts = find_data_errors(data, task=task, tell=tell)
    told = {
        "version": VERSION,
        "fingerprint": data.fingerprint,
        "task": task,
        "labels": data.labels,
        "baselines": [
            {
                "name": one.name,
                "seconds": one.seconds,
                "fitted_rows": one.answers.fitted_rows,
                "note": one.answers.note,
            }
            for one in baselines
        ],
        "left_out": [{"name": one.name, "reason": one.reason} for one in left_out],
    }
    tell("writing down texts and baselines for the report")

    def fill(beside: Path) -> None:
        write_examples(data, beside / EXAMPLES)
        _write_predictions(data, baselines, beside / PREDICTIONS)
        _write_json(beside / FACTS, {"version": VERSION, **facts.to_json()})
        _write_json(beside / BASELINES, told)

    _place(path, fill, lambda: read_description(folder, data.fingerprint) is not None)
    found = read_description(folder, data.fingerprint)
    if found is None:
        raise RunError(f"{path}: not as it was written a moment ago; give the same command again")
    return found


def _say_nothing(text: str) -> None:
    pass


def _place(path: Path, fill: Callable[[Path], None], whole: Callable[[], bool]) -> None:
    """Has `fill` write into a folder beside `path`, then renames it. One that is whole already is kept.

    Raises RunError where the disk refuses.
    """
    beside = _beside(path)
    try:
        _remove_left(path)
        beside.mkdir(parents=True)
        fill(beside)
        while not whole():
            try:
                beside.rename(path)
            except OSError:
                if not path.is_dir():
                    raise
                _discard(path)  # of another version, or damaged
    except OSError as error:
        raise RunError(
            f"{path}: cannot be written ({error.strerror or error}); free space or make it writable, and give the same "
            "command again"
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _beside(path: Path) -> Path:
    """No two processes, of any machine, have the same."""
    return path.with_name(f"{_PART}{path.name}-{secrets.token_hex(4)}")


def _remove_left(path: Path) -> None:
    """What processes left that were killed while they wrote."""
    for left in path.parent.glob(f"{_PART}{path.name}-*"):
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > _LONGEST_WRITE:
                shutil.rmtree(left, ignore_errors=True)


def _discard(path: Path) -> None:
    """Renamed first, so that nobody finds it half removed."""
    old = _beside(path)
    with suppress(FileNotFoundError):  # another process did it
        path.rename(old)
        shutil.rmtree(old, ignore_errors=True)


def _write_predictions(data: LabelledData, baselines: Sequence[Baseline], file: Path) -> None:
    """A row per item of validation and test, in their order; labels by name."""
    names = pa.array(data.labels, pa.string())
    fields = [("split", pa.string()), ("row", pa.int64()), ("source", pa.string())]
    if _tagged(data):
        fields.append(("word", pa.int64()))
    fields += [("label", pa.string()), *((one.name, pa.string()) for one in baselines)]
    schema = pa.schema(fields)
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for split in judged(data):
            columns = _item_columns(data, split)
            labels = item_labels(data, split)
            columns["split"] = np.full(len(labels), split)
            columns["label"] = names.take(pa.array(labels))
            columns |= {one.name: names.take(pa.array(one.answers.predictions[split])) for one in baselines}
            writer.write_table(pa.table(columns).select(schema.names).cast(schema))


def _item_columns(data: LabelledData, split: str) -> dict[str, Any]:
    """row and source of each item, and the word's place in its sentence."""
    rows = data.splits[split]
    row, source = np.array(rows["row"][:], np.int64), np.array(rows["source"][:], dtype=object)
    if not _tagged(data):
        return {"row": row, "source": source}
    words = [len(tokens) for tokens in rows["tokens"]]
    place = np.concatenate([np.arange(0), *(np.arange(count) for count in words)])
    return {"row": np.repeat(row, words), "source": np.repeat(source, words), "word": place}


def _tagged(data: LabelledData) -> bool:
    return "tags" in data.splits["train"].column_names


def _write_json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
