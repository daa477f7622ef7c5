import pytest

import hftk.sweep.exclusive as exclusive_module
from hftk.errors import RunError
from hftk.sweep.exclusive import alone_in, exclusive


def stay_inside(folder):
    def work(child):
        with exclusive(folder):
            child.say("inside")
            child.hear()

    return work


def test_one_process_at_a_time_and_the_others_wait(tmp_path, fork):
    child = fork(stay_inside(tmp_path))
    assert child.hear() == "inside"
    with pytest.raises(RunError, match=r"\.claims/\.lock: held by another process for 0 seconds; a paused one"):
        with exclusive(tmp_path, patience=0.2):
            pass
    child.say("leave")
    with exclusive(tmp_path):
        pass
    assert child.wait() == 0


def test_the_lock_is_gone_with_a_killed_process(tmp_path, fork):
    child = fork(stay_inside(tmp_path))
    assert child.hear() == "inside"
    child.kill()
    with exclusive(tmp_path, patience=0.5):
        pass


def test_a_run_s_folder_has_one_worker_at_a_time(tmp_path, fork, monkeypatch):
    def train(child):
        with alone_in(tmp_path, run="a"):
            child.say("trains")
            child.hear()

    child = fork(train)
    assert child.hear() == "trains"
    monkeypatch.setattr(exclusive_module, "_LONGEST_END", 0.2)
    message = r"\.claims/a/\.lock: the worker of a command that is gone still trains a; end it"
    with pytest.raises(RunError, match=message), alone_in(tmp_path, run="a"):
        pass
    with alone_in(tmp_path, run="b"):
        pass
    child.kill()
    with alone_in(tmp_path, run="a"):
        pass


def test_counting_up_in_a_file_loses_nothing(tmp_path, fork):
    (tmp_path / "number").write_text("0")

    def count(child):
        for _ in range(100):
            with exclusive(tmp_path):
                number = int((tmp_path / "number").read_text())
                (tmp_path / "number").write_text(str(number + 1))

    children = [fork(count) for _ in range(3)]
    assert [child.wait() for child in children] == [0, 0, 0]
    assert (tmp_path / "number").read_text() == "300"


def test_its_file_stays(tmp_path):
    with exclusive(tmp_path):
        pass
    before = (tmp_path / ".claims" / ".lock").stat().st_ino
    with exclusive(tmp_path):
        pass
    assert (tmp_path / ".claims" / ".lock").stat().st_ino == before


def test_a_place_that_cannot_be_locked_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"\.lock: cannot be locked \(Not a directory\); write another output_dir"):
        with exclusive(tmp_path / "file"):
            pass
