"""What W&B keeps of a run of ours: a row per step, the figures of the kept weights, a table of predictions."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hftk.tracking import wandb_runs
from hftk.tracking.bounded import LONGEST_CALL, LONGEST_LOCAL, TooSlow, bounded, reason_of
from hftk.tracking.examples import Examples
from hftk.tracking.told import About, Ending

if TYPE_CHECKING:
    import wandb

STEP = "train/global_step"
"""The name that Trainer's own callback gives it, so that charts of both line up."""
# 255 is W&B's own for an interruption; a pruned run ended as it should
_EXIT_CODES = {"finished": 0, "pruned": 0, "failed": 1, "interrupted": 255}


def open_tracker(about: About, *, folder: Path, resumed: bool) -> tuple["WandbTracker | None", list[str]]:
    """folder: the sweep's. Returns the tracker, None where W&B does not even start, and what to tell the user."""
    import wandb

    run_id = wandb_runs.run_id(folder / about.run, resumed=resumed)
    notices = wandb_runs.open_run(about, folder=folder, run_id=run_id, resumed=resumed)
    if wandb.run is None:
        return None, notices
    tracker = WandbTracker(wandb.run)
    try:
        bounded(tracker.prepare, seconds=LONGEST_LOCAL)
    except Exception as error:
        return None, notices + tracker.drop(error)
    if resumed and not wandb.run.offline:
        _mark_as_sent(folder, run_id=run_id)
    return tracker, notices


class WandbTracker:
    name = "W&B"

    def __init__(self, run: "wandb.Run") -> None:
        self._run = run
        self.next_step: int = run.starting_step
        """Its server has the run up to there; 0 where it does not have it, and offline."""

    def prepare(self) -> None:
        self._run.define_metric(STEP, hidden=True)
        self._run.define_metric("*", step_metric=STEP, step_sync=True)

    def row(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log({**values, STEP: step}, step=step, commit=True)
        self.next_step = step + 1

    def end(self, ending: Ending, *, step: int) -> list[str]:
        bounded(partial(self._summarise, ending), seconds=LONGEST_CALL)
        notices = []
        if ending.examples is not None:
            try:
                bounded(partial(self._show, ending.examples), seconds=LONGEST_CALL)
            except TooSlow as error:
                return self.drop(error)
            except Exception as error:
                notices = [f"W&B: the table of predictions is left out ({reason_of(error)})"]
        return wandb_runs.close_run(exit_code=_EXIT_CODES[ending.status]) or notices

    def drop(self, error: Exception) -> list[str]:
        return wandb_runs.stop_run(error)

    def _summarise(self, ending: Ending) -> None:
        """After the last row of figures, which W&B takes for the summary as well."""
        told: dict[str, Any] = {"status": ending.status, "reason": ending.reason or ""}
        shown = {"predictions_shown": ending.examples.note} if ending.examples else {}
        self._run.summary.update(told | shown | ending.figures)

    def _show(self, examples: Examples) -> None:
        """In a row of its own: online, W&B asks its server about a table, which figures need not wait for."""
        import wandb

        table = wandb.Table(columns=examples.columns, data=examples.rows)
        self._run.log({"predictions": table}, step=self.next_step, commit=True)


def _mark_as_sent(folder: Path, *, run_id: str) -> None:
    """What was written offline before comes again from the log: `wandb sync` must not bring back how it ended then."""
    for file in folder.glob(f"wandb/offline-run-*-{run_id}/run-{run_id}.wandb"):
        file.with_name(file.name + ".synced").touch()
