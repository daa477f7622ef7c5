"""The tables of a report. Every figure in them stands in a run folder."""

import csv
import io
import json
import math
from typing import Any

from hftk.report.content import Content
from hftk.report.runs import Run, common_ranking, ranked
from hftk.report.table import Table
from hftk.report.wording import MISSING, epoch, figure, split_metric


def swept_keys(runs: list[Run]) -> list[str]:
    """Every swept key, in the order in which the runs name them."""
    return list(dict.fromkeys(key for run in sorted(runs, key=lambda run: run.name) for key in run.swept))


def metric_names(runs: list[Run], split: str) -> list[str]:
    """`<split>_<metric>` of all runs: the ranking metric first, the loss last."""
    names = list(dict.fromkeys(name for run in runs for name in run.metrics if name.startswith(f"{split}_")))
    first = f"{split}_{common_ranking(runs).metric.removeprefix('validation_')}"
    loss = f"{split}_loss"
    middle = [name for name in names if name not in (first, loss)]
    return [name for name in dict.fromkeys([first, *middle, loss]) if name in names]


def results_csv(runs: list[Run], content: Content) -> str:
    """results.csv: a row per run, ranked; figures in full precision, empty where missing."""
    rows = {row.name: row for row in content.rows if row.kind == "run"}
    added = [name for name in ("test_brier", "test_ece") if any(name in row.figures for row in rows.values())]
    keys = swept_keys(runs)
    metrics = metric_names(runs, "validation") + metric_names(runs, "test")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["run", *keys, "seed", "status", "reason", "epochs", "best_epoch", "seconds", "parameters", *metrics, *added]
        + ["over_baseline", "verdict"]
    )
    for run in runs:
        own = [run.seed, run.status, run.reason, run.reached, run.best_epoch, run.seconds, run.parameters]
        row = rows[run.name]
        writer.writerow(
            [run.name, *(_cell(run.swept.get(key)) for key in keys), *own, *(run.metrics.get(name) for name in metrics)]
            + [*(row.figures.get(name) for name in added), row.over_baseline, row.verdict]
        )
    return text.getvalue()


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def test_size(run: Run) -> str:
    """` (n=1,020 of 1,043)`, to stand beside every test figure, when the test set was made smaller; otherwise empty."""
    now, before = run.data.rows.get("test"), run.data.rows_before.get("test")
    if now is None or before is None or now >= before:
        return ""
    return f" (n={now:,} of {before:,})"


def test_figure(run: Run, name: str) -> str:
    value = run.metrics.get(name)
    return figure(value) + test_size(run) if value is not None else MISSING


def ranks(runs: list[Run]) -> dict[str, str]:
    """Run name -> `1`, `2`, …; `–` for a run that did not finish, or has no figure to be ranked by."""
    ranking = common_ranking(runs)
    ranked_runs = [run for run in runs if run.status == "finished" and run.score is not None and run.ranking == ranking]
    places = {run.name: str(place) for place, run in enumerate(ranked_runs, 1)}
    return {run.name: places.get(run.name, MISSING) for run in runs}


def epochs_table(run: Run) -> Table:
    """The run's epochs; its test figure once, in the row of the epoch whose weights were kept."""
    name = run.ranking.metric.removeprefix("validation_")
    metrics = [] if name == "loss" else [f"validation_{name}"]
    tested = f"test_{name}" in run.metrics
    kept = kept_row(run)
    columns = ["epoch", "training loss", *map(split_metric, metrics), "validation loss"]
    columns += [f"test {name}"] if tested else []
    rows = []
    for number, row in enumerate(run.curve):
        cells = [epoch(row["epoch"]), figure(row.get("train_loss"))]
        cells += [figure(row.get(metric)) for metric in [*metrics, "validation_loss"]]
        cells += [test_figure(run, f"test_{name}") if number == kept else ""] if tested else []
        rows.append(cells)
    return Table(columns, rows)


def kept_row(run: Run) -> int | None:
    """Place in the curve of the epoch whose weights were kept; None when no row is that epoch's."""
    if run.kept_epoch is None:
        return None
    for place, row in enumerate(run.curve):
        if math.isclose(row["epoch"], run.kept_epoch, abs_tol=1e-3):
            return place
    return None


def failures_table(runs: list[Run]) -> Table | None:
    """The runs that did not finish, with reasons; None where all did."""
    unfinished = [run for run in ranked(runs) if run.status != "finished"]
    if not unfinished:
        return None
    rows = [[run.name, run.status, run.reason or MISSING, epoch(run.reached)] for run in unfinished]
    return Table(["run", "status", "reason", "epochs"], rows)
