"""What a worker does for `hftk plan`: it prepares the data of all runs, then makes a trial of each run it is given."""

import queue
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
import torch

from hftk.errors import HftkError, RecipeError
from hftk.interruption import Interruption
from hftk.sweep.expansion import PlannedRun, SweepPlan
from hftk.sweep.inputs import Preparation, RunInputs
from hftk.sweep.messages import Refused
from hftk.sweep.planning import planned_work
from hftk.sweep.shared_work import shared_work
from hftk.sweep.timing import Prepared, Timed, Timing
from hftk.sweep.trial import trial
from hftk.training.findings import Finding
from hftk.training.memory import free_memory, smaller_batches
from hftk.training.processes import quiet_libraries, start_processes


def time_runs(
    plan: SweepPlan,
    *,
    pipe: Connection,
    orders: "queue.SimpleQueue[tuple[str, Path, float] | None]",
    interruption: Interruption,
) -> None:
    """Answers with Prepared, then each order (a run's name, a folder that may be made and written, and how many seconds
    to time) with Timed.
    """
    _first_to_go()
    born = psutil.Process().memory_info().rss
    quiet_libraries()
    processes = start_processes(use_cpu=any(run.recipe.training.get("use_cpu") for run in plan.runs))
    preparation = Preparation(world_size=1)
    preparation.check([*plan.runs, *plan.corners])
    inputs = {run.name: preparation.inputs(run) for run in plan.runs}
    pipe.send(
        Prepared(
            works={run.name: planned_work(run, inputs[run.name], world_size=1) for run in plan.runs},
            where=processes.where,
            shared=shared_work(preparation.pieces.values()),
            rows={run.name: _rows(inputs[run.name]) for run in plan.runs},
            labels={run.name: len(inputs[run.name].data.labels) for run in plan.runs},
            device_free=torch.cuda.mem_get_info()[0] if processes.device.startswith("cuda") else None,
        )
    )
    runs = {run.name: run for run in plan.runs}
    while (order := orders.get()) is not None:
        name, folder, seconds = order
        try:
            timing, notices = _timed(
                runs[name], inputs[name], folder=folder, seconds=seconds, interruption=interruption
            )
            pipe.send(Timed(timing=timing, notices=notices, born=born))
        except Exception as error:  # whatever keeps the run from being trained
            pipe.send(Refused(_refusal(name, error)))


def _timed(
    run: PlannedRun, inputs: RunInputs, *, folder: Path, seconds: float, interruption: Interruption
) -> tuple[Timing, list[str]]:
    found: list[Finding] = []

    def attempt(training: Mapping[str, Any]) -> Timing:
        shutil.rmtree(folder, ignore_errors=True)
        smaller = run.recipe.model_copy(update={"training": dict(training)})
        one = PlannedRun(**vars(run) | {"recipe": smaller})
        return trial(one, inputs, folder=folder, seconds=seconds, interruption=interruption)

    try:
        timing = smaller_batches(run.recipe.training, attempt, world_size=1, tell=found.append)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        free_memory()
    return timing, [finding.message for finding in found]


def _refusal(name: str, error: Exception) -> HftkError:
    reason = str(error) if isinstance(error, HftkError) else f"{type(error).__name__}: {error}"
    return RecipeError(f"{name}: cannot be trained here: {' '.join(reason.split())}")


def _rows(inputs: RunInputs) -> int:
    """Rows of predictions.parquet."""
    return sum(len(inputs.splits[name].label_ids()) for name in ("validation", "test") if name in inputs.splits)


def _first_to_go() -> None:
    """Where the computer's memory runs out, Linux ends this process before any other one."""
    if sys.platform == "linux":
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
