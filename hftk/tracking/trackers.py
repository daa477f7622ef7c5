"""The trackers of one run: they get the same names and figures, each at arm's length."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from transformers import TrainerCallback, TrainerState

from hftk.recipe.schema import Tracking
from hftk.tracking.bounded import LONGEST_CALL, LONGEST_LOCAL, bounded, reason_of
from hftk.tracking.step_rows import StepRows
from hftk.tracking.told import About, Ending


class Tracker(Protocol):
    """One tracker's run. What it raises, or how long it hangs, is not training's business: see Trackers."""

    name: str
    next_step: int
    """Rows of earlier steps it has already, be it from before the training was interrupted."""

    def row(self, step: int, values: Mapping[str, float]) -> None:
        """The figures of one optimizer step, whole; steps only grow."""

    def end(self, ending: Ending, *, step: int) -> list[str]:
        """Closes it. step: of the last row, or later. Returns what to tell the user."""

    def drop(self, error: Exception) -> list[str]:
        """After a call that failed or hung, nothing more is tracked. Returns what to tell the user."""


class Trackers:
    """Those of one run, in the main process only. Without `open` there are none."""

    def __init__(self, *, tell: Callable[[str], None]) -> None:
        """tell: is given one line where a tracker is turned off."""
        self._tell = tell
        self._trackers: list[Tracker] = []
        self._rows = StepRows()

    def open(self, tracking: Tracking, about: About, *, folder: Path, resumed: bool) -> None:
        """folder: the sweep's. resumed: training goes on from a checkpoint, so the trackers' runs go on too.

        No tracker costs more than LONGEST_START seconds of waiting for its server, and after the first outage the
        sweep does without that server.
        """
        if "wandb" in tracking.report_to:
            from hftk.tracking import wandb_tracker

            tracker, notices = wandb_tracker.open_tracker(about, folder=folder, resumed=resumed)
            self._trackers += [tracker] if tracker is not None else []
            for notice in notices:
                self._tell(notice)
        if "tensorboard" in tracking.report_to:
            from hftk.tracking import tensorboard_tracker

            self._open_local("TensorBoard", partial(tensorboard_tracker.open_tracker, about, folder=folder))
        if "trackio" in tracking.report_to:
            from hftk.tracking import trackio_tracker

            self._open_local("Trackio", partial(trackio_tracker.open_tracker, about, folder=folder))

    def _open_local(self, name: str, opened: Callable[[], Tracker]) -> None:
        try:
            self._trackers.append(bounded(opened, seconds=LONGEST_LOCAL))
        except Exception as error:
            self._tell(f"{name}: it does not start ({reason_of(error)}); this run is not tracked there")

    @property
    def callbacks(self) -> list[TrainerCallback]:
        """What passes on to them what Trainer logs; none where there is no tracker."""
        return [PassOn(self._rows, self._send)] if self._trackers else []

    def end(self, ending: Ending) -> None:
        """Of a run that is gone on with later, the last row is not sent: it may not be whole, and comes then."""
        step, (_, waiting) = self._rows.step, self._rows.take() or (0, {})
        if ending.status in ("finished", "pruned"):
            if row := waiting | ending.test_figures:
                self._send(step, row)
        else:
            ending = replace(ending, figures=waiting | ending.figures)
        for tracker in self._trackers:
            try:
                notices = tracker.end(ending, step=step)
            except Exception as error:
                notices = tracker.drop(error)
            for notice in notices:
                self._tell(notice)
        self._trackers = []

    def _send(self, step: int, values: Mapping[str, float]) -> None:
        for tracker in list(self._trackers):
            if step < tracker.next_step:
                continue
            try:
                bounded(partial(tracker.row, step, values), seconds=LONGEST_CALL)
            except Exception as error:
                self._trackers.remove(tracker)
                for notice in tracker.drop(error):
                    self._tell(notice)


class PassOn(TrainerCallback):
    """Hears what Trainer logs, and sends each step's row when it is whole.

    A training that goes on from a checkpoint has the log of what came before: all of it is gone through again, and
    trackers take what they lack. So they have each step once, whatever was lost or sent when the training was killed.
    """

    def __init__(self, rows: StepRows, send: Callable[[int, Mapping[str, float]], None]) -> None:
        self._rows = rows
        self._send = send

    def on_train_begin(self, args, state: TrainerState, control, **kwargs: Any) -> None:
        self._rows.take()  # of an attempt that ran out of memory
        for entry in state.log_history:
            self._add(entry["step"], entry)

    def on_log(self, args, state: TrainerState, control, logs: Mapping[str, Any], **kwargs: Any) -> None:
        self._add(state.global_step, logs)

    def on_step_begin(self, args, state, control, **kwargs: Any) -> None:
        if (row := self._rows.take()) is not None:
            self._send(*row)

    def _add(self, step: int, logs: Mapping[str, Any]) -> None:
        if (row := self._rows.add(step, logs)) is not None:
            self._send(*row)
