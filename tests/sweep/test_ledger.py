import json
import os
import signal
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from hftk.errors import RecipeError, RunError
from hftk.sweep.claims import Claim, Claims, Holder
from hftk.sweep.ledger import Ledger
from hftk.sweep.owners import this_process
from hftk.sweep.record import file_checks, mark_started, write_json


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "grid"


def leave(folder, name, *, identity, status="finished"):
    """A run folder as a run leaves it; the file `made as` tells which one it was."""
    path = folder / name
    path.mkdir(parents=True)
    (path / "recipe.yaml").write_text("name: grid\n")
    (path / "model").mkdir()
    (path / "model" / "config.json").write_text("{}")
    (path / "made as").write_text(f"{name} {identity}")
    write_json(path / "run.json", {"run": name, "identity": identity, "status": status, "files": file_checks(path)})


def leave_killed(folder, name, *, identity, saved=True):
    """A run folder as a killed run leaves it: with a checkpoint, if there was time for one."""
    path = folder / name
    path.mkdir(parents=True)
    (path / "recipe.yaml").write_text("name: grid\n")
    (path / "made as").write_text(f"{name} {identity}")
    mark_started(path, identity=identity)
    if saved:
        (path / "checkpoints" / "checkpoint-8").mkdir()


def tree(folder) -> dict[str, str]:
    """Run folder → what it was made as; superseded ones by superseded/<name>."""
    return {path.parent.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("made as")}


def test_a_new_folder_has_nothing_to_keep(folder):
    assert Ledger(folder).settle({"a": "1"}) == (set(), [])
    assert not folder.exists()


def test_wanted_runs_are_kept_where_they_are(folder):
    leave(folder, "a", identity="1")
    leave(folder, "b", identity="2")
    assert Ledger(folder).settle({"a": "1", "b": "2", "c": "3"}) == ({"a", "b"}, [])
    assert tree(folder) == {"a": "a 1", "b": "b 2"}


def test_a_run_whose_name_changed_is_renamed(folder):
    leave(folder, "lr=1", identity="1")
    assert Ledger(folder).settle({"lr=1,seed=0": "1", "lr=1,seed=1": "2"}) == ({"lr=1,seed=0"}, [])
    assert tree(folder) == {"lr=1,seed=0": "lr=1 1"}


def test_runs_may_swap_names(folder):
    leave(folder, "a", identity="1")
    leave(folder, "b", identity="2")
    assert Ledger(folder).settle({"a": "2", "b": "1"}) == ({"a", "b"}, [])
    assert tree(folder) == {"b": "a 1", "a": "b 2"}
    assert [path.name for path in folder.glob(".*")] == [".claims"]


def test_a_changed_run_is_set_aside_and_fetched_back(folder):
    ledger = Ledger(folder)
    leave(folder, "a", identity="1234567890abcdef")
    kept, notices = ledger.settle({"a": "2"})
    assert kept == set()
    assert notices == ["a: not a run of this recipe any more; kept in superseded/a-12345678"]
    assert tree(folder) == {"superseded/a-12345678": "a 1234567890abcdef"}
    leave(folder, "a", identity="2")
    assert ledger.settle({"a": "1234567890abcdef"})[0] == {"a"}
    assert tree(folder) == {"a": "a 1234567890abcdef", "superseded/a-2": "a 2"}


def test_a_renamed_run_takes_the_place_of_one_set_aside(folder):
    leave(folder, "a", identity="1")
    leave(folder, "b", identity="2")
    kept, _ = Ledger(folder).settle({"a": "2"})
    assert kept == {"a"}
    assert tree(folder) == {"a": "b 2", "superseded/a-1": "a 1"}


@pytest.mark.parametrize("status", ["failed", "interrupted"])
def test_what_did_not_finish_makes_room(folder, status):
    leave(folder, "same name", identity="1", status=status)
    leave(folder, "other name", identity="2", status=status)
    kept, notices = Ledger(folder).settle({"same name": "9", "new name": "2"})
    assert kept == set()
    assert notices == ["same name: removed what another recipe's run left; it did not finish"]
    assert tree(folder) == {}


