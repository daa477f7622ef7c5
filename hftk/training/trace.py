"""The course of training between the evaluations: at most 500 points of loss, gradient norm and learning rate."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import TrainerCallback, TrainerState, TrainingArguments

from hftk.training.loss import ClassificationLoss

# enough to place a spike within 0.2 % of the training, and a file of some 30 kB whatever the length
MOST_POINTS = 500


@dataclass
class StepTrace(TrainerCallback):
    """The rows of trace.csv: step, epoch, loss, grad_norm, learning_rate.

    A row stands for the steps since the one before it (one step, or more where there are over 500). loss: their mean
    plain cross-entropy, over the rows of the main process; grad_norm: the largest of them, before clipping;
    learning_rate: of the last of them. Figures stay on the device until `rows` is read. Must stand before the epoch
    table, which starts the sums anew.
    """

    loss: ClassificationLoss
    grad_norms: list[Any]
    """Where the Trainer adds the norm of each step."""
    _rows: list[dict[str, float]] = field(default_factory=list)
    _waiting: list[tuple[dict[str, float], Any, Any, list[Any]]] = field(default_factory=list)
    _norms: list[Any] = field(default_factory=list)
    """Since the last point."""
    _sums: tuple[float, float] = (0.0, 0.0)
    """Loss and items of the last point's end, less what an evaluation has taken away since."""
    _learning_rate: float = math.nan

    def on_pre_optimizer_step(self, args, state: TrainerState, control, **kwargs) -> None:
        self._norms.append(self.grad_norms[-1])
        if _due(state.global_step + 1, state.max_steps):
            self._learning_rate = float(kwargs["optimizer"].param_groups[0]["lr"])

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control, **kwargs) -> None:
        if _due(state.global_step, state.max_steps):
            told = {"step": state.global_step, "epoch": round(state.epoch or 0.0, 4)}
            self._waiting.append((told | {"learning_rate": self._learning_rate}, *self.loss.sums(), self._norms))
            self._norms = []

    def on_evaluate(self, args, state, control, **kwargs) -> None:
        self._read()
        total, items = (float(value) for value in self.loss.sums())
        self._sums = (self._sums[0] - total, self._sums[1] - items)  # the sums begin again at zero

    def rows(self) -> list[dict[str, float]]:
        """All so far; waits for the device."""
        self._read()
        return list(self._rows)

    def state(self) -> dict[str, Any]:
        rows = self.rows()
        return {"rows": rows, "norms": [float(norm) for norm in self._norms], "sums": list(self._sums)}

    def restore(self, state: dict[str, Any]) -> None:
        self._rows, self._norms, self._sums = list(state["rows"]), list(state["norms"]), tuple(state["sums"])
        self._waiting = []

    def _read(self) -> None:
        waiting, self._waiting = self._waiting, []
        figures = read_together([figure for _, total, items, norms in waiting for figure in (total, items, *norms)])
        for told, _, _, norms in waiting:
            total, items = next(figures), next(figures)
            largest = max((norm for norm in (next(figures) for _ in norms) if math.isfinite(norm)), default=math.nan)
            seen = items - self._sums[1]
            self._rows.append(
                {
                    "step": told["step"],
                    "epoch": told["epoch"],
                    "loss": (total - self._sums[0]) / seen if seen else math.nan,
                    "grad_norm": largest,
                    "learning_rate": told["learning_rate"],
                }
            )
            self._sums = (total, items)


def read_together(figures: list[Any]) -> Iterator[float]:
    """The figures as numbers, waiting for an accelerator once. figures: numbers, and tensors of one."""
    away = [_is_away(one) for one in figures]
    tensors = [one.double().reshape(()) for one, far in zip(figures, away, strict=True) if far]
    read = iter(torch.stack(tensors).tolist() if tensors else [])
    return iter([next(read) if far else float(one) for one, far in zip(figures, away, strict=True)])


def _is_away(figure: Any) -> bool:
    return isinstance(figure, torch.Tensor) and figure.device.type != "cpu"


def _due(step: int, steps: int) -> bool:
    """Is there a point at this step of so many?"""
    return step % max(math.ceil(steps / MOST_POINTS), 1) == 0
