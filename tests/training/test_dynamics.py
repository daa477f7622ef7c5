"""trace.csv and gradients.csv of real runs: there, and the same after a kill."""

import csv

import pytest

from hftk.errors import RunError
from hftk.training.dynamics import _write

FILES = ("trace.csv", "gradients.csv")
STEPS = {"save_strategy": "steps", "save_steps": 3}


def table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("recipe", "event", "count"),
    [
        ({"training": STEPS}, "on_step_end", 7),
        ({"training": {**STEPS, "eval_steps": 3}}, "on_step_end", 8),
        ({"training": {**STEPS, "gradient_accumulation_steps": 3, "per_device_train_batch_size": 3}}, "on_step_end", 8),
        ({"training": {**STEPS, "max_grad_norm": 0.1}}, "on_evaluate", 2),
        ({"training": {"max_steps": 10}, "keep": "last"}, "on_train_end", 1),
    ],
)
def test_a_killed_run_leaves_the_same_files(recipe, event, count, fit_in_child, tmp_path):
    assert fit_in_child(tmp_path / "whole", recipe=recipe)["code"] == 0
    assert fit_in_child(tmp_path / "run", recipe=recipe, kill={"event": event, "count": count})["code"] == -9
    found = fit_in_child(tmp_path / "run", recipe=recipe)
    assert any("goes on from" in text for text in found["told"]), "else nothing was tried"
    for name in FILES:
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_what_the_files_hold(fit_in_child, tmp_path):
    fit_in_child(tmp_path / "run")
    trace, gradients = (table(tmp_path / "run" / name) for name in FILES)
    assert list(trace[0]) == ["step", "epoch", "loss", "grad_norm", "learning_rate"]
    assert [int(row["step"]) for row in trace] == list(range(1, 17))
    assert float(trace[-1]["epoch"]) == 4.0 and float(trace[0]["learning_rate"]) == 0.02
    assert list(gradients[0]) == ["step", "epoch", "embedding", "recurrent.forwards.0", "classifier.1"]
    assert [int(row["step"]) for row in gradients] == [1, 2, 4, 8, 16]
    assert all(float(row["classifier.1"]) > 0 for row in gradients)


def test_a_disk_that_refuses(tmp_path):
    (tmp_path / "trace.csv").mkdir()
    with pytest.raises(RunError, match=r"trace\.csv: cannot be written \(Is a directory\); free space or make it"):
        _write(tmp_path / "trace.csv", [{"step": 1}])
    assert [path.name for path in tmp_path.iterdir()] == ["trace.csv"], "nothing is left beside it"


def test_groups_that_come_later_have_empty_cells_before(tmp_path):
    _write(tmp_path / "g.csv", [{"step": 1, "a": 0.123456789}, {"step": 2, "a": 1.0, "b": 2.0}])
    assert (tmp_path / "g.csv").read_text() == "step,a,b\n1,0.123457,\n2,1,2\n"
