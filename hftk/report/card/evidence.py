"""What a finished run's predictions, and its sweep's baselines, add to the card."""

from dataclasses import dataclass

from hftk.analysis.scores import SCORES, figure
from hftk.report.classwise import classes
from hftk.report.content import Classes, DataNote, Interval
from hftk.report.notes import data_notes
from hftk.report.runs import Ranking, Run, finite
from hftk.report.settings import own_intervals
from hftk.report.votes import Votes, votes


@dataclass(frozen=True)
class Evidence:
    intervals: dict[str, Interval]
    """95 %, over test examples, by metric."""
    baselines: dict[str, dict[str, float | None]]
    """By name: metric → its figure on test."""
    classes: Classes | None
    """On test, or on validation where there is no test split."""
    data: list[DataNote]
    vocabulary: list[str]
    """How much of the words of validation and test occurs in train, in sentences."""
    train_rows: dict[str, int]
    """Per label, rows of train (words, of tagged sentences); empty where it was not counted."""


def gather_evidence(run: Run) -> Evidence:
    """Of a finished run. Draws test sets again, some seconds for a large one."""
    seen = votes([run])
    facts = seen.description.facts if seen.description else None
    return Evidence(
        intervals=_intervals(run, seen),
        baselines={name: _figures(run, seen, name) for name in seen.baselines if name in seen.test},
        classes=next((one for one in classes(seen) if one.row == run.name), None),
        data=[note for note in data_notes([run], seen) if note.level == "problem"],
        vocabulary=[note.text for note in data_notes([run], seen) if note.text.startswith("vocabulary:")],
        train_rows=dict(zip(facts.labels, facts.classes["train"], strict=True)) if facts else {},
    )


def _metrics(run: Run) -> list[str]:
    names = [name.removeprefix("test_") for name in run.metrics if name.startswith("test_")]
    return [name for name in names if name in SCORES]


def _intervals(run: Run, seen: Votes) -> dict[str, Interval]:
    if run.name not in seen.test:
        return {}
    alone = Votes(validation={}, test={run.name: seen.test[run.name]}, baselines=[], description=None, notices=[])
    found = {
        metric: own_intervals(alone, ranking=Ranking(metric=f"validation_{metric}", goal="maximize")).get(run.name)
        for metric in _metrics(run)
    }
    return {metric: interval for metric, interval in found.items() if interval is not None}


def _figures(run: Run, seen: Votes, name: str) -> dict[str, float | None]:
    return {metric: finite(figure(seen.test[name], metric=metric)) for metric in _metrics(run)}