def test_what_did_not_finish_and_is_not_asked_for_leaves_the_table(folder):
    leave(folder, "a", identity="1", status="failed")
    kept, notices = Ledger(folder).settle({"b": "2"})
    assert kept == set() and "superseded/a-1" in notices[0]
    assert tree(folder) == {"superseded/a-1": "a 1"}


def test_an_unfinished_run_set_aside_is_not_fetched_back(folder):
    leave(folder, "superseded/a-1", identity="1", status="failed")
    assert Ledger(folder).settle({"a": "1"}) == (set(), [])
    assert tree(folder) == {"superseded/a-1": "superseded/a-1 1"}


def test_a_folder_of_a_killed_run_makes_room(folder):
    leave(folder, "a", identity="1")
    (folder / "a" / "run.json").unlink()
    leave(folder, "b", identity="2")
    (folder / "b" / "run.json").write_text('{"run": "b", "iden')
    kept, notices = Ledger(folder).settle({"a": "1", "b": "2"})
    assert kept == set()
    assert notices == [
        f"{name}: removed what a killed run left; it had no checkpoint to go on from" for name in ("a", "b")
    ]
    assert tree(folder) == {}


def test_two_runs_of_one_identity_are_both_kept(folder):
    leave(folder, "workers=0", identity="1")
    leave(folder, "workers=2", identity="1")
    assert Ledger(folder).settle({"workers=2": "1", "workers=0": "1"}) == ({"workers=0", "workers=2"}, [])
    assert tree(folder) == {"workers=0": "workers=0 1", "workers=2": "workers=2 1"}


def test_what_is_no_run_is_left_alone(folder):
    leave(folder, "a", identity="1")
    for name in ("wandb", "baselines", "tensorboard"):
        (folder / name).mkdir()
        (folder / name / "made as").write_text(name)
    Ledger(folder).settle({"b": "2"})
    assert {"wandb", "baselines", "tensorboard"} < tree(folder).keys()


# runs to go on with


def test_an_unfinished_run_with_checkpoints_is_kept_to_go_on(folder):
    leave_killed(folder, "a", identity="1")
    assert Ledger(folder).settle({"a": "1"}) == (set(), [])
    assert tree(folder) == {"a": "a 1"}
    assert (folder / "a" / "checkpoints" / "checkpoint-8").is_dir()


@pytest.mark.parametrize("status", ["failed", "interrupted"])
def test_so_is_one_whose_end_was_told(folder, status):
    leave_killed(folder, "a", identity="1")
    write_json(folder / "a" / "run.json", {"run": "a", "identity": "1", "status": status})
    assert Ledger(folder).settle({"a": "1"}) == (set(), [])
    assert tree(folder) == {"a": "a 1"}


def test_a_killed_run_without_a_checkpoint_makes_room(folder):
    leave_killed(folder, "a", identity="1", saved=False)
    kept, notices = Ledger(folder).settle({"a": "1"})
    assert (kept, tree(folder)) == (set(), {})
    assert notices == ["a: removed what a killed run left; it had no checkpoint to go on from"]


def test_a_run_to_go_on_with_is_renamed_and_told(folder):
    leave_killed(folder, "a", identity="1")
    kept, notices = Ledger(folder).settle({"a,seed=0": "1"})
    assert (kept, tree(folder)) == (set(), {"a,seed=0": "a 1"})
    assert notices == ["a,seed=0: goes on from the checkpoints in a"]


