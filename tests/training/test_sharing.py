"""Two processes that train together go on from one checkpoint, which the main one reads for both."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from hftk.errors import RunError
from hftk.training.sharing import main_does, share_checkpoint, shared_tensors

SCRIPT = Path(__file__).with_name("two_process_runs.py")
TOGETHER = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone", str(SCRIPT)]
SAME = ("weights", "rows", "metrics", "probabilities", "epochs", "best_epoch")


def test_alone_nothing_is_shared():
    tensors = {"w": torch.ones(2)}
    assert shared_tensors(tensors)["w"] is tensors["w"]
    assert share_checkpoint(None) is None
    assert main_does(lambda: 3) == 3
    with pytest.raises(RunError, match="full"):
        main_does(lambda: (_ for _ in ()).throw(RunError("full")))


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("together")
    training = {"per_device_train_batch_size": 4, "save_strategy": "steps", "save_steps": 3}
    case = {"recipe": {"training": training}, "rows": {"train": 30, "validation": 12, "test": 10}}
    blocked = folder / "blocked" / "checkpoints"
    blocked.mkdir(parents=True)
    (blocked / ".part-step-3").write_text("in the way of a save")
    (blocked / ".part-best-4").write_text("in the way of the best weights")
    alone = {**case, "recipe": {"training": {**training, "per_device_train_batch_size": 8}}}
    cases = [
        {**case, "folder": str(folder / "whole")},
        {**case, "folder": str(folder / "stopped"), "stop_at": 3, "stop_rank": 1},
        {**case, "folder": str(folder / "stopped"), "hidden": True},
        {**case, "folder": str(folder / "blocked")},
    ]
    done = subprocess.run(
        [*TOGETHER, str(folder), json.dumps(cases)], capture_output=True, text=True, timeout=300, cwd=SCRIPT.parent
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = [json.loads((folder / f"rank-{rank}.json").read_text()) for rank in range(2)]
    return found, folder, alone


@pytest.mark.slow
def test_two_processes_that_are_stopped_end_as_if_they_had_not_been(ranks):
    (main, other), folder, _ = ranks
    assert [rank[1] for rank in (main, other)] == [{"interrupted": True}] * 2, "one was asked, both ended"
    assert "goes on from" in main[2]["told"][0]
    for name in SAME:
        assert main[2][name] == main[0][name], name
        assert name == "weights" or other[2][name] == main[0][name], name


@pytest.mark.slow
def test_a_save_that_fails_in_the_main_process_ends_both(ranks):
    (main, other), *_ = ranks
    assert "cannot be written" in main[3]["error"]
    assert other[3]["error"] == f"in the main process: {main[3]['error']}"


@pytest.mark.slow
def test_another_number_of_processes_is_refused(ranks, fit_in_child):
    _, folder, alone = ranks
    alone = {**alone, "recipe": {"training": alone["recipe"]["training"] | {"max_steps": 99}}}
    error = fit_in_child(folder / "whole", **alone)["error"]
    assert "world_size 2, and this one has 1" in error
