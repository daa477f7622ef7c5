"""A run that is killed and started again ends as if it had never been: real kills of a real child."""

import itertools
import random
import shutil
from pathlib import Path

import pytest

from hftk.training.checkpoint import STATE, STATE_TENSORS, WEIGHTS

SAME = ("weights", "rows", "metrics", "probabilities", "epochs", "best_epoch")
STEPS = {"save_strategy": "steps", "save_steps": 3}
MICRO = {"gradient_accumulation_steps": 3, "per_device_train_batch_size": 3}
# four evaluations, of which the first is the best: three are waited for
PATIENT = {"early_stopping": {"metric": "loss", "patience": 3, "min_delta": 9}}


def assert_same(found, expected):
    assert found["code"] == 0 and "error" not in found, found
    for name in SAME:
        assert found[name] == expected[name], name


def killed_and_resumed(fit, folder, kill, **case):
    shutil.rmtree(folder, ignore_errors=True)
    assert fit(folder, kill=kill, **case)["code"] == -9, "it was not killed"
    return fit(folder, **case)


# --- at every write of a save


@pytest.fixture(scope="module")
def before_the_save(fit_in_child, tmp_path_factory):
    """A run of three epochs, stopped in the third: the save at its end rotates and has new best weights."""
    training = {"num_train_epochs": 3, "optim": "sgd", "save_total_limit": 1, "learning_rate": 0.2}
    case = {"recipe": {"training": training, "early_stopping": {"metric": "loss", "patience": 3}}}
    folder = tmp_path_factory.mktemp("before")
    whole = fit_in_child(folder / "whole", kill={"step": 12}, **case)
    assert fit_in_child(folder / "run", kill={"event": "on_step_end", "count": 10}, **case)["code"] == -9
    assert names(folder / "run") == ["best-8", "step-8"]
    assert whole["best_epoch"] == 3
    return case, whole, folder / "run"


def names(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "checkpoints").iterdir() if not path.name.startswith("."))


def assert_whole_after(fit, before, folder, **kill):
    case, whole, run = before
    shutil.copytree(run, folder)
    assert fit(folder, kill={"step": 12, **kill}, **case)["code"] == -9
    assert set(names(folder)) & {"step-8", "step-12"}, "there is always one to go on from"
    found = fit(folder, **case)
    assert_same(found, whole)
    assert not any("skipped" in text for text in found["told"]), found["told"]
    assert {"best-12", "step-12"} <= set(names(folder))


