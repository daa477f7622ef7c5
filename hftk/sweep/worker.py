"""A process that trains the runs which it is given, one after another, for the command that started it.

A crash of it costs one run. It dies with its command, and nothing that it has half written counts.
"""

import ctypes
import os
import queue
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from typing import Any

import torch

from hftk.errors import HftkError, RunError
from hftk.interruption import Interruption, interruptible
from hftk.sweep.describing import describe_each
from hftk.sweep.exclusive import alone_in
from hftk.sweep.expansion import SweepPlan
from hftk.sweep.inputs import Preparation
from hftk.sweep.messages import STOP, Ended, Order, Ready, Refused, Told
from hftk.sweep.planning import planned_work
from hftk.sweep.progress import Metrics, SilentProgress
from hftk.sweep.runners import train_run
from hftk.sweep.trial_worker import time_runs
from hftk.tracking.wandb_runs import end_service
from hftk.training.group import Group
from hftk.training.processes import quiet_libraries, start_processes

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_TOLD_EVERY = 0.1  # seconds: a step of a small model takes three thousandths


def work(plan: SweepPlan, *, does: str, pipe: Connection, threads: int | None, index: int, jobs: int) -> None:
    """Prepares all runs of the plan, says so, then follows each order that comes in, until None does.

    does: `train`, or `time`: then a trial of each run is made instead. threads: on a CPU; None: as torch decides.
    index: of this worker among `jobs`, from 0.
    """
    _leave_the_terminal()
    _take_children_along()
    # the command speaks for it; and what the system sends to all processes comes from the command as well
    with interruptible(tell=_say_nothing, last_word=_say_nothing, relayed=True) as interruption:
        orders = _listen(pipe, interruption)
        try:
            if threads is not None:
                torch.set_num_threads(threads)
            _take_a_device(index, jobs=jobs)
            if does == "train":
                _work(plan, pipe=pipe, orders=orders, interruption=interruption, describes=index == 0)
            else:
                time_runs(plan, pipe=pipe, orders=orders, interruption=interruption)
        except HftkError as error:
            pipe.send(Refused(error))
        except KeyboardInterrupt:
            pass  # what was interrupted has been recorded
        finally:
            end_service()  # a process that multiprocessing made ends without what libraries registered for its end


def _say_nothing(text: str) -> None:
    pass


def _work(
    plan: SweepPlan,
    *,
    pipe: Connection,
    orders: "queue.SimpleQueue[Order | None]",
    interruption: Interruption,
    describes: bool,
) -> None:
    """describes: does this worker compute the baselines and look for errors in the data?"""
    quiet_libraries()
    processes = start_processes(use_cpu=any(run.recipe.training.get("use_cpu") for run in plan.runs))
    progress = SentProgress(pipe)
    preparation = Preparation(world_size=1, tell=progress.preparing)
    preparation.check([*plan.runs, *plan.corners])
    inputs = {run.name: preparation.inputs(run) for run in plan.runs}
    works = {run.name: planned_work(run, inputs[run.name], world_size=1) for run in plan.runs}
    if describes:
        describe_each(plan.runs, inputs, folder=plan.folder, tell=progress.preparing, warn=progress.notice)
    group = Group()
    pipe.send(Ready(works=works, where=processes.where))
    while (order := orders.get()) is not None:
        run, name = order.run, order.run.name
        if name not in inputs:  # proposed later
            preparation.check([run])
            inputs[name] = preparation.inputs(run)
        if not order.train:
            work = planned_work(run, inputs[name], world_size=1)
            pipe.send(Ready(works={name: work}, where=processes.where))
            continue
        try:
            with alone_in(plan.folder, run=name):
                ended = train_run(
                    plan,
                    run=run,
                    inputs=inputs[name],
                    processes=processes,
                    group=group,
                    progress=progress,
                    interruption=interruption,
                    curves=order.curves,
                )
        except RunError as error:
            ended = Ended(name, status="failed", reason=str(error), metrics={})
        pipe.send(ended)
        interruption.stop_if_asked()


class SentProgress(SilentProgress):
    """Tells the command, which shows it. Steps are told a few times a second."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._last = 0.0

    def preparing(self, text: str) -> None:
        self._tell("preparing", text)

    def step(self, name: str, step: int, epoch: float, loss: float | None) -> None:
        if time.monotonic() - self._last >= _TOLD_EVERY:
            self._last = time.monotonic()
            self._tell("step", name, step, epoch, loss)

    def evaluated(self, name: str, epoch: float, metrics: Metrics) -> None:
        self._tell("evaluated", name, epoch, dict(metrics))

    def alive(self, name: str) -> None:
        if time.monotonic() - self._last >= _TOLD_EVERY:
            self._last = time.monotonic()
            self._tell("alive", name)

    def notice(self, text: str) -> None:
        self._tell("notice", text)

    def _tell(self, method: str, *arguments: Any) -> None:
        self._pipe.send(Told(method, arguments))


def _take_a_device(index: int, *, jobs: int) -> None:
    """Workers side by side have a GPU each, where there are several."""
    count = torch.cuda.device_count() if jobs > 1 else 0
    if count > 1:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(count)))).split(",")
        os.environ["CUDA_VISIBLE_DEVICES"] = visible[index % count]


def _leave_the_terminal() -> None:
    """Ctrl-C goes to the command alone, which then tells its workers: one that came twice would end them at once."""
    if hasattr(os, "setsid"):
        os.setsid()
    else:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _take_children_along() -> None:
    """A loader's process that is orphaned before its first look at its parent lives for ever (torch 2.13)."""
    if sys.platform != "linux":
        return
    libc, parent = ctypes.CDLL(None), os.getpid()

    def end_with_parent() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before that
            os._exit(1)

    os.register_at_fork(after_in_child=end_with_parent)


def _listen(pipe: Connection, interruption: Interruption) -> "queue.SimpleQueue[Any]":
    """Orders as they come in. STOP interrupts the main thread; the end of the command ends this process."""
    orders: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def listen() -> None:
        while True:
            try:
                order = pipe.recv()
            except (EOFError, OSError):
                os._exit(1)  # nobody is there to record anything, and another command may take the run over
            if order != STOP:
                orders.put(order)
            elif interruption.asked is None:  # else the system has told this process too
                signal.raise_signal(signal.SIGINT)

    threading.Thread(target=listen, name="orders", daemon=True).start()
    return orders
