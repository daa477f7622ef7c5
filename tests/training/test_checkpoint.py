"""The folder of checkpoints: what counts, what is skipped, what stays."""

import json
import os
import shutil

import pytest
import torch

from hftk.errors import RunError
from hftk.sealed import MANIFEST, sealed_folder
from hftk.training.checkpoint import STATE, STATE_TENSORS, WEIGHTS, Checkpoints

NEEDED = ["optimizer", "scheduler"]


def checkpoints(folder, *, limit=2):
    made = Checkpoints(folder / "checkpoints", limit=limit)
    made.about = {"fingerprint": "abc"}
    return made


def saved(made, *steps, best_at=()):
    for step in steps:
        weights = {"w": torch.full((3,), float(step))}
        if step in best_at:
            made.keep_best(step=step, epoch=step / 2, weights=weights)
        state = {"optimizer": {0: torch.full((2,), step)}, "scheduler": {"last_epoch": step}}
        made.save(step=step, epoch=step / 2, weights=weights, state=state)
    return made


def names(made):
    return sorted(path.name for path in made.folder.iterdir())


def newest(folder):
    told = []
    return checkpoints(folder).newest(needed=NEEDED, tell=told.append), told


def test_what_is_saved_comes_back(tmp_path):
    saved(checkpoints(tmp_path), 4, best_at=[4])
    found, told = newest(tmp_path)
    assert found.about == {"fingerprint": "abc", "step": 4, "epoch": 2.0, "best": "best-4"}
    assert found.weights["w"].tolist() == [4, 4, 4]
    assert found.state["optimizer"][0].tolist() == [4, 4]
    assert found.state["scheduler"] == {"last_epoch": 4}
    assert told == []


def test_no_pickle_is_written(tmp_path):
    made = saved(checkpoints(tmp_path), 4, best_at=[4])
    assert sorted(path.name for path in made.folder.rglob("*") if path.is_file()) == sorted(
        [WEIGHTS, STATE, STATE_TENSORS, MANIFEST, WEIGHTS, MANIFEST]
    )


def test_what_was_loaded_is_not_the_file(tmp_path):
    """An optimizer works on it in place."""
    saved(checkpoints(tmp_path), 4)
    first, _ = newest(tmp_path)
    first.state["optimizer"][0].zero_()
    again, _ = newest(tmp_path)
    assert again.state["optimizer"][0].tolist() == [4, 4]


@pytest.mark.parametrize(
    ("limit", "best_at", "left"),
    [
        (2, [2], ["best-2", "step-6", "step-8"]),
        (1, [2], ["best-2", "step-8"]),
        (2, [2, 6], ["best-6", "step-6", "step-8"]),
        (2, [2, 8], ["best-2", "best-8", "step-6", "step-8"]),  # step-6 goes with best-2
        (1, [2, 8], ["best-8", "step-8"]),
        (None, [2], ["best-2", "step-2", "step-4", "step-6", "step-8"]),
        (2, [], ["step-6", "step-8"]),
    ],
)
def test_rotation_keeps_the_newest_and_the_best_that_they_name(limit, best_at, left, tmp_path):
    made = saved(checkpoints(tmp_path, limit=limit), 2, 4, 6, 8, best_at=best_at)
    assert names(made) == left
    found, told = newest(tmp_path)
    assert (found.step, told) == (8, [])
    if best_at:
        assert made.best_weights()["w"][0] == max(best_at)


def test_best_weights_that_no_checkpoint_names_yet_leave_those_of_the_older_state_alone(tmp_path):
    """A kill between the two saves must not pair an older state with newer best weights."""
    made = saved(checkpoints(tmp_path), 2, 4, best_at=[2])
    made.keep_best(step=6, epoch=3.0, weights={"w": torch.full((3,), 6.0)})
    assert names(made) == ["best-2", "best-6", "step-2", "step-4"]
    after = checkpoints(tmp_path)
    assert after.newest(needed=NEEDED, tell=print).about["best"] == after.best == "best-2"
    assert after.best_weights()["w"][0] == 2


