"""What a person sees while a sweep runs: a live display on a terminal, plain lines elsewhere, nothing on ranks above 0.

Runners call an observer; they neither print nor know which one it is.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self, TextIO

from hftk.report.table import Table

Metrics = Mapping[str, float | None]


class Progress(Protocol):
    """The observer of a sweep, whose runs may be trained side by side.

    A context manager: leaving it closes the display, whatever happened inside.
    """

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...

    def preparing(self, text: str) -> None:
        """How far what comes before training is (word vectors, a large file), as often as you like."""

    def plan(self, lines: list[str], planned_steps: Mapping[str, int]) -> None:
        """What will be trained, in words; and the optimizer steps of every run that will be, by its name."""

    def run_started(self, index: int, name: str, total_steps: int, epochs: float) -> None:
        """`index` counts the runs of the sweep from 1; `total_steps` corrects what was planned."""

    def step(self, name: str, step: int, epoch: float, loss: float | None) -> None:
        """After an optimizer step of that run, after each one if you like. `step` counts from 1 in each run."""

    def evaluated(self, name: str, epoch: float, metrics: Metrics) -> None:
        """Metrics' names as in epochs.csv."""

    def alive(self, name: str) -> None:
        """The run is at work, though it takes no step: an evaluation, a prediction."""

    def run_ended(self, name: str, status: str, reason: str | None, metrics: Metrics) -> None: ...

    def run_kept(self, name: str, status: str = "finished") -> None:
        """Found finished, or pruned, from before, so not trained."""

    def notice(self, text: str) -> None: ...

    def ended(self, table: Table, report: Path) -> None:
        """The final ranked table (`hftk.report.ReportPaths.table`), and where the report lies."""


@dataclass(frozen=True)
class RunObserver:
    """Tells the sweep's observer of one run's steps; what hftk/training/ is given."""

    progress: Progress
    name: str

    def step(self, step: int, epoch: float, loss: float | None) -> None:
        self.progress.step(self.name, step, epoch, loss)

    def evaluated(self, epoch: float, metrics: dict[str, float]) -> None:
        self.progress.evaluated(self.name, epoch, metrics)

    def alive(self) -> None:
        self.progress.alive(self.name)


class SilentProgress:
    """Says nothing: for ranks above 0."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def preparing(self, text: str) -> None:
        pass

    def plan(self, lines: list[str], planned_steps: Mapping[str, int]) -> None:
        pass

    def run_started(self, index: int, name: str, total_steps: int, epochs: float) -> None:
        pass

    def step(self, name: str, step: int, epoch: float, loss: float | None) -> None:
        pass

    def evaluated(self, name: str, epoch: float, metrics: Metrics) -> None:
        pass

    def alive(self, name: str) -> None:
        pass

    def run_ended(self, name: str, status: str, reason: str | None, metrics: Metrics) -> None:
        pass

    def run_kept(self, name: str, status: str = "finished") -> None:
        pass

    def notice(self, text: str) -> None:
        pass

    def ended(self, table: Table, report: Path) -> None:
        pass


def progress_for(*, stream: TextIO, runs: int, main: bool) -> Progress:
    """The observer that fits: silent unless `main` (rank 0). `runs` is the number of runs in the sweep."""
    if not main:
        return SilentProgress()
    if _is_live(stream):
        from rich.console import Console

        from hftk.sweep.progress_live import LiveProgress

        return LiveProgress(Console(file=stream), runs=runs)
    from hftk.sweep.progress_plain import PlainProgress

    return PlainProgress(stream, runs=runs)


def _is_live(stream: TextIO) -> bool:
    """Whether the stream redraws lines, and shows the characters that a live display is made of."""
    encoding = (getattr(stream, "encoding", None) or "").lower().replace("-", "")
    return stream.isatty() and encoding == "utf8" and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")


def telling(metrics: Metrics) -> list[str]:
    """The two of a run's metrics that a line has room for: the first on validation, and its loss.

    Test figures wait for the final table, where their n stands beside them.
    """
    validation = [name for name in metrics if name.startswith("validation_") and name != "validation_loss"]
    return [name for name in [*validation[:1], "validation_loss"] if metrics.get(name) is not None]
