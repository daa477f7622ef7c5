"""W&B and the others: no prompt, no server, a run for a run."""

import importlib.util
import io
import os

import pytest

import hftk
from hftk.errors import RecipeError
from hftk.recipe.schema import Tracking
from hftk.tracking import end_run, missing_trackers, start_run, tracking_notices

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


def test_a_sweep_leaves_one_offline_run_for_each_run(logged_out, written_runs, recipe, tmp_path):
    before = dict(os.environ)
    stream = io.StringIO()
    recipe["sweep"] = {"parameters": {"training.learning_rate": {"values": [1e-3, 1e-2]}}}
    result = hftk.run(recipe, stream=stream)
    assert result.exit_code == 0, result.results["reason"].tolist()
    folder = tmp_path / "runs" / "tracked"
    assert len(list(folder.glob("wandb/offline-run-*"))) == 2
    runs = written_runs(folder)
    assert sorted(runs) == sorted(result.statuses) == ["learning_rate=0.001", "learning_rate=0.01"]
    for written in runs.values():
        run = written["run"]
        assert (run.run_group, run.project, list(run.tags)) == ("tracked", "hftk-tests", ["tiny"])
        assert run.job_type == "train"
        assert {"train/loss", "eval/loss", "test/accuracy"} <= set().union(*written["history"])
    notice = f"W&B: not logged in, so the runs are written offline; send them later with: wandb sync {folder}/wandb\n"
    assert stream.getvalue().count(notice) == 1
    # WANDB_SERVICE is W&B's own, the others keep it quiet
    assert {name for name in os.environ.keys() - before.keys() if name.startswith("WANDB")} <= {
        "WANDB_SERVICE",
        "WANDB_ERROR_REPORTING",
        "WANDB_SILENT",
    }
    # the trackers' folders are no runs
    assert set(hftk.run(recipe, stream=io.StringIO()).statuses) == set(runs)


def test_a_failed_run_closes_its_tracker(logged_out, recipe, monkeypatch):
    import wandb

    from hftk.sweep import runners

    def fit(*args, **kwargs):
        assert wandb.run is not None and wandb.run.group == "tracked"
        raise RuntimeError("no memory")

    monkeypatch.setattr(runners, "fit", fit)
    assert hftk.run(recipe, jobs=0, stream=io.StringIO()).exit_code == 1
    assert wandb.run is None


def test_nothing_is_told_or_opened_where_nothing_is_tracked(tmp_path):
    assert tracking_notices(Tracking(), folder=tmp_path) == []
    assert start_run(Tracking(), group="g", run="r", folder=tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_with_a_login_or_a_mode_of_the_user_s_nothing_is_decided_for_them(logged_out, monkeypatch, tmp_path):
    assert len(tracking_notices(WANDB, folder=tmp_path)) == 1
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert tracking_notices(WANDB, folder=tmp_path) == []
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    assert tracking_notices(WANDB, folder=tmp_path) == []


def test_a_mode_of_the_user_s_is_kept(logged_out, monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert start_run(WANDB, group="g", run="r", folder=tmp_path) == []
    end_run(WANDB)
    assert list(tmp_path.glob("wandb/*run-*")) == []


def test_a_resumed_run_goes_on_in_the_same_run_of_wandb(wandb_server, tmp_path):
    for resumed in (False, True, False):
        assert start_run(WANDB, group="grid", run="lr=1", folder=tmp_path, resumed=resumed) == []
        assert end_run(WANDB) == []
    names = {number: [run["name"] for run in wandb_server.runs if run.get("groupName")][number] for number in range(3)}
    assert names[0] == names[1] != names[2], "one that starts anew is another one"
    assert wandb_server.asked.count("query RunResumeStatus") == 1


def test_an_id_that_is_lost_gives_a_new_run(logged_out, written_runs, tmp_path):
    (tmp_path / "lr=1").mkdir()
    (tmp_path / "lr=1" / "wandb.json").write_text("[")
    start_run(WANDB, group="grid", run="lr=1", folder=tmp_path, resumed=True)
    end_run(WANDB)
    assert len(written_runs(tmp_path)["lr=1"]["run"].run_id) == 8


def test_tensorboard_has_a_folder_for_each_run(monkeypatch, tmp_path):
    monkeypatch.delenv("TENSORBOARD_LOGGING_DIR", raising=False)
    tracking = Tracking(report_to=["tensorboard"])
    start_run(tracking, group="grid", run="lr=1", folder=tmp_path)
    assert os.environ["TENSORBOARD_LOGGING_DIR"] == str(tmp_path / "tensorboard" / "lr=1")
    end_run(tracking)
    assert "TENSORBOARD_LOGGING_DIR" not in os.environ


@pytest.fixture
def none_installed(monkeypatch):
    real = importlib.util.find_spec
    trackers = {"wandb", "tensorboard", "trackio"}
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None if name in trackers else real(name, *rest))


def test_a_tracker_that_is_not_installed_is_told_with_what_to_install(none_installed):
    assert missing_trackers(Tracking(report_to=["wandb", "tensorboard", "trackio"])) == [
        "tracking.report_to: wandb is not installed; pip install wandb",
        "tracking.report_to: tensorboard is not installed; pip install tensorboard",
        'tracking.report_to: trackio is not installed; pip install "hftk[trackio]"',
    ]
    assert missing_trackers(Tracking()) == []


def test_it_is_told_before_anything_is_trained(none_installed, recipe, tmp_path):
    recipe["tracking"] = {"report_to": ["trackio"]}
    with pytest.raises(RecipeError) as caught:
        hftk.run(recipe, stream=io.StringIO())
    assert caught.value.problems == [
        'recipe: tracking.report_to: trackio is not installed; pip install "hftk[trackio]"'
    ]
    assert not (tmp_path / "runs").exists()
