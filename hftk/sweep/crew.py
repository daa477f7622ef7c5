"""Who trains the runs of a sweep."""

import os
from typing import Protocol, Self, TypeVar

from hftk.interruption import Interruption
from hftk.sweep.agenda import Agenda
from hftk.sweep.expansion import SweepPlan
from hftk.sweep.messages import Ready
from hftk.sweep.progress import Progress

T = TypeVar("T")


class Crew(Protocol):
    """A context manager: leaving it ends every process that it started."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...

    def kill(self) -> None:
        """Ends those processes at once. From any thread."""

    def prepare(self) -> Ready:
        """Checks the recipe against its classes, loads data and models. Raises RecipeError, DataError or RunError."""

    def train(self, agenda: Agenda | None) -> None:
        """Until every run of the agenda has ended. agenda: the main process's; None on the others."""

    def share(self, value: T) -> T:
        """The main process's value, on all of those that were launched together."""


def crew_for(plan: SweepPlan, *, jobs: int, progress: Progress, interruption: Interruption) -> Crew:
    """jobs: runs side by side, each in a process of its own; 0: in this one."""
    if jobs == 0 or int(os.environ.get("WORLD_SIZE", "1")) > 1:
        from hftk.sweep.together import Together

        return Together(plan, progress=progress, interruption=interruption)
    from hftk.sweep.workers import Workers

    return Workers(plan, jobs=jobs, progress=progress)
