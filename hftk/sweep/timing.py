"""What a run costs, from what a few of its steps and one small evaluation cost. Plain values and numpy."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from hftk.recipe.schema import Recipe
from hftk.sweep.planning import PlannedWork
from hftk.sweep.shared_work import SharedWork

SECONDS = 8.0
"""Of timed steps of a shape: enough to see through the ups and downs of a shared machine, and a plan of one shape still
takes less than a minute."""
KNOTS = 5
"""Lengths at which steps are timed: the shortest, the longest and three quantiles between them."""


@dataclass(frozen=True)
class Timing:
    """Seconds and bytes of one run of a shape, measured; seconds as run.json counts them, but for `after`."""

    setup: float
    """To the first step: model, optimizer, loaders; and what the first steps take longer than later ones."""
    epoch: float
    """Of all optimizer steps of an epoch."""
    steps_per_epoch: float
    evaluation: float
    """One, of the whole validation split."""
    best: float
    """Writing the best weights once."""
    finish: float
    """The figures of the kept weights on validation and test, and saving the model."""
    after: float
    """Checksums of what is left."""
    memory: float
    """Bytes of the process at their highest, what it holds of the prepared data included."""
    device_memory: float
    """Bytes on the accelerator at their highest; 0 on a CPU."""
    model_bytes: float
    """The model's folder."""
    best_bytes: float
    """The best weights while it trains."""
    checkpoint_bytes: float
    """One checkpoint: weights and the optimizer's state."""
    parameters: float
    steps_timed: float

    def seconds(self, *, steps: int, epochs: float, evaluations: int, saves: int) -> float:
        """Of a whole run, as run.json counts them."""
        trained = steps / self.steps_per_epoch * self.epoch
        return self.setup + trained + evaluations * (self.evaluation + self.best) + saves * self.save + self.finish

    @property
    def save(self) -> float:
        """Seconds to write a checkpoint, at the pace at which the best weights were written."""
        return self.best * self.checkpoint_bytes / self.best_bytes if self.best_bytes else 0.0


def averaged(timings: Sequence[Timing]) -> Timing:
    """Of the same shape, timed side by side: the mean of each figure, and the most memory."""
    means = {field.name: float(np.mean([getattr(one, field.name) for one in timings])) for field in fields(Timing)}
    highest = {name: max(getattr(one, name) for one in timings) for name in ("memory", "device_memory")}
    return Timing(**means | highest)


def evaluations_of(recipe: Recipe, *, steps: int, epochs: float) -> int:
    """How often a run is evaluated while it trains: at the end of each epoch or every eval_steps, and at its end."""
    every = recipe.training.get("eval_steps")
    if every is None:
        return math.ceil(epochs)
    every = max(1, math.ceil(steps * every)) if every < 1 else int(every)
    return steps // every + (steps % every > 0)


def padded_tokens(lengths: np.ndarray, batch: Sequence[int] | np.ndarray) -> int:
    """What a batch costs is counted in: rows times the longest of them, as it is padded."""
    return len(batch) * max(int(lengths[np.asarray(batch) % len(lengths)].max()), 1)


def knots(tokens: np.ndarray) -> list[int]:
    """tokens: (steps,) padded tokens of each step. Which steps to time: those at the quantiles, ascending."""
    order = np.argsort(tokens, kind="stable")
    chosen = order[np.round(np.linspace(0, len(order) - 1, KNOTS)).astype(int)]
    _, first = np.unique(tokens[chosen], return_index=True)
    return chosen[first].tolist()


def integrated(tokens: np.ndarray, *, knots: Sequence[float], seconds: Sequence[float]) -> float:
    """Seconds of all steps, of which those with as many tokens as the knots (ascending) took `seconds`.

    Straight lines between the knots: attention's cost grows with the square of the length, which a single slope misses.
    """
    return float(np.interp(tokens, knots, seconds).sum())


def rounded(timing: Timing) -> dict[str, Any]:
    """As plan.json holds it."""
    told = {field.name: getattr(timing, field.name) for field in fields(Timing)}
    return {name: int(value) if float(value).is_integer() else round(value, 6) for name, value in told.items()}


@dataclass(frozen=True)
class Prepared:
    """A worker has read the data of all runs."""

    works: dict[str, PlannedWork]
    where: str
    """The device, in words."""
    shared: list[SharedWork]
    rows: dict[str, int]
    """By run: rows that predictions.parquet will have."""
    labels: dict[str, int]
    """By run: how many."""
    device_free: int | None
    """Bytes of the accelerator; None on a CPU."""


@dataclass(frozen=True)
class Timed:
    """A worker has made a trial."""

    timing: Timing
    notices: list[str]
    born: int
    """Bytes of memory that the worker held when it began: on Linux it shares them with the others."""
