"""Stops a run whose loss, gradient, metric or weights are not finite, before anything of it is kept."""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import reduce
from torch import nn
from torch.nn.utils import get_total_norm
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hftk.training.findings import Finding, FindingError, Suggestion
from hftk.training.loss import ClassificationLoss
from hftk.training.weights import changing_weights

# reading a figure waits for an accelerator: not at every step
SECONDS_BETWEEN_CHECKS = 0.5
# processes that train together must look at the same steps, whatever their clocks say
STEPS_BETWEEN_CHECKS_TOGETHER = 50
# GradScaler starts with a scale of 65,536 and halves it at each overflow: a sound run finds its scale within 16 steps
MOST_SKIPPED_STEPS = 50


class NonFinite(FindingError):
    """nan or inf where a number must be."""


def finite(model: nn.Module) -> str | None:
    """The name of the first tensor that training changes and that holds nan or inf; None if all numbers are finite.

    Waits for the device once.
    """
    tensors = {name: tensor for name, tensor in changing_weights(model).items() if tensor.is_floating_point()}
    # the largest absolute value: nan and inf come through, and nothing of the weights' size is allocated
    if not tensors or math.isfinite(float(get_total_norm(_not_empty(tensors.values()), norm_type=math.inf))):
        return None
    return next(name for name, tensor in tensors.items() if not torch.isfinite(tensor).all())


