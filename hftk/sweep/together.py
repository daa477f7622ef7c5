"""Trains the runs of a sweep one after another, in this process or in all that were launched together."""

from collections.abc import Sequence
from typing import TypeVar

import torch

from hftk.interruption import Interruption
from hftk.sweep.agenda import Agenda
from hftk.sweep.describing import describe_each
from hftk.sweep.expansion import PlannedRun, SweepPlan
from hftk.sweep.inputs import Preparation, RunInputs
from hftk.sweep.messages import Order, Ready
from hftk.sweep.planning import PlannedWork, planned_work
from hftk.sweep.progress import Progress
from hftk.sweep.runners import train_run
from hftk.sweep.threads import threads_each
from hftk.training.group import Group
from hftk.training.processes import main_first, quiet_libraries, share, start_processes

T = TypeVar("T")


class Together:
    def __init__(self, plan: SweepPlan, *, progress: Progress, interruption: Interruption) -> None:
        quiet_libraries()
        self.plan = plan
        self.progress = progress
        self.interruption = interruption
        self.processes = start_processes(use_cpu=any(run.recipe.training.get("use_cpu") for run in plan.runs))
        if self.processes.world_size == 1 and (threads := threads_each(1)) is not None:
            torch.set_num_threads(threads)
        self.group = Group()
        self._preparation = Preparation(world_size=self.processes.world_size, tell=progress.preparing)
        self._inputs: dict[str, RunInputs] = {}

    def __enter__(self) -> "Together":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def kill(self) -> None:
        """There is no other process."""

    def prepare(self) -> Ready:
        """Raises RecipeError or DataError, on all of the processes."""
        self.plan = self.share(self.plan)  # the main process knows what was proposed before
        works = self._prepared(self.plan.runs, self.plan.corners)
        if self.processes.main:
            describe_each(
                self.plan.runs,
                self._inputs,
                folder=self.plan.folder,
                tell=self.progress.preparing,
                warn=self.progress.notice,
            )
        return Ready(works=works, where=self.processes.where)

    def _prepared(self, runs: Sequence[PlannedRun], corners: Sequence[PlannedRun] = ()) -> dict[str, PlannedWork]:
        with main_first():  # it fills the caches that the others read
            self._preparation.check([*runs, *corners])
            self._inputs |= {run.name: self._preparation.inputs(run) for run in runs}
        world_size = self.processes.world_size
        return {run.name: planned_work(run, self._inputs[run.name], world_size=world_size) for run in runs}

    def train(self, agenda: Agenda | None) -> None:
        """Until every run of the agenda has ended, here or in another command. agenda: the main process's."""
        while (order := self._next(agenda)) is not None:
            name = order.run.name
            if not order.train:
                works = self._prepared([order.run])
                if agenda is not None:
                    agenda.prepared(works)
                continue
            if agenda is not None:
                agenda.started(name)
            ended = train_run(
                self.plan,
                run=order.run,
                inputs=self._inputs[name],
                processes=self.processes,
                group=self.group,
                progress=self.progress,
                interruption=self.interruption,
                curves=order.curves,
            )
            if agenda is not None:
                agenda.ended(name, status=ended.status, reason=ended.reason, metrics=ended.metrics)
            if ended.status == "interrupted":
                raise KeyboardInterrupt
            self.interruption.stop_if_asked()

    def share(self, value: T) -> T:
        """The main process's value, on all of them."""
        return share(value)

    def _next(self, agenda: Agenda | None) -> Order | None:
        """What to do next, on all of the processes; waits while other commands train what is left."""
        while True:
            order = agenda.next() if agenda is not None else None
            order, waiting = share((order, order is None and bool(agenda.waiting)) if agenda else None)
            if not waiting:
                return order
            if agenda is not None:
                agenda.wait()
