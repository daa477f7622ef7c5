import json
import os
import shutil
import signal
import time
from contextlib import contextmanager
from dataclasses import asdict, replace

import pytest

from hftk.errors import RunError
from hftk.sweep import claims as module
from hftk.sweep import owners
from hftk.sweep.claims import Claim, Claims, Holder
from hftk.sweep.owners import this_process


@pytest.fixture
def claims(tmp_path):
    """Hears and looks quickly."""
    claims = Claims(tmp_path, beat_every=0.05, silence=0.4)
    claims.taken = []
    yield claims
    for claim in claims.taken:
        claim.release()


def take(claims, run) -> Claim:
    claim = claims.take(run, identity="1")
    assert isinstance(claim, Claim), claim
    claims.taken.append(claim)
    return claim


def is_held(claims, run) -> bool:
    taken = claims.take(run, identity="1")
    return isinstance(taken, Holder)


def leave_claim(folder, run, *, beat=0, **owner) -> None:
    """A claim's file as a process of elsewhere left it."""
    path = folder / ".claims" / run / "1.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    holder = Holder(run=run, identity="1", id="theirs", owner=replace(this_process(), **owner), beat=beat)
    path.write_text(json.dumps(asdict(holder)))


ELSEWHERE = {"host": "gpu7", "machine": "m", "boot": "b", "pid": 4711}


def holding(claims, *runs, elsewhere=False):
    """Work of a child that claims runs, and then says at each line heard whether the first is still its."""

    def work(child):
        if elsewhere:
            mine = this_process()
            module.this_process = lambda: replace(mine, host="gpu7", machine="m", boot="b")
        held = [take(claims, run) for run in runs]
        child.say("held")
        while (asked := child.hear()) != "end":
            if asked == "release":
                held[0].release()
            child.say("lost" if held[0].lost.is_set() else "mine")

    return work


# one process


def test_a_run_is_held_until_it_is_released(claims):
    claim = take(claims, "임베딩=a,seed=1")
    assert claim.taken_over is None
    holder = claims.take("임베딩=a,seed=1", identity="1")
    assert (holder.id, holder.owner.pid, holder.identity) == (claim.id, os.getpid(), "1")
    assert str(holder) == f"process {os.getpid()} on {holder.owner.host}"
    assert claims.holders().keys() == {"임베딩=a,seed=1"}
    claim.release()
    claim.release()
    assert claims.holders() == {}
    with take(claims, "임베딩=a,seed=1") as again:
        assert again.confirm()
        assert take(claims, "b").taken_over is None
    assert claims.holders().keys() == {"b"}


def test_an_error_in_the_block_releases(claims):
    with pytest.raises(KeyboardInterrupt):
        with take(claims, "a"):
            raise KeyboardInterrupt
    assert claims.holders() == {}


def test_a_fork_of_the_holder_does_not_release(claims, fork):
    claim = take(claims, "a")
    assert fork(lambda child: claim.__exit__(None, None, None)).wait() == 0
    assert is_held(claims, "a") and claim.confirm()


def test_claims_that_were_taken_away_are_lost(claims, tmp_path, until):
    claim = take(claims, "a")
    shutil.rmtree(tmp_path / ".claims" / "a")
    until(claim.lost.is_set)
    assert not claim.confirm()
    claim.release()
    assert not (tmp_path / ".claims" / "a").exists()


def test_a_disk_that_takes_no_claim_is_told_and_leaves_no_half_one(claims, tmp_path, monkeypatch):
    def full(holder):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(module, "_json", full)
        with pytest.raises(RunError, match=r"a/1\.json: cannot be written \(No space left on device\); free space"):
            claims.take("a", identity="1")
    take(claims, "a")


def test_signs_of_life_that_cannot_be_written_are_told_once_and_lose_nothing(claims, monkeypatch, caplog, until):
    claim = take(claims, "a")

    def full(path, holder):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(module, "_write", full)
        until(lambda: caplog.records)
        time.sleep(0.2)
        assert [record.getMessage() for record in caplog.records] == [
            f"{claim._path}: no sign of life can be written (No space left on device)"
        ]
    beat = claims.holders()["a"].beat
    until(lambda: claims.holders()["a"].beat > beat)
    assert not claim.lost.is_set()


# two claimants


@contextmanager
def no_lock(folder):
    """A file system where locks do nothing."""
    yield


@pytest.mark.parametrize("locks", [True, False], ids=["locks", "a file system without locks"])
def test_of_two_claimants_at_the_same_moment_one_wins(claims, fork, monkeypatch, locks):
    if not locks:
        monkeypatch.setattr(module, "exclusive", no_lock)

    def work(child):
        while (run := child.hear()) != "end":
            taken = claims.take(run, identity="1")
            child.say("won" if isinstance(taken, Claim) else "held")

    children = [fork(work), fork(work)]
    for number in range(100):
        for child in children:
            child.say(f"run={number}")
        assert sorted(child.hear() for child in children) == ["held", "won"], number


@pytest.mark.parametrize("locks", [True, False], ids=["locks", "a file system without locks"])
def test_of_three_that_take_a_dead_ones_runs_over_one_gets_each(claims, fork, monkeypatch, locks):
    if not locks:
        monkeypatch.setattr(module, "exclusive", no_lock)
    runs = [f"run={number}" for number in range(30)]
    dead = fork(holding(claims, *runs))
    assert dead.hear() == "held"
    dead.kill()

    def work(child):
        while (run := child.hear()) != "end":
            taken = claims.take(run, identity="1")
            child.say(taken.taken_over if isinstance(taken, Claim) else "held")

    children = [fork(work) for _ in range(3)]
    for run in runs:
        for child in children:
            child.say(run)
        held, other, won = sorted(child.hear() for child in children)
        assert (held, other) == ("held", "held")
        assert won.startswith(f"process {dead.pid} on ") and won.endswith(": its process is gone")


