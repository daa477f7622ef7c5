"""The workers of `hftk plan`: as many side by side as will train, so that what they share is shared when timed too."""

import time
from multiprocessing import connection
from pathlib import Path
from typing import Any

from hftk.errors import RecipeError, RunError
from hftk.sweep.expansion import PlannedRun, SweepPlan
from hftk.sweep.messages import Refused, Told
from hftk.sweep.timing import Prepared, Timed
from hftk.sweep.worker_process import WorkerProcess, start_worker

_LOOK_EVERY = 1.0  # seconds


class Timers:
    """A context manager: leaving it ends every worker."""

    def __init__(self, plan: SweepPlan, *, jobs: int) -> None:
        """jobs: workers side by side."""
        self._plan = plan
        self._jobs = jobs
        self._workers: list[WorkerProcess] = []

    def __enter__(self) -> "Timers":
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._workers:
            worker.kill()
            worker.process.join()

    def prepare(self) -> tuple[Prepared, float]:
        """What the first worker has prepared, and the seconds from nothing to there. Raises what it refuses."""
        began = time.monotonic()
        self._start(0)
        [prepared] = self._answers(during="while it prepared the data")
        return prepared, time.monotonic() - began

    def more(self, *, runs: int) -> None:
        """Starts the other workers, as far as there is a run for each."""
        for index in range(1, min(self._jobs, runs)):
            self._start(index)
        if len(self._workers) > 1:
            self._answers(of=self._workers[1:], during="while it prepared the data")

    def time(self, run: PlannedRun, *, folder: Path, seconds: float) -> list[Timed]:
        """A trial of the run in every worker at once, below `folder`. Raises RecipeError where it cannot be trained.

        seconds: of timed steps.
        """
        for index, worker in enumerate(self._workers):
            worker.send((run.name, folder / f"trial-{index}", seconds))
        return self._answers(during=f"in a trial of {run.name}")

    def _start(self, index: int) -> None:
        self._workers.append(start_worker(self._plan, index=index, jobs=self._jobs, does="time"))

    def _answers(self, *, during: str, of: list[WorkerProcess] | None = None) -> list[Any]:
        """One answer of each worker."""
        answers: dict[int, Any] = {}
        asked = self._workers if of is None else of
        while len(answers) < len(asked):
            waiting = [worker for worker in asked if id(worker) not in answers]
            connection.wait([one for worker in waiting for one in (worker.pipe, worker.process.sentinel)], _LOOK_EVERY)
            for worker in waiting:
                alive = worker.process.is_alive()
                while (message := worker.heard()) is not None:
                    if isinstance(message, Refused):
                        raise message.error
                    if not isinstance(message, Told):
                        answers[id(worker)] = message
                if not alive and id(worker) not in answers:
                    raise _ended(worker, during)
        return [answers[id(worker)] for worker in asked]


def _ended(worker: WorkerProcess, during: str) -> Exception:
    if worker.process.exitcode == -9:
        return RecipeError(
            f"a worker was ended by the system {during} (signal 9), as it does when memory runs out; write a smaller "
            "training.per_device_train_batch_size with more training.gradient_accumulation_steps, a smaller "
            "data.max_length, or fewer --jobs"
        )
    return RunError(f"a worker ended {during}: {worker.ended}; what it said stands above")
