"""curves.png: loss and ranking metric per epoch of every run."""

import math
import warnings
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from rich.cells import cell_len

from hftk.report.fonts import families_for
from hftk.report.runs import Run, common_ranking
from hftk.report.tables import kept_row, ranks
from hftk.report.wording import MISSING, plural, shortened, split_metric

# Okabe and Ito's colours for every kind of sight, the yellow (unreadable on white) replaced by a brown
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#E69F00", "#8B5A2B"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
GREY = "#B8B8B8"
HIGHLIGHTED = 12
"""Runs with a colour of their own; the others, further down the ranking, are grey."""


def draw_curves(runs: list[Run], path: Path, *, title: str) -> list[str]:
    """Writes the picture of `runs` (in ranked order) as PNG; returns notices."""
    metric = common_ranking(runs).metric
    drawn = [run for run in runs if run.curve]
    places = ranks(runs)
    labels = [_label(run, places[run.name]) for run in drawn]
    columns = 2 if len(labels) > 4 and max(map(cell_len, labels)) <= 72 else 1
    entries = min(len(labels), HIGHLIGHTED) + (len(labels) > HIGHLIGHTED)
    legend_height = 0.25 + 0.2 * math.ceil(entries / columns)
    families, notice = families_for("".join([title, metric, *labels]))
    small, large = FontProperties(family=families, size=8.5), FontProperties(family=families, size=13)

    height = 4.5 + legend_height
    figure = Figure(figsize=(12, height), dpi=130, facecolor="white")
    losses, metrics = figure.subplots(1, 2)
    figure.subplots_adjust(
        left=0.06, right=0.985, top=1 - 0.75 / height, bottom=(legend_height + 0.5) / height, wspace=0.14
    )
    figure.suptitle(shortened(title, 90), fontproperties=large, x=0.06, y=1 - 0.12 / height, ha="left", va="top")
    handles = []
    # the best are drawn last, on top
    for place, run in reversed(list(enumerate(drawn))):
        colour, marker = _look(place)
        _draw(losses, run, "train_loss", colour=colour, marker=marker, place=place, dashed=True)
        _draw(losses, run, "validation_loss", colour=colour, marker=marker, place=place)
        _draw(metrics, run, metric, colour=colour, marker=marker, place=place)
        if place < HIGHLIGHTED:
            handles.append(Line2D([], [], color=colour, marker=marker, markersize=6, label=labels[place]))
    handles.reverse()
    if len(drawn) > HIGHLIGHTED:
        others = f"{plural(len(drawn) - HIGHLIGHTED, 'run')} further down"
        handles.append(Line2D([], [], color=GREY, marker=".", label=others))
    _finish(losses, "Loss; hollow, dashed: training; filled, solid: validation", may_be_log=True, families=families)
    _finish(metrics, f"{split_metric(metric).capitalize()}; large mark: the weights kept", families=families)
    if handles:
        # read along the rows: best, second, …
        handles = [handle for column in range(columns) for handle in handles[column::columns]]
        figure.legend(
            handles=handles, loc="lower left", bbox_to_anchor=(0.05, 0.0), ncols=columns, prop=small, frameon=False
        )
    with warnings.catch_warnings():
        # characters that no font has are boxes, which the notice says
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")
        figure.savefig(path, format="png")
    return [notice] if notice else []


def _label(run: Run, rank: str) -> str:
    status = "" if run.status == "finished" else f" ({run.status})"
    return shortened(f"{rank}. {run.name}" if rank != MISSING else f"{run.name}{status}", 150)


def _look(place: int) -> tuple[str, str]:
    if place >= HIGHLIGHTED:
        return GREY, "."
    # the marker moves on once more with each round of the colours, so that no two runs look the same
    return COLOURS[place % len(COLOURS)], MARKERS[(place + place // len(COLOURS)) % len(MARKERS)]


def _draw(axes: Axes, run: Run, column: str, *, colour: str, marker: str, place: int, dashed: bool = False) -> None:
    points = [(row["epoch"], row.get(column)) for row in run.curve]
    # a missing value has no point; one that is not finite breaks the line
    points = [(x, y if math.isfinite(y) else math.nan) for x, y in points if y is not None]
    if not points:
        return
    order = 100 - place
    highlighted = place < HIGHLIGHTED
    axes.plot(
        *zip(*points, strict=True),
        color=colour,
        linestyle=(0, (4, 2)) if dashed else "-",
        linewidth=(1.1 if dashed else 1.7) if highlighted else 0.8,
        marker=marker,
        markersize=3.2 if highlighted else 2.5,
        markerfacecolor="white" if dashed else colour,
        alpha=1.0 if highlighted else 0.7,
        zorder=order,
    )
    kept = kept_row(run)
    if kept is None or dashed or not highlighted:
        return
    value = run.curve[kept].get(column)
    if value is not None and math.isfinite(value):
        axes.plot(
            [run.curve[kept]["epoch"]],
            [value],
            color=colour,
            marker=marker,
            markersize=8.5,
            markeredgecolor="white",
            markeredgewidth=0.9,
            linestyle="none",
            zorder=order + 100,
        )


def _finish(axes: Axes, title: str, *, families: list[str], may_be_log: bool = False) -> None:
    points = [(x, y) for line in axes.get_lines() for x, y in zip(*line.get_data(), strict=True) if math.isfinite(y)]
    if not points:
        axes.text(0.5, 0.5, "nothing recorded", ha="center", va="center", color="#666666", transform=axes.transAxes)
        axes.set_xticks([])
        axes.set_yticks([])
    else:
        values = sorted(y for _, y in points)
        # one run that diverged would press all others flat
        if may_be_log and values[0] > 0 and values[-1] > 20 * values[len(values) // 2]:
            axes.set_yscale("log")
            title += " (log scale)"
        first, last = min(x for x, _ in points), max(x for x, _ in points)
        if first == last:
            axes.set_xlim(first - 0.5, last + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=last >= 3, min_n_ticks=1))
        if first == last:
            axes.set_xticks([first])
    axes.set_title(title, loc="left", fontproperties=FontProperties(family=families, size=10))
    axes.set_xlabel("epoch", fontsize=9)
    axes.tick_params(labelsize=8.5)
    axes.grid(True, color="#E6E6E6", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
