"""The rows of a comparison: runs and baselines, ranked on validation."""

from collections.abc import Sequence
from dataclasses import replace

from hftk.analysis.calibration import calibration
from hftk.analysis.scores import SCORES, figure
from hftk.analysis.swept import taken_apart
from hftk.report.content import Row
from hftk.report.fairness import Footnote
from hftk.report.runs import Ranking, Run, finite, worth
from hftk.report.tables import metric_names, ranks, test_size
from hftk.report.votes import Votes


def comparison_rows(runs: list[Run], *, seen: Votes, ranking: Ranking, letters: dict[str, str] | None) -> list[Row]:
    """Ranked on validation, baselines in their places; a tie stands in the order of the runs, the baseline below."""
    places = ranks(runs)
    names = list(dict.fromkeys([*metric_names(runs, "validation"), *metric_names(runs, "test")]))
    baselines = [_baseline(name, seen=seen, names=names) for name in seen.baselines]
    best = _best_figure([row.figures.get(ranking.metric) for row in baselines], ranking)
    rows = [
        Row(
            name=run.name,
            kind="run",
            status=run.status,
            rank=int(places[run.name]) if places[run.name].isdigit() else None,
            figures={name: run.metrics.get(name) for name in names} | _calibration(seen, run.name),
            over_baseline=None if best is None or run.score is None else run.score - best,
            setting=run.setting,
            seed=run.seed,
            swept=swept,
            reason=run.reason,
            epochs=run.reached,
            kept_epoch=run.kept_epoch,
            parameters=run.parameters,
            seconds=run.seconds,
            data=letters[run.name] if letters else None,
            tested=test_size(run).strip(" ()"),
            trainable_parameters=run.trainable_parameters,
        )
        for run, swept in zip(runs, taken_apart([run.swept for run in runs]), strict=True)
    ]
    return _placed(rows, baselines, ranking)


def _baseline(name: str, *, seen: Votes, names: list[str]) -> Row:
    figures = {}
    for full in names:
        split, _, metric = full.partition("_")
        outcomes = getattr(seen, split).get(name)
        known = outcomes is not None and metric in SCORES
        figures[full] = finite(figure(outcomes, metric=metric)) if known else None
    stored = seen.description.baselines[name]
    return Row(
        name=name,
        kind="baseline",
        status="finished",
        rank=None,
        figures=figures | _calibration(seen, name),
        over_baseline=None,
        setting=name,
        seconds=stored.seconds,
    )


def _calibration(seen: Votes, name: str) -> dict[str, float | None]:
    """Of the probabilities on test."""
    outcomes = seen.test.get(name)
    if not seen.test:
        return {}
    if outcomes is None or outcomes.probabilities is None:
        return {"test_brier": None, "test_ece": None}
    found = calibration(outcomes.label_ids, probabilities=outcomes.probabilities)
    return {"test_brier": found.brier, "test_ece": found.ece}


def _placed(rows: list[Row], baselines: list[Row], ranking: Ranking) -> list[Row]:
    """Each baseline below the last ranked run that is at least as good."""
    placed = [row for row in rows if row.rank is not None]
    for baseline in baselines:
        own = baseline.figures.get(ranking.metric)
        better = [
            place
            for place, row in enumerate(placed)
            if own is None or worth(row.figures.get(ranking.metric), ranking) >= worth(own, ranking)
        ]
        placed.insert(max(better, default=-1) + 1, baseline)
    return placed + [row for row in rows if row.rank is None]


def with_footnotes(rows: list[Row], notes: list[Footnote]) -> list[Row]:
    numbers = {row.name: tuple(n for n, note in enumerate(notes, 1) if row.name in note.runs) for row in rows}
    return [replace(row, footnotes=numbers[row.name]) for row in rows]


def _best_figure(values: Sequence[float | None], ranking: Ranking) -> float | None:
    known = [value for value in values if value is not None]
    return max(known, key=lambda value: worth(value, ranking), default=None)
