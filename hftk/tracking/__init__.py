"""Experiment trackers: one run there for each run here, in one group; never a prompt, a failed run or a long wait."""

import importlib.util
from pathlib import Path

from hftk.recipe.schema import Tracking

_INSTALL = {
    "wandb": "pip install wandb",
    "tensorboard": 'pip install "hftk[tensorboard]"',
    "trackio": 'pip install "hftk[trackio]"',
}


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
    notices = []
    if "wandb" in tracking.report_to:
        from hftk.tracking import wandb_runs

        notices += wandb_runs.notices(folder=folder)
    if "trackio" in tracking.report_to:
        from hftk.tracking import trackio_tracker

        notices += trackio_tracker.notices(tracking.project)
    return notices
