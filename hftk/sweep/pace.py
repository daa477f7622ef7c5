"""How far a sweep has come, and how long the rest will take."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hftk.sweep.planning import TO_PROPOSE

WARM_UP = 3
"""Steps of the first run that are not measured: caches fill, memory is allocated."""
ENOUGH = 5
"""Measured steps before an estimate is worth saying."""


@dataclass
class _Running:
    total: int
    began: float
    step: int = 0


class Pace:
    """Seconds per step so far in this sweep, loading and evaluation included, times the steps that remain.

    Runs that are trained side by side count together.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.began = clock()
        self._to_come: dict[str, int] = {}
        self._ended = 0
        self._running: dict[str, _Running] = {}
        self._taken = 0
        self._measured_from: float | None = None

    def plan(self, planned_steps: Mapping[str, int]) -> None:
        self._to_come = dict(planned_steps)

    def run_started(self, name: str, total_steps: int) -> None:
        self._known(name)
        self._running[name] = _Running(total=total_steps, began=self.clock())

    def step(self, name: str, step: int) -> None:
        run = self._running[name]
        # a resumed run begins in the middle: what was trained before does not count as pace
        if run.step:
            self._taken += step - run.step
        run.step = step
        if self._measured_from is None and self._taken >= WARM_UP:
            self._measured_from, self._taken = self.clock(), 0

    def run_ended(self, name: str) -> float:
        """Seconds since it started."""
        run = self._running.pop(name)
        self._ended += run.total
        return self.clock() - run.began

    def run_kept(self, name: str) -> None:
        self._known(name)

    def _known(self, name: str) -> None:
        """A run that was proposed takes the place of one that was to be."""
        if self._to_come.pop(name, None) is None:
            unnamed = next((one for one in self._to_come if one.startswith(TO_PROPOSE)), None)
            self._to_come.pop(unnamed, None)

    @property
    def seconds(self) -> float:
        return self.clock() - self.began

    @property
    def done(self) -> int:
        """Steps behind us; a run that ended early counts in full."""
        return self._ended + sum(run.step for run in self._running.values())

    @property
    def total(self) -> int:
        return self._ended + sum(run.total for run in self._running.values()) + sum(self._to_come.values())

    @property
    def seconds_left(self) -> float | None:
        """None while too little has been measured."""
        if self._measured_from is None or self._taken < ENOUGH:
            return None
        return (self.clock() - self._measured_from) / self._taken * (self.total - self.done)
