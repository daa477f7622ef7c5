import json

import pytest

from hftk.errors import RecipeError, RunError
from hftk.sweep.ledger import Ledger


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "grid"


def leave(folder, name, *, identity, status="finished"):
    """A run folder as a run leaves it; the file `made as` tells which one it was."""
    path = folder / name
    path.mkdir(parents=True)
    (path / "recipe.yaml").write_text("name: grid\n")
    (path / "run.json").write_text(json.dumps({"run": name, "identity": identity, "status": status}))
    (path / "model").mkdir()
    (path / "model" / "config.json").write_text("{}")
    (path / "made as").write_text(f"{name} {identity}")


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
    assert not list(folder.glob(".*"))


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
    assert Ledger(folder).settle({"same name": "9", "new name": "2"}) == (set(), [])
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
    assert Ledger(folder).settle({"a": "1", "b": "2"}) == (set(), [])
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


def test_moves_that_were_cut_off_are_finished_by_the_next_command(folder):
    leave(folder, ".moving-1", identity="1")
    leave(folder, "b", identity="2")
    assert Ledger(folder).settle({"a": "1", "c": "2"})[0] == {"a", "c"}
    assert tree(folder) == {"a": ".moving-1 1", "c": "b 2"}


def test_lines_are_appended(folder):
    Ledger(folder).append("started", run="임베딩=a", identity="1")
    Ledger(folder).append("failed", run="임베딩=a", identity="1", reason="x")
    lines = (folder / "ledger.jsonl").read_text(encoding="utf-8").splitlines()
    assert "임베딩=a" in lines[0]
    started, failed = map(json.loads, lines)
    assert list(started) == ["time", "event", "run", "identity"]
    assert (failed["event"], failed["reason"]) == ("failed", "x")
    assert started["time"].endswith("Z")


def test_a_folder_belongs_to_one_command_at_a_time(tmp_path):
    ledger = Ledger(tmp_path / "runs" / "grid")
    with ledger.held():
        ledger.append("started")
        with pytest.raises(RunError, match=r"grid: another command is training here; wait for its end"):
            with Ledger(tmp_path / "runs" / "grid").held():
                pass
    assert [path.name for path in (tmp_path / "runs" / "grid").iterdir()] == ["ledger.jsonl"]
    with ledger.held():
        pass


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