def test_checkpoints_of_another_recipe_are_set_aside_and_fetched_back(folder):
    leave_killed(folder, "a", identity="1")
    kept, notices = Ledger(folder).settle({"a": "2"})
    assert (kept, tree(folder)) == (set(), {"superseded/a-1": "a 1"})
    assert notices == ["a: not a run of this recipe any more; kept in superseded/a-1"]
    kept, notices = Ledger(folder).settle({"a": "1"})
    assert (kept, tree(folder)) == (set(), {"a": "a 1"})
    assert notices == ["a: goes on from the checkpoints in superseded/a-1"]


def test_what_is_finished_goes_before_what_is_not(folder):
    leave_killed(folder, "a", identity="1")
    leave(folder, "superseded/a-1", identity="1")
    assert Ledger(folder).settle({"a": "1"})[0] == {"a"}
    assert tree(folder) == {"a": "superseded/a-1 1", "superseded/a-1-2": "a 1"}


# damaged runs


def test_a_damaged_run_is_set_aside_and_told(folder):
    leave(folder, "a", identity="1")
    leave(folder, "superseded/a-1", identity="9")
    (folder / "a" / "model" / "config.json").write_text("[]")
    kept, notices = Ledger(folder).settle({"a": "1"})
    assert kept == set()
    assert notices == [
        "a: finished, but damaged: model/config.json is not what was written: its checksum differs; it is trained "
        "again, and kept in superseded/a-1-2"
    ]
    assert tree(folder) == {"superseded/a-1": "superseded/a-1 9", "superseded/a-1-2": "a 1"}


def test_a_damaged_run_is_not_fetched_back(folder):
    leave(folder, "superseded/a-1", identity="1")
    (folder / "superseded" / "a-1" / "model" / "config.json").unlink()
    kept, notices = Ledger(folder).settle({"a": "1"})
    assert (kept, tree(folder)) == (set(), {"superseded/a-1": "superseded/a-1 1"})
    assert notices == ["superseded/a-1: not fetched back, as it is damaged: model/config.json is missing"]


@pytest.mark.parametrize("text", ["[]", '"x"', "null", '{"status": "finished", "identity": ["../../x"]}', "\0"])
def test_a_record_that_is_none_costs_its_run_only(folder, text):
    leave(folder, "a", identity="1")
    leave(folder, "b", identity="2")
    (folder / "b" / "run.json").write_text(text)
    assert Ledger(folder).settle({"a": "1", "c": "3"})[0] == {"a"}
    assert tree(folder) == {"a": "a 1", "superseded/b-unknown": "b 2"}


def test_an_identity_from_a_file_does_not_lead_out_of_the_folder(folder):
    leave(folder, "a", identity="/../../x")
    Ledger(folder).settle({"b": "2"})
    assert tree(folder) == {"superseded/a-unknown": "a /../../x"}


def test_a_folder_in_the_way_that_is_no_run_is_kept(folder):
    leave(folder, "b", identity="1")
    (folder / "a").mkdir()
    (folder / "a" / "made as").write_text("notes")
    kept, notices = Ledger(folder).settle({"a": "1"})
    assert kept == {"a"}
    assert tree(folder) == {"a": "b 1", "superseded/a-unknown": "notes"}
    assert notices == ["a: was in the way, and is no run; kept in superseded/a-unknown"]


# kills


IDENTITIES = {"a": "2", "b": "1", "c": "3", "d": "4", "e": "5", "f": "6"}
SETTLED = {"a": "b 2", "b": "a 1", "c": "superseded/c-3 3", "d": "x 4", "superseded/y-7": "y 7"}


def unsettled(folder):
    leave(folder, "a", identity="1")
    leave(folder, "b", identity="2")
    leave(folder, "superseded/c-3", identity="3")
    leave_killed(folder, "x", identity="4")
    leave(folder, "y", identity="7")
    leave(folder, "e", identity="5", status="failed")


