"""The median rule: a run that falls behind the earlier ones is stopped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hftk.errors import RunError

_SAME_EPOCH = 1e-3  # epochs are rounded to four digits in epochs.csv


class Pruned(RunError):
    """A run that was stopped because it is behind; the message is the reason in its row."""


@dataclass(frozen=True)
class Bar:
    """What a run is held against."""

    metric: str
    """validation_<metric>: what ranks."""
    goal: str
    """maximize | minimize"""
    curves: Sequence[Sequence[tuple[float, float]]]
    """Of each earlier run: epoch and metric of its evaluations, ascending."""
    min_epochs: float
    """Before which no run is stopped."""
    min_runs: int
    """Earlier runs that must have come as far."""

    def behind(self, *, epoch: float, value: float) -> str | None:
        """Why a run with this value is stopped; None where it goes on.

        An earlier run counts with its last evaluation up to that epoch, if it was trained so far.
        """
        reached = [curve for curve in self.curves if curve and curve[-1][0] >= epoch - _SAME_EPOCH]
        values = [_at(curve, epoch) for curve in reached if curve[0][0] <= epoch + _SAME_EPOCH]
        if epoch < self.min_epochs - _SAME_EPOCH or len(values) < self.min_runs:
            return None
        middle = median(values)
        higher = self.goal == "maximize"
        if not (value < middle if higher else value > middle):
            return None
        name = self.metric.replace("_", " ", 1)
        return (
            f"{name} {value:.4f} at epoch {epoch:.4g} is {'below' if higher else 'above'} {middle:.4f}, the median of "
            f"{len(values)} earlier runs there"
        )


def _at(curve: Sequence[tuple[float, float]], epoch: float) -> float:
    return [value for at, value in curve if at <= epoch + _SAME_EPOCH][-1]


class PruneByMedian(TrainerCallback):
    """Raises Pruned after an evaluation that is behind. The last one ends the run anyway."""

    def __init__(self, bar: Bar) -> None:
        self.bar = bar

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: Mapping[str, float],
        **kwargs,
    ) -> None:
        if state.global_step >= state.max_steps:
            return
        value = metrics[f"eval_{self.bar.metric.removeprefix('validation_')}"]
        reason = self.bar.behind(epoch=state.epoch or 0.0, value=value)
        if reason is not None:
            raise Pruned(reason)
