"""What Trainer logs → one row of figures per optimizer step, in the names that all trackers get."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_TIMING = ("runtime", "samples_per_second", "steps_per_second", "model_preparation_time", "jit_compilation_time")
# what Trainer logs of the whole training at its end: run.json has it
_OF_THE_WHOLE = {"total_flos", "train_loss", *(f"train_{name}" for name in _TIMING)}


def tracked(logs: Mapping[str, Any]) -> dict[str, float]:
    """train/<name>, eval/<metric> and test/<metric>, as transformers' own callbacks name them, without timing."""
    named = {}
    for name, value in logs.items():
        split, _, rest = name.partition("_")
        if split not in ("eval", "test"):
            split, rest = "train", name
        if name in _OF_THE_WHOLE or name == "step" or (split != "train" and rest in _TIMING):
            continue
        if isinstance(value, int | float):
            named[f"{split}/{rest}"] = float(value)
    return named


@dataclass
class StepRows:
    """The figures of a step come in parts: those of training, then those of an evaluation. A row that is sent before
    its evaluation is there could not be completed after a kill, so it waits until training goes on."""

    step: int = 0
    values: dict[str, float] = field(default_factory=dict)
    """Of `step`, which nobody has got yet."""

    def add(self, step: int, logs: Mapping[str, Any]) -> tuple[int, dict[str, float]] | None:
        """The row of an earlier step that is whole now."""
        values = tracked(logs)
        if values.keys() <= {"train/epoch"}:
            return None
        whole = self.take() if step != self.step else None
        self.step = step
        self.values |= values
        return whole

    def take(self) -> tuple[int, dict[str, float]] | None:
        """The waiting row, which is whole."""
        row = (self.step, self.values) if self.values else None
        self.values = {}
        return row
