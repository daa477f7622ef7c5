"""Experiment trackers: one run there for each run here, in one group, and never a prompt."""

import importlib.util
import os
from pathlib import Path

from hftk.recipe.schema import Tracking

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
    """What to tell the user before the first run. folder: the sweep's."""
    if "wandb" in tracking.report_to and _must_be_offline():
        return [f"W&B: not logged in, so the runs are written offline; send them later with: {_sync(folder)}"]
    return []


def start_run(tracking: Tracking, *, group: str, run: str, folder: Path) -> list[str]:
    """Opens the tracker's run; Trainer then writes into it. Returns what to tell the user.

    group: the sweep's name, run: this run's, folder: the sweep's. W&B is opened here because Trainer would pass neither
    group nor tags, would stop at a prompt without a login, and would fail the run where the server cannot be reached.
    """
    notices = []
    if "wandb" in tracking.report_to:
        import wandb

        settings = wandb.Settings(silent=True, console="off")  # the terminal is our display's
        given = {"project": tracking.project, "group": group, "name": run, "tags": tracking.tags}
        folder.mkdir(parents=True, exist_ok=True)
        try:
            mode = "offline" if _must_be_offline() else os.environ.get("WANDB_MODE")
            wandb.init(**given, dir=folder, mode=mode, settings=settings)
        except wandb.Error as error:
            wandb.init(**given, dir=folder, mode="offline", settings=settings)
            notices.append(f"W&B: {error}; the run is written offline, send it later with: {_sync(folder)}")
    if "tensorboard" in tracking.report_to:
        os.environ[_TENSORBOARD_FOLDER] = str(folder / "tensorboard" / run)
    return notices


def end_run(tracking: Tracking) -> None:
    """Closes what `start_run` opened; the next run opens its own."""
    if "wandb" in tracking.report_to:
        import wandb

        wandb.finish()
    if "trackio" in tracking.report_to:
        import trackio

        trackio.finish()
    if "tensorboard" in tracking.report_to:
        os.environ.pop(_TENSORBOARD_FOLDER, None)


def _must_be_offline() -> bool:
    """Without a login W&B would ask for one. $WANDB_MODE, where set, is the user's own decision."""
    if "WANDB_MODE" in os.environ or os.environ.get("WANDB_API_KEY"):
        return False
    import wandb

    return not wandb.login(prompt=False, verify=False)


def _sync(folder: Path) -> str:
    return f"wandb sync {folder}/wandb/offline-*"
