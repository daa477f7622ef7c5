"""W&B and the others: no prompt, no server, a run for a run."""

import importlib.util
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wandb

import hftk
from hftk.errors import RecipeError
from hftk.recipe.schema import Tracking
from hftk.tracking import missing_trackers, tracking_notices
from hftk.training import callbacks

WANDB = Tracking(report_to=["wandb"], project="hftk-tests", tags=["tiny", "첫째"])


@pytest.fixture
def recipe(tiny_bert, tiny_csv, tmp_path, monkeypatch) -> dict:
    monkeypatch.setenv("HFTK_CACHE", str(tmp_path / "cache"))
    return {
        "name": "tracked",
        "output_dir": str(tmp_path / "runs"),
        "data": {"path": str(tiny_csv), "max_length": 32},
        "model": {"pretrained": str(tiny_bert)},
        "training": {"num_train_epochs": 1, "per_device_train_batch_size": 32, "use_cpu": True},
        "tracking": {"report_to": ["wandb"], "project": "hftk-tests", "tags": ["tiny"]},
    }


def test_a_sweep_leaves_one_offline_run_for_each_run_and_one_for_the_report(logged_out, written_runs, recipe, tmp_path):
    before = dict(os.environ)
    stream = io.StringIO()
    recipe["sweep"] = {"parameters": {"training.learning_rate": {"values": [1e-3, 1e-2]}}}
    recipe["seeds"] = [1, 2]
    result = hftk.run(recipe, stream=stream)
    assert result.exit_code == 0, result.results["reason"].tolist()
    folder = tmp_path / "runs" / "tracked"
    runs = written_runs(folder)
    report = runs.pop("report")
    assert sorted(runs) == sorted(result.statuses) == sorted(result.results["run"])
    for row in result.results.to_dict("records"):
        written = runs[row["run"]]
        run = written["run"]
        assert (run.run_group, run.project, list(run.tags)) == ("tracked", "hftk-tests", ["tiny"])
        assert (run.job_type, written["exit_code"], written["files"]) == ("train", 0, 1)
        assert written["config"]["training.learning_rate"] == row["training.learning_rate"]
        assert written["config"]["seed"] == row["seed"] and f"seed={row['seed']}" in row["run"]
        assert_figures(written, row, epochs=pd.read_csv(folder / row["run"] / "epochs.csv"))
        record = json.loads((folder / row["run"] / "run.json").read_text())
        assert written["config"]["data.fingerprint"] == record["data"]["fingerprint"]
        assert_table(written, pd.read_parquet(folder / row["run"] / "predictions.parquet"))
    assert_report(report, folder=folder)
    notice = f"W&B: not logged in, so the runs are written offline; send them later with: wandb sync {folder}/wandb\n"
    assert stream.getvalue().count(notice) == 1
    # WANDB_SERVICE is W&B's own, the others keep it quiet
    assert {name for name in os.environ.keys() - before.keys() if name.startswith("WANDB")} <= {
        "WANDB_SERVICE",
        "WANDB_ERROR_REPORTING",
        "WANDB_SILENT",
    }
    left = set(folder.glob("wandb/*"))
    # the trackers' folders are no runs, and a report that has not changed is not sent again
    assert set(hftk.run(recipe, stream=io.StringIO()).statuses) == set(runs)
    assert set(folder.glob("wandb/*")) == left


def assert_figures(written: dict, row: dict, *, epochs: pd.DataFrame) -> None:
    """The history is epochs.csv's, the summary results.csv's: the same names behind the prefix, the same figures."""
    evaluated = [one for one in written["history"] if "eval/loss" in one]
    for name in epochs.columns[epochs.columns.str.startswith("validation_")]:
        assert [one[name.replace("validation_", "eval/", 1)] for one in evaluated] == epochs[name].tolist()
    assert [round(one["train/epoch"], 4) for one in evaluated] == epochs["epoch"].tolist()
    steps = [one["train/global_step"] for one in written["history"] if "predictions/nrows" not in one]
    assert steps == sorted(set(steps)) and steps[-1] == max(steps)
    summary = written["summary"]
    for name, value in row.items():
        split, _, metric = name.partition("_")
        if split in ("validation", "test") and metric not in ("brier", "ece"):
            assert summary[f"{'eval' if split == 'validation' else 'test'}/{metric}"] == value, name
    assert (summary["status"], summary["reason"]) == (row["status"], "")
    assert (summary["best_epoch"], summary["parameters"]) == (row["best_epoch"], row["parameters"])
    tested = [one for one in written["history"] if "test/loss" in one]
    assert len(tested) == 1 and tested[0]["test/accuracy"] == row["test_accuracy"]
    assert "test/runtime" not in tested[0] and "eval/runtime" not in evaluated[0]


