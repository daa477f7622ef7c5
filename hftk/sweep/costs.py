"""What one run of a sweep will take: seconds and bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hftk.recipe.trainer_arguments import TRAINING_DEFAULTS
from hftk.sweep.expansion import PlannedRun
from hftk.sweep.room import RunDisk, run_disk
from hftk.sweep.timing import Prepared, Timing, evaluations_of

_SECONDS_BETWEEN_SAVES = 60.0  # hftk/training/saving.py, which imports torch


@dataclass(frozen=True)
class RunCost:
    """What one run will take."""

    name: str
    steps: int
    epochs: float
    fixed: float
    """Seconds, as run.json counts them, however many epochs it is trained."""
    per_epoch: float
    """Seconds."""
    after: float
    """Seconds behind those that run.json counts."""
    disk: RunDisk
    shape: int
    """Its place in `timings`."""

    @property
    def seconds(self) -> float:
        """As run.json counts them."""
        return self.fixed + self.epochs * self.per_epoch


def run_cost(run: PlannedRun, timing: Timing, *, shape: int, prepared: Prepared) -> RunCost:
    """shape: the place of the timing among all."""
    work, training = prepared.works[run.name], run.recipe.training
    evaluations = evaluations_of(run.recipe, steps=work.steps, epochs=work.epochs)
    strategy = training.get("save_strategy", TRAINING_DEFAULTS["save_strategy"])
    seconds = timing.seconds(steps=work.steps, epochs=work.epochs, evaluations=evaluations, saves=0)
    saves = _saves(strategy, training, steps=work.steps, epochs=work.epochs, seconds=seconds)
    seconds += saves * timing.save
    fixed = timing.setup + timing.finish
    return RunCost(
        name=run.name,
        steps=work.steps,
        epochs=work.epochs,
        fixed=fixed,
        per_epoch=(seconds - fixed) / work.epochs,
        after=timing.after,
        disk=run_disk(
            model=timing.model_bytes,
            best=timing.best_bytes,
            checkpoint=timing.checkpoint_bytes,
            rows=prepared.rows[run.name],
            labels=prepared.labels[run.name],
            save_strategy=strategy,
            limit=training.get("save_total_limit"),
            saves=saves,
        ),
        shape=shape,
    )


def _saves(strategy: str, training: Mapping[str, Any], *, steps: int, epochs: float, seconds: float) -> int:
    if strategy == "timed":
        return int(seconds // _SECONDS_BETWEEN_SAVES)
    if strategy == "epoch":
        return int(epochs)
    if strategy == "steps":
        every = training.get("save_steps", 500)
        return int(steps // (every if every >= 1 else max(1, steps * every)))
    return 0
