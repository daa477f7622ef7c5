"""What the runs of a sweep gave so far, read from their folders: what is proposed and pruned by."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from hftk.sweep.expansion import PlannedRun
from hftk.sweep.record import read_run
from hftk.sweep.search import Trial


@dataclass(frozen=True)
class RunResult:
    """A run that has ended."""

    status: str
    """finished | pruned | failed"""
    value: float | None
    """The ranking metric; None where it is none, or no number."""
    curve: list[tuple[float, float]]
    """Of each evaluation: epoch, ranking metric."""


def run_result(folder: Path, *, identity: str | None, metric: str) -> RunResult | None:
    """Of a run's folder; None where the run of this identity has not ended there. metric: validation_<metric>."""
    record = read_run(folder) or {}
    if identity is None or record.get("identity") != identity or record.get("status") not in _ENDED:
        return None
    value = (record.get("metrics") or {}).get(metric)
    sound = isinstance(value, int | float) and math.isfinite(value)
    return RunResult(status=record["status"], value=value if sound else None, curve=_curve(folder, metric))


def trials(runs: Sequence[PlannedRun], *, folder: Path, identities: Mapping[str, str], metric: str) -> list[Trial]:
    """One per setting, in the order of the runs. folder: the sweep's. identities: by run name, of those prepared."""
    settings: dict[str, list[PlannedRun]] = {}
    for run in runs:
        settings.setdefault(run.setting, []).append(run)
    return [
        _trial(
            members[0],
            [run_result(folder / run.name, identity=identities.get(run.name), metric=metric) for run in members],
        )
        for members in settings.values()
    ]


_ENDED = ("finished", "pruned", "failed")


def _trial(run: PlannedRun, results: Sequence[RunResult | None]) -> Trial:
    """A setting has a value when all of its seeds have one; else the worst of their ends is its own."""
    if any(result is None for result in results):
        return Trial(run.swept, "open")
    if any(result.status == "failed" for result in results):
        return Trial(run.swept, "failed")
    if pruned := [result for result in results if result.status == "pruned"]:
        values = [value for _, value in pruned[0].curve]
        return Trial(run.swept, "pruned", curve=dict(enumerate(values, start=1)))
    if any(result.value is None for result in results):
        return Trial(run.swept, "failed")
    return Trial(run.swept, "finished", value=mean(result.value for result in results))


def _curve(folder: Path, metric: str) -> list[tuple[float, float]]:
    """Of epochs.csv; empty where it is not there or not whole."""
    try:
        with open(folder / "epochs.csv", encoding="utf-8", newline="") as file:
            rows = [(float(row["epoch"]), float(row[metric])) for row in csv.DictReader(file)]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [(epoch, value) for epoch, value in rows if math.isfinite(value)]
