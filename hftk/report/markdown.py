"""report.md: the comparison as a page that claims no more than its figures show."""

from typing import Any

from hftk.report.differences import data_letters, data_table, grouped
from hftk.report.runs import Run, common_ranking
from hftk.report.tables import (
    epochs_table,
    failures_table,
    kept_row,
    metric_names,
    ranked_table,
    ranks,
    settings_table,
    test_figure,
)
from hftk.report.wording import MISSING, count, duration, epoch, escaped, figure, listed, plural, split_metric


def report_markdown(*, title: str, runs: list[Run], curves: str, notices: list[str]) -> str:
    """The page. `runs` in ranked order, `curves` the picture's path beside it, `notices` about the report itself."""
    letters = data_letters(runs)
    parts = [f"# {escaped(title)}", _summary(runs, letters)]
    if letters:
        parts += [_DIFFERENT_DATA, data_table(runs).markdown()]
    parts += ["## Runs", ranked_table(runs, letters).markdown(), f"![Learning curves]({curves})"]
    if settings := settings_table(runs):
        parts += ["## Settings over seeds", settings.markdown(), "sd: sample standard deviation; n: finished runs."]
    if failures := failures_table(runs):
        parts += ["## Not finished", failures.markdown()]
    parts += ["## Epochs", *_epochs(runs)]
    if told := _notices(runs) + [f"- {escaped(notice)}" for notice in notices]:
        parts += ["## Notices", "\n".join(told)]
    parts += ["## How this was made", *_how(runs)]
    return "\n\n".join(parts) + "\n"


_DIFFERENT_DATA = (
    "> **These runs did not see the same data.** Figures of runs whose letter in the column `data` differs "
    "cannot be compared."
)


def _summary(runs: list[Run], letters: dict[str, str] | None) -> str:
    ranking = common_ranking(runs)
    places = ranks(runs)
    scored = [run for run in runs if places[run.name] != MISSING]
    sentences = [_counts(runs)]
    if not scored:
        return " ".join([*sentences, f"No run has a {ranking.metric}."])
    metric, goal = escaped(split_metric(ranking.metric)), "higher" if ranking.goal == "maximize" else "lower"
    best = scored[0]
    figures = f"{metric} {figure(best.score)}{_its_test(best)}"
    if len(runs) == 1:
        return " ".join([*sentences, f"Its {figures}."])
    sentences.append(f"Ranked by {metric} ({goal} is better).")
    if others := [run.name for run in runs if run.ranking != ranking]:
        sentences.append(f"Not ranked, because another metric was asked of them: {escaped(listed(others))}.")
    if letters and len({letters[run.name] for run in scored}) > 1:
        return " ".join([*sentences, "The runs saw different data, so that none is called the first."])
    if len(scored) == 1:
        return " ".join([*sentences, f"Only {escaped(best.name)} has a figure: {figures}."])
    first = [run for run in scored if run.score == best.score]
    if len(first) > 1:
        sentences.append(f"{plural(len(first), 'run')} share the first place with {metric} {figure(best.score)}.")
    else:
        sentences.append(f"{escaped(best.name)} stands first: {figures}.")
    seeds = {len(members) for _, members in grouped(scored, lambda run: run.setting)}
    if seeds == {1}:
        sentences.append("One seed each: differences may be chance.")
    else:
        sentences.append("Means and deviations over seeds stand below; whether a difference is chance is not tested.")
    return " ".join(sentences)


def _counts(runs: list[Run]) -> str:
    words = [
        f"{count(number)} {status}"
        for status in ("finished", "failed", "interrupted", "pruned")
        if (number := sum(run.status == status for run in runs))
    ]
    return f"{plural(len(runs), 'run')}: {', '.join(words)}."


def _its_test(run: Run) -> str:
    name = f"test_{run.ranking.metric.removeprefix('validation_')}"
    if run.metrics.get(name) is None:
        return ""
    shown = test_figure(run, name)
    rows = run.data.rows.get("test")
    known = "n=" in shown or rows is None
    return f", {escaped(split_metric(name))} {shown}" + ("" if known else f" (n={rows:,})")