def assert_table(written: dict, predictions: pd.DataFrame) -> None:
    (place,) = [one["predictions/path"] for one in written["history"] if "predictions/path" in one]
    table = json.loads((written["folder"] / "files" / place).read_text())
    shown = pd.DataFrame(table["data"], columns=table["columns"])
    tested = predictions[predictions["split"] == "test"]
    assert (
        shown[["row", "label", "prediction"]].values.tolist() == tested[["row", "label", "prediction"]].values.tolist()
    )
    np.testing.assert_allclose(shown["probability"], tested["probabilities"].map(max), rtol=1e-6)
    assert shown["text"].str.len().gt(0).all() and (shown["right"] == (shown["label"] == shown["prediction"])).all()
    assert written["summary"]["predictions_shown"] == f"all {len(tested)} rows of test"


def assert_report(report: dict, *, folder: Path) -> None:
    assert (report["run"].job_type, report["run"].run_group, report["exit_code"]) == ("report", "tracked", 0)
    assert report["config"]["swept"] == ["training.learning_rate"]
    for name in ("report.html", "report.md", "results.csv", "curves.png"):
        assert (report["folder"] / "files" / name).read_bytes() == (folder / name).read_bytes()
    (logged,) = report["history"]
    table = json.loads((report["folder"] / "files" / logged["results/path"]).read_text())
    results = pd.read_csv(folder / "results.csv")
    assert [row[0] for row in table["data"]] == results["run"].tolist()
    at = table["columns"].index("eval/accuracy")
    assert [row[at] for row in table["data"]] == results["validation_accuracy"].tolist()
    assert report["summary"]["best/run"] == results["run"][0]
    assert report["summary"]["best/test/accuracy"] == results["test_accuracy"][0]
    assert logged["report/_type"] == "html-file" and logged["curves/_type"] == "image-file"


def test_a_failed_run_is_marked_with_its_masked_reason(logged_out, written_runs, recipe, tmp_path, monkeypatch):

    from hftk.sweep import runners

    def fit(*args, **kwargs):
        assert wandb.run is not None and wandb.run.group == "tracked"
        raise RuntimeError("401 for hf_" + "a" * 34)

    monkeypatch.setattr(runners, "fit", fit)
    assert hftk.run(recipe, jobs=0, stream=io.StringIO()).exit_code == 1
    assert wandb.run is None
    (failed,) = [run for name, run in written_runs(tmp_path / "runs" / "tracked").items() if name != "report"]
    assert failed["exit_code"] == 1
    assert (failed["summary"]["status"], failed["summary"]["reason"]) == ("failed", "RuntimeError: 401 for <secret>")


@pytest.mark.parametrize(("status", "code"), [("finished", 0), ("pruned", 0), ("failed", 1), ("interrupted", 255)])
def test_how_a_run_ended_is_seen_at_the_tracker(logged_out, tracked, written_runs, tmp_path, status, code):
    assert tracked(tmp_path).end(status, "why", test_f1=0.5) == []
    written = written_runs(tmp_path)["lr=1"]
    assert written["exit_code"] == code
    assert (written["summary"]["status"], written["summary"]["reason"]) == (status, "why")


@pytest.fixture
def interrupted(recipe, tmp_path, monkeypatch):
    """Trains the recipe's one run until it is interrupted after some steps, 0: to its end. Returns its sweep."""
    recipe["training"] |= {"num_train_epochs": 3, "logging_strategy": "steps", "logging_steps": 1}
    plain, stop_after = callbacks.Report.on_step_end, 0

    def on_step_end(self, args, state, control, **kwargs) -> None:
        plain(self, args, state, control, **kwargs)
        if state.global_step == stop_after:
            signal.raise_signal(signal.SIGINT)  # as Ctrl-C

    monkeypatch.setattr(callbacks.Report, "on_step_end", on_step_end)

    def trained(steps: int) -> Path:
        nonlocal stop_after
        stop_after = steps
        try:
            assert hftk.run(recipe, jobs=0, stream=io.StringIO()).exit_code == 0 and not steps
        except KeyboardInterrupt:
            assert steps
        return tmp_path / "runs" / "tracked"

    return trained


def rows_of(history: list[dict]) -> list[dict]:
    """What does not depend on the clock."""
    return [{name: one for name, one in row.items() if "/" in name} for row in history if "train/loss" in row]


@pytest.fixture
def undisturbed(logged_out, interrupted, written_runs, tmp_path) -> list[dict]:
    """The rows of the run when nothing interrupts it."""
    folder = interrupted(0)
    (written,) = [run for name, run in written_runs(folder).items() if name != "report"]
    folder.rename(tmp_path / "undisturbed")
    return rows_of(written["history"])


def test_an_interrupted_run_that_goes_on_offline_leaves_one_whole_file(
    undisturbed, interrupted, written_runs, tmp_path
):
    folder = interrupted(6)
    first = written_runs(folder)
    (name,) = first
    assert (first[name]["exit_code"], first[name]["summary"]["status"]) == (255, "interrupted")
    assert rows_of(first[name]["history"]) == undisturbed[: len(first[name]["history"])] != []
    interrupted(0)
    written = written_runs(folder)[name]
    assert written["files"] == 2 and written["run"].run_id == first[name]["run"].run_id
    assert rows_of(written["history"]) == undisturbed
    assert (written["exit_code"], written["summary"]["status"]) == (0, "finished")