def test_a_claimant_that_judged_before_another_took_over_does_not_win(claims, fork, monkeypatch):
    """The worst order where locks do nothing: all judge first, then all take."""
    dead = fork(holding(claims, "a"))
    dead.hear()
    dead.kill()
    monkeypatch.setattr(module, "exclusive", no_lock)
    late = Claims(claims.folder)
    judged = late._last("a")
    take(claims, "a")
    monkeypatch.setattr(late, "_last", lambda run: judged)
    holder = late.take("a", identity="1")
    assert isinstance(holder, Holder) and holder.owner.pid == os.getpid()


# dead and alive holders


def test_a_killed_holders_run_is_taken_over_at_once(claims, fork):
    child = fork(holding(claims, "a"))
    child.hear()
    assert is_held(claims, "a")
    child.kill()
    assert "its process is gone" in take(claims, "a").taken_over


def test_a_holder_that_was_killed_but_not_buried_is_dead(claims, fork, until):
    child = fork(holding(claims, "a"))
    child.hear()
    child.send(signal.SIGKILL)
    until(lambda: not is_held(claims, "a"))


def test_a_paused_holder_on_this_machine_keeps_its_run(claims, fork):
    child = fork(holding(claims, "a"))
    child.hear()
    child.send(signal.SIGSTOP)
    end = time.monotonic() + 0.8
    while time.monotonic() < end:  # longer than the silence
        assert is_held(claims, "a")
        time.sleep(0.05)
    child.send(signal.SIGCONT)
    child.say("?")
    assert child.hear() == "mine"


def test_a_number_used_again_does_not_keep_a_run(claims, tmp_path):
    leave_claim(tmp_path, "a", started="1")
    assert "its process is gone" in take(claims, "a").taken_over


def test_a_machine_that_was_started_anew_frees_its_runs(claims, tmp_path, monkeypatch):
    monkeypatch.setattr(owners, "_machine", lambda: "m")
    leave_claim(tmp_path, "a", boot="before")
    assert "its machine was started anew" in take(claims, "a").taken_over


def test_a_holder_elsewhere_is_dead_after_a_silence_heard_here(claims, tmp_path, until):
    leave_claim(tmp_path, "a", **ELSEWHERE)
    before = time.monotonic()
    until(lambda: not is_held(claims, "a"))
    assert time.monotonic() - before > 0.35


def test_what_was_taken_over_says_from_whom(claims, tmp_path):
    leave_claim(tmp_path, "a", **ELSEWHERE)
    assert claims.wait(["a"], every=0.05) == {"a"}
    assert take(claims, "a").taken_over == "process 4711 on gpu7: no sign of life for 0.4 seconds"


def test_a_holder_elsewhere_that_gives_signs_of_life_keeps_its_run(claims, fork):
    claims.silence = 1.0  # a busy machine may keep the other waiting
    child = fork(holding(claims, "a", elsewhere=True))
    child.hear()
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        assert is_held(claims, "a")
        time.sleep(0.05)


def test_the_own_pause_is_not_the_others_silence(claims, tmp_path):
    leave_claim(tmp_path, "a", **ELSEWHERE)
    assert is_held(claims, "a")
    time.sleep(0.6)
    assert is_held(claims, "a"), "nobody could be heard meanwhile"


@pytest.mark.parametrize(
    "text", ["", '{"run": "a"', "[]", '{"run": "a", "owner": {}}', None], ids=["empty", "cut", "list", "bare", "pid"]
)
def test_a_claim_that_cannot_be_read_must_prove_itself(claims, tmp_path, until, text):
    leave_claim(tmp_path, "a", pid=-1)
    if text is not None:
        (tmp_path / ".claims" / "a" / "1.json").write_text(text)
    assert is_held(claims, "a")
    until(lambda: not is_held(claims, "a"))


def test_a_paused_holder_that_was_taken_over_is_told(claims, fork, tmp_path, until):
    child = fork(holding(claims, "a", elsewhere=True))
    child.hear()
    child.send(signal.SIGSTOP)
    assert claims.wait(["a"], every=0.05) == {"a"}
    claim = take(claims, "a")
    child.send(signal.SIGCONT)

    def lost():
        child.say("?")
        return child.hear() == "lost"

    until(lost)
    child.say("release")
    assert child.hear() == "lost"
    assert is_held(claims, "a") and claim.confirm(), "what it releases is not its own any more"


# waiting


def test_waiting_returns_what_was_released_or_died(claims, fork):
    first, second = fork(holding(claims, "a", "b")), fork(holding(claims, "c"))
    first.hear(), second.hear()
    assert claims.wait(["a", "b", "c"], timeout=0.2, every=0.05) == set()
    first.say("release")
    assert claims.wait(["a", "b", "c"], every=0.05) == {"a"}
    second.kill()
    assert claims.wait(["b", "c"], every=0.05) == {"c"}
    assert claims.wait(["never claimed"]) == {"never claimed"}


def test_a_holder_is_asked_for_a_sign_of_life(claims, fork, tmp_path):
    claims.silence = 1.0
    child = fork(holding(claims, "a", elsewhere=True))
    child.hear()
    holder = claims.holders()["a"]
    assert claims.shows_life(holder)
    child.send(signal.SIGSTOP)
    assert not claims.shows_life(claims.holders()["a"])
    leave_claim(tmp_path, "b", **ELSEWHERE)
    assert not claims.shows_life(claims.holders()["b"])
    take(claims, "c")
    assert claims.shows_life(claims.holders()["c"])
