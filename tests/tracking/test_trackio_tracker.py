"""Trackio's database, read back by Trackio; on this machine and nowhere else."""

import json
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from hftk.recipe.schema import Tracking
from hftk.tracking import tracking_notices

pytestmark = pytest.mark.skipif(
    find_spec("trackio") is None, reason='Trackio is not installed: pip install "hftk[trackio]"'
)


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Iterator[Path]:
    """Where Trackio keeps its runs; it looks that up when it is imported."""
    folder = tmp_path_factory.mktemp("trackio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACKIO_DIR", str(folder))
        import trackio.utils

        if folder != trackio.utils.TRACKIO_DIR:
            pytest.skip("Trackio was imported before, for another folder")
        yield folder


@pytest.fixture
def quiet(home, monkeypatch):
    """A test fails where the Hub is asked; Trackio swallows its errors."""

    asked = []

    def ask(*args, **kwargs):
        asked.append(args)
        raise ConnectionError

    monkeypatch.setattr("huggingface_hub.whoami", ask)
    monkeypatch.setattr("huggingface_hub.create_repo", ask)
    yield
    assert asked == []


def runs(project: str) -> list:
    import trackio

    return list(trackio.Api().runs(project))


def rows(run) -> list[dict]:
    from trackio.sqlite_storage import SQLiteStorage

    logs = SQLiteStorage.get_logs(run.project, run.name, run_id=run.id)
    return [{name: value for name, value in one.items() if name != "timestamp"} for one in logs]


def test_a_run_has_its_names_rows_settings_and_end(quiet, tracked, tmp_path, capfd):
    run = tracked(tmp_path, "cell=gru", report_to=["trackio"], project="whole", config={"model.cell": "gru"})
    run.trackers._send(4, {"train/loss": 2.0, "eval/loss": 1.5})
    assert run.end("failed", "no memory", best_epoch=2.0) == run.told == []
    assert capfd.readouterr().out == "", "the terminal is our display's"
    (found,) = runs("whole")
    assert (found.name, found.config["_Group"], found.config["model"]["cell"]) == ("cell=gru", "grid", "gru")
    assert found.config["_Username"] is None
    row, ending = rows(found)
    assert row == {"step": 4, "train/loss": 2.0, "eval/loss": 1.5}
    assert '"status": "failed"' in ending["ending"]["_value"] and "no memory" in ending["ending"]["_value"]


def test_a_run_that_goes_on_has_each_step_once_and_others_stay(quiet, tracked, tmp_path):
    other = tracked(tmp_path / "other", report_to=["trackio"], project="resumed")
    other.trackers._send(1, {"train/loss": 9.0})
    other.end()
    for resumed in (False, True):
        run = tracked(tmp_path, report_to=["trackio"], project="resumed", resumed=resumed)
        for step in (1, 2):
            run.trackers._send(step, {"train/loss": 3.0 / step})
        run.end("finished" if resumed else "interrupted")
    found = {one.id: one for one in runs("resumed")}
    assert len(found) == 2, "one of each sweep, of the same name"
    own = found[json.loads((tmp_path / "lr=1" / "trackio.json").read_text())["id"]]
    assert [(row["step"], row["train/loss"]) for row in rows(own) if "train/loss" in row] == [(1, 3.0), (2, 1.5)]


@pytest.mark.parametrize("name", ["TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "TRACKIO_DATASET_ID", "TRACKIO_BUCKET_ID"])
def test_nothing_leaves_this_machine_unasked(quiet, tracked, tmp_path, monkeypatch, name):
    monkeypatch.setenv(name, "http://127.0.0.1:9/me")
    tracking = Tracking(report_to=["trackio"], project=f"local-{name}")
    assert tracking_notices(tracking, folder=tmp_path) == [
        f"Trackio: the runs stay on this machine, whatever {name} may say; what is to be seen by others is sent by: "
        f"trackio sync --project local-{name} --space-id <owner>/<name> --private"
    ]
    run = tracked(tmp_path, report_to=["trackio"], project=tracking.project)
    run.trackers._send(1, {"train/loss": 3.0})
    assert run.end() == run.told == []
    (found,) = runs(tracking.project)
    assert rows(found)[0] == {"step": 1, "train/loss": 3.0}
    assert os.environ[name] == "http://127.0.0.1:9/me"


def test_a_database_that_cannot_be_written_costs_no_run(quiet, tracked, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("read-only file system")

    monkeypatch.setattr("trackio.init", refuse)
    run = tracked(tmp_path, report_to=["trackio"])
    assert run.told == ["Trackio: it does not start (read-only file system); this run is not tracked there"]
    assert run.end() == []
