"""How large the gradients are, layer by layer, at a few steps: the rows of gradients.csv."""

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from transformers import TrainerCallback, TrainerState, TrainingArguments

# a sample costs some tenths of a millisecond, a step of the smallest models 2: one in 16 stays near 1 %
STEPS_BETWEEN_SAMPLES = 16
# whatever the length of the training
MOST_SAMPLES = 240
# a fault shows in the gradients before anything is learnt
_FIRST_STEPS = (1, 2, 4, 8)


@dataclass
class LayerGradients(TrainerCallback):
    """The rows of gradients.csv: step, epoch (where the step began), and a column per group of parameters, named as
    `group_of` says.

    A cell is the root mean square of the group's gradient, per parameter, before clipping: groups of different sizes
    compare. Frozen groups have no column. A step whose scaled gradients overflow (fp16) has no row. Equal in all
    processes, which have exchanged their gradients by then.
    """

    grad_norms: list[Any]
    """Where the Trainer adds the norm of each step, before clipping."""
    _parameters: list[tuple[str, nn.Parameter]] = field(default_factory=list)
    """Each with its group."""
    _rows: list[dict[str, float]] = field(default_factory=list)
    _waiting: list[tuple[int, float, list[str], list[int], torch.Tensor, Any, float]] = field(default_factory=list)

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control, model: nn.Module | None = None, **kwargs
    ) -> None:
        step = state.global_step + 1
        if model is None or not _due(step, state.max_steps):
            return
        if not self._parameters:
            prefix = getattr(model, "base_model_prefix", "")
            self._parameters = [(group_of(name, prefix), one) for name, one in model.named_parameters()]
        named = [(group, one.grad) for group, one in self._parameters if one.grad is not None]
        if named:
            norms = torch.stack(torch._foreach_norm([gradient.detach() for _, gradient in named]))
            groups, sizes = [group for group, _ in named], [gradient.numel() for _, gradient in named]
            limit = args.max_grad_norm or math.inf
            self._waiting.append((step, state.epoch or 0.0, groups, sizes, norms, self.grad_norms[-1], limit))

    def rows(self) -> list[dict[str, float]]:
        """All so far; waits for the device."""
        waiting, self._waiting = self._waiting, []
        for step, epoch, groups, sizes, norms, total, limit in waiting:
            total = float(total)
            if not math.isfinite(total):
                continue
            clipped = min(limit / (total + 1e-6), 1.0)  # as torch's clip_grad_norm_ has done by then
            squares: dict[str, float] = {}
            counts: dict[str, int] = {}
            for group, size, norm in zip(groups, sizes, norms.tolist(), strict=True):
                squares[group] = squares.get(group, 0.0) + (norm / clipped) ** 2
                counts[group] = counts.get(group, 0) + size
            rms = {group: math.sqrt(squares[group] / counts[group]) for group in squares}
            self._rows.append({"step": step, "epoch": round(epoch, 4), **rms})
        return list(self._rows)

    def state(self) -> dict[str, Any]:
        return {"rows": self.rows()}

    def restore(self, state: dict[str, Any]) -> None:
        self._rows, self._waiting = list(state["rows"]), []


def group_of(name: str, prefix: str) -> str:
    """The group of a parameter: its module's name as far as the first number, which counts layers.

    `encoder.layer.3` for bert.encoder.layer.3.attention.self.query.weight, `recurrent.forwards.0`, `classifier.1`; a
    name without a number gives its first part: `embeddings`. prefix: of the pretrained encoder's name, left out.
    """
    parts = name.removeprefix(f"{prefix}.").split(".") if prefix else name.split(".")
    for place, part in enumerate(parts[:-1]):
        if part.isdigit():
            return ".".join(parts[: place + 1])
    return parts[0]


def _due(step: int, steps: int) -> bool:
    """Is this step of so many looked at?"""
    return step in _FIRST_STEPS or step % max(STEPS_BETWEEN_SAMPLES, math.ceil(steps / MOST_SAMPLES)) == 0
