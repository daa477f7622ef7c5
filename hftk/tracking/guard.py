"""Trackers at arm's length: what one of them raises, or how long it hangs, is not training's business."""

from collections.abc import Callable
from typing import Any

from transformers import Trainer, TrainerCallback
from transformers.integrations import TensorBoardCallback, TrackioCallback, WandbCallback

from hftk.tracking import wandb_runs
from hftk.tracking.bounded import LONGEST_CALL, bounded, reason_of

_NAMES = {WandbCallback: "W&B", TensorBoardCallback: "TensorBoard", TrackioCallback: "Trackio"}


def guard_trackers(trainer: Trainer, *, tell: Callable[[str], None]) -> None:
    """Puts a guard before each tracker that Trainer took from `report_to`: it calls them without a guard of its own.

    tell: is given one line where a tracker is turned off. To be called before `train` and `predict`.
    """
    callbacks = trainer.callback_handler.callbacks
    callbacks[:] = [
        GuardedTracker(one, name=_NAMES[type(one)], tell=tell) if type(one) in _NAMES else one for one in callbacks
    ]


class GuardedTracker(TrainerCallback):
    """Passes Trainer's events on to a tracker's callback, until that raises or takes longer than LONGEST_CALL seconds.

    From then on the tracker is off for this run, which is told once; training goes on.
    """

    def __init__(self, tracker: TrainerCallback, *, name: str, tell: Callable[[str], None]) -> None:
        self.tracker = tracker
        self._name = name
        self._tell = tell
        self._on = True
        for event in dir(TrainerCallback):
            if event.startswith("on_") and getattr(type(tracker), event) is not getattr(TrainerCallback, event):
                setattr(self, event, self._guarded(getattr(tracker, event)))

    def _guarded(self, handle: Callable[..., None]) -> Callable[..., None]:
        def handle_or_turn_off(*args: Any, **kwargs: Any) -> None:
            if not self._on:
                return
            try:
                bounded(lambda: handle(*args, **kwargs), seconds=LONGEST_CALL)
            except Exception as error:
                self._on = False
                self._turn_off(error)

        return handle_or_turn_off

    def _turn_off(self, error: Exception) -> None:
        if isinstance(self.tracker, WandbCallback):
            for notice in wandb_runs.stop_run(error):
                self._tell(notice)
        else:
            self._tell(f"{self._name}: {reason_of(error)}; the rest of this run is not tracked")