def _epochs(runs: list[Run]) -> list[str]:
    parts = []
    places = ranks(runs)
    for run in runs:
        rank = "" if places[run.name] == MISSING else f"{places[run.name]}. "
        status = "" if run.status == "finished" else f" ({run.status})"
        parts.append(f"### {rank}{escaped(run.name)}{status}")
        parts.append(epochs_table(run).markdown() if run.curve else "No epoch was recorded.")
        if run.curve and run.status == "finished" and kept_row(run) is None:
            name = f"test_{run.ranking.metric.removeprefix('validation_')}"
            shown = test_figure(run, name)
            if shown != MISSING:
                parts.append(
                    f"{escaped(split_metric(name))} of the kept weights (epoch {epoch(run.kept_epoch)}): {shown}"
                )
    return parts


def _notices(runs: list[Run]) -> list[str]:
    told: dict[str, list[str]] = {}
    for run in runs:
        for notice in [*_truncations(run), *run.notices]:
            told.setdefault(notice, []).append(run.name)
    return [
        f"- {escaped(notice)}" + ("" if len(names) == len(runs) else f" ({escaped(listed(names))})")
        for notice, names in told.items()
    ]


def _truncations(run: Run) -> list[str]:
    notices = []
    for split, cut in run.data.truncated.items():
        rows = run.data.rows.get(split)
        if cut and rows:
            notices.append(
                f"{split}: {cut:,} of {rows:,} rows ({cut / rows:.1%}) were longer than the maximum length and "
                f"{run.data.longer_are}."
            )
    return notices


def _how(runs: list[Run]) -> list[str]:
    total = sum(run.seconds or 0.0 for run in runs)
    commands = [(command, members) for command, members in grouped(runs, lambda run: run.command) if command]
    parts = [_code(command) + _of(members, runs, before="\n\nfor ") for command, members in commands]
    facts = [
        f"- started: {min((run.started for run in runs if run.started), default=MISSING)}",
        f"- time in runs: {duration(total)}",
    ]
    for name, value in {
        "data": lambda run: run.data.path,
        "rows": lambda run: _rows(run),
        "labels": lambda run: listed(run.data.labels, most=30),
        "data fingerprint": lambda run: run.data.fingerprint,
        "weights kept": lambda run: f"{run.keep} epoch",
        "device": lambda run: run.device,
        "hardware": lambda run: _mapping(run.hardware),
        "processes": lambda run: run.world_size,
        "versions": lambda run: _mapping(run.versions),
        "git commit": lambda run: run.git_commit,
    }.items():
        groups = [(own, members) for own, members in grouped(runs, value) if own not in (None, "")]
        if not groups:
            facts.append(f"- {name}: {MISSING}")
        for own, members in groups:
            facts.append(f"- {name}: {escaped(own)}" + _of(members, runs, before=" — "))
    facts.append(f"- seeds: {', '.join(map(str, sorted({run.seed for run in runs})))}")
    facts.append(f"- test set: {'looked at once per run' if metric_names(runs, 'test') else 'there was none'}")
    return [*parts, "\n".join(facts)]


def _of(members: list[Run], runs: list[Run], before: str) -> str:
    """Which runs a value is of, where it is not that of all."""
    return "" if len(members) == len(runs) else before + escaped(listed([run.name for run in members]))


def _rows(run: Run) -> str:
    words = []
    for split, number in run.data.rows.items():
        before = run.data.rows_before.get(split, number)
        words.append(f"{split} {number:,}" + (f" of {before:,}" if before > number else ""))
    return ", ".join(words)


def _mapping(values: dict[str, Any]) -> str:
    words = {key: ", ".join(map(str, value)) or "none" for key, value in values.items() if isinstance(value, list)}
    return "; ".join(f"{key} {value}" for key, value in (values | words).items())


def _code(command: str) -> str:
    fence = "```"
    while fence in command:
        fence += "`"
    return f"{fence}\n{command}\n{fence}"