class NonFiniteGuard(TrainerCallback):
    """Looks at the loss of every micro-batch, the gradient norm of every step, the metrics and the weights.

    On a CPU a step is judged before the optimizer takes it. On an accelerator the figures are collected there and read
    every half a second, and before each evaluation and checkpoint; the step that is told is the right one all the same.
    Of several processes each sees its own loss; a gradient is everyone's, and the losses are compared every 50 steps.

    Must stand behind the epoch table, whose last row then shows what was found, and before the callbacks that keep
    weights; and `check` must be called before a checkpoint is saved.
    """

    def __init__(
        self, *, grad_norms: list[torch.Tensor | float], learning_rate: float, max_grad_norm: float, fp16: bool
    ) -> None:
        """grad_norms: where the Trainer adds the norm of each step, before clipping. fp16: a GradScaler skips steps
        whose scaled gradients overflow, which is no fault."""
        self._grad_norms = grad_norms
        self._learning_rate = learning_rate
        self._max_grad_norm = max_grad_norm
        self._fp16 = fp16
        self._waiting: list[tuple[str, int, float, torch.Tensor | float]] = []
        self._step = 1  # the one that is being computed
        self._epoch = 0.0
        self._skipped = 0
        self._checked = time.monotonic()

    def watch(self, loss: ClassificationLoss) -> "WatchedLoss":
        """The same loss, whose values in training are looked at."""
        return WatchedLoss(loss, see=lambda value: self._see("loss", value))

    def on_step_begin(self, args, state: TrainerState, control, **kwargs) -> None:
        self._step, self._epoch = state.global_step + 1, state.epoch or 0.0

    def on_pre_optimizer_step(self, args, state, control, **kwargs) -> None:
        self._see("gradient", self._grad_norms[-1])

    def on_step_end(
        self, args, state: TrainerState, control: TrainerControl, model: nn.Module | None = None, **kwargs
    ) -> None:
        if control.should_save or control.should_evaluate:
            self.check(model)
        elif PartialState().num_processes > 1:
            if state.global_step % STEPS_BETWEEN_CHECKS_TOGETHER == 0:
                self._read()
        elif time.monotonic() - self._checked > SECONDS_BETWEEN_CHECKS:
            self._read()

    def on_epoch_end(self, args, state, control, model: nn.Module | None = None, **kwargs) -> None:
        self.check(model)

    def on_train_end(self, args, state, control, model: nn.Module | None = None, **kwargs) -> None:
        self.check(model)

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: Mapping[str, float],
        **kwargs,
    ) -> None:
        for name, value in metrics.items():
            if isinstance(value, float) and not math.isfinite(value):
                told = name.replace("eval_", "validation_", 1)
                raise self._found(told, value, step=state.global_step, epoch=state.epoch or 0.0)

    def check(self, model: nn.Module | None) -> None:
        """Reads all that is waiting and looks through the weights: to be called before anything of them is kept.

        Raises NonFinite.
        """
        self._read()
        if model is not None and (name := finite(model)):
            value = changing_weights(model)[name]
            worst = value[~torch.isfinite(value)].flatten()[0].item()
            raise self._found(f"the weight {name}", worst, step=self._step, epoch=self._epoch)

    def _see(self, what: str, value: torch.Tensor | float) -> None:
        on_cpu = not isinstance(value, torch.Tensor) or value.device.type == "cpu"
        if on_cpu and PartialState().num_processes == 1:
            self._judge(what, float(value), step=self._step, epoch=self._epoch)
            return
        self._waiting.append((what, self._step, self._epoch, value))
        # a loss that one process alone knows of must not end it while the others wait for its gradient
        if on_cpu and what == "gradient" and not math.isfinite(value):
            self._judge_waiting()

    def _read(self) -> None:
        """Judges what is waiting, together with the other processes."""
        found: NonFinite | None = None
        try:
            self._judge_waiting()
        except NonFinite as error:
            found = error
        if PartialState().num_processes > 1:
            some = reduce(torch.tensor(float(found is not None), device=PartialState().device), reduction="sum")
            if some.item() and found is None:
                found = self._found("loss", math.nan, step=self._step, epoch=self._epoch)
        if found is not None:
            raise found

    def _judge_waiting(self) -> None:
        waiting, self._waiting, self._checked = self._waiting, [], time.monotonic()
        for (what, step, epoch, _), value in zip(waiting, _read_together(waiting), strict=True):
            self._judge(what, value, step=step, epoch=epoch)

    def _judge(self, what: str, value: float, *, step: int, epoch: float) -> None:
        skipped = what == "gradient" and self._fp16 and not math.isfinite(value)
        if skipped:
            self._skipped += 1
        elif what == "gradient":
            self._skipped = 0
        if not math.isfinite(value) and (not skipped or self._skipped >= MOST_SKIPPED_STEPS):
            raise self._found(what, value, step=step, epoch=epoch)

    def _found(self, what: str, value: float, *, step: int, epoch: float) -> NonFinite:
        epoch = round(epoch, 4)
        suggestion, advice = self._advice(step)
        called = {"loss": "the training loss", "gradient": "the gradient's norm"}.get(what, what)
        times = f", as in the {self._skipped - 1} steps before" if what == "gradient" and self._skipped else ""
        return NonFinite(
            Finding(
                kind="non-finite",
                message=f"non-finite: {called} is {value} at step {step} (epoch {epoch:g}){times}; {advice}",
                numbers={"what": what, "value": value, "step": step},
                epoch=epoch,
                suggestion=suggestion,
            )
        )

    def _advice(self, step: int) -> tuple[Suggestion | None, str]:
        if self._fp16:
            return (
                Suggestion("training.bf16", True),
                "numbers of fp16 end at 65,504: write training.bf16: true in place of training.fp16",
            )
        if step <= 1:
            return None, (
                "nothing had been learnt yet, so no learning rate can be the cause: look for nan, inf or huge values "
                "in the data, the word vectors or the weights that training began with"
            )
        if not self._max_grad_norm:
            return (
                Suggestion("training.max_grad_norm", 1.0),
                "gradients are not clipped here: write training.max_grad_norm: 1.0, or lower training.learning_rate "
                f"(now {self._learning_rate:g})",
            )
        lower = float(f"{self._learning_rate / 10:.3g}")
        return (
            Suggestion("training.learning_rate", lower),
            f"lower training.learning_rate (now {self._learning_rate:g}), to {lower:g} for example",
        )


class WatchedLoss:
    """A loss that shows its values."""

    def __init__(self, loss: ClassificationLoss, *, see: Callable[[torch.Tensor], None]) -> None:
        self._loss = loss
        self._see = see
        self.state = loss.state
        self.restore = loss.restore

    def __call__(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        value = self._loss(*args, **kwargs)
        if torch.is_grad_enabled():
            self._see(value.detach())
        return value


def _read_together(waiting: list[tuple[str, int, float, torch.Tensor | float]]) -> list[float]:
    """The figures as numbers, waiting for the device once."""
    tensors = [value for *_, value in waiting if isinstance(value, torch.Tensor)]
    read = iter(torch.stack([one.float().reshape(()) for one in tensors]).tolist() if tensors else [])
    return [next(read) if isinstance(value, torch.Tensor) else float(value) for *_, value in waiting]


def _not_empty(tensors: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    return [tensor.detach() for tensor in tensors if tensor.numel()]
