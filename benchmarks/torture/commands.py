"""`hftk train` started many times: commands are forked from this process, their workers from one server."""

import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from multiprocessing import forkserver
from pathlib import Path

import matplotlib.pyplot  # noqa: F401  what commands would import, each of them
import pandas  # noqa: F401
import psutil

import hftk.report.curves  # noqa: F401
import hftk.sweep.inputs  # noqa: F401
import hftk.sweep.workers  # noqa: F401
import hftk.train  # noqa: F401
from benchmarks.torture.watched import COMMAND, FOLDER, Watched, watched
from hftk.cli import main

_ROOT = Path(__file__).resolve().parents[2]
_LONGEST_END = 30.0  # seconds that a worker may live on after its command


class Unexpected(Exception):
    """Something that no kill explains."""


def start_server(said: Path) -> None:
    """Where workers are forked from; it ends with this process. said: takes what workers say on standard error."""
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    forkserver.set_forkserver_preload(["benchmarks.torture.preload"])
    here = os.dup(2)
    with open(said, "wb") as file:
        os.dup2(file.fileno(), 2)
        forkserver.ensure_running()
        os.dup2(here, 2)
    os.close(here)
    gc.freeze()  # else each child's collection goes through all of it


class Command:
    """One `hftk train` in a process of its own."""

    def __init__(
        self, name: str, *, folder: Path, recipe: Path, words: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        """name: of its own among all. folder: where it and its workers leave word. environment: further variables."""
        self.name = name
        self.code: int | None = None
        """Its exit code, minus the signal that ended it; None while it lives."""
        self.said = folder / f"{name}.txt"
        self._folder = folder
        self._began = time.monotonic()
        variables = {**environment, FOLDER: str(folder), COMMAND: name}
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _be_a_command(["train", str(recipe), *words], said=self.said, variables=variables)
            finally:
                os._exit(70)

    @property
    def age(self) -> float:
        """Seconds."""
        return time.monotonic() - self._began

    def lives(self) -> bool:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code is None

    def send(self, number: int) -> None:
        if self.lives():
            os.kill(self.pid, number)

    def wait(self) -> None:
        until(lambda: not self.lives(), "a command that was killed lives on")

    def workers(self) -> list[Path]:
        """The files (see Watched) of its workers that live."""
        return [path for path in self.all_workers() if process_lives(Watched.at(path).pid)]

    def all_workers(self) -> list[Path]:
        """Also those that lived once."""
        return watched(self._folder, self.name)

    def end(self) -> None:
        self.send(signal.SIGKILL)
        self.wait()


def until(look: Callable[[], bool], otherwise: str) -> None:
    """Raises Unexpected where it does not come true."""
    end = time.monotonic() + _LONGEST_END
    while not look():
        if time.monotonic() > end:
            raise Unexpected(f"{otherwise} after {_LONGEST_END:.0f} seconds")
        time.sleep(0.002)


def processes_of(sessions: Collection[int]) -> list[int]:
    """Process ids of all that live in these sessions. Each worker leads one, also of the loaders that it leaves."""
    found = []
    for pid in psutil.pids():
        with suppress(OSError):
            if os.getsid(pid) in sessions and process_lives(pid):
                found.append(pid)
    return found


def process_lives(pid: int) -> bool:
    with suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def _be_a_command(arguments: list[str], *, said: Path, variables: Mapping[str, str]) -> None:
    forkserver._forkserver.ensure_running = lambda: None  # it runs, but is no child of this process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setsid()
    os.environ.update(variables)
    with open(said, "w", encoding="utf-8", buffering=1) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        sys.stdout = sys.stderr = file
        sys.argv = ["hftk", *arguments]
        code = main(arguments)
        file.flush()
        os._exit(code)
