"""What happens to a tracker in the middle of training does not happen to training."""

import time

import pytest
import torch
from torch.utils.data import Dataset
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import TrainerState

from hftk.tracking.outage import Outage
from hftk.tracking.told import Ending
from hftk.tracking.trackers import Trackers


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


def train(folder, *, callbacks: list[TrainerCallback]) -> float:
    """The trained weight."""
    args = TrainingArguments(
        output_dir=str(folder / "checkpoints"),
        max_steps=8,
        per_device_train_batch_size=4,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        disable_tqdm=True,
    )
    trainer = Trainer(model=Line(), args=args, train_dataset=Points(), callbacks=callbacks)
    trainer.train()
    return trainer.model.weight.weight.item()


@pytest.fixture
def plain(tmp_path) -> float:
    return train(tmp_path, callbacks=[])


def steps(written: dict) -> list[int]:
    return [row["train/global_step"] for row in written["history"]]


def test_a_sound_tracker_gets_each_step_once(logged_out, tracked, written_runs, tmp_path, plain):
    run = tracked(tmp_path)
    assert train(tmp_path, callbacks=run.trackers.callbacks) == plain
    assert run.end(test_accuracy=0.5) == run.told == []
    written = written_runs(tmp_path)["lr=1"]
    assert steps(written) == [row["_step"] for row in written["history"]] == list(range(1, 9))
    assert all({"train/loss", "train/learning_rate", "train/epoch"} <= row.keys() for row in written["history"])
    assert written["history"][-1]["test/accuracy"] == written["summary"]["test/accuracy"] == 0.5


def test_a_service_that_is_killed_while_training(logged_out, tracked, wandb_services, written_runs, tmp_path, plain):
    run = tracked(tmp_path)
    kill = AtStep(lambda: [one.kill() for one in wandb_services()])
    assert train(tmp_path, callbacks=[*run.trackers.callbacks, kill]) == plain
    assert run.end() == []
    sync = f"wandb sync --include-online {tmp_path}/wandb"
    assert len(run.told) == 1 and run.told[0].startswith("W&B: it stopped working (") and run.told[0].endswith(sync)
    assert steps(written_runs(tmp_path)["lr=1"]) == [1, 2], "what was logged more than a second before is on disk"
    following = tracked(tmp_path, "lr=2")
    assert train(tmp_path, callbacks=following.trackers.callbacks) == plain
    assert following.end() == following.told == [], "the next run has a new service"
    assert steps(written_runs(tmp_path)["lr=2"]) == list(range(1, 9))


def test_a_service_that_hangs_while_training(
    logged_out, tracked, wandb_services, written_runs, monkeypatch, tmp_path, plain
):
    monkeypatch.setattr("hftk.tracking.trackers.LONGEST_CALL", 1.0)
    run = tracked(tmp_path)

    def hang() -> None:
        for one in wandb_services():
            one.suspend()
        big = {f"train/{number}": float(number) for number in range(100_000)}  # more than the socket takes
        monkeypatch.setattr("hftk.tracking.step_rows.tracked", lambda logs: big)

    started = time.monotonic()
    assert train(tmp_path, callbacks=[*run.trackers.callbacks, AtStep(hang)]) == plain
    assert run.end() == []
    assert time.monotonic() - started < 10
    assert len(run.told) == 1 and "it stopped working (no answer in 1 s)" in run.told[0]
    assert wandb_services() == []
    assert Outage.known(tmp_path).then == "offline"


class Broken:
    """A tracker whose disk is full from the first row on."""

    name = "TensorBoard"
    next_step = 0

    def __init__(self) -> None:
        self.calls: list[str] = []

    def row(self, step: int, values: dict) -> None:
        self.calls.append("row")
        raise OSError("No space left on device")

    def end(self, ending: Ending, *, step: int) -> list[str]:
        self.calls.append("end")
        return []

    def drop(self, error: Exception) -> list[str]:
        return [f"{self.name}: {error}"]


class Kept(Broken):
    name = "kept"

    def row(self, step: int, values: dict) -> None:
        self.calls.append((step, values))

    def end(self, ending: Ending, *, step: int) -> list[str]:
        self.calls.append(ending)
        return []


