"""Experiment trackers: one run there for each run here, in one group; never a prompt, a failed run or a long wait."""

import importlib.util
import os
from pathlib import Path

from hftk.recipe.schema import Tracking
from hftk.tracking import wandb_runs
from hftk.tracking.bounded import LONGEST_END, bounded, reason_of

_INSTALL = {
    "wandb": "pip install wandb",
    "tensorboard": "pip install tensorboard",
    "trackio": 'pip install "hftk[trackio]"',
}
_TENSORBOARD_FOLDER = "TENSORBOARD_LOGGING_DIR"  # Trainer has no argument for it (transformers 5.23)


def missing_trackers(tracking: Tracking) -> list[str]:
    """One line for each tracker that the recipe asks for and that is not installed."""
    return [
        f"tracking.report_to: {name} is not installed; {_INSTALL[name]}"
        for name in tracking.report_to
        if importlib.util.find_spec(name) is None
    ]


def tracking_notices(tracking: Tracking, *, folder: Path) -> list[str]:
    """What to tell the user before the first run. A new command asks a server again that was away in the last one.

    folder: the sweep's.
    """
    return wandb_runs.notices(folder=folder) if "wandb" in tracking.report_to else []


def start_run(tracking: Tracking, *, group: str, run: str, folder: Path, resumed: bool = False) -> list[str]:
    """Opens the tracker's run; Trainer then writes into it. Returns what to tell the user.

    group: the sweep's name, run: this run's, folder: the sweep's. resumed: training goes on from a checkpoint, so the
    tracker's run goes on too. To be called in the main process only. No tracker costs more than LONGEST_START seconds
    of waiting for its server, and after the first outage the sweep does without that server.
    """
    notices = []
    if "wandb" in tracking.report_to:
        notices += wandb_runs.open_run(
            project=tracking.project, tags=tracking.tags, group=group, run=run, folder=folder, resumed=resumed
        )
    if "tensorboard" in tracking.report_to:
        os.environ[_TENSORBOARD_FOLDER] = str(folder / "tensorboard" / run)
    return notices


def end_run(tracking: Tracking) -> list[str]:
    """Closes what `start_run` opened, within LONGEST_END seconds for each tracker. Returns what to tell the user."""
    notices = []
    if "wandb" in tracking.report_to:
        notices += wandb_runs.close_run()
    if "trackio" in tracking.report_to:
        import trackio

        try:
            bounded(trackio.finish, seconds=LONGEST_END)
        except Exception as error:
            notices.append(f"Trackio: {reason_of(error)}; the end of this run is not tracked")
    if "tensorboard" in tracking.report_to:
        os.environ.pop(_TENSORBOARD_FOLDER, None)
    return notices
