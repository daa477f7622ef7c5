import multiprocessing
import os
import sys

import pytest

import hftk.sweep.worker
from hftk.sweep.worker_process import _work


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
def test_loaders_of_a_forked_worker_are_forked(fork):
    """A server of each worker's own would import torch again for each loader: seconds an epoch."""

    def work(child):
        multiprocessing.set_start_method("forkserver", force=True)  # as in what the server forks
        hftk.sweep.worker.work = lambda plan, **told: child.say(multiprocessing.get_start_method())
        _work(None, "train", None, os.getcwd(), dict(os.environ), None, 0, 1)

    child = fork(work)
    assert child.hear() == "fork"
    assert child.wait() == 0
