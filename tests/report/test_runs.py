import json
import math

import pytest

from hftk.errors import RunError
from hftk.report.runs import common_ranking, read_run, read_runs, unfinished_folders


def names(folder):
    return [run.name for run in read_runs(folder)]


def test_best_on_validation_stands_first_ties_and_unfinished_runs_by_name(write_run):
    write_run("b", accuracy=0.7)
    write_run("d", accuracy=0.9)
    write_run("c", accuracy=0.7)
    write_run("z", status="failed", reason="RunError: loss is not finite", metrics={})
    write_run("y", status="pruned", metrics={"validation_accuracy": 0.99})
    write_run("x", status="interrupted", metrics=None)
    folder = write_run("a", accuracy=math.nan)
    assert names(folder) == ["d", "b", "c", "a", "x", "y", "z"]


def test_a_ranking_that_minimizes(write_run):
    ranking = {"metric": "validation_loss", "goal": "minimize"}
    write_run("a", ranking=ranking, metrics={"validation_loss": 0.5})
    folder = write_run("b", ranking=ranking, metrics={"validation_loss": 0.4})
    assert names(folder) == ["b", "a"]


def test_runs_of_another_ranking_stand_below(write_run):
    write_run("a", accuracy=0.5)
    write_run("b", accuracy=0.6)
    folder = write_run("c", ranking={"metric": "validation_loss", "goal": "minimize"})
    assert names(folder) == ["b", "a", "c"]
    assert common_ranking(read_runs(folder)).metric == "validation_accuracy"


def test_what_is_no_run_is_left_out(write_run):
    folder = write_run("a")
    for name in (".hidden", "_draft", "superseded", "baselines"):
        write_run(name)
    (folder / "b").mkdir()
    (folder / "report.md").touch()
    (folder / "c").mkdir()
    (folder / "c" / "recipe.yaml").touch()
    assert names(folder) == ["a"]
    assert unfinished_folders(folder) == ["c"]


def test_no_runs(tmp_path):
    with pytest.raises(RunError, match=r"grid: no runs found\. Expected .*grid/<run>/run\.json"):
        read_runs(tmp_path / "grid")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"run": "a"', r"a/run\.json: not valid JSON \(.*\)\. Remove the run's folder"),
        ("[]", r"a/run\.json: expected a mapping, found list"),
        ('{"run": "a"}', r"a/run\.json: not a run's record: status: field required; seed: field required; ranking"),
    ],
)
def test_a_broken_record_is_named(write_run, text, message):
    folder = write_run("a")
    (folder / "a" / "run.json").write_text(text)
    with pytest.raises(RunError, match=message):
        read_runs(folder)


def test_a_record_that_is_not_text(write_run):
    folder = write_run("a")
    (folder / "a" / "run.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(RunError, match=r"a/run\.json: not valid JSON \('utf-8' codec"):
        read_runs(folder)


def test_an_unknown_status_says_what_is_allowed(write_run):
    folder = write_run("a", status="done")
    with pytest.raises(RunError, match="status: input should be 'finished', 'failed', 'interrupted' or 'pruned'"):
        read_runs(folder)


def test_the_same_run_twice(write_run):
    folder = write_run("a")
    write_run("copy", run="a")
    with pytest.raises(RunError, match="grid: two folders hold the run 'a': a and copy. Move one of them away."):
        read_runs(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch,train_loss\n1.0,x\n", r"epochs\.csv:2: a cell is not a number \(could not convert .*'x'\)"),
        ("epoch,train_loss\n1.0,2.0,3.0\n", r"epochs\.csv:2: a cell is not a number"),
        ("train_loss\n2.0\n", r"epochs\.csv:2: no epoch; found the columns train_loss"),
    ],
)
def test_a_broken_curve_is_named(write_run, text, message):
    folder = write_run("a")
    (folder / "a" / "epochs.csv").write_text(text)
    with pytest.raises(RunError, match=message):
        read_runs(folder)


def test_missing_and_not_a_number_are_told_apart(write_run):
    folder = write_run("a", epochs=[(1.0, math.nan, None, 0.5)])
    [row] = read_run(folder / "a").curve
    assert math.isnan(row["train_loss"])
    assert row["validation_loss"] is None


def test_a_run_that_failed_early_needs_no_more_than_its_name_status_and_seed(write_run):
    folder = write_run("a", epochs=None)
    record = {
        "run": "a",
        "status": "failed",
        "seed": 1,
        "ranking": {"metric": "validation_accuracy", "goal": "maximize"},
        "data": None,
        "versions": None,
    }
    (folder / "a" / "run.json").write_text(json.dumps(record))
    run = read_run(folder / "a")
    assert (run.curve, run.data.rows, run.kept_epoch) == ([], {}, None)


def test_the_kept_epoch(write_run):
    folder = write_run("best")
    write_run("last", keep="last")
    write_run("failed", status="failed")
    kept = {run.name: run.kept_epoch for run in read_runs(folder)}
    assert kept == {"best": 2.0, "last": 3.0, "failed": None}