def test_order_is_that_of_the_steps_not_of_dates_or_names(tmp_path):
    made = saved(checkpoints(tmp_path, limit=None), 8, 16, 24, best_at=[16])
    for number, name in enumerate(["step-24", "step-16", "step-8"]):
        os.utime(made.folder / name, (number, number))
    (made.folder / "step-8").rename(made.folder / "step-99")
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    made.folder.rename(moved / "checkpoints")
    found, told = newest(moved)
    assert (found.step, found.path.name, told) == (24, "step-24", [])


def test_what_is_no_checkpoint_is_left_alone(tmp_path):
    made = saved(checkpoints(tmp_path, limit=1), 2)
    (made.folder / "mine").mkdir()
    (made.folder / "note.txt").write_text("keep")
    saved(made, 4)
    assert names(made) == ["mine", "note.txt", "step-4"]


def damage(path, how):
    content = path.read_bytes()
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(content[: len(content) // 2])
    else:
        changed = bytearray(content)
        changed[len(content) // 2] ^= 1
        path.write_bytes(changed)


@pytest.mark.parametrize("how", ["missing", "truncated", "one bit"])
@pytest.mark.parametrize("name", [WEIGHTS, STATE, STATE_TENSORS, MANIFEST])
def test_a_damaged_checkpoint_is_skipped_and_told(name, how, tmp_path):
    made = saved(checkpoints(tmp_path), 2, 4, best_at=[2])
    damage(made.folder / "step-4" / name, how)
    found, told = newest(tmp_path)
    assert found.step == 2
    (text,) = told
    assert text.startswith(f"the checkpoint {made.folder / 'step-4'} is skipped: {name} ")


@pytest.mark.parametrize("how", ["missing", "truncated", "one bit"])
def test_a_checkpoint_whose_best_weights_are_damaged_is_skipped(how, tmp_path):
    made = saved(checkpoints(tmp_path), 2, 4, best_at=[2, 4])
    damage(made.folder / "best-4" / WEIGHTS, how)
    found, told = newest(tmp_path)
    assert (found.step, found.about["best"]) == (2, "best-2")
    assert f"its best weights, best-4, cannot be used: {WEIGHTS} " in told[0]


def test_without_a_whole_one_there_is_none(tmp_path):
    assert newest(tmp_path) == (None, [])
    made = saved(checkpoints(tmp_path), 2, 4)
    for step in (2, 4):
        shutil.copy(made.folder / "step-2" / STATE, made.folder / f"step-{step}" / WEIGHTS)
    found, told = newest(tmp_path)
    assert found is None and len(told) == 2


def test_a_state_that_lacks_a_part_is_skipped(tmp_path):
    made = saved(checkpoints(tmp_path), 2)
    made.save(step=4, epoch=2, weights={"w": torch.zeros(3)}, state={"scheduler": {}})
    found, told = newest(tmp_path)
    assert found.step == 2
    assert told == [f"the checkpoint {made.folder / 'step-4'} is skipped: {STATE} lacks optimizer"]


@pytest.mark.parametrize(
    ("name", "content"),
    [(STATE, b'["tensor", "nowhere"]'), (STATE, b"[["), (STATE_TENSORS, b"\x80\x04."), (WEIGHTS, b"PK\x03\x04")],
)
def test_sealed_nonsense_is_skipped_too(name, content, tmp_path):
    made = saved(checkpoints(tmp_path), 2)
    with sealed_folder(made.folder / "step-4", about={"step": 4, "best": None}) as sealing:
        for one in (WEIGHTS, STATE, STATE_TENSORS):
            with sealing.open(one) as file:
                file.write(content if one == name else (made.folder / "step-2" / one).read_bytes())
    found, told = newest(tmp_path)
    assert found.step == 2
    assert "cannot be read" in told[0]


def test_a_damaged_newer_one_does_not_outlive_the_next_save(tmp_path):
    """With a limit of 1 it would be kept for its step, and the new one removed."""
    made = saved(checkpoints(tmp_path, limit=1), 9)
    damage(made.folder / "step-9" / WEIGHTS, "one bit")
    again = checkpoints(tmp_path, limit=1)
    assert again.newest(needed=NEEDED, tell=lambda text: None) is None
    assert names(saved(again, 3)) == ["step-3"]


def test_what_was_not_finished_is_removed(tmp_path):
    made = saved(checkpoints(tmp_path), 2)
    shutil.copytree(made.folder / "step-2", made.folder / ".part-step-4")
    found, told = newest(tmp_path)
    assert (found.step, told, names(made)) == (2, [], ["step-2"])


def test_what_a_kill_left_of_a_rotation_is_removed_when_training_goes_on(tmp_path, monkeypatch):
    made = Checkpoints(tmp_path, limit=1)
    for step in (4, 8):
        made.keep_best(step=step, epoch=step / 4, weights={"w": torch.zeros(3)})
        if step == 8:
            monkeypatch.setattr(made, "_rotate", lambda step: None)
        made.save(step=step, epoch=step / 4, weights={"w": torch.zeros(3)}, state={"a": 1})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best-4", "best-8", "step-4", "step-8"]
    assert Checkpoints(tmp_path, limit=1).newest(needed=["a"], tell=print).step == 8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best-8", "step-8"]


def test_a_weight_that_is_not_finite_is_never_saved(tmp_path):
    made = saved(checkpoints(tmp_path), 2, best_at=[2])
    for save in (made.keep_best, lambda **told: made.save(**told, state={})):
        for value in (float("nan"), float("inf")):
            with pytest.raises(RunError, match="non-finite: the weight w holds a number that is not finite"):
                save(step=4, epoch=2.0, weights={"w": torch.tensor([1.0, value])})
    assert names(made) == ["best-2", "step-2"]


def test_a_state_that_needs_pickle_is_refused_with_its_place(tmp_path):
    made = checkpoints(tmp_path)
    with pytest.raises(RunError, match=r"cannot be saved: state\.optimizer\.projector is a object; choose another"):
        made.save(step=1, epoch=1, weights={}, state={"optimizer": {"projector": object()}})
    assert not made.folder.exists() or names(made) == []


def test_a_disk_that_refuses_is_told_and_nothing_is_lost(tmp_path):
    made = saved(checkpoints(tmp_path), 2, best_at=[2])
    for name in ("step-4", "best-4"):
        (made.folder / f".part-{name}").write_text("a file stands where the folder would be written")
    told = r"step-4 cannot be written: .*; what was saved before is whole, and the same command again goes on"
    with pytest.raises(RunError, match=told):
        saved(made, 4)
    with pytest.raises(RunError, match="best-4 cannot be written"):
        made.keep_best(step=4, epoch=1.0, weights={"w": torch.zeros(1)})
    assert {"step-2", "best-2"} < set(names(made))


def test_best_weights_that_are_damaged_at_the_end_are_refused(tmp_path):
    made = saved(checkpoints(tmp_path), 2, best_at=[2])
    damage(made.folder / "best-2" / WEIGHTS, "one bit")
    with pytest.raises(
        RunError, match=r"best-2: the best weights cannot be used: weights\.safetensors is not what was"
    ):
        made.best_weights()


def test_the_manifest_names_the_files_and_the_state_is_readable(tmp_path):
    made = saved(checkpoints(tmp_path), 2)
    manifest = json.loads((made.folder / "step-2" / MANIFEST).read_text())
    assert set(manifest["files"]) == {WEIGHTS, STATE, STATE_TENSORS}
    assert json.loads((made.folder / "step-2" / STATE).read_text())["scheduler"] == {"last_epoch": 2}
