"""Best epoch, patience and the epoch table, decided from rows alone."""

import json
import math
from types import SimpleNamespace

import pytest
import torch

from hftk.training.callbacks import EpochTable, KeepBest, Report, StopEarly, improves, split_metrics
from hftk.training.loss import ClassificationLoss


class Stored:
    """In place of the run's checkpoints."""

    def __init__(self) -> None:
        self.steps = []

    def keep_best(self, *, step, epoch, weights) -> None:
        self.steps.append(step)


def table_of(**columns):
    """An EpochTable whose rows appear one by one."""
    return [{name: values[i] for name, values in columns.items()} for i in range(len(next(iter(columns.values()))))]


def evaluate_all(callback, rows, table):
    control = SimpleNamespace(should_training_stop=False)
    for number, row in enumerate(rows, start=1):
        table.rows.append(row)
        callback.on_evaluate(None, SimpleNamespace(global_step=number), control, model=torch.nn.Linear(1, 1))
        if control.should_training_stop:
            return number
    return None


@pytest.mark.parametrize(
    ("metric", "values", "best_epoch"),
    [
        ("accuracy", [0.5, 0.7, 0.7, 0.6], 2),  # the first best wins ties
        ("loss", [0.5, 0.4, 0.4, 0.45], 2),
        ("accuracy", [math.nan, 0.3, math.nan], 2),
        ("loss", [0.1], 1),
    ],
)
def test_the_first_best_epoch_is_kept(metric, values, best_epoch):
    rows = table_of(**{f"validation_{metric}": values, "epoch": [float(i + 1) for i in range(len(values))]})
    table, stored = SimpleNamespace(rows=[]), Stored()
    best = KeepBest(metric=metric, table=table, checkpoints=stored)
    evaluate_all(best, rows, table)
    assert best.best_epoch == best_epoch


def test_weights_are_stored_at_improvements_only():
    rows = table_of(validation_accuracy=[0.5, 0.4, 0.6, 0.6], epoch=[1.0, 2.0, 3.0, 4.0])
    table, stored = SimpleNamespace(rows=[]), Stored()
    evaluate_all(KeepBest(metric="accuracy", table=table, checkpoints=stored), rows, table)
    assert stored.steps == [1, 3]


@pytest.mark.parametrize(
    ("metric", "values", "patience", "min_delta", "stops_at"),
    [
        ("loss", [1.0, 0.9, 0.95, 0.96, 0.5], 2, 0.0, 4),
        ("loss", [1.0, 0.9, 0.95, 0.8, 0.85, 0.86], 2, 0.0, 6),  # an improvement starts the count anew
        ("loss", [1.0, 0.95, 0.91], 2, 0.1, 3),  # smaller than min_delta is no improvement
        ("accuracy", [0.5, 0.6, 0.6], 1, 0.0, 3),  # neither is a tie
        ("accuracy", [0.5, 0.6, 0.7], 1, 0.0, None),
        ("loss", [math.nan, math.nan], 2, 0.0, 2),
    ],
)
def test_patience(metric, values, patience, min_delta, stops_at):
    rows = table_of(**{f"validation_{metric}": values})
    table = SimpleNamespace(rows=[])
    stop = StopEarly(metric=metric, patience=patience, min_delta=min_delta, table=table)
    assert evaluate_all(stop, rows, table) == stops_at


def test_training_that_trainer_has_ended_stays_ended():
    table = SimpleNamespace(rows=[{"validation_loss": 0.5}])
    control = SimpleNamespace(should_training_stop=True)
    StopEarly(metric="loss", patience=9, min_delta=0.0, table=table, best=0.1).on_evaluate(None, None, control)
    assert control.should_training_stop


def test_improves_knows_the_direction():
    assert improves(0.4, 0.5, metric="loss")
    assert not improves(0.4, 0.5, metric="f1")
    assert improves(0.6, 0.5, metric="f1")
    assert not improves(math.nan, None, metric="f1")


def test_metrics_are_renamed_loss_first_and_timing_left_out():
    given = {"eval_runtime": 3.0, "eval_f1": 0.5, "eval_loss": 0.7, "eval_samples_per_second": 9.0, "epoch": 1.0}
    assert list(split_metrics(given, prefix="eval", split="validation").items()) == [
        ("validation_loss", 0.7),
        ("validation_f1", 0.5),
    ]


