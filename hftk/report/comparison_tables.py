"""The tables that compare rows: what a page and a terminal show of `Content`."""

from collections.abc import Sequence

from hftk.report.content import ChangeRow, Content, Example, Interval, Row, Verdict
from hftk.report.table import Table
from hftk.report.wording import MISSING, count, duration, epoch, figure, shortened, split_metric

VERDICTS: dict[Verdict | None, str] = {
    "reference": "first",
    "tie": "tie",
    "worse": "worse",
    "better": "better",
    None: MISSING,
}
"""Beside the row that is best on validation, judged on test: a tie is no difference shown."""
_TEXT_SHOWN = 160
"""Places of a table's cell."""


def ranked_table(content: Content) -> Table:
    """Every row, best first on validation, the test figures beside; baselines in their places, without a rank.

    Runs that did not finish stand below, unranked.
    """
    rows = content.rows
    validation, test = _names(content, "validation"), _names(content, "test")
    data = any(row.data for row in rows)
    unfinished = any(row.status != "finished" for row in rows)
    compared = any(row.verdict for row in rows)
    baselines = any(row.over_baseline is not None for row in rows)
    notes = any(row.footnotes for row in rows)
    columns = ["rank", "run"]
    columns += ["data"] if data else []
    columns += ["status"] if unfinished else []
    columns += [split_metric(content.metric)]
    columns += ["over baseline"] if baselines else []
    columns += [split_metric(name) for name in test[:1]]
    columns += ["95 %", "beside the first"] if compared else []
    columns += [split_metric(name) for name in [*validation[1:], *test[1:]]]
    columns += ["epochs", "kept epoch", "parameters", "time"]
    columns += ["notes"] if notes else []
    table = []
    for row in rows:
        cells = [str(row.rank) if row.rank else MISSING, shown_name(row)]
        cells += [row.data or MISSING] if data else []
        cells += [row.status] if unfinished else []
        cells += [figure(row.figures.get(content.metric))]
        cells += [signed(row.over_baseline)] if baselines else []
        cells += [_tested(row, name) for name in test[:1]]
        cells += [interval(row.interval), VERDICTS[row.verdict]] if compared else []
        cells += [figure(row.figures.get(name)) for name in validation[1:]]
        cells += [_tested(row, name) for name in test[1:]]
        cells += [epoch(row.epochs), epoch(row.kept_epoch), _parameters(row), duration(row.seconds)]
        cells += [" ".join(f"[{number}]" for number in row.footnotes)] if notes else []
        table.append(cells)
    return Table(columns, table, frozenset({"run", "data", "status", "beside the first", "notes"}))


def terminal_table(content: Content) -> Table:
    """The columns of `ranked_table` that a terminal has room for."""
    test = [split_metric(name) for name in _names(content, "test")[:1]]
    columns = ["rank", "run", "status", split_metric(content.metric), *test, "beside the first", "kept epoch", "time"]
    return ranked_table(content).only(columns)


def settings_table(content: Content) -> Table | None:
    """Each setting over its seeds; None where no setting has several."""
    if all(row.planned <= 1 for row in content.settings):
        return None
    name = content.metric.removeprefix("validation_")
    columns = ["setting", "n", f"validation {name} (mean)", f"test {name} (mean)", "sd", "95 %"]
    columns += ["difference to the first", "95 % of it", "p", "beside the first"]
    rows = [
        [
            row.setting or MISSING,
            str(row.seeds) + (f" of {row.planned}" if row.planned > row.seeds else ""),
            figure(row.validation),
            _with_size(row.test, row.tested),
            figure(row.sd),
            interval(row.interval),
            signed(row.difference) if row.verdict != "reference" else MISSING,
            interval(row.difference_interval, signed_ends=True) if row.verdict != "reference" else MISSING,
            probability(row.p) if row.verdict != "reference" else MISSING,
            VERDICTS[row.verdict],
        ]
        for row in content.settings
    ]
    return Table(columns, rows, frozenset({"setting", "beside the first"}))


def changes_table(changes: Sequence[ChangeRow], *, metric: str) -> Table:
    """metric: what the test figures are of."""
    columns = ["key", "from", "to", f"test {metric}, from", "to it", "difference", "95 % of it", "p", "is", "in"]
    rows = [
        [
            row.key,
            row.against,
            row.value,
            figure(row.against_test),
            figure(row.test),
            signed(row.difference),
            interval(row.interval, signed_ends=True),
            probability(row.p),
            VERDICTS[row.verdict],
            row.setting or MISSING,
        ]
        for row in changes
    ]
    return Table(columns, rows, frozenset({"key", "from", "to", "is", "in"}))


def classes_table(content: Content, row: str) -> Table | None:
    """Precision, recall, F1 and support of each class, of the row named; None where it is not known."""
    own = next((one for one in content.classes if one.row == row), None)
    if own is None:
        return None
    cells = zip(content.labels, own.precision, own.recall, own.f1, own.support, strict=True)
    return Table(
        ["class", "precision", "recall", "F1", f"{own.split} items"],
        [[label, figure(p), figure(r), figure(f), count(n)] for label, p, r, f, n in cells],
        frozenset({"class"}),
    )


def examples_table(examples: Sequence[Example]) -> Table:
    return Table(
        ["where", "text", "label", "the runs say", "runs", "probability of the label"],
        [
            [one.where, shortened(one.text, _TEXT_SHOWN), one.label, one.said, f"{one.share:.0%}", f"{one.score:.3f}"]
            for one in examples
        ],
        frozenset({"where", "text", "label", "the runs say"}),
    )


def shown_name(row: Row) -> str:
    return f"baseline: {row.name}" if row.kind == "baseline" else row.name


def interval(ends: Interval | None, *, signed_ends: bool = False) -> str:
    """`0.801 to 0.825`."""
    if ends is None:
        return MISSING
    return f"{ends.low:+.3f} to {ends.high:+.3f}" if signed_ends else f"{ends.low:.3f} to {ends.high:.3f}"


def signed(value: float | None) -> str:
    return MISSING if value is None else f"{value:+.4f}"


def probability(value: float | None) -> str:
    """`< 0.001` where it is."""
    return MISSING if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _names(content: Content, split: str) -> list[str]:
    """`<split>_<metric>` of all rows: the ranking metric first; the loss and what tells of the probabilities last."""
    names = list(dict.fromkeys(name for row in content.rows for name in row.figures if name.startswith(f"{split}_")))
    first = f"{split}_{content.metric.removeprefix('validation_')}"
    last = [f"{split}_{name}" for name in ("loss", "brier", "ece")]
    middle = [name for name in names if name not in (first, *last)]
    wanted = dict.fromkeys([first, *middle, *last])
    if split == "validation":
        wanted = dict.fromkeys([first, f"{split}_loss"])
    return [name for name in wanted if name in names]


def _tested(row: Row, name: str) -> str:
    return _with_size(row.figures.get(name), row.tested)


def _with_size(value: float | None, tested: str) -> str:
    return figure(value) + (f" ({tested})" if tested and value is not None else "")


def _parameters(row: Row) -> str:
    trained = row.trainable_parameters
    return count(row.parameters) + ("" if trained in (None, row.parameters) else f" ({trained:,} trained)")
