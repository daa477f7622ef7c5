"""W&B's server refuses, answers nonsense, hangs, dies or is slow: nothing is lost and little time."""

import io
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import hftk
from hftk.recipe.schema import Tracking
from hftk.tracking import tracking_notices
from hftk.tracking.outage import Outage

WANDB = Tracking(report_to=["wandb"], project="hftk-tests", tags=["tiny"])
LONGEST = 10  # seconds that an outage may cost a whole sweep
BUSY = 5  # seconds of W&B's own work on a busy machine


@pytest.fixture
def open_run(tracked):
    """Opens a run: notices, and seconds."""

    def opened(folder: Path, *, run: str = "lr=1") -> tuple[list[str], float]:
        started = time.monotonic()
        opened.last = tracked(folder, run)
        return opened.last.told[:], time.monotonic() - started

    return opened


@pytest.fixture
def close_run(open_run):
    """Ends the run that was opened last: notices, and seconds."""

    def closed() -> tuple[list[str], float]:
        started = time.monotonic()
        return open_run.last.end(), time.monotonic() - started

    return closed


def offline(folder: Path, reason: str) -> str:
    return f"W&B: {reason}; the runs are written offline, send them later with: wandb sync {folder}/wandb"


def test_all_is_well(open_run, close_run, wandb_server, tmp_path, capfd):
    import wandb

    assert open_run(tmp_path)[0] == []
    wandb.log({"eval/loss": 1.0})
    assert close_run()[0] == []
    assert "mutation UpsertBucket" in wandb_server.asked and wandb_server.runs[0]["groupName"] == "grid"
    assert not list(tmp_path.glob("wandb/offline-*")) and not (tmp_path / "wandb" / "latest-run").exists()
    assert not any("otel" in path for path in wandb_server.asked), "W&B's reports on itself"
    assert capfd.readouterr() == ("", ""), "the terminal is our display's"


