"""The tables of a report. Every figure in them stands in a run folder."""

import csv
import io
import json
import math
from statistics import mean, stdev
from typing import Any

from hftk.report.runs import Run, common_ranking, ranked
from hftk.report.table import Table
from hftk.report.wording import MISSING, count, duration, epoch, figure, split_metric


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


def results_csv(runs: list[Run]) -> str:
    """results.csv: a row per run, ranked; figures in full precision, empty where missing."""
    keys = swept_keys(runs)
    metrics = metric_names(runs, "validation") + metric_names(runs, "test")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["run", *keys, "seed", "status", "reason", "epochs", "best_epoch", "seconds", "parameters", *metrics]
    )
    for run in runs:
        own = [run.seed, run.status, run.reason, run.reached, run.best_epoch, run.seconds, run.parameters]
        writer.writerow(
            [run.name, *(_cell(run.swept.get(key)) for key in keys), *own, *(run.metrics.get(name) for name in metrics)]
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


def ranked_table(runs: list[Run], data_letters: dict[str, str] | None = None) -> Table:
    """Every run, best first on validation, the test figures beside; runs that did not finish stand below, unranked.

    `data_letters` (run name -> letter) adds the column that tells runs of different data apart.
    """
    ranking = common_ranking(runs)
    validation = [ranking.metric] + [name for name in ["validation_loss"] if name != ranking.metric]
    test = metric_names(runs, "test")
    all_finished = all(run.status == "finished" for run in runs)
    columns = ["rank", "run"]
    columns += [] if data_letters is None else ["data"]
    columns += [] if all_finished else ["status"]
    columns += [split_metric(name) for name in [*validation, *test]]
    columns += ["epochs", "kept epoch", "parameters", "time"]
    places = ranks(runs)
    rows = []
    for run in runs:
        row = [places[run.name], run.name]
        row += [] if data_letters is None else [data_letters[run.name]]
        row += [] if all_finished else [run.status]
        row += [figure(run.metrics.get(name)) for name in validation]
        row += [test_figure(run, name) for name in test]
        row += [epoch(run.reached), epoch(run.kept_epoch), _parameters(run), duration(run.seconds)]
        rows.append(row)
    return Table(columns, rows)


def _parameters(run: Run) -> str:
    trained = run.trainable_parameters
    return count(run.parameters) + ("" if trained in (None, run.parameters) else f" ({trained:,} trained)")


def terminal_table(runs: list[Run]) -> Table:
    """The columns of `ranked_table` that a terminal has room for."""
    metric = common_ranking(runs).metric
    test = f"test_{metric.removeprefix('validation_')}"
    columns = ["rank", "run", "status", split_metric(metric), split_metric(test), "kept epoch", "time"]
    return ranked_table(runs).only(columns)


def settings_table(runs: list[Run]) -> Table | None:
    """Mean, sample standard deviation and n over the seeds of each setting, the best mean on validation first.

    None where no setting has several seeds. n counts the finished runs.
    """
    settings: dict[str, list[Run]] = {}
    for run in runs:
        settings.setdefault(run.setting, []).append(run)
    if all(len(members) == 1 for members in settings.values()):
        return None
    ranking = common_ranking(runs)
    names = [ranking.metric] + [name for name in ["validation_loss"] if name != ranking.metric]
    names += metric_names(runs, "test")
    columns = ["setting", "n"]
    for name in names:
        columns += [f"{split_metric(name)} (mean)", "sd"]
    order = []
    for setting, members in settings.items():
        finished = [run for run in members if run.status == "finished"]
        row = [setting or MISSING, str(len(finished))]
        if len(finished) < len(members):
            row[-1] += f" of {len(members)}"
        size = "".join(dict.fromkeys(test_size(run) for run in finished))
        for name in names:
            average, deviation = _mean_and_deviation([run.metrics.get(name) for run in finished])
            shown = figure(average)
            row += [shown + size if name.startswith("test_") and average is not None else shown, figure(deviation)]
        average, _ = _mean_and_deviation([run.score for run in finished])
        worth = -math.inf if average is None else average if ranking.goal == "maximize" else -average
        order.append((-worth, setting, row))
    return Table(columns, [row for _, _, row in sorted(order, key=lambda item: item[:2])])


def _mean_and_deviation(values: list[float | None]) -> tuple[float | None, float | None]:
    """A missing value among them leaves nothing to average honestly: (None, None)."""
    if not values or any(value is None for value in values):
        return None, None
    if any(not math.isfinite(value) for value in values):
        return math.nan, None
    return mean(values), stdev(values) if len(values) > 1 else None


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