@pytest.fixture
def opened():
    """Trackers of ours: (trackers, what was told)."""

    def made(*trackers: Broken) -> tuple[Trackers, list[str]]:
        told: list[str] = []
        made = Trackers(tell=told.append)
        made._trackers = list(trackers)
        return made, told

    return made


def test_one_that_fails_is_turned_off_by_name_and_the_others_go_on(opened, tmp_path, plain):
    broken, kept = Broken(), Kept()
    trackers, told = opened(broken, kept)
    assert train(tmp_path, callbacks=trackers.callbacks) == plain
    trackers.end(Ending("finished", None, {"test/accuracy": 1.0}))
    assert told == ["TensorBoard: No space left on device"] and broken.calls == ["row"]
    assert [call[0] for call in kept.calls[:-1]] == list(range(1, 9))
    assert kept.calls[-1].status == "finished"


def test_without_trackers_nothing_listens(tmp_path):
    trackers = Trackers(tell=print)
    assert trackers.callbacks == []
    trackers.end(Ending("finished", None, {"test/accuracy": 1.0}))
    assert list(tmp_path.iterdir()) == []


def log(step: int) -> list[dict]:
    """What Trainer's state remembers of a run that logs each step and evaluates every second one."""
    entries = []
    for number in range(1, step + 1):
        entries.append({"loss": 1 / number, "epoch": number / 4, "step": number})
        if number % 2 == 0:
            entries.append({"eval_loss": 2 / number, "eval_runtime": 9.0, "epoch": number / 4, "step": number})
    return entries


def go(trackers: Trackers, *, after: int, until: int) -> None:
    """Trainer's events from a checkpoint after one step until another."""
    (callback,) = trackers.callbacks
    state = TrainerState(log_history=log(after), global_step=after)
    callback.on_train_begin(None, state, None)
    for entry in log(until)[len(log(after)) :]:
        if entry["step"] != state.global_step:
            callback.on_step_begin(None, state, None)
        state.global_step = entry["step"]
        callback.on_log(None, state, None, logs={name: one for name, one in entry.items() if name != "step"})


@pytest.mark.parametrize("known", [0, 4, 5, 7])
def test_a_tracker_that_goes_on_has_each_step_once_whatever_it_had(opened, known):
    """known: the step up to which it has rows; the checkpoint is of step 5."""
    whole = Kept()
    trackers, _ = opened(whole)
    go(trackers, after=0, until=8)
    trackers.end(Ending("finished", None, {"test/accuracy": 0.5}))
    resumed = Kept()
    resumed.next_step = known + 1
    trackers, _ = opened(resumed)
    go(trackers, after=5, until=8)
    trackers.end(Ending("finished", None, {"test/accuracy": 0.5}))
    assert resumed.calls == whole.calls[known:]
    assert whole.calls[7] == (8, {"train/loss": 1 / 8, "train/epoch": 2.0, "eval/loss": 0.25, "test/accuracy": 0.5})


@pytest.mark.parametrize("status", ["interrupted", "failed"])
def test_a_step_that_may_not_be_whole_is_kept_for_the_next_time(opened, status):
    kept = Kept()
    trackers, _ = opened(kept)
    go(trackers, after=0, until=3)
    trackers.end(Ending(status, "no memory", {"seconds": 3.0}))
    assert [call[0] for call in kept.calls[:-1]] == [1, 2]
    assert kept.calls[-1].figures == {"train/loss": 1 / 3, "train/epoch": 0.75, "seconds": 3.0}


def test_an_attempt_that_ran_out_of_memory_counts_for_nothing(opened):
    kept = Kept()
    trackers, _ = opened(kept)
    go(trackers, after=0, until=1)
    go(trackers, after=0, until=3)
    trackers.end(Ending("finished", None, {}))
    assert [call[0] for call in kept.calls[:-1]] == [1, 2, 3]


def test_one_that_does_not_start_is_told_and_the_run_is_trained(tracked, monkeypatch, tmp_path):
    def refuse(*args, **kwargs):
        raise OSError("read-only file system")

    monkeypatch.setattr("hftk.tracking.tensorboard_tracker.open_tracker", refuse)
    run = tracked(tmp_path, report_to=["tensorboard"])
    assert run.told == ["TensorBoard: it does not start (read-only file system); this run is not tracked there"]
    assert run.trackers.callbacks == [] and run.end() == []
