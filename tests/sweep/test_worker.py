"""What a worker does for its own and its children's end; the rest is in test_workers.py, with real sweeps."""

import os
import signal
import sys

import pytest

from hftk.sweep.worker import _take_children_along

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")


@pytest.mark.parametrize("alone", [False, True])
def test_a_loader_s_process_ends_with_its_worker(fork, until, alone):
    """Also one that has not looked at its parent yet: torch's own watch begins later."""

    def work(child):
        if not alone:
            _take_children_along()
        loader = os.fork()
        if not loader:
            signal.pause()
        child.say(str(loader))
        child.hear()

    child = fork(work)
    loader = int(child.hear())
    child.kill()
    if alone:
        assert os.path.exists(f"/proc/{loader}"), "so it would go on"
        os.kill(loader, signal.SIGKILL)
    until(lambda: not _lives(loader))


def _lives(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
