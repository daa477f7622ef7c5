"""What a command and the workers that it started tell each other."""

from dataclasses import dataclass
from typing import Any

from hftk.errors import HftkError
from hftk.sweep.expansion import PlannedRun
from hftk.sweep.planning import PlannedWork

STOP = "stop"
"""What a command tells a worker that is to save its state and end."""


INTERRUPTED = "interrupted by the user"
"""The reason of a run that was."""


@dataclass(frozen=True)
class Order:
    """What a command tells a worker to do."""

    run: PlannedRun
    train: bool = True
    """False: only prepare it, and answer with Ready."""
    curves: list[list[tuple[float, float]]] | None = None
    """The earlier runs that it is held against, each as (epoch, ranking metric); None: it is not pruned."""


@dataclass(frozen=True)
class Told:
    """A call of the command's Progress."""

    method: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Ready:
    """Data and models are prepared: those of the whole plan, or of one run that was proposed later."""

    works: dict[str, PlannedWork]
    where: str
    """The device, in words."""


@dataclass(frozen=True)
class Refused:
    """Nothing is trained."""

    error: HftkError


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    run: str
    status: str
    """finished | failed | interrupted | pruned"""
    reason: str | None
    metrics: dict[str, float]