@pytest.mark.slow
def test_both_files_sent_later_are_one_whole_run(undisturbed, wandb_server, interrupted, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("WANDB_MODE", "offline")
        interrupted(6)
        folder = interrupted(0)
    environment = os.environ | {"WANDB_API_KEY": "0" * 40, "WANDB_BASE_URL": wandb_server.url}
    sync = [sys.executable, "-m", "wandb", "sync", str(folder / "wandb")]
    subprocess.run(sync, cwd=tmp_path, check=True, capture_output=True, env=environment, timeout=60)
    assert_whole(wandb_server, undisturbed)


def assert_whole(server, undisturbed: list[dict]) -> None:
    run = next(run["name"] for run in server.runs if run.get("jobType") == "train")
    assert rows_of(server.histories[run]) == undisturbed
    assert server.summaries[run]["status"] == "finished" and server.exit_codes[run] == 0


@pytest.mark.slow
@pytest.mark.parametrize("first", ["online", "offline"])
def test_an_interrupted_run_that_goes_on_online_is_the_same_run_there(
    undisturbed, wandb_server, interrupted, tmp_path, monkeypatch, first
):
    with monkeypatch.context() as patch:
        if first == "offline":
            patch.setenv("WANDB_MODE", "offline")
        folder = interrupted(6)
    wandb.teardown()  # a command of its own reads its environment anew
    interrupted(0)
    assert_whole(wandb_server, undisturbed)
    sent = b"".join(wandb_server.bodies)
    started = [sys.argv[0]] if os.path.isabs(sys.argv[0]) else []  # -c in a worker of pytest-xdist
    for place in (sys.executable, *started, str(Path(hftk.__file__).parents[1])):
        assert place.encode() not in sent, "a path of this machine"
    if first == "offline":  # it would bring back how the run stood then
        assert len(list(folder.glob("wandb/offline-run-*/*.synced"))) == 1


def test_nothing_is_told_or_opened_where_nothing_is_tracked(tracked, tmp_path):
    assert tracking_notices(Tracking(), folder=tmp_path) == []
    run = tracked(tmp_path, report_to=[])
    assert run.told == run.end() == []
    assert list(tmp_path.iterdir()) == []


def test_with_a_login_or_a_mode_of_the_user_s_nothing_is_decided_for_them(logged_out, monkeypatch, tmp_path):
    assert len(tracking_notices(WANDB, folder=tmp_path)) == 1
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert tracking_notices(WANDB, folder=tmp_path) == []
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    assert tracking_notices(WANDB, folder=tmp_path) == []


def test_a_mode_of_the_user_s_is_kept(logged_out, tracked, monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    run = tracked(tmp_path)
    assert run.told == run.end(test_f1=0.5) == []
    assert list(tmp_path.glob("wandb/*run-*")) == []


def test_a_resumed_run_goes_on_in_the_same_run_of_wandb(wandb_server, tracked, tmp_path):
    for resumed in (False, True, False):
        run = tracked(tmp_path, resumed=resumed)
        assert run.told == run.end() == []
    names = {number: [run["name"] for run in wandb_server.runs if run.get("groupName")][number] for number in range(3)}
    assert names[0] == names[1] != names[2], "one that starts anew is another one"
    assert wandb_server.asked.count("query RunResumeStatus") == 1


def test_an_id_that_is_lost_gives_a_new_run(logged_out, tracked, written_runs, tmp_path):
    (tmp_path / "lr=1").mkdir()
    (tmp_path / "lr=1" / "wandb.json").write_text("[")
    tracked(tmp_path, resumed=True).end()
    assert len(written_runs(tmp_path)["lr=1"]["run"].run_id) == 8


@pytest.fixture
def none_installed(monkeypatch):
    real = importlib.util.find_spec
    trackers = {"wandb", "tensorboard", "trackio"}
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None if name in trackers else real(name, *rest))


def test_a_tracker_that_is_not_installed_is_told_with_what_to_install(none_installed):
    assert missing_trackers(Tracking(report_to=["wandb", "tensorboard", "trackio"])) == [
        "tracking.report_to: wandb is not installed; pip install wandb",
        'tracking.report_to: tensorboard is not installed; pip install "hftk[tensorboard]"',
        'tracking.report_to: trackio is not installed; pip install "hftk[trackio]"',
    ]
    assert missing_trackers(Tracking()) == []


def test_it_is_told_before_anything_is_trained(none_installed, recipe, tmp_path):
    recipe["tracking"] = {"report_to": ["trackio"]}
    with pytest.raises(RecipeError) as caught:
        hftk.run(recipe, jobs=0, stream=io.StringIO())  # a worker process has what is installed
    assert caught.value.problems == [
        'recipe: tracking.report_to: trackio is not installed; pip install "hftk[trackio]"'
    ]
    assert not (tmp_path / "runs").exists()