def test_an_offline_run_asks_no_server(open_run, close_run, wandb_server, monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert open_run(tmp_path)[0] == close_run()[0] == []
    import wandb

    wandb.teardown()
    assert wandb_server.asked == [], "not even W&B's reports on itself"


def test_a_server_that_refuses(open_run, close_run, logged_out, monkeypatch, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", f"http://{place}")
    notices, seconds = open_run(tmp_path)
    assert notices == [offline(tmp_path, f"{place} cannot be reached")]
    assert seconds < LONGEST + BUSY
    assert close_run()[0] == []
    assert open_run(tmp_path, run="lr=2")[0] == [], "told once, asked once"
    assert close_run()[0] == []
    assert len(list(tmp_path.glob("wandb/offline-run-*"))) == 2
    assert tracking_notices(WANDB, folder=tmp_path) == [] and Outage.known(tmp_path) is None, "a new command asks again"


def test_a_server_out_of_order(open_run, close_run, wandb_server, tmp_path):
    wandb_server.fault = "500"
    notices, seconds = open_run(tmp_path)
    assert notices == [offline(tmp_path, f"{wandb_server.place} answers with HTTP 500")]
    assert seconds < LONGEST + BUSY
    close_run()
    wandb_server.fault = None
    assert open_run(tmp_path, run="lr=2")[0] == []
    close_run()
    assert wandb_server.runs == [], "once for the sweep"


def test_a_server_that_never_answers(open_run, close_run, black_hole, tmp_path):
    notices, seconds = open_run(tmp_path)
    assert notices == [offline(tmp_path, f"{black_hole} does not answer")]
    assert seconds < LONGEST + BUSY
    notices, seconds = close_run()
    assert notices == [] and seconds < BUSY


@pytest.mark.slow
def test_a_server_that_answers_and_does_not_open_the_run(open_run, close_run, wandb_server, written_runs, tmp_path):
    import wandb

    wandb_server.hangs_at = "UpsertBucket"
    notices, seconds = open_run(tmp_path)
    assert len(notices) == 1 and "Timed out initializing run" in notices[0] and "wandb sync" in notices[0]
    assert seconds < LONGEST + BUSY
    wandb.log({"eval/loss": 1.0})
    notices, seconds = close_run()
    assert notices == [] and seconds < BUSY
    assert len(list(tmp_path.glob("wandb/offline-run-*/*.wandb"))) == 1
    assert written_runs(tmp_path)["lr=1"]["history"][0]["eval/loss"] == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("how", ["500", "hang", "dies", "slow"])
def test_a_server_that_fails_at_the_end(open_run, close_run, wandb_server, written_runs, tmp_path, how):
    import wandb

    assert open_run(tmp_path)[0] == []
    wandb.log({"eval/loss": 1.0})
    if how == "dies":
        wandb_server.die()
    elif how == "slow":
        wandb_server.delay = 4.0
    else:
        wandb_server.fault = how
    notices, seconds = close_run()
    sync = f"wandb sync --include-online {tmp_path}/wandb"
    assert notices == [
        "W&B: its server did not take everything within 5 s at the end of the run; what is not sent is on disk, and "
        f"further runs are written offline; send it later with: {sync}"
    ]
    assert seconds < LONGEST + BUSY
    assert written_runs(tmp_path)["lr=1"]["history"][0]["eval/loss"] == 1.0
    started = time.monotonic()
    assert open_run(tmp_path, run="lr=2")[0] == []
    wandb.log({"eval/loss": 2.0})
    assert close_run()[0] == []
    assert time.monotonic() - started < BUSY
    assert Outage.known(tmp_path).then == "offline"
    if how == "500":  # back again: the command that the user was told sends both
        wandb_server.fault, wandb_server.asked[:] = None, []
        # wandb sync leaves wandb/logs in the current folder
        subprocess.run(shlex.split(sync), cwd=tmp_path, check=True, capture_output=True, env=_with_bin(), timeout=60)
        assert {run["displayName"] for run in wandb_server.runs if run.get("displayName")} == {"lr=1", "lr=2"}
        assert sum("file_stream" in path for path in wandb_server.asked) >= 2


def test_a_service_that_was_left_behind_by_another_process(open_run, close_run, logged_out, monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_SERVICE", "3-1-unix-/nowhere/socket")
    monkeypatch.setenv("WANDB_MODE", "offline")
    notices, _ = open_run(tmp_path)
    assert len(notices) == 1 and "wandb sync" in notices[0]
    assert close_run()[0] == []
    assert len(list(tmp_path.glob("wandb/offline-run-*/*.wandb"))) == 1


def test_a_service_that_does_not_start_at_all(open_run, close_run, logged_out, monkeypatch, tmp_path):
    import wandb

    def start(settings):
        raise OSError("cannot allocate memory")

    monkeypatch.setattr("wandb.sdk.lib.service.service_process.start", start)
    notices, _ = open_run(tmp_path)
    assert notices == ["W&B: it does not start (cannot allocate memory); the runs are not tracked"]
    wandb.log({"eval/loss": 1.0})
    assert close_run()[0] == []
    assert open_run(tmp_path, run="lr=2")[0] == close_run()[0] == []


def test_a_folder_that_takes_no_note_costs_no_run(open_run, close_run, wandb_server, tmp_path):
    (tmp_path / "wandb" / "outage.json").mkdir(parents=True)
    wandb_server.fault = "500"
    assert "HTTP 500" in open_run(tmp_path)[0][0]
    assert close_run()[0] == []


# --- whole sweeps -----------------------------------------------------------------------------------------------------


@pytest.fixture
def recipe(tiny_bert, tiny_csv, tmp_path, monkeypatch) -> dict:
    monkeypatch.setenv("HFTK_CACHE", str(tmp_path / "cache"))
    return recipe_for(tiny_bert, tiny_csv, tmp_path)


def recipe_for(tiny_bert: Path, tiny_csv: Path, folder: Path) -> dict:
    return {
        "name": "tracked",
        "output_dir": str(folder / "runs"),
        "data": {"path": str(tiny_csv), "max_length": 32},
        "model": {"pretrained": str(tiny_bert)},
        "training": {"num_train_epochs": 1, "per_device_train_batch_size": 32, "use_cpu": True},
        "tracking": {"report_to": ["wandb"], "project": "hftk-tests"},
        "sweep": {"parameters": {"training.learning_rate": {"values": [1e-3, 1e-2]}}},
    }


@pytest.fixture(scope="module")
def without_trackers(tiny_bert, tiny_csv, tmp_path_factory) -> tuple[dict[str, pd.DataFrame], float]:
    """Figures of the recipe's sweep when nothing is tracked, and seconds."""
    folder = tmp_path_factory.mktemp("untracked")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HFTK_CACHE", str(folder / "cache"))
        figures, seconds, _ = trained(recipe_for(tiny_bert, tiny_csv, folder) | {"tracking": {}})
    return figures, seconds


def trained(recipe: dict) -> tuple[dict[str, pd.DataFrame], float, str]:
    """What a sweep found, in how many seconds, and what it said."""
    stream = io.StringIO()
    started = time.monotonic()
    result = hftk.run(recipe, stream=stream)
    seconds = time.monotonic() - started
    assert result.exit_code == 0, result.results["reason"].tolist()
    return figures_of(Path(recipe["output_dir"]) / recipe["name"]), seconds, stream.getvalue()


def figures_of(folder: Path) -> dict[str, pd.DataFrame]:
    figures = {"results": pd.read_csv(folder / "results.csv").drop(columns="seconds")}
    for run in figures["results"]["run"]:
        figures[f"{run}/epochs"] = pd.read_csv(folder / run / "epochs.csv").drop(columns="seconds")
        figures[f"{run}/predictions"] = pd.read_parquet(folder / run / "predictions.parquet")
    return figures


def assert_equal(figures: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame]) -> None:
    assert figures.keys() == expected.keys()
    for name, frame in figures.items():
        pd.testing.assert_frame_equal(frame, expected[name], check_exact=True)


SENTINELS = {
    "WANDB_API_KEY": "5e3717e1a0000000000000000000000000005ec1",
    "HF_TOKEN": "hf_SentinelOfAHubTokenThatMustNotBeWritten",
    "HUGGING_FACE_HUB_TOKEN": "hf_AnotherSentinelThatMustNotBeWritten00",
    "AWS_SECRET_ACCESS_KEY": "SentinelOfSomebodyElsesSecret000000000000",
}

FAULTS = {
    "refuses": {},
    "is out of order": {"fault": "500"},
    "hangs": {"fault": "hang"},
    "is slow": {"delay": 3.0},
    "dies in the first run": {"dies_at": "mutation UpsertBucket"},
    "hangs while the first run trains": {"hangs_at": "file_stream"},
    "hangs when files are sent at the end": {"hangs_at": "/up/"},
}


FAST = "dies in the first run"


@pytest.mark.parametrize("fault", [FAST, *(pytest.param(one, marks=pytest.mark.slow) for one in FAULTS if one != FAST)])
def test_a_sweep_finds_the_same_whatever_its_server_does(
    without_trackers, wandb_server, written_runs, recipe, tmp_path, monkeypatch, capfd, fault
):
    expected, seconds_without = without_trackers
    for name, secret in SENTINELS.items():
        monkeypatch.setenv(name, secret)
    for name, value in FAULTS[fault].items():
        setattr(wandb_server, name, value)
    if fault == "refuses":
        wandb_server.die()
    figures, seconds, said = trained(recipe)
    assert_equal(figures, expected)
    told = [line for line in said.splitlines() if "W&B" in line]
    assert len(told) == 1 and "wandb sync" in said, said
    assert seconds < seconds_without + LONGEST + BUSY
    runs = written_runs(tmp_path / "runs" / "tracked")
    assert len(runs) == 3 and "report" in runs
    for name in runs.keys() - {"report"}:
        assert {"train/loss", "eval/loss"} <= set().union(*runs[name]["history"]), "nothing is lost on disk"
    assert_no_secret(tmp_path, sent=wandb_server.bodies, said=said + "".join(capfd.readouterr()))


def assert_no_secret(folder: Path, *, sent: list[bytes], said: str) -> None:
    left = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert len(left) > 20
    for name, secret in SENTINELS.items():
        assert not any(secret.encode() in content for content in [*left, *sent, said.encode()]), name


@pytest.mark.slow
def test_a_command_whose_server_dies_says_it_once_and_leaves_no_secret(
    without_trackers, wandb_server, recipe, tmp_path
):
    """One run is online until the server dies, the next one offline."""
    wandb_server.dies_at = "file_stream"
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    done = subprocess.run(
        [sys.executable, "-m", "hftk.cli", "train", str(tmp_path / "recipe.json")],
        env=_with_bin() | SENTINELS,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / "runs" / "tracked"
    assert_equal(figures_of(folder), without_trackers[0])
    assert done.stdout.count("W&B:") == 1 and f"wandb sync --include-online {folder}/wandb" in done.stdout
    assert not re.search(r"^Traceback|^wandb:", done.stderr, re.MULTILINE), done.stderr
    assert list(folder.glob("wandb/run-*/*.wandb")) and list(folder.glob("wandb/offline-run-*/*.wandb"))
    assert_no_secret(tmp_path, sent=wandb_server.bodies, said=done.stdout + done.stderr)


def _with_bin() -> dict[str, str]:
    root = str(Path(hftk.__file__).parents[1])
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": root,
    }
