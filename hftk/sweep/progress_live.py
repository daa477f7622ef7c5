"""Progress on a terminal: a bar over the sweep and the figures of the runs being trained, redrawn in place."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table as Grid
from rich.text import Text

from hftk.report.table import Table
from hftk.report.wording import MISSING, count, duration, epoch, figure, roughly, shortened, split_metric
from hftk.sweep.pace import Pace
from hftk.sweep.progress import Metrics, telling
from hftk.sweep.progress_plain import aligned

EVERY = 0.25
"""Seconds between two drawings; one takes about 2 ms."""
COLOURS = {"finished": "green", "failed": "red", "interrupted": "yellow", "pruned": "yellow"}


@dataclass
class _Running:
    index: int
    total: int
    epochs: float
    step: int = 0
    epoch: float = 0.0
    loss: float | None = None
    metrics: Metrics = field(default_factory=dict)


class LiveProgress:
    def __init__(self, console: Console, *, runs: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._runs = runs
        self._clock = clock
        self._pace = Pace(clock)
        self._behind = 0
        self._running: dict[str, _Running] = {}
        self._drawn = 0.0
        self._preparing = ""
        # drawn by hand: no thread of ours runs while workers are started
        self._live = Live(get_renderable=self._render, console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def preparing(self, text: str) -> None:
        self._preparing = text
        self._live.start()
        self._draw()

    def plan(self, lines: list[str], planned_steps: Mapping[str, int]) -> None:
        self._live.stop()
        self._preparing = ""
        self._pace.plan(planned_steps)
        for line in lines:
            self._print(Text(line))

    def run_started(self, index: int, name: str, total_steps: int, epochs: float) -> None:
        self._pace.run_started(name, total_steps)
        self._running[name] = _Running(index=index, total=total_steps, epochs=epochs)
        self._live.start()
        self._draw()

    def step(self, name: str, step: int, epoch: float, loss: float | None) -> None:
        self._pace.step(name, step)
        run = self._running[name]
        # the loss is not told with every step
        run.step, run.epoch, run.loss = step, epoch, run.loss if loss is None else loss
        if self._clock() - self._drawn >= EVERY:
            self._draw()

    def evaluated(self, name: str, epoch: float, metrics: Metrics) -> None:
        self._running[name].metrics = metrics
        self._draw()

    def alive(self, name: str) -> None:
        pass

    def run_ended(self, name: str, status: str, reason: str | None, metrics: Metrics) -> None:
        took = duration(self._pace.run_ended(name))
        run = self._running.pop(name)
        self._behind += 1
        said = _figures(metrics) if status == "finished" else reason or "no reason was given"
        self._print(Text.assemble((self._place(run), "dim"), (name, "bold")), whole=True)
        self._print(
            Padding(
                Text.assemble((status, COLOURS.get(status, "")), f" after {took}: {said}"), (0, 0, 0, 6), expand=False
            )
        )
        self._draw()

    def run_kept(self, name: str, status: str = "finished") -> None:
        self._pace.run_kept(name)
        self._behind += 1
        self._print(Text.assemble((f"kept, {status} before: ", "dim"), name))

    def notice(self, text: str) -> None:
        self._print(Text.assemble(("note: ", "yellow"), text))

    def ended(self, table: Table, report: Path) -> None:
        self._live.stop()
        lines = aligned(table)
        self._console.print()
        if max(map(cell_len, lines)) <= self._console.width:
            for line in lines:
                self._print(Text(line))
        else:
            self._print_stacked(table)
        self._console.print()
        self._print(Text(f"Report: {report}"), whole=True)

    def _print_stacked(self, table: Table) -> None:
        """For a terminal too narrow for the table: the run in a line, its figures below."""
        for row in table.rows:
            named = dict(zip(table.columns, row, strict=True))
            self._print(Text(f"{named.pop('rank'):>3}  {named.pop('run')}"), whole=True)
            figures = ", ".join(f"{column} {cell}" for column, cell in named.items() if cell != MISSING)
            self._print(Padding(Text(figures), (0, 0, 0, 5), expand=False))

    def _print(self, line: RenderableType, whole: bool = False) -> None:
        """`whole`: not broken at words, so that a name or path can be copied."""
        self._console.print(line, soft_wrap=whole)

    def _draw(self) -> None:
        self._live.refresh()
        self._drawn = self._clock()

    def _render(self) -> Group:
        width = self._console.width
        if self._preparing:
            return Group(Text(self._preparing, no_wrap=True, overflow="ellipsis"))
        lines = [
            line
            for name, run in self._running.items()
            for line in (self._run_line(name, run, width), _figures_line(run))
        ]
        return Group(*lines, self._sweep_line())

    def _place(self, run: "_Running") -> str:
        return f"[{run.index}/{self._runs}] "

    def _run_line(self, name: str, run: "_Running", width: int) -> Text:
        place = self._place(run)
        return Text.assemble((place, "dim"), (shortened(name, max(8, width - len(place))), "bold"))

    def _sweep_line(self) -> Grid:
        done, total = self._pace.done, self._pace.total
        share = done / total if total else 0.0
        left = self._pace.seconds_left
        ending = "" if left is None else f", {roughly(left)} left"
        line = Grid.grid(expand=True, padding=(0, 1))
        line.add_column(no_wrap=True)
        line.add_column(ratio=1)
        line.add_column(no_wrap=True, justify="right")
        line.add_row(
            Text(f"{self._behind} of {self._runs} runs"),
            ProgressBar(total=1.0, completed=share),
            Text(f"{share:.0%}, {duration(self._pace.seconds)}{ending}"),
        )
        return line


def _figures_line(run: _Running) -> Text:
    words = [f"epoch {epoch(run.epoch)} of {epoch(run.epochs)}", f"step {count(run.step)} of {count(run.total)}"]
    words += [] if run.loss is None else [f"loss {figure(run.loss)}"]
    words += [_figures(run.metrics)] if run.metrics else []
    return Text("      " + ", ".join(words), no_wrap=True, overflow="ellipsis")


def _figures(metrics: Metrics) -> str:
    return ", ".join(f"{split_metric(name)} {figure(metrics[name])}" for name in telling(metrics)) or "no figures"
