"""The table of runs and baselines: columns, cells, and what it can be filtered by."""

from dataclasses import dataclass
from typing import Any, Literal

from hftk.report.content import Content, Row
from hftk.report.page.bars import Bar, Scale
from hftk.report.page.shown import is_number, signed, swept_words, title
from hftk.report.wording import MISSING, count, duration, epoch, figure

VERDICTS = {"reference": "first", "tie": "≈ tie", "better": "better", "worse": "worse"}
"""Beside the first, which is best on validation; in the order in which they are sorted."""
FILTER_VALUES = 12
"""A key with more values than these is searched for by text."""


@dataclass(frozen=True)
class Column:
    title: str
    kind: Literal["number", "text", "bar", "verdict"] = "number"
    first: Literal["ascending", "descending"] = "ascending"
    """Which way the first press sorts."""


@dataclass(frozen=True)
class Cell:
    text: str
    value: float | str | None
    """What it is sorted by; None stands last either way."""
    bar: Bar | None = None
    kind: str = ""


@dataclass(frozen=True)
class Line:
    """A row of the page's table; `place` is that of its row in `Content.rows`."""

    place: int
    row: Row
    rank: Cell
    cells: list[Cell]
    swept: dict[str, str]
    """What it can be filtered by."""


@dataclass(frozen=True)
class Filter:
    key: str
    values: list[str]


@dataclass(frozen=True)
class Comparison:
    columns: list[Column]
    """Besides rank and name."""
    lines: list[Line]
    filters: list[Filter]
    scale: Scale | None
    """Of the test figures."""
    unfinished_columns: list[Column]
    unfinished: list[Line]


def comparison(content: Content) -> Comparison:
    places = {id(row): place for place, row in enumerate(content.rows)}
    ranked = [row for row in content.rows if row.kind == "baseline" or row.status == "finished"]
    others = [row for row in content.rows if row not in ranked]
    words = _swept(content.rows)
    test = f"test_{content.metric.removeprefix('validation_')}"
    first = next((row.figures.get(test) for row in ranked if row.verdict == "reference"), None)
    scale = Scale.over([row.figures.get(test) for row in ranked], [row.interval for row in ranked], first)

    def lines(rows: list[Row], table: list[tuple[Column, list[Cell]]]) -> list[Line]:
        return [
            Line(
                place=places[id(row)],
                row=row,
                rank=_number(row.rank, count(row.rank)),
                cells=[cells[number] for _, cells in table],
                swept={key: own[places[id(row)]] for key, own in words.items() if key in row.swept},
            )
            for number, row in enumerate(rows)
        ]

    def table(rows: list[Row], own: list[tuple[Column, list[Cell]]]) -> list[tuple[Column, list[Cell]]]:
        settings = [
            (Column(key, _kind(rows, key)), [_swept_cell(row, key, words[key][places[id(row)]]) for row in rows])
            for key in words
        ]
        if len({row.seed for row in content.rows if row.seed is not None}) > 1:
            settings.append((Column("seed"), [_number(row.seed, str(row.seed)) for row in rows]))
        return [*own, *settings, *_costs(rows)]

    main = table(ranked, _figures(content, ranked, test, scale))
    main += _other_figures(content, ranked, test)
    rest = table(others, _ends(content, others))
    return Comparison(
        columns=[column for column, _ in main],
        lines=lines(ranked, main),
        filters=_filters(content.rows, words),
        scale=scale,
        unfinished_columns=[column for column, _ in rest],
        unfinished=lines(others, rest),
    )


