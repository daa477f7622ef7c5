"""Experiment trackers, set up through their environment so that a run never waits at a prompt."""

import importlib.util
import os
from pathlib import Path

from hftk.recipe.schema import Tracking

_INSTALL = {
    "wandb": "pip install wandb",
    "tensorboard": "pip install tensorboard",
    "trackio": 'pip install "hftk[trackio]"',
}


def missing_trackers(tracking: Tracking) -> list[str]:
    """One line for each tracker that the recipe asks for and that is not installed."""
    return [
        f"tracking.report_to: {name} is not installed; {_INSTALL[name]}"
        for name in tracking.report_to
        if importlib.util.find_spec(name) is None
    ]


def start_tracking(tracking: Tracking, *, group: str, folder: Path) -> list[str]:
    """Names the project, the group (the sweep) and the tags; returns what to tell the user.

    W&B without a login would stop at a prompt: the runs are then written offline, to be sent later.
    """
    notices = []
    if "wandb" in tracking.report_to:
        os.environ["WANDB_PROJECT"] = tracking.project
        os.environ["WANDB_RUN_GROUP"] = group
        os.environ["WANDB_TAGS"] = ",".join(tracking.tags)
        os.environ["WANDB_DIR"] = str(folder)
        os.environ.setdefault("WANDB_SILENT", "true")
        if "WANDB_MODE" not in os.environ and not _logged_in():
            os.environ["WANDB_MODE"] = "offline"
            notices.append(
                f"W&B: not logged in, so the runs are written offline; send them later with: wandb sync {folder}/wandb/offline-*"
            )
    if "tensorboard" in tracking.report_to:
        os.environ["TENSORBOARD_LOGGING_DIR"] = str(folder / "tensorboard")
    return notices


def end_run(tracking: Tracking) -> None:
    """The next run opens a W&B run of its own."""
    if "wandb" in tracking.report_to:
        import wandb

        wandb.finish(quiet=True)


def _logged_in() -> bool:
    if os.environ.get("WANDB_API_KEY"):
        return True
    import wandb

    return wandb.login(prompt=False)
