"""What `hftk plan` said, beside what the runs took."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hftk.report.wording import duration, plural

PLAN = "plan.json"
VERSION = 1


@dataclass(frozen=True)
class PlannedRunTime:
    """One finished run. Seconds."""

    run: str
    planned: float
    """For the epochs that it was trained: early stopping may have ended it before the planned ones."""
    actual: float

    @property
    def ratio(self) -> float:
        """Actual over planned."""
        return self.actual / self.planned


@dataclass(frozen=True)
class PlannedAgainstActual:
    runs: list[PlannedRunTime]
    """In the order of the plan."""
    planned: float
    """Seconds of these runs together."""
    actual: float
    shortened: int
    """Runs that ended before their last planned epoch."""
    jobs: int
    """Runs side by side, as planned."""
    sentence: str

    @property
    def ratio(self) -> float:
        """Actual over planned."""
        return self.actual / self.planned


def planned_against_actual(folder: str | Path) -> PlannedAgainstActual | None:
    """Of a sweep's folder: the finished runs that its plan.json tells of, the same in all that decides their result.

    None where there is no plan, none of its runs has finished, or it cannot be read: a report does without.
    """
    folder = Path(folder)
    plan = _read(folder / PLAN)
    if plan.get("version") != VERSION:
        return None
    try:
        compared = [
            one
            for name, told in plan["runs"].items()
            if (one := _compared(name, told, _read(folder / name / "run.json"))) is not None
        ]
        jobs = int(plan["jobs"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if not compared:
        return None
    runs = [one for one, _ in compared]
    planned, actual = sum(run.planned for run in runs), sum(run.actual for run in runs)
    shortened = sum(short for _, short in compared)
    return PlannedAgainstActual(
        runs=runs,
        planned=planned,
        actual=actual,
        shortened=shortened,
        jobs=jobs,
        sentence=_sentence(runs, planned=planned, actual=actual, shortened=shortened),
    )


def _compared(name: str, told: dict[str, Any], record: dict[str, Any]) -> tuple[PlannedRunTime, bool] | None:
    """The run, and whether it ended before its last planned epoch."""
    same = record.get("status") == "finished" and record.get("identity") == told["identity"]
    if not same or record.get("seconds") is None:
        return None
    epochs = min(float(record.get("epochs") or told["epochs"]), told["epochs"])
    planned = told["fixed_seconds"] + epochs * told["seconds_per_epoch"]
    return PlannedRunTime(run=name, planned=planned, actual=float(record["seconds"])), epochs < told["epochs"] - 1e-3


def _sentence(runs: list[PlannedRunTime], *, planned: float, actual: float, shortened: int) -> str:
    if len(runs) == 1:
        told = f"Planned {duration(planned)} and took {duration(actual)}"
    else:
        told = f"{plural(len(runs), 'run')}: planned {duration(planned)} together and took {duration(actual)}"
    told += f", {_difference(actual / planned)}."
    if len(runs) > 1:
        furthest = max(runs, key=lambda run: max(run.ratio, 1 / run.ratio))
        told += (
            f" Furthest off: {furthest.run}, planned {duration(furthest.planned)}, took {duration(furthest.actual)}."
        )
    if shortened:
        told += f" {plural(shortened, 'run')} ended early; the plan is counted up to there."
    return told


def _difference(ratio: float) -> str:
    off = round(abs(ratio - 1) * 100)
    return "as planned to the percent" if off == 0 else f"{off} % {'more' if ratio > 1 else 'less'} than planned"


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
