"""Starts worker processes and talks to them; how they are started differs between systems."""

import atexit
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import current_process, get_context, set_start_method
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from pickle import UnpicklingError
from tempfile import gettempdir, mkdtemp
from types import ModuleType
from typing import Any

import psutil

import hftk
from hftk.sweep.expansion import SweepPlan
from hftk.sweep.threads import threads_each

_WORKER = "hftk.sweep.worker"
# bytes; `/pymp-xxxxxxxx/listener-xxxxxxxx` and a zero come on top of it
_LONGEST_SOCKET_FOLDER = 70
_LONGEST_END = 5.0  # seconds; W&B's service needs a tenth of one on an idle machine


class WorkerProcess:
    """One worker, as its command sees it."""

    def __init__(self, process: BaseProcess, pipe: Connection) -> None:
        self.process = process
        self.pipe = pipe

    @property
    def ended(self) -> str:
        """How it ended, in words."""
        self.process.join(10)
        code = self.process.exitcode
        if code is None or code >= 0:
            return f"its process ended with exit code {code}"
        name = {9: "SIGKILL, as the system does when memory runs out", 11: "SIGSEGV: a crash in native code"}
        return f"its process was ended by signal {-code} ({name.get(-code, _signal_name(-code))})"

    def heard(self) -> Any:
        """The next message, None if there is none now. One that was cut by the worker's end counts as none."""
        try:
            return self.pipe.recv() if self.pipe.poll() else None
        except (EOFError, OSError, UnpicklingError):
            return None

    def send(self, order: Any) -> None:
        """Does nothing where the worker is gone: its end is seen elsewhere."""
        try:
            self.pipe.send(order)
        except OSError:
            pass

    def kill(self) -> None:
        self.process.kill()

    def gone(self, *, within: float) -> bool:
        """Has it ended? within: seconds that are waited for it. May be asked from any thread."""
        end = time.monotonic() + within
        while _lives(self.process.pid) and time.monotonic() < end:
            time.sleep(0.01)
        return not _lives(self.process.pid)

    def end(self) -> None:
        """Kills it, and waits for its end and that of what it started: W&B's service sees it and ends too."""
        try:
            started = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.Error:  # it has ended
            started = []
        self.kill()
        self.process.join()
        psutil.wait_procs(started, timeout=_LONGEST_END)


def _lives(pid: int | None) -> bool:
    try:
        return pid is not None and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def start_worker(plan: SweepPlan, *, index: int, jobs: int, does: str = "train") -> WorkerProcess:
    """index: of this worker among `jobs`, from 0. does: see hftk/sweep/worker.py."""
    # a fork is quick because the server has imported everything; macOS' libraries do not survive one, Windows has none
    context = get_context("forkserver" if sys.platform == "linux" else "spawn")
    if sys.platform == "linux":
        context.set_forkserver_preload([_WORKER])
        _shorten_socket_folder()
    ours, theirs = context.Pipe()
    environment = dict(os.environ)
    with _as_from_nowhere():
        process = context.Process(
            target=_work,
            args=(plan, does, theirs, os.getcwd(), environment, threads_each(jobs), index, jobs),
            name=f"hftk worker {index}",
        )
        process.start()
    theirs.close()
    return WorkerProcess(process, ours)


def _shorten_socket_folder() -> None:
    """Where the temporary folder's path is long, as on clusters, multiprocessing's socket does not fit into the 108
    bytes that Linux has for its address, and no worker would start ("AF_UNIX path too long")."""
    config = current_process()._config  # multiprocessing asks for no folder of ours (Python 3.11 to 3.14)
    if "tempdir" not in config and len(os.fsencode(gettempdir())) > _LONGEST_SOCKET_FOLDER:
        config["tempdir"] = mkdtemp(prefix="pymp-", dir="/tmp")
        atexit.register(shutil.rmtree, config["tempdir"], ignore_errors=True)


def _work(
    plan: SweepPlan,
    does: str,
    pipe: Connection,
    folder: str,
    environment: dict[str, str],
    threads: int | None,
    index: int,
    jobs: int,
) -> None:
    # before torch is imported, where it is not yet
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if sys.platform == "linux":
        # a worker from the server would start the data loader's own from a server too, which imports torch for each
        set_start_method("fork", force=True)

    from hftk.sweep.worker import work

    work(plan, does=does, pipe=pipe, threads=threads, index=index, jobs=jobs)


@contextmanager
def _as_from_nowhere() -> Iterator[None]:
    """multiprocessing would run the user's script again in each worker; and hftk must be found, installed or not."""
    main, path = sys.modules["__main__"], os.environ.get("PYTHONPATH")
    sys.modules["__main__"] = ModuleType("__main__")
    root = str(Path(hftk.__file__).resolve().parent.parent)
    os.environ["PYTHONPATH"] = os.pathsep.join([root, *filter(None, [path])])
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        if path is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = path


def _signal_name(number: int) -> str:
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
