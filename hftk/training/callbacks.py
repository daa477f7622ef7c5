"""What happens around the steps: the epoch table, the kept weights, early stopping, the display."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from accelerate import PartialState
from accelerate.utils import reduce
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hftk.errors import RunError
from hftk.training.checkpoint import KeptWeights
from hftk.training.loss import ClassificationLoss

LOWER_IS_BETTER = frozenset({"loss"})


class StepObserver(Protocol):
    """Who wants to be told of progress; see hftk/sweep/progress.py."""

    def step(self, step: int, epoch: float, loss: float | None) -> None: ...

    def evaluated(self, epoch: float, metrics: dict[str, float]) -> None: ...


@dataclass
class EpochTable(TrainerCallback):
    """One row per evaluation, in the columns of epochs.csv.

    train_loss is the plain cross-entropy (neither smoothed nor weighted) over all rows seen since the last evaluation,
    as they were when trained on (dropout on, weights moving); grad_norm the mean over the optimizer steps, before
    clipping; seconds those since training began, evaluations included.
    Must stand before the callbacks that read its last row. Raises RunError at a loss or metric that is not finite.
    """

    loss: ClassificationLoss
    grad_norms: list[Any]
    on_row: Callable[[list[dict[str, float]]], None]
    rows: list[dict[str, float]] = field(default_factory=list)

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        self._start = time.monotonic()

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: Mapping[str, float],
        **kwargs,
    ) -> None:
        if self.rows and self.rows[-1]["step"] == state.global_step:
            return
        total, items = self._summed_loss(args.device)
        norms = [float(norm) for norm in self.grad_norms if norm is not None]
        if args.fp16:  # steps that overflow are skipped, and their norm is infinite
            norms = [norm for norm in norms if math.isfinite(norm)]
        row = {
            "step": state.global_step,
            "epoch": round(state.epoch or 0.0, 4),
            "train_loss": total / items if items else math.nan,
            **split_metrics(metrics, prefix="eval", split="validation"),
            "learning_rate": float(kwargs["lr_scheduler"].get_last_lr()[0]) if kwargs.get("lr_scheduler") else math.nan,
            "grad_norm": sum(norms) / len(norms) if norms else math.nan,
            "seconds": round(time.monotonic() - self._start, 3),
        }
        self.grad_norms.clear()
        self.rows.append(row)
        self.on_row(self.rows)
        for name in ("train_loss", "validation_loss"):
            if items and not math.isfinite(row[name]):
                raise RunError(f"non-finite: {name} is {row[name]} at epoch {row['epoch']:g}")

    def _summed_loss(self, device: torch.device) -> tuple[float, float]:
        sums = self.loss.drain()
        if PartialState().num_processes > 1:
            sums = reduce(sums.to(device, torch.float32), reduction="sum")
        return sums[0].item(), sums[1].item()


def split_metrics(metrics: Mapping[str, float], *, prefix: str, split: str) -> dict[str, float]:
    """Trainer's <prefix>_* as <split>_*, loss first; its timing figures left out."""
    timing = ("runtime", "samples_per_second", "steps_per_second", "model_preparation_time", "jit_compilation_time")
    named = {key.removeprefix(f"{prefix}_"): value for key, value in metrics.items() if key.startswith(f"{prefix}_")}
    kept = {name: float(value) for name, value in named.items() if name not in timing}
    return {f"{split}_{name}": kept[name] for name in sorted(kept, key=lambda name: name != "loss")}


def improves(value: float, best: float | None, *, metric: str, min_delta: float = 0.0) -> bool:
    """Is `value` better than `best` by more than min_delta? A tie is not: the first best wins."""
    if best is None:
        return math.isfinite(value)
    return best - value > min_delta if metric in LOWER_IS_BETTER else value - best > min_delta


@dataclass
class KeepBest(TrainerCallback):
    """Stores the weights whenever the metric improves on the validation split."""

    metric: str
    table: EpochTable
    weights: KeptWeights
    best: float | None = None
    best_epoch: float | None = None

    def on_evaluate(self, args, state, control, model: torch.nn.Module, **kwargs) -> None:
        row = self.table.rows[-1]
        if improves(row[f"validation_{self.metric}"], self.best, metric=self.metric):
            self.best, self.best_epoch = row[f"validation_{self.metric}"], row["epoch"]
            self.weights.store(model)


@dataclass
class StopEarly(TrainerCallback):
    """Ends training after `patience` evaluations in a row without an improvement of more than min_delta."""

    metric: str
    patience: int
    min_delta: float
    table: EpochTable
    best: float | None = None
    waited: int = 0

    def on_evaluate(self, args, state, control: TrainerControl, **kwargs) -> None:
        value = self.table.rows[-1][f"validation_{self.metric}"]
        if improves(value, self.best, metric=self.metric, min_delta=self.min_delta):
            self.best, self.waited = value, 0
        else:
            self.waited += 1
            if self.waited >= self.patience:  # never False: Trainer may have ended training itself
                control.should_training_stop = True


@dataclass
class Report(TrainerCallback):
    """Passes steps and evaluations on to the display."""

    observer: StepObserver
    table: EpochTable
    seconds_between_losses: float = 0.5
    """Reading the loss waits for the device: not at every step."""
    loss: float | None = None
    read: float = -math.inf

    def on_step_end(self, args, state: TrainerState, control, **kwargs) -> None:
        if time.monotonic() - self.read > self.seconds_between_losses:
            self.loss, self.read = self.table.loss.so_far(), time.monotonic()
        self.observer.step(state.global_step, state.epoch or 0.0, self.loss)

    def on_evaluate(self, args, state: TrainerState, control, **kwargs) -> None:
        row = self.table.rows[-1]
        shown = {name: value for name, value in row.items() if name == "train_loss" or name.startswith("validation_")}
        self.observer.evaluated(row["epoch"], shown)