def evaluated_table(*, train_logits, eval_loss):
    loss = ClassificationLoss()
    loss({"logits": train_logits}, torch.tensor([0, 1]))
    norms = [torch.tensor(1.0), 3.0]
    written = []
    table = EpochTable(loss=loss, grad_norms=norms, on_row=lambda rows: written.append([dict(row) for row in rows]))
    table.on_train_begin(None, None, None)
    state = SimpleNamespace(global_step=5, epoch=1.0)
    scheduler = SimpleNamespace(get_last_lr=lambda: [2e-5])
    args = SimpleNamespace(device=torch.device("cpu"), fp16=False)
    table.on_evaluate(args, state, None, metrics={"eval_loss": eval_loss, "eval_f1": 0.5}, lr_scheduler=scheduler)
    return table, norms, written, state, args


def test_a_row_holds_the_columns_of_epochs_csv():
    table, norms, written, state, args = evaluated_table(train_logits=torch.zeros(2, 2), eval_loss=0.3)
    (row,) = table.rows
    assert list(row) == [
        "step", "epoch", "train_loss", "validation_loss", "validation_f1", "learning_rate", "grad_norm", "seconds",
    ]  # fmt: skip
    assert row["train_loss"] == pytest.approx(math.log(2))
    assert row["grad_norm"] == 2.0
    assert row["learning_rate"] == 2e-5
    assert norms == [], "the next epoch starts anew"
    assert written[0][0]["epoch"] == 1.0
    table.on_evaluate(args, state, None, metrics={"eval_loss": 0.1})
    assert len(table.rows) == 1, "the same step is not entered twice"


def test_what_a_callback_says_of_itself_makes_another_one_go_on():
    """Through JSON, as a checkpoint keeps it."""
    table, norms, written, *_ = evaluated_table(train_logits=torch.zeros(2, 2), eval_loss=0.3)
    norms.extend([torch.tensor(0.1), None, 2.0])
    best = KeepBest(metric="f1", table=table, checkpoints=Stored(), best=0.5, best_epoch=1.0)
    early = StopEarly(metric="loss", patience=3, min_delta=0.0, table=table, best=0.3, waited=2)
    states = json.loads(json.dumps([table.state(), best.state(), early.state()]))

    rows = []
    again = EpochTable(loss=ClassificationLoss(), grad_norms=[], on_row=rows.append)
    others = [
        KeepBest(metric="f1", table=again, checkpoints=Stored()),
        StopEarly(metric="loss", patience=3, min_delta=0.0, table=again),
    ]
    for callback, state in zip([again, *others], states, strict=True):
        callback.restore(state)
    again.on_train_begin(None, None, None)
    assert rows == [table.rows] and rows[0][0]["epoch"] == 1.0, "epochs.csv is written anew"
    assert again.grad_norms == [float(torch.tensor(0.1)), 2.0]
    assert again.state()["seconds"] >= states[0]["seconds"]
    assert [one.state() for one in others] == states[1:]
    again.rows.append({"validation_loss": 0.4})
    control = SimpleNamespace(should_training_stop=False)
    others[1].on_evaluate(None, None, control)
    assert control.should_training_stop, "it was the third in a row"


def test_the_display_is_told_of_steps_and_evaluations():
    table, *_ = evaluated_table(train_logits=torch.zeros(2, 2), eval_loss=0.3)
    told = []
    observer = SimpleNamespace(step=lambda *a: told.append(("step", *a)), evaluated=lambda *a: told.append(a))
    table.loss({"logits": torch.zeros(2, 2)}, torch.tensor([0, 1]))
    report = Report(observer, table)
    report.on_step_end(None, SimpleNamespace(global_step=6, epoch=1.2), None)
    report.on_evaluate(None, None, None)
    step, evaluated = told
    assert step[:3] == ("step", 6, 1.2)
    assert step[3] == pytest.approx(math.log(2))
    assert evaluated[0] == 1.0
    assert set(evaluated[1]) == {"train_loss", "validation_loss", "validation_f1"}
