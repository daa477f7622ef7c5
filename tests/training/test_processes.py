"""How a launch is recognised, and refused where its processes would not train together."""

import pytest

from hftk.errors import RunError
from hftk.training.group import Group
from hftk.training.processes import share, start_processes

ALONE = "2 processes were launched but 1 train together: each would train alone into the same folder"


def test_one_process_is_the_main_one():
    processes = start_processes(use_cpu=True)
    assert (processes.rank, processes.world_size, processes.main) == (0, 1, True)


def test_several_processes_that_know_nothing_of_each_other_are_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    with pytest.raises(RunError, match=ALONE):
        start_processes(use_cpu=True)


def test_a_process_that_already_trains_alone_is_refused(monkeypatch):
    start_processes(use_cpu=True)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "0")
    with pytest.raises(RunError, match=ALONE):
        start_processes(use_cpu=True)


def test_the_launcher_s_mixed_precision_is_refused(monkeypatch):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "fp16")
    with pytest.raises(
        RunError, match=r"sets mixed_precision: fp16, which belongs to the recipe: write training.fp16: true"
    ):
        start_processes(use_cpu=True)


def test_alone_one_s_own_value_is_the_agreed_one():
    assert Group().agree("because") == "because"
    assert Group().agree(None) is None
    assert share([1]) == [1]
