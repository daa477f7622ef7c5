"""When a checkpoint is saved, and how a run is interrupted."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from accelerate import PartialState
from accelerate.utils import reduce
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hftk.training.checkpoint import Checkpoints

# several processes must agree on a stop or a save, which costs them a message
STEPS_BETWEEN_AGREEMENTS = 10
# saves by the clock: a kill costs so much training at most, or fifty times what a save takes, which is 2 % of the time
SECONDS_BETWEEN_SAVES = 60.0
_SAVE_TIMES_BETWEEN_SAVES = 50


@runtime_checkable
class Stateful(Protocol):
    """A callback that a checkpoint remembers, under the name of its class."""

    def state(self) -> dict[str, Any]:
        """Numbers, texts, lists, mappings and tensors. Equal in all processes, or only the main one's counts."""

    def restore(self, state: dict[str, Any]) -> None:
        """Before training goes on; the model and the optimizer may not be restored yet."""


@dataclass
class Saving(TrainerCallback):
    """Asks for saves by the clock, postpones those of an epoch's last step until the epoch's evaluation is done, and
    stops where that is asked for.

    A checkpoint from before an evaluation would go on without it (Trainer's does, transformers 5.23). Must stand after
    all callbacks that ask for a save.
    """

    checkpoints: Checkpoints
    by_time: bool
    stop_asked: Callable[[], bool]
    """Asked after each step and each evaluation: shall a checkpoint be saved, and KeyboardInterrupt be raised?"""
    stopping: bool = False
    postponed: bool = False
    epoch_ended: bool = False
    saved: float = 0.0

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        self.saved = time.monotonic()

    def on_epoch_begin(self, args, state, control, **kwargs) -> None:
        self.epoch_ended = False

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs) -> None:
        alone = PartialState().num_processes == 1
        if alone or state.global_step % STEPS_BETWEEN_AGREEMENTS == 0:
            self._save_if_due(args, control)
        self._postpone(state, control)

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs) -> None:
        self._save_if_due(args, control)
        if not self.epoch_ended:
            self._postpone(state, control)

    def on_epoch_end(self, args, state, control: TrainerControl, **kwargs) -> None:
        self.epoch_ended = True
        control.should_save |= self.postponed
        self.postponed = False

    def on_save(self, args, state, control, **kwargs) -> None:
        if self.stopping:
            raise KeyboardInterrupt
        self.saved = time.monotonic()

    def _postpone(self, state: TrainerState, control: TrainerControl) -> None:
        epoch_ends = float(state.epoch or 0).is_integer() or control.should_training_stop or control.should_epoch_stop
        if control.should_save and epoch_ends:
            control.should_save, self.postponed = False, True

    def _save_if_due(self, args: TrainingArguments, control: TrainerControl) -> None:
        stopping, due = _any_of(self.stop_asked(), self._due(), device=args.device)
        self.stopping |= stopping
        control.should_save |= self.stopping or due

    def _due(self) -> bool:
        """By the main process's clock."""
        if not (self.by_time and PartialState().is_main_process):
            return False
        between = max(SECONDS_BETWEEN_SAVES, _SAVE_TIMES_BETWEEN_SAVES * self.checkpoints.seconds)
        return time.monotonic() - self.saved > between


def _any_of(*votes: bool, device: torch.device) -> list[bool]:
    """For each vote: did any process say yes?"""
    if PartialState().num_processes == 1:
        return list(votes)
    return [count > 0 for count in reduce(torch.tensor(votes, dtype=torch.float32, device=device), reduction="sum")]
