"""How the runs of a report were made: what a person needs to make them again."""

from typing import Any

from hftk.report.differences import grouped
from hftk.report.runs import Run
from hftk.report.wording import MISSING, duration, listed


def commands(runs: list[Run]) -> list[str]:
    """The distinct ones, the most common first."""
    return [command for command, _ in grouped(runs, lambda run: run.command) if command]


def facts(runs: list[Run]) -> list[tuple[str, str]]:
    """Name and value; a value that is not that of all runs comes with the names of its runs."""
    made = [
        ("started", min((run.started for run in runs if run.started), default=MISSING)),
        ("time in runs", duration(sum(run.seconds or 0.0 for run in runs))),
    ]
    for name, value in {
        "data": lambda run: run.data.path,
        "rows": _rows,
        "labels": lambda run: listed(run.data.labels, most=30),
        "data fingerprint": lambda run: run.data.fingerprint,
        "weights kept": lambda run: f"{run.keep} epoch",
        "device": lambda run: run.device,
        "hardware": lambda run: _mapping(run.hardware),
        "processes": lambda run: run.world_size,
        "versions": lambda run: _mapping(run.versions),
        "git commit": lambda run: run.git_commit,
        "command": lambda run: run.command,
    }.items():
        groups = [(own, members) for own, members in grouped(runs, value) if own not in (None, "")]
        if name == "command" and len(groups) < 2:
            continue  # shown whole elsewhere
        if not groups:
            made.append((name, MISSING))
        for own, members in groups:
            of = "" if len(members) == len(runs) else f" — {listed([run.name for run in members])}"
            made.append((name, f"{own}{of}"))
    made.append(("seeds", ", ".join(map(str, sorted({run.seed for run in runs})))))
    return made


def _rows(run: Run) -> str:
    words = []
    for split, number in run.data.rows.items():
        before = run.data.rows_before.get(split, number)
        words.append(f"{split} {number:,}" + (f" of {before:,}" if before > number else ""))
    return ", ".join(words)


def _mapping(values: dict[str, Any]) -> str:
    words = {key: ", ".join(map(str, value)) or "none" for key, value in values.items() if isinstance(value, list)}
    return "; ".join(f"{key} {value}" for key, value in (values | words).items())