@pytest.mark.parametrize("renames", range(12))
def test_a_command_that_is_killed_while_it_moves_runs_loses_none(folder, fork, renames, monkeypatch):
    unsettled(folder)
    rename, count = Path.rename, 0

    def rename_or_die(source, target):
        nonlocal count
        if count == renames:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1
        return rename(source, target)

    def work(child):
        monkeypatch.setattr(Path, "rename", rename_or_die)
        Ledger(folder).settle(IDENTITIES)

    ended = fork(work).wait()
    assert ended == (-signal.SIGKILL if renames < 11 else 0)
    kept, _ = Ledger(folder).settle(IDENTITIES)
    assert kept == {"a", "b", "c"}
    assert tree(folder) == SETTLED
    assert {path.name for path in folder.glob(".*")} == {".claims"}


def test_runs_that_cannot_be_moved_are_told(folder, monkeypatch):
    leave(folder, "a", identity="1")

    def refuse(source, target):
        raise OSError(30, "Read-only file system", str(source))

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(RunError, match=r"grid: its runs cannot be put in order: .*Read-only.*Nothing is lost; make it"):
        Ledger(folder).settle({"b": "1"})
    assert tree(folder) == {"a": "a 1"}


# several commands


def test_a_run_that_a_live_process_holds_is_not_touched(folder, fork):
    leave_killed(folder, "a", identity="1", saved=False)
    leave(folder, "b", identity="2", status="failed")
    leave(folder, "superseded/c-3", identity="3")

    def work(child):
        claims = Claims(folder)
        held = [claims.take(run, identity=identity) for run, identity in (("a", "1"), ("c", "3"))]
        child.say(f"{len(held)} held")
        child.hear()

    child = fork(work)
    assert child.hear() == "2 held"
    wanted = {"a": "1", "b": "2", "c": "3"}
    assert Ledger(folder).settle(wanted) == (set(), [])
    assert tree(folder) == {"a": "a 1", "superseded/c-3": "superseded/c-3 3"}
    child.kill()
    kept, _ = Ledger(folder).settle(wanted)
    assert kept == {"c"}
    assert tree(folder) == {"c": "superseded/c-3 3"}


@pytest.mark.parametrize("identities", [{"a": "2"}, {"b": "1"}], ids=["changed", "not asked for"])
def test_a_command_that_trains_another_recipe_here_is_not_disturbed(folder, fork, identities):
    leave_killed(folder, "a", identity="1")

    def work(child):
        child.say(type(Claims(folder).take("a", identity="1")).__name__)
        child.hear()

    child = fork(work)
    assert child.hear() == "Claim"
    with pytest.raises(RunError, match=r"grid: another command \(process \d+ on .*\) is training a here, which"):
        Ledger(folder).settle(identities)
    assert tree(folder) == {"a": "a 1"}
    child.kill()
    Ledger(folder).settle(identities)


def test_a_silent_claim_of_another_recipe_is_waited_for(folder):
    leave_killed(folder, "a", identity="1")
    path = folder / ".claims" / "a" / "1.json"
    path.parent.mkdir(parents=True)
    owner = replace(this_process(), host="gpu7", machine="m", boot="b")
    path.write_text(json.dumps(asdict(Holder(run="a", identity="1", id="x", owner=owner, beat=3))))
    ledger = Ledger(folder, Claims(folder, beat_every=0.05, silence=0.4))
    assert ledger.settle({"a": "2"})[0] == set()
    assert tree(folder) == {"superseded/a-1": "a 1"}


