"""What happens to a tracker in the middle of training does not happen to training."""

import time

import pytest
import torch
from torch.utils.data import Dataset
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.integrations import WandbCallback

from hftk.recipe.schema import Tracking
from hftk.tracking import end_run, start_run
from hftk.tracking.guard import GuardedTracker, guard_trackers
from hftk.tracking.outage import Outage

WANDB = Tracking(report_to=["wandb"], project="hftk-tests")


class Line(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.weight = torch.nn.Linear(1, 1)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": (self.weight(x) - labels).pow(2).mean()}


class Points(Dataset):
    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"x": torch.tensor([index / 8]), "labels": torch.tensor([index / 4])}


class AtStep(TrainerCallback):
    """Does something at the end of the third of eight steps, a while after W&B was told of the second."""

    def __init__(self, do) -> None:
        self.do = do

    def on_step_end(self, args, state, control, **kwargs) -> None:
        if state.global_step == 3:
            time.sleep(1.5)
            self.do()


def train(folder, *, report_to: list[str], callbacks: list[TrainerCallback], told: list[str] | None) -> float:
    """The trained weight. told: None leaves the trackers unguarded."""
    args = TrainingArguments(
        output_dir=str(folder / "checkpoints"),
        max_steps=8,
        per_device_train_batch_size=4,
        logging_steps=1,
        save_strategy="no",
        report_to=report_to or "none",
        use_cpu=True,
        disable_tqdm=True,
    )
    trainer = Trainer(model=Line(), args=args, train_dataset=Points(), callbacks=callbacks)
    if told is not None:
        guard_trackers(trainer, tell=told.append)
    trainer.train()
    return trainer.model.weight.weight.item()


@pytest.fixture
def plain(tmp_path) -> float:
    return train(tmp_path, report_to=[], callbacks=[], told=[])


def test_a_sound_tracker_gets_all_events(logged_out, written_runs, tmp_path, plain):
    told: list[str] = []
    start_run(WANDB, group="grid", run="lr=1", folder=tmp_path)
    assert train(tmp_path, report_to=["wandb"], callbacks=[], told=told) == plain
    assert end_run(WANDB) == told == []
    history = written_runs(tmp_path)["lr=1"]["history"]
    assert [row["train/global_step"] for row in history if "train/loss" in row] == list(range(1, 9))


def test_a_service_that_is_killed_while_training(logged_out, wandb_services, written_runs, tmp_path, plain):
    told: list[str] = []
    start_run(WANDB, group="grid", run="lr=1", folder=tmp_path)
    kill = AtStep(lambda: [one.kill() for one in wandb_services()])
    assert train(tmp_path, report_to=["wandb"], callbacks=[kill], told=told) == plain
    assert end_run(WANDB) == []
    sync = f"wandb sync --include-online {tmp_path}/wandb"
    assert len(told) == 1 and told[0].startswith("W&B: it stopped working (") and told[0].endswith(sync)
    kept = [row["train/global_step"] for row in written_runs(tmp_path)["lr=1"]["history"]]
    assert kept == [1, 2], "what was logged more than a second before is on disk"
    assert start_run(WANDB, group="grid", run="lr=2", folder=tmp_path) == [], "the next run has a new service"
    assert train(tmp_path, report_to=["wandb"], callbacks=[], told=told) == plain
    assert end_run(WANDB) == [] and len(told) == 1
    assert len(written_runs(tmp_path)["lr=2"]["history"]) >= 8


def test_without_the_guard_training_fails(logged_out, wandb_services, tmp_path):
    start_run(WANDB, group="grid", run="lr=1", folder=tmp_path)

    def kill_and_wait() -> None:
        for one in wandb_services():
            one.kill()
        time.sleep(0.5)  # until wandb sees it: the training is over sooner

    kill = AtStep(kill_and_wait)
    with pytest.raises(ConnectionError):
        train(tmp_path, report_to=["wandb"], callbacks=[kill], told=None)
    end_run(WANDB)


def test_a_service_that_hangs_while_training(logged_out, wandb_services, monkeypatch, tmp_path, plain):
    monkeypatch.setattr("hftk.tracking.guard.LONGEST_CALL", 1.0)
    told: list[str] = []
    start_run(WANDB, group="grid", run="lr=1", folder=tmp_path)

    def hang() -> None:
        import wandb

        for one in wandb_services():
            one.suspend()
        big = "x" * 1_000_000  # more than the socket takes
        monkeypatch.setattr(
            "transformers.integrations.integration_utils.rewrite_logs", lambda logs: logs | {"big": big}
        )
        assert wandb.run is not None

    started = time.monotonic()
    assert train(tmp_path, report_to=["wandb"], callbacks=[AtStep(hang)], told=told) == plain
    assert end_run(WANDB) == []
    assert time.monotonic() - started < 10
    assert len(told) == 1 and "it stopped working (no answer in 1 s)" in told[0]
    assert wandb_services() == []
    assert Outage.known(tmp_path).then == "offline"
    monkeypatch.undo()


def test_another_tracker_is_turned_off_by_name():
    calls: list[str] = []

    class Writer(TrainerCallback):
        def on_log(self, *args, **kwargs) -> None:
            calls.append("log")
            raise OSError("No space left on device")

    told: list[str] = []
    guard = GuardedTracker(Writer(), name="TensorBoard", tell=told.append)
    for _ in range(3):
        guard.on_log(None, None, None, logs={})
        guard.on_train_end(None, None, None)
    assert calls == ["log"]
    assert told == ["TensorBoard: No space left on device; the rest of this run is not tracked"]


def test_only_trackers_are_guarded(logged_out, tmp_path):
    mine = AtStep(lambda: None)
    args = TrainingArguments(output_dir=str(tmp_path), report_to=["wandb"], use_cpu=True)
    trainer = Trainer(model=Line(), args=args, callbacks=[mine])
    before = [type(one) for one in trainer.callback_handler.callbacks]
    guard_trackers(trainer, tell=print)
    after = [type(one) for one in trainer.callback_handler.callbacks]
    assert after == [GuardedTracker if kind is WandbCallback else kind for kind in before]
    assert after.count(GuardedTracker) == 1