@pytest.mark.parametrize("first", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_kill_before_any_write_of_a_save_changes_nothing(first, fit_in_child, before_the_save, tmp_path):
    """Every second one here, and the others in the longer part."""
    boundaries = before_the_save[1]["boundaries"]
    assert boundaries > 30
    for boundary in range(first, boundaries + 1, 2):
        assert_whole_after(fit_in_child, before_the_save, tmp_path / str(boundary), boundary=boundary)


@pytest.mark.slow
@pytest.mark.parametrize("limit", [1, 2])
@pytest.mark.parametrize("optim", ["adamw_torch", "sgd"])
def test_a_kill_in_the_middle_of_any_write_changes_nothing(optim, limit, fit_in_child, tmp_path):
    training = {"num_train_epochs": 3, "optim": optim, "save_total_limit": limit}
    case = {"recipe": {"training": training, "early_stopping": {"metric": "loss", "patience": 3}}}
    whole = fit_in_child(tmp_path / "whole", kill={"step": 12}, **case)
    for boundary in range(1, whole["boundaries"] + 1):
        kill = {"step": 12, "boundary": boundary, "torn": True}
        assert_same(killed_and_resumed(fit_in_child, tmp_path / "run", kill, **case), whole)


# --- at any step, under any setting

EVENTS = {
    "on_step_begin": 16,
    "on_pre_optimizer_step": 16,
    "on_step_end": 16,
    "on_epoch_end": 4,
    "on_evaluate": 4,
    "on_prediction_step": 8,
    "on_train_end": 1,
}


@pytest.mark.parametrize(
    ("recipe", "kills"),
    [
        ({"training": STEPS}, [("on_step_end", 7), ("on_step_begin", 9)]),
        ({"training": MICRO}, [("on_step_end", 7)]),
        ({"training": {**MICRO, **STEPS}}, [("on_step_end", 8), ("on_evaluate", 2)]),
        ({"training": {**STEPS, "save_steps": 4, "train_sampling_strategy": "random"}}, [("on_step_end", 5)]),
        ({"training": {**STEPS, "eval_steps": 3, "lr_scheduler_type": "cosine"}}, [("on_step_end", 8)]),
        ({"training": {**STEPS, "save_steps": 5, "lr_scheduler_type": "reduce_lr_on_plateau"}}, [("on_step_end", 11)]),
        ({"training": {"max_steps": 10}, "keep": "last"}, [("on_train_end", 1)]),
        ({"training": {**STEPS, "dataloader_num_workers": 2, "max_steps": 6}}, [("on_step_end", 5)]),
        ({"training": {**STEPS, "num_train_epochs": 8}, **PATIENT}, [("on_step_end", 14), ("on_train_end", 1)]),
    ],
)
def test_a_killed_run_ends_as_if_it_had_not_been(recipe, kills, fit_in_child, tmp_path):
    whole = fit_in_child(tmp_path / "whole", recipe=recipe)
    for event, count in kills:
        found = killed_and_resumed(fit_in_child, tmp_path / "run", {"event": event, "count": count}, recipe=recipe)
        assert_same(found, whole)
        assert any("goes on from" in text for text in found["told"]), "else nothing was tried"


GRID = list(
    itertools.product(
        [{}, MICRO],
        [{}, {"dataloader_num_workers": 2}, {"dataloader_num_workers": 2, "dataloader_persistent_workers": True}],
        [{}, STEPS, {**STEPS, "save_steps": 5, "eval_steps": 3}],
        [{}, PATIENT],
    )
)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(GRID)))
def test_runs_killed_again_and_again_end_as_if_they_had_not_been(number, fit_in_child, tmp_path):
    rng = random.Random(number)
    accumulation, workers, saving, stopping = GRID[number]
    training = {**accumulation, **workers, **saving, "save_total_limit": rng.choice([1, 2])}
    case = {"recipe": {"training": training, "seeds": [number], **stopping}}
    whole = fit_in_child(tmp_path / "whole", **case)
    for attempt in range(4):
        folder, kills, found = tmp_path / str(attempt), 0, {"code": -9}
        while found["code"] == -9 and kills < 3:
            event = rng.choice(list(EVENTS))
            kills += 1
            found = fit_in_child(folder, kill={"event": event, "count": rng.randint(1, EVENTS[event])}, **case)
        assert_same(fit_in_child(folder, **case) if found["code"] == -9 else found, whole)


def test_early_stopping_counts_on_after_a_kill(fit_in_child, tmp_path):
    """Two of three evaluations have been waited for when it is killed."""
    case = {"recipe": {"training": {"num_train_epochs": 8}, **PATIENT}}
    whole = fit_in_child(tmp_path / "whole", **case)
    assert whole["epochs"] == 4, "the first is the best, and three more are waited for"
    found = killed_and_resumed(fit_in_child, tmp_path / "run", {"event": "on_step_end", "count": 13}, **case)
    assert_same(found, whole)
    assert found["told"][0].endswith("step-12, epoch 3")
    # a run that was stopped early and killed afterwards is not trained on
    found = killed_and_resumed(fit_in_child, tmp_path / "over", {"event": "on_train_end", "count": 1}, **case)
    assert_same(found, whole)
    assert found["told"][0].endswith("step-16, epoch 4")


@pytest.mark.parametrize("training", [{}, {"save_strategy": "no"}, {"max_steps": 10, "eval_steps": 4}])
def test_a_run_that_is_stopped_and_started_again_ends_as_if_it_had_not_been(training, fit_in_child, tmp_path):
    """Asked to end after every third step or so: in the middle of an epoch, at its end, at the end of training."""
    case = {"recipe": {"training": training}}
    whole = fit_in_child(tmp_path / "whole", **case)
    attempts = [fit_in_child(tmp_path / "run", stop_at=2, **case)]
    while "interrupted" in attempts[-1] and len(attempts) < 12:
        attempts.append(fit_in_child(tmp_path / "run", stop_at=2, **case))
    assert len(attempts) > 3
    assert_same(attempts[-1], whole)


