import os
import signal
import time
import traceback
from collections.abc import Callable
from typing import Any

import pytest


class Child:
    """A forked process, for real kills. `say` gives it a line, `hear` waits for one of its."""

    def __init__(self, work: Callable[["Child"], Any]) -> None:
        theirs, ours = os.pipe(), os.pipe()
        self.status: int | None = None
        self.pid = os.fork()
        self._in, self._out = (theirs[0], ours[1]) if self.pid == 0 else (ours[0], theirs[1])
        for end in (theirs[1], ours[0]) if self.pid == 0 else (theirs[0], ours[1]):
            os.close(end)
        if self.pid == 0:
            try:
                work(self)
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)

    def say(self, text: str) -> None:
        os.write(self._out, f"{text}\n".encode())

    def hear(self) -> str:
        line = b""
        while not line.endswith(b"\n"):
            byte = os.read(self._in, 1)
            if not byte:
                raise EOFError("the other side is gone")
            line += byte
        return line.decode().rstrip("\n")

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Its exit status, minus the signal that ended it."""
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            os.close(self._in)
            os.close(self._out)
        return self.status

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        assert self.wait() == -signal.SIGKILL


@pytest.fixture
def fork():
    """Forks a child that runs a function, which is given the child's side of `say` and `hear`."""
    children: list[Child] = []

    def fork(work: Callable[[Child], Any]) -> Child:
        children.append(Child(work))
        return children[-1]

    yield fork
    for child in children:
        if child.status is None:
            child.send(signal.SIGKILL)
            child.wait()


@pytest.fixture
def until():
    """Waits until a function gives something true, and returns it; fails after 10 seconds."""

    def until(look: Callable[[], Any]) -> Any:
        end = time.monotonic() + 10
        while not (found := look()):
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.01)
        return found

    return until
