"""What Trainer logs, as rows of steps."""

import math

from transformers.integrations.integration_utils import rewrite_logs

from hftk.tracking.step_rows import StepRows, tracked


def test_names_are_those_of_transformers_own_callbacks():
    logs = {"loss": 1.5, "grad_norm": 2.0, "learning_rate": 0.1, "epoch": 1.0, "eval_loss": 3.0, "test_f1": 0.5}
    assert tracked(logs) == rewrite_logs(logs)


def test_timing_and_texts_are_left_out():
    logs = {"eval_runtime": 1.0, "eval_samples_per_second": 2.0, "train_runtime": 3.0, "train_loss": 1.0}
    assert tracked(logs | {"total_flos": 5.0, "step": 3, "note": "text"}) == {}


def test_nan_is_a_figure():
    assert math.isnan(tracked({"loss": math.nan})["train/loss"])


def test_a_row_waits_for_its_evaluation():
    rows = StepRows()
    assert rows.add(3, {"loss": 1.0, "epoch": 0.5}) is None
    assert rows.add(3, {"eval_loss": 2.0, "epoch": 0.5}) is None
    assert rows.add(4, {"loss": 0.5}) == (3, {"train/loss": 1.0, "train/epoch": 0.5, "eval/loss": 2.0})
    assert rows.take() == (4, {"train/loss": 0.5})
    assert rows.take() is None and rows.step == 4


def test_the_end_of_training_is_no_row():
    rows = StepRows()
    assert rows.add(3, {"train_runtime": 9.0, "total_flos": 1.0, "epoch": 1.0}) is None and rows.take() is None
