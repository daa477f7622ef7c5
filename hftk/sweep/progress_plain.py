"""Progress as plain lines, for files, pipes and notebooks: no colours, nothing redrawn."""

import math
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self, TextIO

from rich.cells import cell_len

from hftk.report.table import Table
from hftk.report.wording import count, duration, epoch, figure, plural, roughly, split_metric
from hftk.sweep.pace import Pace
from hftk.sweep.progress import Metrics, telling

EVERY = 30.0
"""Seconds between two lines about steps."""


class PlainProgress:
    def __init__(self, stream: TextIO, *, runs: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._runs = runs
        self._clock = clock
        self._pace = Pace(clock)
        self._running: dict[str, tuple[str, int]] = {}  # name → place in the sweep, steps
        self._spoke = clock()
        self._prepared = -math.inf
        self._estimated = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def preparing(self, text: str) -> None:
        if self._clock() - self._prepared >= EVERY:
            self._say(text)
            self._prepared = self._clock()

    def plan(self, lines: list[str], planned_steps: Mapping[str, int]) -> None:
        self._pace.plan(planned_steps)
        for line in lines:
            self._say(line)

    def run_started(self, index: int, name: str, total_steps: int, epochs: float) -> None:
        self._pace.run_started(name, total_steps)
        place = f"[{index}/{self._runs}]"
        self._running[name] = place, total_steps
        length = f"{epoch(epochs)} {'epoch' if epochs == 1 else 'epochs'}"
        self._say(f"{place} {name}: {plural(total_steps, 'step')}, {length}")

    def step(self, name: str, step: int, epoch: float, loss: float | None) -> None:
        self._pace.step(name, step)
        if self._estimated and self._clock() - self._spoke < EVERY:
            return
        left = self._pace.seconds_left
        # the first estimate is news by itself
        if (left is not None and not self._estimated) or self._clock() - self._spoke >= EVERY:
            self._estimated = self._estimated or left is not None
            self._say_step(name, step, epoch, loss, left)

    def _say_step(self, name: str, step: int, at: float, loss: float | None, left: float | None) -> None:
        place, total = self._running[name]
        words = [f"step {count(step)} of {count(total)}", f"epoch {epoch(at)}"]
        words += [] if loss is None else [f"loss {figure(loss)}"]
        words += [] if left is None else [f"{roughly(left)} left of the sweep"]
        self._say(f"{place} {', '.join(words)}")

    def evaluated(self, name: str, epoch: float, metrics: Metrics) -> None:
        self._say_evaluated(self._running[name][0], epoch, metrics)

    def _say_evaluated(self, place: str, at: float, metrics: Metrics) -> None:
        self._say(f"{place} epoch {epoch(at)}: {_figures(metrics)}")

    def alive(self, name: str) -> None:
        pass

    def run_ended(self, name: str, status: str, reason: str | None, metrics: Metrics) -> None:
        took = duration(self._pace.run_ended(name))
        place, _ = self._running.pop(name)
        if status == "finished":
            self._say(f"{place} finished after {took}: {_figures(metrics)}")
        else:
            self._say(f"{place} {status} after {took}: {reason or 'no reason was given'}")

    def run_kept(self, name: str, status: str = "finished") -> None:
        self._pace.run_kept(name)
        self._say(f"kept, {status} before: {name}")

    def notice(self, text: str) -> None:
        self._say(f"note: {text}")

    def ended(self, table: Table, report: Path) -> None:
        self._say("")
        for line in aligned(table):
            self._say(line)
        self._say("")
        self._say(f"Report: {report}")

    def _say(self, line: str) -> None:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            # a console that lacks a character shows `?` there rather than end the sweep
            self._stream.write(line.encode(encoding, "replace").decode(encoding) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            # nobody reads any more (`hftk train … | head`): the sweep goes on without words
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, self._stream.fileno())
            os.close(silence)
        self._spoke = self._clock()


def _figures(metrics: Metrics) -> str:
    return ", ".join(f"{split_metric(name)} {figure(metrics[name])}" for name in telling(metrics)) or "no figures"


def aligned(table: Table) -> list[str]:
    """The table's lines, columns aligned; a wide (Korean, Chinese, Japanese) character takes two places."""
    lines = [table.columns, *table.rows]
    widths = [max(cell_len(line[place]) for line in lines) for place in range(len(table.columns))]
    texts = []
    for line in lines:
        cells = []
        for column, cell, width in zip(table.columns, line, widths, strict=True):
            space = " " * (width - cell_len(cell))
            cells.append(cell + space if column in table.words else space + cell)
        texts.append("  ".join(cells).rstrip())
    return texts
