import os
from dataclasses import replace

import pytest

from hftk.sweep import owners
from hftk.sweep.owners import Life, life, this_process


def test_this_process_lives():
    assert life(this_process()) is Life.ALIVE


def test_a_process_that_ended_is_gone(fork):
    child = fork(lambda child: child.hear())
    owner = replace(this_process(), pid=child.pid, started=owners._started(child.pid))
    assert life(owner) is Life.ALIVE
    child.send(9)
    while owners._started(child.pid) != "ended":
        pass
    assert life(owner) is Life.GONE, "killed, and not yet waited for by its parent"
    child.wait()
    assert life(owner) is Life.GONE


def test_a_number_used_again_is_another_process():
    assert life(replace(this_process(), started="1")) is Life.GONE


def test_another_kernel_on_this_machine_means_that_it_was_started_anew(monkeypatch):
    monkeypatch.setattr(owners, "_machine", lambda: "m")
    assert life(replace(this_process(), boot="other")) is Life.RESTARTED
    monkeypatch.setattr(owners, "_machine", lambda: "")
    assert life(replace(this_process(), boot="other")) is Life.OUT_OF_SIGHT, "hosts may share a name"


@pytest.mark.parametrize(
    "elsewhere",
    [{"host": "x", "boot": "y"}, {"machine": "x", "boot": "y"}, {"namespace": "pid:[1]"}, {"host": "x", "boot": ""}],
    ids=str,
)
def test_elsewhere_is_out_of_sight(elsewhere):
    assert life(replace(this_process(), **elsewhere)) is Life.OUT_OF_SIGHT


def test_a_name_that_changed_meanwhile_is_the_same_machine():
    assert life(replace(this_process(), host="new")) is Life.ALIVE


def test_without_a_boot_id_the_host_tells(monkeypatch):
    monkeypatch.setattr(owners, "_text", lambda path: "")
    assert this_process().boot == ""
    assert life(this_process()) is Life.ALIVE
    assert life(replace(this_process(), host="x")) is Life.OUT_OF_SIGHT


def test_a_process_that_is_hidden_is_not_taken_for_gone(monkeypatch):
    me = this_process()
    monkeypatch.setattr(owners, "_started", lambda pid: None)
    assert life(me) is Life.OUT_OF_SIGHT
    assert life(replace(me, pid=2**22 + os.getpid())) is Life.GONE