def test_several_processes_share_the_runs_and_train_none_twice(folder, fork):
    identities = {f"run={number}": str(number) for number in range(20)}
    failing = {"run=3", "run=11"}
    (folder).mkdir(parents=True)

    def work(child):
        ledger = Ledger(folder)
        ledger.settle(identities)
        child.say("settled")
        child.hear()
        pending = dict(identities)
        while pending:
            for run in ledger.claims.wait(pending):
                claim = ledger.claims.take(run, identity=identities[run])
                if not isinstance(claim, Claim):
                    continue
                with claim:
                    if ledger.outcome(run, identity=identities[run], since=ledger.settled_at) is None:
                        ledger.append("started", run=run, identity=identities[run], claim=claim.id)
                        if run not in failing:
                            leave(folder, run, identity=identities[run])
                        end = "failed" if run in failing else "finished"
                        ledger.append(end, run=run, identity=identities[run], claim=claim.id)
                    del pending[run]

    children = [fork(work) for _ in range(3)]
    for child in children:
        assert child.hear() == "settled"
    for child in children:
        child.say("go")
    assert [child.wait() for child in children] == [0, 0, 0]
    attempts = Ledger(folder).read().attempts()
    assert sorted(one.run for one in attempts) == sorted(identities)
    assert {one.run for one in attempts if one.status == "failed"} == failing
    assert len({one.claim for one in attempts}) == 20


def test_how_a_run_was_ended_by_another_process(folder):
    ledger = Ledger(folder)
    ledger.append("started", run="a", identity="1")
    ledger.append("failed", run="a", identity="1", reason="before")
    ledger.settle({"a": "1"})
    since = ledger.settled_at
    assert ledger.outcome("a", identity="1", since=since) is None, "the same command again tries what failed"
    ledger.append("started", run="a", identity="1")
    ledger.append("interrupted", run="a", identity="1")
    assert ledger.outcome("a", identity="1", since=since) is None
    ledger.append("started", run="a", identity="1")
    ledger.append("failed", run="a", identity="1", reason="RunError: x")
    assert ledger.outcome("a", identity="1", since=since) == ("failed", "RunError: x")
    assert ledger.outcome("a", identity="2", since=since) is None
    leave(folder, "a", identity="1")
    assert ledger.outcome("a", identity="1", since=since) == ("finished", None)
    (folder / "a" / "model" / "config.json").write_text("")
    assert ledger.outcome("b", identity="2", since=since) is None


# the folder


def test_lines_are_appended(folder):
    Ledger(folder).append("started", run="임베딩=a", identity="1")
    Ledger(folder).append("failed", run="임베딩=a", identity="1", reason="x")
    lines = (folder / "ledger.jsonl").read_text(encoding="utf-8").splitlines()
    assert "임베딩=a" in lines[0]
    started, failed = map(json.loads, lines)
    assert list(started) == ["time", "event", "run", "identity", "id", "check"]
    assert (failed["event"], failed["reason"]) == ("failed", "x")
    assert started["time"].endswith("Z")


def test_a_ledger_that_was_damaged_is_told_when_settling(folder):
    ledger = Ledger(folder)
    for event in ("started", "failed", "started"):
        ledger.append(event, run="a", identity="1")
    path = folder / "ledger.jsonl"
    lines = path.read_bytes().splitlines()
    path.write_bytes(lines[0] + b"\n" + lines[1].replace(b"failed", b"passed") + b"\n" + lines[2][:20])
    kept, notices = ledger.settle({"a": "1"})
    assert notices == [
        "ledger.jsonl: its last line was cut off, 20 bytes of it; moved to ledger.cut",
        "ledger.jsonl: not counted, as they are not what was written: lines 2",
    ]
    assert (folder / "ledger.cut").read_bytes() == lines[2][:20] + b"\n"


def test_two_commands_may_be_in_a_folder(tmp_path):
    ledger = Ledger(tmp_path / "runs" / "grid")
    with ledger.held(), Ledger(tmp_path / "runs" / "grid").held():
        ledger.append("started")
    assert {path.name for path in (tmp_path / "runs" / "grid").iterdir()} == {"ledger.jsonl", ".claims"}


def test_folders_made_for_nothing_are_removed(tmp_path):
    with Ledger(tmp_path / "runs" / "grid").held():
        pass
    assert not (tmp_path / "runs").exists()
    assert tmp_path.exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecipeError, match=r"output_dir: .*grid cannot be written \(Not a directory\); write another"):
        with Ledger(tmp_path / "file" / "grid").held():
            pass
