"""Shares the runs of a sweep out among worker processes, so that a crash, a kill or a hang costs one run."""

import time
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any, TypeVar

from hftk.errors import HftkError, RunError
from hftk.recipe.schema import Limits
from hftk.sweep.agenda import Agenda
from hftk.sweep.expansion import SweepPlan
from hftk.sweep.messages import INTERRUPTED, STOP, Ended, Ready, Refused, Told
from hftk.sweep.progress import Progress
from hftk.sweep.record import read_run
from hftk.sweep.recording import keep_run, record_lost
from hftk.sweep.worker_process import WorkerProcess, start_worker

T = TypeVar("T")
_LOOK_EVERY = 1.0  # seconds between two looks at claims and limits
_PATIENCE = 120.0  # seconds that an interrupted worker has to save its state


@dataclass(eq=False)
class _Job:
    """A worker and what it does."""

    index: int
    worker: WorkerProcess
    ready: Ready | None = None
    run: str | None = None
    """That it trains."""
    preparing: str | None = None
    """The run that it prepares."""
    began: float = 0.0
    heard: float = 0.0


_LONGEST_KILL = 1.0  # seconds; a second Ctrl-C is answered at once


class Workers:
    """A context manager: leaving it ends every worker."""

    def __init__(self, plan: SweepPlan, *, jobs: int, progress: Progress) -> None:
        """jobs: workers side by side."""
        self.plan = plan
        self.progress = progress
        self.limits: Limits = plan.recipe.limits
        self._wanted = jobs
        self._jobs: list[_Job] = []

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *error: object) -> None:
        for job in self._jobs:
            job.worker.end()

    def kill(self) -> None:
        """Ends every worker now, and waits a moment for their ends: the command is over when they are."""
        workers = [job.worker for job in list(self._jobs)]
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.gone(within=_LONGEST_KILL / len(workers))

    def prepare(self) -> Ready:
        """The first worker reads data and models, and fills the caches that the others read.

        Raises what it refuses; RunError where it ends without a word.
        """
        job = self._start(0)
        while job.ready is None:
            self._listen(agenda=None)
        return job.ready

    def train(self, agenda: Agenda) -> None:
        """Until every run of the agenda has ended, here or in another command.

        KeyboardInterrupt is passed on when the workers have saved their state.
        """
        try:
            while self._give_work(agenda) or agenda.waiting:
                self._listen(agenda)
                self._look_after(agenda)
        except KeyboardInterrupt:
            self._stop(agenda)
            raise

    def share(self, value: T) -> T:
        """There is one command only."""
        return value

    def _give_work(self, agenda: Agenda) -> bool:
        """Is any worker at work, or about to be?"""
        for index in range(self._wanted):
            job = next((one for one in self._jobs if one.index == index), None)
            if job is not None and (job.ready is None or job.run is not None or job.preparing is not None):
                continue
            order = agenda.next()
            if order is None:
                break
            job = job or self._start(index)
            job.began, job.heard = time.monotonic(), time.monotonic()
            job.worker.send(order)
            if order.train:
                job.run = order.run.name
                agenda.started(order.run.name)
            else:
                job.preparing = order.run.name
        return any(job.run is not None or job.preparing is not None for job in self._jobs)

    def _start(self, index: int) -> _Job:
        job = _Job(index=index, worker=start_worker(self.plan, index=index, jobs=self._wanted))
        self._jobs.append(job)
        return job

    def _listen(self, agenda: Agenda | None) -> None:
        """Hears what workers say for a while, and sees which are gone."""
        by_channel: dict[Any, _Job] = {}
        for job in self._jobs:
            by_channel |= {job.worker.pipe: job, job.worker.process.sentinel: job}
        if not by_channel:
            time.sleep(_LOOK_EVERY)
        for job in dict.fromkeys(by_channel[one] for one in connection.wait(list(by_channel), _LOOK_EVERY)):
            alive = job.worker.process.is_alive()
            while (message := job.worker.heard()) is not None:
                self._take(message, job, agenda)
            if not alive:
                self._gone(job, agenda)

    def _take(self, message: Any, job: _Job, agenda: Agenda | None) -> None:
        job.heard = time.monotonic()
        match message:
            case Told(method, arguments):
                getattr(self.progress, method)(*arguments)
            case Ready(works):
                job.ready, job.began = message, time.monotonic()
                if job.preparing in works:
                    agenda.prepared({job.preparing: works[job.preparing]})
                    job.preparing = None
            case Refused(error):
                raise error
            case Ended(run, status, reason, metrics):
                job.run = None
                agenda.ended(run, status=status, reason=reason, metrics=metrics)
                if status == "interrupted":  # it leaves by itself
                    job.worker.process.join(_PATIENCE)
                    self._end(job)

    def _gone(self, job: _Job, agenda: Agenda | None) -> None:
        """A worker that ends by itself has crashed or was killed: only its run is lost."""
        self._jobs.remove(job)
        how = job.worker.ended
        if agenda is None:
            raise RunError(f"a worker ended before it could train: {how}; what it said stands above")
        if job.preparing is not None:
            raise RunError(f"a worker ended while it prepared {job.preparing}: {how}; what it said stands above")
        if job.run is not None:
            self._lose(job, agenda, status="failed", reason=f"crashed: {how}")

    def _lose(self, job: _Job, agenda: Agenda, *, status: str, reason: str) -> None:
        run = agenda.runs[job.run]
        identity = agenda.works[run.name].identity
        folder = agenda.folder / run.name
        metrics = {}
        try:
            record = read_run(folder) or {}
            if (record.get("status"), record.get("identity")) == ("finished", identity):  # it could not say so any more
                keep_run(folder, plan=self.plan, run=run)
                status, reason, metrics = "finished", None, record["metrics"]
            else:
                record_lost(folder, plan=self.plan, run=run, identity=identity, status=status, reason=reason)
        except (HftkError, OSError) as error:
            self.progress.notice(f"{run.name}: {reason}, which could not be recorded: {error}")
        agenda.ended(job.run, status=status, reason=reason, metrics=metrics)
        job.run = None

    def _look_after(self, agenda: Agenda) -> None:
        lost = set(agenda.lost)
        for job in [job for job in self._jobs if job.run is not None]:
            if job.run in lost:
                self._end(job)
                agenda.give_up(job.run)
            elif (reason := self._over_a_limit(job)) is not None:
                self._end(job)
                self._lose(job, agenda, status="failed", reason=reason)

    def _over_a_limit(self, job: _Job) -> str | None:
        now, limits = time.monotonic(), self.limits
        if job.ready is None:
            return None
        if now - job.heard > 60 * limits.minutes_without_a_step:
            return f"hang: no step for {limits.minutes_without_a_step:g} minutes (limits.minutes_without_a_step)"
        if limits.minutes_per_run is not None and now - job.began > 60 * limits.minutes_per_run:
            return f"time limit: not finished after {limits.minutes_per_run:g} minutes (limits.minutes_per_run)"
        return None

    def _end(self, job: _Job) -> None:
        job.worker.end()
        self._jobs.remove(job)

    def _stop(self, agenda: Agenda) -> None:
        """Lets every worker save its state; one that has not by then is ended as it is."""
        busy = [job for job in self._jobs if job.run is not None]
        if busy:
            self.progress.notice("interrupted: what is trained now saves its state; a second signal ends at once")
        patience = time.monotonic() + _PATIENCE
        for job in busy:
            job.worker.send(STOP)
        for job in busy:
            job.worker.process.join(max(0.0, patience - time.monotonic()))
        for job in busy:
            while (message := job.worker.heard()) is not None:
                self._take(message, job, agenda)
            if job.run is not None:
                self._end(job)
                self._lose(job, agenda, status="interrupted", reason=INTERRUPTED)
