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

from hftk.training.checkpoint import Checkpoints
from hftk.training.loss import ClassificationLoss
from hftk.training.sharing import main_does
from hftk.training.weights import changing_weights

LOWER_IS_BETTER = frozenset({"loss"})


class StepObserver(Protocol):
    """Who wants to be told of progress; see hftk/sweep/progress.py."""

    def step(self, step: int, epoch: float, loss: float | None) -> None: ...

    def evaluated(self, epoch: float, metrics: dict[str, float]) -> None: ...

    def alive(self) -> None:
        """A batch of an evaluation or a prediction is done."""


@dataclass
class EpochTable(TrainerCallback):
    """One row per evaluation, in the columns of epochs.csv.

    train_loss is the plain cross-entropy (neither smoothed nor weighted) over all rows seen since the last evaluation,
    as they were when trained on (dropout on, weights moving); grad_norm the mean over the optimizer steps, before
    clipping; seconds those since training began, evaluations included, and those before an interruption.
    Must stand before the callbacks that read its last row.
    """

    loss: ClassificationLoss
    grad_norms: list[Any]
    on_row: Callable[[list[dict[str, float]]], None]
    rows: list[dict[str, float]] = field(default_factory=list)
    seconds_before: float = 0.0
    """Of training, before it was interrupted."""

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        self._start = time.monotonic() - self.seconds_before
        if self.rows:
            self.on_row(self.rows)

    def state(self) -> dict[str, Any]:
        norms = [float(norm) for norm in self.grad_norms if norm is not None]
        return {"rows": self.rows, "grad_norms": norms, "seconds": time.monotonic() - self._start}

    def restore(self, state: dict[str, Any]) -> None:
        self.rows[:], self.grad_norms[:], self.seconds_before = state["rows"], state["grad_norms"], state["seconds"]

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
    """Keeps the weights whenever the metric improves on the validation split."""

    metric: str
    table: EpochTable
    checkpoints: Checkpoints
    best: float | None = None
    best_epoch: float | None = None

    def on_evaluate(self, args, state: TrainerState, control, model: torch.nn.Module, **kwargs) -> None:
        row = self.table.rows[-1]
        if improves(row[f"validation_{self.metric}"], self.best, metric=self.metric):
            self.best, self.best_epoch = row[f"validation_{self.metric}"], row["epoch"]
            main_does(
                lambda: self.checkpoints.keep_best(
                    step=state.global_step, epoch=row["epoch"], weights=changing_weights(model)
                )
            )

    def state(self) -> dict[str, Any]:
        return {"best": self.best, "best_epoch": self.best_epoch}

    def restore(self, state: dict[str, Any]) -> None:
        self.best, self.best_epoch = state["best"], state["best_epoch"]


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

    def state(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited}

    def restore(self, state: dict[str, Any]) -> None:
        self.best, self.waited = state["best"], state["waited"]


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

    def on_prediction_step(self, args, state, control, **kwargs) -> None:
        self.observer.alive()

    def on_evaluate(self, args, state: TrainerState, control, **kwargs) -> None:
        row = self.table.rows[-1]
        shown = {name: value for name, value in row.items() if name == "train_loss" or name.startswith("validation_")}
        self.observer.evaluated(row["epoch"], shown)
