"""Settings over their seeds, and which of their differences are real."""

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import mean, stdev

from hftk.analysis.scores import SCORES, figure
from hftk.analysis.statistics import Comparison, compare
from hftk.report.content import Interval, Row, SettingRow
from hftk.report.differences import grouped
from hftk.report.runs import Ranking, Run, finite, worth
from hftk.report.tables import test_size
from hftk.report.votes import Votes


def compare_settings(runs: list[Run], *, seen: Votes, ranking: Ranking) -> list[Comparison]:
    """Every setting and baseline beside the best on validation, on test; empty where nothing can be tested."""
    metric = ranking.metric.removeprefix("validation_")
    if metric not in SCORES:
        return []
    members = _finished(runs, seen)
    worths = {setting: worth(_validation(names, runs, seen, ranking), ranking) for setting, names in members.items()}
    order = sorted(members, key=lambda setting: (-worths[setting], setting))
    tested = {
        setting: [seen.test[name] for name in members[setting]]
        for setting in order
        if math.isfinite(worths[setting]) and all(name in seen.test for name in members[setting])
    }
    if len(tested) < 2 or order[0] not in tested:
        return []
    return compare(tested, metric=metric, goal=ranking.goal, reference=order[0], seedless=seen.baselines)


def setting_rows(runs: list[Run], *, seen: Votes, ranking: Ranking, compared: Sequence[Comparison]) -> list[SettingRow]:
    """Every setting, and every baseline; the best mean on validation first, those without a figure last."""
    metric = ranking.metric.removeprefix("validation_")
    found = {one.setting: one for one in compared}
    finished = _finished(runs, seen)
    planned = {setting: len(members) for setting, members in grouped(runs, lambda run: run.setting)}
    figures = {run.name: run.metrics.get(f"test_{metric}") for run in runs}
    if metric in SCORES:
        figures |= {
            name: finite(figure(seen.test[name], metric=metric)) for name in seen.baselines if name in seen.test
        }
    sizes = {run.setting: test_size(run).strip(" ()") for run in runs}
    rows = []
    for setting in dict.fromkeys([*planned, *finished]):
        names = finished.get(setting, [])
        test, sd = _mean_and_deviation([figures.get(name) for name in names])
        row = SettingRow(
            setting=setting,
            seeds=len(names),
            validation=_validation(names, runs, seen, ranking),
            test=test,
            sd=sd,
            interval=None,
            difference=None,
            difference_interval=None,
            p=None,
            verdict=None,
            planned=planned.get(setting, 1),
            tested=sizes.get(setting, ""),
        )
        rows.append(_judged(row, found[setting]) if setting in found else row)
    return sorted(rows, key=lambda row: (-worth(row.validation, ranking), row.setting))


def own_intervals(seen: Votes, *, ranking: Ranking) -> dict[str, Interval | None]:
    """Of each row's own figure on test, over test examples."""
    metric = ranking.metric.removeprefix("validation_")
    if metric not in SCORES or not seen.test:
        return {}
    alone = {name: [outcomes] for name, outcomes in seen.test.items()}
    found = compare(alone, metric=metric, goal=ranking.goal, reference=next(iter(alone)))
    return {one.setting: _ends(one.low, one.high) for one in found}


def with_verdicts(rows: list[Row], *, settings: list[SettingRow], intervals: dict[str, Interval | None]) -> list[Row]:
    verdicts = {row.setting: row.verdict for row in settings}
    return [
        replace(row, interval=intervals.get(row.name), verdict=verdicts.get(row.setting))
        if row.status == "finished"
        else row
        for row in rows
    ]


def _finished(runs: list[Run], seen: Votes) -> dict[str, list[str]]:
    """Setting or baseline → the names of its finished runs, or its own; those without any are left out."""
    finished = [run for run in runs if run.status == "finished"]
    names = {setting: [run.name for run in members] for setting, members in grouped(finished, lambda run: run.setting)}
    return names | {name: [name] for name in seen.baselines}


def _validation(names: Sequence[str], runs: list[Run], seen: Votes, ranking: Ranking) -> float | None:
    """Mean of the ranking metric of these runs, or of this baseline."""
    metric = ranking.metric.removeprefix("validation_")
    if len(names) == 1 and names[0] in seen.baselines:
        known = metric in SCORES and names[0] in seen.validation
        return finite(figure(seen.validation[names[0]], metric=metric)) if known else None
    return _mean_and_deviation([run.score for run in runs if run.name in names])[0]


def _judged(row: SettingRow, found: Comparison) -> SettingRow:
    return replace(
        row,
        interval=_ends(found.low, found.high),
        difference=finite(found.difference),
        difference_interval=_ends(found.difference_low, found.difference_high),
        p=finite(found.p_adjusted),
        verdict=None if found.verdict == "untested" else found.verdict,
    )


def _mean_and_deviation(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    """Of the seeds; a missing value among them leaves nothing to average honestly: (None, None)."""
    if not values or any(value is None or not math.isfinite(value) for value in values):
        return None, None
    return mean(values), stdev(values) if len(values) > 1 else None


def _ends(low: float, high: float) -> Interval | None:
    return Interval(low, high) if math.isfinite(low) and math.isfinite(high) else None
