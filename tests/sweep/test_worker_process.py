import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

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


@pytest.mark.skipif(sys.platform != "linux", reason="a forkserver's socket")
def test_workers_start_where_the_temporary_folder_has_a_long_path(tiny_csv, tmp_path):
    """As on clusters. In a process of its own: a forkserver is started once."""
    long = tmp_path / ("long" * 20)
    long.mkdir()
    recipe = {
        "name": "long",
        "output_dir": str(tmp_path / "runs"),
        "data": {"path": str(tiny_csv)},
        "model": {"architecture": "rnn", "hidden_size": 4},
        "tokenizer": {"min_count": 1},
        "training": {"num_train_epochs": 1, "use_cpu": True},
    }
    program = f"import hftk; assert hftk.run({recipe!r}, jobs=1).exit_code == 0"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"TMPDIR": str(long)},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert list(long.iterdir()) == []