def _figures(content: Content, rows: list[Row], test: str, scale: Scale | None) -> list[tuple[Column, list[Cell]]]:
    """What a reader looks for first."""
    found = []
    if any(row.data is not None for row in rows):
        found.append((Column("data", "text"), [Cell(row.data or MISSING, row.data) for row in rows]))
    best = "descending" if content.goal == "maximize" else "ascending"
    values = [row.figures.get(content.metric) for row in rows]
    found.append((Column(title(content.metric), first=best), [_number(value, figure(value)) for value in values]))
    values = [row.figures.get(test) for row in rows]
    if scale and any(value is not None for value in values):
        cells = [
            Cell(figure(value), _sorted_by(value), scale.bar(value, row.interval))
            for row, value in zip(rows, values, strict=True)
        ]
        found.append((Column(title(test), "bar", best), cells))
    if any(row.verdict for row in rows):
        order = list(VERDICTS)
        cells = [
            Cell(VERDICTS[row.verdict], float(order.index(row.verdict)), kind=row.verdict)
            if row.verdict
            else Cell(MISSING, None)
            for row in rows
        ]
        found.append((Column("beside the first", "verdict"), cells))
    if any(row.over_baseline is not None for row in rows):
        cells = [_number(row.over_baseline, signed(row.over_baseline)) for row in rows]
        found.append((Column("over baseline", first=best), cells))
    runs = sum(row.kind == "run" for row in content.rows)
    # what was found in all of them tells no row from another
    own = [finding for finding in content.findings if len(finding.runs) < max(runs, 2)]
    if own:
        kinds = [[finding.kind for finding in own if row.name in finding.runs] for row in rows]
        cells = [
            Cell(", ".join(dict.fromkeys(kind)).replace("-", " "), float(len(kind)) if kind else None) for kind in kinds
        ]
        found.append((Column("findings", "text", "descending"), cells))
    return found


def _other_figures(content: Content, rows: list[Row], test: str) -> list[tuple[Column, list[Cell]]]:
    names = dict.fromkeys(name for row in rows for name in row.figures if name not in (content.metric, test))
    return [
        (Column(title(name)), [_number(row.figures.get(name), figure(row.figures.get(name))) for row in rows])
        for name in names
    ]


def _ends(content: Content, rows: list[Row]) -> list[tuple[Column, list[Cell]]]:
    """How far the runs came that did not finish."""
    found = [
        (Column("status", "text"), [Cell(row.status, row.status) for row in rows]),
        (Column("reason", "text"), [Cell(row.reason or MISSING, row.reason) for row in rows]),
    ]
    values = [row.figures.get(content.metric) for row in rows]
    if any(value is not None for value in values):
        cells = [_number(value, figure(value)) for value in values]
        found.append((Column(f"{title(content.metric)} until then"), cells))
    return found


def _costs(rows: list[Row]) -> list[tuple[Column, list[Cell]]]:
    columns = [
        ("epochs", [_number(row.epochs, epoch(row.epochs)) for row in rows]),
        ("kept epoch", [_number(row.kept_epoch, epoch(row.kept_epoch)) for row in rows]),
        ("parameters", [_number(row.parameters, count(row.parameters)) for row in rows]),
        ("trained", [_number(row.trainable_parameters, count(row.trainable_parameters)) for row in rows]),
        ("time", [_number(row.seconds, duration(row.seconds)) for row in rows]),
    ]
    if all(row.trainable_parameters in (None, row.parameters) for row in rows):
        columns = [(name, cells) for name, cells in columns if name != "trained"]
    return [(Column(name), cells) for name, cells in columns if any(cell.value is not None for cell in cells)]


def _number(value: float | None, text: str) -> Cell:
    return Cell(MISSING if value is None else text, _sorted_by(value))


def _sorted_by(value: float | None) -> float | None:
    """What is no number has no place in an order."""
    return value if is_number(value) else None


def _swept(rows: list[Row]) -> dict[str, list[str]]:
    """Per swept key its words for every row; `–` for rows that do not know the key."""
    keys = dict.fromkeys(key for row in rows for key in row.swept)
    return {key: swept_words([row.swept.get(key) for row in rows]) for key in keys}


def _kind(rows: list[Row], key: str) -> Literal["number", "text"]:
    values = [row.swept[key] for row in rows if row.swept.get(key) is not None]
    return "number" if values and all(_is_figure(value) for value in values) else "text"


def _swept_cell(row: Row, key: str, words: str) -> Cell:
    value = row.swept.get(key)
    if value is None:
        return Cell(MISSING if key not in row.swept else "none", None)
    return Cell(words, _sorted_by(float(value)) if _is_figure(value) else words)


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _filters(rows: list[Row], words: dict[str, list[str]]) -> list[Filter]:
    filters = []
    for key, own in words.items():
        known = [shown for row, shown in zip(rows, own, strict=True) if key in row.swept]
        values = list(dict.fromkeys(known))
        if 1 < len(values) <= FILTER_VALUES:
            filters.append(Filter(key, values))
    return filters
