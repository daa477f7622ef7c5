"""What a comparison shows, in sentences that claim no more than its figures do."""

from collections import Counter
from collections.abc import Sequence

from hftk.analysis.optimism import optimism
from hftk.report.content import FindingRow, Row, SettingRow
from hftk.report.course import course
from hftk.report.runs import Ranking, Run
from hftk.report.wording import count, figure, listed, plural, split_metric

_LESSONS_SHOWN = 4
STATUSES = ("finished", "failed", "interrupted", "pruned")


def summary(
    runs: Sequence[Run],
    *,
    rows: Sequence[Row],
    settings: Sequence[SettingRow],
    findings: Sequence[FindingRow],
    ranking: Ranking,
    letters: dict[str, str] | None,
    lessons: Sequence[str] = (),
) -> list[str]:
    """The most important first. letters: as of `data_letters`. lessons: what single keys did."""
    metric = split_metric(ranking.metric)
    scored = [row for row in rows if row.rank is not None]
    counts = _counts(runs)
    if not scored:
        return [counts, f"No run has a {ranking.metric}."]
    best = scored[0]
    figures = f"{metric} {figure(best.figures.get(ranking.metric))}{_its_test(best, ranking, runs)}"
    if len(runs) == 1:
        first, ranked = [f"{best.name}: {figures}."], [counts]
    else:
        ranked = [f"{counts} Ranked by {metric} ({'higher' if ranking.goal == 'maximize' else 'lower'} is better)."]
        if others := [run.name for run in runs if run.ranking != ranking]:
            ranked.append(f"Not ranked, because another metric was asked of them: {listed(others)}.")
        if letters and len({row.data for row in scored}) > 1:
            return ["The runs saw different data, so that none is called the first.", *ranked]
        first = [_first(scored, figures, ranking)]
    return [
        *first,
        *_tests(settings, scored),
        *_lessons(lessons),
        *_baselines(rows, scored, ranking),
        *_found(findings, scored),
        *course(runs),
        *ranked,
        *_looks(scored, settings, runs, ranking),
    ]


def _counts(runs: Sequence[Run]) -> str:
    words = [
        f"{count(number)} {status}" for status in STATUSES if (number := sum(run.status == status for run in runs))
    ]
    return f"{plural(len(runs), 'run')}: {', '.join(words)}."


def _first(scored: Sequence[Row], figures: str, ranking: Ranking) -> str:
    best = scored[0]
    if len(scored) == 1:
        return f"Only {best.name} has a figure: {figures}."
    value = best.figures[ranking.metric]
    equal = sum(row.figures[ranking.metric] == value for row in scored)
    if equal > 1:
        return f"{plural(equal, 'run')} share the first place with {split_metric(ranking.metric)} {figure(value)}."
    return f"{best.name} stands first: {figures}."


def _its_test(best: Row, ranking: Ranking, runs: Sequence[Run]) -> str:
    name = f"test_{ranking.metric.removeprefix('validation_')}"
    value = best.figures.get(name)
    if value is None:
        return ""
    rows = next((run.data.rows.get("test") for run in runs if run.name == best.name), None)
    size = best.tested or (f"n={rows:,}" if rows is not None else "")
    return f", {split_metric(name)} {figure(value)}" + (f" ({size})" if size else "")


def _tests(settings: Sequence[SettingRow], scored: Sequence[Row]) -> list[str]:
    """Ties first of all: they are what people read past."""
    judged = {row.setting for row in scored}
    others = [row for row in settings if row.setting in judged and row.verdict not in (None, "reference")]
    first = next((row for row in settings if row.verdict == "reference"), None)
    if not others or first is None:
        return []
    counted = Counter(row.verdict for row in others)
    several = any(row.seeds > 1 for row in settings)
    over = "over seeds and test examples" if several else "over test examples"
    name = f"{first.setting or 'the first'}"
    if counted["tie"] == len(others):
        told = f"No difference is shown on test: {_all(len(others))} tied with {name}"
    else:
        words = [f"{count(counted[verdict])} {verdict}" for verdict in ("worse", "better") if counted[verdict]]
        words += [f"{count(counted['tie'])} tied with it"] if counted["tie"] else []
        told = f"On test, beside {name}: {' and '.join(words) if len(words) < 3 else ', '.join(words)}"
    sentences = [f"{told} (paired tests {over}, corrected for their number)."]
    if not several:
        sentences.append("One seed each: what other seeds would give is not known.")
    return sentences


def _lessons(lessons: Sequence[str]) -> list[str]:
    """Those that show a difference."""
    shown = [lesson for lesson in lessons if " is better" in lesson or " is worse" in lesson]
    if not shown:
        return []
    more = f" {plural(len(shown) - _LESSONS_SHOWN, 'more key')} below." if len(shown) > _LESSONS_SHOWN else ""
    return [f"One key at a time, the others equal: {' '.join(shown[:_LESSONS_SHOWN])}{more}"]


def _all(number: int) -> str:
    return "the other one is" if number == 1 else f"all {number} others are"


def _baselines(rows: Sequence[Row], scored: Sequence[Row], ranking: Ranking) -> list[str]:
    """The strongest one, and how many runs are above it."""
    baselines = [row for row in rows if row.kind == "baseline" and row.figures.get(ranking.metric) is not None]
    if not baselines:
        return []
    sign = 1 if ranking.goal == "maximize" else -1
    best = max(baselines, key=lambda row: sign * row.figures[ranking.metric])
    above = [row for row in scored if row.over_baseline is not None and sign * row.over_baseline > 0]
    told = f"The best baseline, {best.name}, has {split_metric(ranking.metric)} {figure(best.figures[ranking.metric])}"
    if not above:
        return [f"{told}: {'the run is not' if len(scored) == 1 else 'no run is'} above it."]
    if len(above) == len(scored):
        return [f"{told}: {'the run is' if len(scored) == 1 else 'every run is'} above it."]
    verb = "is" if len(above) == 1 else "are"
    return [f"{told}: {count(len(above))} of {plural(len(scored), 'run')} {verb} above it."]


def _looks(scored: Sequence[Row], settings: Sequence[SettingRow], runs: Sequence[Run], ranking: Ranking) -> list[str]:
    """How often test was looked at, and what choosing the best of several does to its figure on validation."""
    metric = ranking.metric.removeprefix("validation_")
    looked = sum(f"test_{metric}" in run.metrics for run in runs)
    if not looked:
        return ["There is no test split: nothing here says how the first would do on data that it was not chosen on."]
    judged = {row.setting for row in scored}
    tried = [row for row in settings if row.setting in judged]
    first = next((row for row in tried if row.setting == scored[0].setting), None)
    if len(tried) < 2 or first is None or first.validation is None or first.test is None:
        return [f"Test was looked at once per finished run, {plural(looked, 'time')} in all."]
    return [
        optimism(
            winner=first.setting or scored[0].name,
            metric=metric,
            goal=ranking.goal,
            validation=first.validation,
            test=first.test,
            settings=len(tried),
            looks=looked,
        ).sentence
    ]


def _found(findings: Sequence[FindingRow], scored: Sequence[Row]) -> list[str]:
    runs_by_kind: dict[str, set[str]] = {}
    for finding in findings:
        runs_by_kind.setdefault(finding.kind, set()).update(finding.runs)
    words = [
        f"{kind} in {'the run' if len(scored) == len(names) == 1 else plural(len(names), 'run')}"
        for kind, names in sorted(runs_by_kind.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    return [f"Found: {listed(words, 8)}."] if words else []
