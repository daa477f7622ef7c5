"""What a worker tells the command that started it."""

from dataclasses import dataclass
from typing import Any

from hftk.errors import HftkError
from hftk.sweep.planning import PlannedWork

STOP = "stop"
"""What a command tells a worker that is to save its state and end; anything else is the name of a run."""


INTERRUPTED = "interrupted by the user"
"""The reason of a run that was."""


@dataclass(frozen=True)
class Told:
    """A call of the command's Progress."""

    method: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Ready:
    """Data and models are prepared."""

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
    """finished | failed | interrupted"""
    reason: str | None
    metrics: dict[str, float]