def test_an_adapter_and_frozen_vectors_go_on_too(fit_in_child, tiny_bert, tmp_path):
    adapter = {"peft": {"peft_type": "LORA", "r": 2, "lora_dropout": 0.2}, "model": {"pretrained": str(tiny_bert)}}
    cases = {
        "adapter": {"recipe": {"training": STEPS, **adapter}, "pretrained": str(tiny_bert)},
        "frozen": {"recipe": {"training": STEPS}, "freeze": True},
    }
    for name, case in cases.items():
        whole = fit_in_child(tmp_path / name / "whole", **case)
        kill = {"event": "on_step_end", "count": 8}
        assert_same(killed_and_resumed(fit_in_child, tmp_path / name / "run", kill, **case), whole)


def test_the_seconds_before_the_kill_are_counted(fit_in_child, tmp_path):
    whole = fit_in_child(tmp_path / "run")
    again = fit_in_child(tmp_path / "run")
    assert again["told"] and again["seconds"][0] > whole["seconds"][1] * 0.9


# --- damaged, changed, refused


@pytest.mark.parametrize("how", ["missing", "truncated"])
@pytest.mark.parametrize("name", [WEIGHTS, STATE, STATE_TENSORS])
def test_a_run_with_a_damaged_checkpoint_goes_on_from_the_one_before(name, how, fit_in_child, tmp_path):
    whole = fit_in_child(tmp_path / "whole")
    assert fit_in_child(tmp_path / "run", kill={"event": "on_step_end", "count": 11})["code"] == -9
    path = tmp_path / "run" / "checkpoints" / "step-8" / name
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    found = fit_in_child(tmp_path / "run")
    assert_same(found, whole)
    skipped, goes_on = found["told"]
    assert f"step-8 is skipped: {name} " in skipped and goes_on.endswith("step-4, epoch 1")


def test_a_run_without_a_whole_checkpoint_begins_anew(fit_in_child, tmp_path):
    whole = fit_in_child(tmp_path / "whole")
    assert fit_in_child(tmp_path / "run", kill={"event": "on_step_end", "count": 11})["code"] == -9
    for path in (tmp_path / "run" / "checkpoints").glob("step-*"):
        (path / WEIGHTS).unlink()
    found = fit_in_child(tmp_path / "run")
    assert_same(found, whole)
    assert len(found["told"]) == 2 and all("is skipped" in text for text in found["told"])


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"recipe": {"training": {"learning_rate": 0.002}}}, "training.learning_rate 0.02, and this one has 0.002"),
        ({"recipe": {"seeds": [3]}}, "seeds [0], and this one has [3]"),
        ({"recipe": {"training": {"num_train_epochs": 5}}}, "training.num_train_epochs 4, and this one has 5"),
        ({"labels": ["yes", "no"]}, "labels ['no', 'yes'], and this one has ['yes', 'no']"),
        ({"rows": {"train": 28, "validation": 12, "test": 10}}, "rows.train 30, and this one has 28"),
        ({}, "its data, word vectors or model files differ"),
    ],
)
def test_a_changed_run_is_refused(changed, difference, fit_in_child, tmp_path):
    assert fit_in_child(tmp_path, kill={"event": "on_step_end", "count": 6})["code"] == -9
    error = fit_in_child(tmp_path, fingerprint="two", **changed)["error"]
    assert difference in error
    assert names(tmp_path) == ["best-4", "step-4"], "what is refused is left as it is"


def test_other_steps_per_epoch_are_refused_though_the_fingerprint_is_the_same(fit_in_child, tmp_path):
    assert fit_in_child(tmp_path, kill={"event": "on_step_end", "count": 6})["code"] == -9
    changed = {"training": {"per_device_train_batch_size": 4}}
    assert "steps_per_epoch 4, and this one has 8" in fit_in_child(tmp_path, recipe=changed)["error"]


def test_smaller_micro_batches_of_the_same_global_batch_go_on(fit_in_child, tmp_path):
    """As a lack of memory asks for."""
    assert fit_in_child(tmp_path, kill={"event": "on_step_end", "count": 6})["code"] == -9
    changed = {"training": {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2}}
    found = fit_in_child(tmp_path, recipe=changed)
    assert found["epochs"] == 4
    assert "training.per_device_train_batch_size 8, and this one has 4" in found["told"][0]
