"""What a run says of itself, in a folder and on the Hub."""

import json
from pathlib import Path

import pytest

from hftk.errors import RecipeError
from hftk.hub import reaching
from hftk.hub.stated import read_stated

COMMIT = "0123456789abcdef" * 2 + "01234567"
RECORD = {
    "run": "cell=gru",
    "status": "finished",
    "seed": 0,
    "identity": "0123456789abcdef",
    "metrics": {"test_accuracy": 0.8},
    "data": {"path": "nyu-mll/glue", "commit": COMMIT, "fingerprint": "f"},
    "pretrained": {"name": "bert-base-uncased", "commit": COMMIT, "fingerprint": COMMIT},
    "a later version": "may say more",
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Writes the folder of a run, runs/news/cell=gru, below the current folder."""
    monkeypatch.chdir(tmp_path)

    def write(folder: str = "runs/news/cell=gru", recipe: str | None = "name: news\n", **changes) -> Path:
        Path(folder, "model").mkdir(parents=True)
        Path(folder, "run.json").write_text(json.dumps(RECORD | changes), encoding="utf-8")
        if recipe is not None:
            Path(folder, "recipe.yaml").write_text(recipe, encoding="utf-8")
        return Path(folder)

    return write


@pytest.mark.parametrize("model", ["runs/news/cell=gru", "runs/news/cell=gru/model"])
def test_a_run_folder(model, run):
    folder = run()
    stated = read_stated(model, revision=None)
    assert stated.recipe == str(folder / "recipe.yaml")
    assert stated.folder_name == "reproduce-news-cell=gru"
    assert stated.commit is None
    assert stated.run.metrics == {"test_accuracy": 0.8}
    assert stated.run.data.commit == COMMIT
    assert stated.run.pretrained.commit == COMMIT
    assert stated.run.weights is None


def test_the_folder_of_a_long_name_is_called_by_the_identity(run):
    run(run="x" * 101)
    assert read_stated("runs/news/cell=gru", revision=None).folder_name == "reproduce-0123456789abcdef"


def test_a_model_on_the_hub_is_read_at_one_commit(run, loopback_hub_here):
    _forget()
    commit = loopback_hub_here.add_model("me/news", run("repository")).head.sha
    stated = read_stated("me/news", revision=None)
    assert stated.name == f"me/news at commit {commit}"
    assert stated.recipe == f"hf://me/news@{commit}"
    assert stated.commit == commit
    assert stated.folder_name == f"reproduce-me--news-{commit[:7]}"
    Path("repository/run.json").write_text(json.dumps(RECORD | {"seed": 7}), encoding="utf-8")
    newer = loopback_hub_here.add_model("me/news", Path("repository")).head.sha
    assert read_stated("hf://me/news", revision=None).run.seed == 7
    assert read_stated("me/news", revision=commit).run.seed == 0
    assert read_stated(f"me/news@{commit}", revision=None).run.seed == 0
    assert read_stated("me/news", revision=newer).run.seed == 7


def test_models_that_hold_no_run(run, loopback_hub_here):
    _forget()
    folder = run("repository")
    (folder / "run.json").unlink()
    loopback_hub_here.add_model("me/news", folder)
    with pytest.raises(
        RecipeError, match=r"^me/news: there is no folder me/news here, and its repository .* no run\.json"
    ):
        read_stated("me/news", revision=None)
    with pytest.raises(RecipeError, match=r"^hf://me/none: the Hub has no public model of this name \(404\)"):
        read_stated("hf://me/none", revision=None)
    with pytest.raises(RecipeError, match=r"^--revision v2: me/news@v1 names a revision already; keep one of them$"):
        read_stated("me/news@v1", revision="v2")


def test_names_that_are_none(run):
    run()
    with pytest.raises(RecipeError, match=r"^runs/news holds several runs; name one of them: runs/news/cell=gru$"):
        read_stated("runs/news", revision=None)
    with pytest.raises(RecipeError, match=r"^runs is no run: it holds no run\.json$"):
        read_stated("runs", revision=None)
    message = r"^there is no run folder runs/old here; for a model of the Hub write hf://runs/old$"
    with pytest.raises(RecipeError, match=message):
        read_stated("runs/old", revision=None)
    with pytest.raises(RecipeError, match=r"^there is no run folder \./runs/news/old here$"):
        read_stated("./runs/news/old", revision=None)
    with pytest.raises(RecipeError, match=r"^hf://x: no model of the Hub; write hf://owner/name"):
        read_stated("hf://x", revision=None)
    with pytest.raises(
        RecipeError, match=r"^--revision v1: has no effect on a local folder \(runs/news/cell=gru\); take"
    ):
        read_stated("runs/news/cell=gru", revision="v1")


def test_a_run_without_its_recipe(run):
    run(recipe=None)
    with pytest.raises(RecipeError, match=r"its recipe\.yaml is missing, so it is not known how it was trained$"):
        read_stated("runs/news/cell=gru", revision=None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"run\.json is not JSON"),
        ("[" * 100_000, r"run\.json is not JSON"),
        ("[]", r"run\.json is no record of a run of hftk"),
        (json.dumps(RECORD | {"metrics": {"test_accuracy": "best"}}), r"no record .*: metrics\.test_accuracy: "),
        (
            json.dumps(RECORD | {"data": {"path": "x"}}),
            r"no record of a run of hftk: data\.fingerprint: field required",
        ),
        (
            json.dumps(RECORD | {"data": RECORD["data"] | {"commit": "main"}}),
            r"no record .*: data\.commit: string should",
        ),
        (json.dumps(RECORD | {"status": "failed"}), r"the run is not finished but failed: there are no figures to"),
    ],
)
def test_records_that_are_none(content, message, run):
    (run() / "run.json").write_text(content, encoding="utf-8")
    with pytest.raises(RecipeError, match=message):
        read_stated("runs/news/cell=gru", revision=None)


def _forget():
    reaching.reachable.cache_clear()
    reaching._trouble.cache_clear()
