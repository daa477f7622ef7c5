"""What differed between runs that should not have: first of all, their data."""

from collections.abc import Callable
from string import ascii_uppercase
from typing import Any

from hftk.report.runs import Run, RunData
from hftk.report.table import Table
from hftk.report.wording import MISSING, count, listed


def grouped(runs: list[Run], value: Callable[[Run], Any]) -> list[tuple[Any, list[Run]]]:
    """The runs by a value of theirs (any that compares equal to itself), the most common value first."""
    groups: list[tuple[Any, list[Run]]] = []
    for run in runs:
        own = value(run)
        for other, members in groups:
            if own == other:
                members.append(run)
                break
        else:
            groups.append((own, [run]))
    return sorted(groups, key=lambda group: -len(group[1]))


def data_letters(runs: list[Run]) -> dict[str, str] | None:
    """Run name -> A, B, … by the data that the run saw; None when all saw the same.

    Data are the same when the rows that figures are of are: those of validation and test, with their labels. Where the
    record does not tell of splits, all rows count. What differed in train only is a footnote (see `fairness`). A run
    that ended before it had any data gets `–`.
    """
    groups = _by_data(runs)
    if len(groups) < 2:
        return None
    letters = {run.name: MISSING for run in runs}
    for number, (_, members) in enumerate(groups):
        letters |= {run.name: _letter(number) for run in members}
    return letters


def data_table(runs: list[Run]) -> Table:
    """A row per kind of data: letter, path, fingerprint, rows per split, labels, runs."""
    rows = []
    for number, (_, members) in enumerate(_by_data(runs)):
        data = members[0].data
        rows.append(
            [
                _letter(number),
                data.path or MISSING,
                (data.fingerprint or MISSING)[:12],
                *(count(data.rows.get(split)) for split in ("train", "validation", "test")),
                listed(data.labels, most=12),
                listed([run.name for run in members]),
            ]
        )
    columns = ["data", "path", "fingerprint", "train", "validation", "test", "labels", "runs"]
    return Table(columns, rows, words=frozenset({"data", "path", "fingerprint", "labels", "runs"}))


def _by_data(runs: list[Run]) -> list[tuple[Any, list[Run]]]:
    seen = [run for run in runs if run.data.fingerprint is not None or run.data.rows]
    # a run of an earlier version does not tell of its splits; one that saw the same data may
    told = {run.data.fingerprint: judged for run in seen if (judged := _judged_on(run.data)) is not None}
    return grouped(
        seen, lambda run: told.get(run.data.fingerprint) or (run.data.fingerprint, run.data.rows, run.data.labels)
    )


def _judged_on(data: RunData) -> tuple[Any, ...] | None:
    """The rows that figures are of; None where the record does not tell."""
    judged = {split: rows for split, rows in data.rows.items() if split != "train"}
    if not judged or not judged.keys() <= data.split_fingerprints.keys():
        return None
    return {split: data.split_fingerprints[split] for split in judged}, judged, data.labels


def _letter(number: int) -> str:
    return ascii_uppercase[number] if number < 26 else f"Z{number - 25}"
