"""A run goes to the Hub and is tried from there; a sweep's runs, before and after training."""

import io
import json
import shutil
from pathlib import Path

import pytest

import hftk
from hftk.cli import main
from hftk.errors import HubError, RecipeError
from hftk.hub.access import MARK
from hftk.hub.publishing import check_push, push_runs, repository_names, shown_contents, wanted_model_id
from hftk.hub.pushing import RECORD, push_run


@pytest.fixture
def hub(loopback_hub_here):
    return loopback_hub_here


@pytest.fixture
def told() -> list[str]:
    return []


def files_of(folder: Path) -> dict[str, bytes]:
    """All but the locks."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".claims" not in path.parts
    }


@pytest.mark.slow
def test_the_whole_story_of_one_run(hub, gru, told, capsys):
    before = files_of(gru)
    # pushed, and it does not load from there: said so, and tried again another time
    hub.fail("(GET|HEAD) /me/gru/resolve/.*/model.safetensors", 404)
    assert main(["push", str(gru), "--model-id", "me/gru"]) == 3
    assert "me/gru: pushed, but not verified: loaded from the Hub, " in capsys.readouterr().err
    record = json.loads((gru / RECORD).read_text())
    assert record["commit"] == hub.repositories["me/gru"].head.sha
    assert not record["verified"]["there"]["ok"]
    hub.heal()
    pushed = push_run(gru, model_id="me/gru", private=True, tell=told.append)
    repository = hub.repositories["me/gru"]
    assert repository.private
    assert pushed.commit == repository.head.sha
    assert pushed.url == f"{hub.endpoint}/me/gru/commit/{pushed.commit}"
    assert pushed.verified_here.ok
    assert pushed.verified_there.ok
    assert pushed.verified_there.rows == 8
    assert len(repository.commits) == 2
    # what was shown is what is there
    shown = [line.split()[0] for line in told[0].splitlines() if line.startswith("  ")]
    assert set(repository.files) - {".gitattributes"} == set(shown[: len(repository.files) - 1])
    assert told[0].startswith("to me/gru, private:\ngoes up: ")
    assert "stays here:" in told[0]
    assert [line.split(":")[0] for line in told[1:]] == ["verified here", "pushed", "verified from the Hub"]
    assert json.loads(hub.content("me/gru", MARK))["files"] == sorted(set(repository.files) - {".gitattributes"})
    # the run's folder is as before, and says where it was pushed
    after = files_of(gru)
    record = json.loads(after.pop(RECORD))
    assert after == before
    assert (record["model_id"], record["commit"], record["private"]) == ("me/gru", pushed.commit, True)
    assert record["verified"]["here"]["ok"]
    assert record["verified"]["there"]["ok"]
    assert hub.token not in json.dumps(record) + "".join(told) + capsys.readouterr().out
    # again: nothing is sent
    hub.forget()
    assert main(["push", str(gru), "--model-id", "me/gru"]) == 0
    assert f"me/gru holds just this already, verified: {pushed.url}" in capsys.readouterr().out
    assert not hub.asked("POST|PUT")


def test_a_secret_keeps_all_here(hub, gru, monkeypatch, told):
    monkeypatch.setenv("MY_PASSWORD", "AutoModelForSequenceClassification")
    with pytest.raises(HubError, match="me/gru: not pushed, as secrets would go up with it:") as raised:
        push_run(gru, model_id="me/gru", private=True, tell=told.append)
    assert "  config.json: the value of MY_PASSWORD" in str(raised.value).splitlines()
    assert "AutoModelForSequenceClassification" not in str(raised.value)
    assert not hub.requests
    assert not (gru / RECORD).exists()


@pytest.mark.slow
def test_a_model_that_is_not_what_was_trained_stays_here(hub, gru, told, capsys):
    reference = json.loads((gru / "reference.json").read_text())
    reference["rows"][0]["logits"][0] += 0.01
    (gru / "reference.json").write_text(json.dumps(reference))
    assert main(["push", str(gru.parent), "--model-id", "me/gru"]) == 3
    assert "me/gru: not pushed, as its files are not what was trained: logits differ" in capsys.readouterr().err
    assert not hub.asked("POST|PUT")
    assert not (gru / RECORD).exists()


@pytest.fixture
def two(gru) -> Path:
    """A sweep's folder with a finished run that is better, and one that is not finished."""
    for name, status, value in (("better", "finished", 2.0), ("broken", "failed", 3.0)):
        folder = Path(shutil.copytree(gru, gru.parent / name))
        record = json.loads((folder / "run.json").read_text()) | {"run": name, "status": status}
        record["metrics"]["validation_accuracy"] = value
        (folder / "run.json").write_text(json.dumps(record))
    return gru.parent


def test_which_runs_go_where_is_shown_and_nothing_is_asked(hub, two, gru, capsys):
    assert main(["push", str(two), "--model-id", "me/x", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0] == f"{two / 'better'} → me/x"
    assert "model.safetensors" in said
    assert "gradients.csv" in said.split("stays here:")[1]
    lines = shown_contents(two, push="all", model_id="me/x", merged=False)
    assert [line for line in lines if "→" in line] == [
        f"{two / 'better'} → me/x-better",
        f"{gru} → me/x-{gru.name.replace('=', '-')}",
    ]
    assert not hub.requests


def test_all_go_on_where_one_is_refused(hub, two, gru, told):
    names = ["me/x-better", f"me/x-{gru.name.replace('=', '-')}"]
    for name in names:
        other = hub.store.create("model", name, private=True)
        other.commit({"own.txt": hub.store.put(b"", path="own.txt")}, title="by hand", author="me")
    with pytest.raises(HubError) as raised:
        push_runs(two, push="all", model_id="me/x", private=True, merged=False, tell=told.append)
    assert [line.split()[0] for line in str(raised.value).splitlines()] == names
    assert not list(two.glob(f"*/{RECORD}"))


def test_nothing_finished(two, hub):
    for path in two.glob("*/run.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"status": "failed"}))
    with pytest.raises(HubError, match="no run is finished, so there is nothing to push"):
        push_runs(two, push="best", model_id="me/x", private=True, merged=False, tell=print)


def test_repositories_names_are_legal_and_distinct():
    from huggingface_hub.utils import validate_repo_id

    runs = [
        "cell=gru,embeddings=word2vec,seed=1",
        "seed=2",
        "모델=가",
        "모델=나",
        "a=b-c",
        "a-b=c",
        "x" * 150,
        "-",
        "a..b",
    ]
    names = repository_names("me/news", runs)
    assert names["cell=gru,embeddings=word2vec,seed=1"] == "me/news-cell-gru-embeddings-word2vec-seed-1"
    assert names["seed=2"] == "me/news-seed-2"
    assert len(set(names.values())) == len(runs)
    for name in names.values():
        validate_repo_id(name)


def test_where_to(gru, tmp_path):
    with pytest.raises(RecipeError, match="where to. The recipe has no hub.model_id; give it: --model-id OWNER/NAME"):
        wanted_model_id(gru, None)
    with pytest.raises(RecipeError, match="--model-id x: must be owner/name"):
        wanted_model_id(gru, "x")
    with pytest.raises(RecipeError, match="there is no folder"):
        wanted_model_id(tmp_path / "no", "me/x")
    assert wanted_model_id(gru.parent, "me/x") == "me/x"
    text = (gru / "recipe.yaml").read_text()
    (gru / "recipe.yaml").write_text(text.replace("model_id: null", "model_id: me/told"))
    assert wanted_model_id(gru, None) == wanted_model_id(gru.parent, None) == "me/told"


def test_a_hub_that_is_away_does_not_keep_a_sweep_from_its_work(hub, told):
    hub.fail("whoami", 500)
    check_push(["seed=1"], push="all", model_id="me/x", private=True, tell=told.append)
    assert told == [
        "hub.push: the login: the Hub cannot take it now (500) (the Hub says: made to fail by the test); try again "
        "later. The sweep is trained all the same, and the push is tried at its end"
    ]


@pytest.fixture
def sweep(tiny_csv, tmp_path, monkeypatch):
    """A small sweep; runs it with overrides and returns the result and what was said."""
    monkeypatch.setenv("HFTK_CACHE", str(tmp_path / "cache"))

    def run(**hub_keys):
        said = io.StringIO()
        recipe = {
            "name": "tiny",
            "output_dir": str(tmp_path / "runs"),
            "data": {"path": str(tiny_csv), "max_length": 16},
            "model": {"architecture": "rnn", "cell": "gru"},
            "tokenizer": {"type": "word"},
            "training": {"num_train_epochs": 1, "per_device_train_batch_size": 32, "use_cpu": True},
            "hub": hub_keys,
        }
        return hftk.run(recipe, jobs=0, stream=said), said.getvalue()

    return run


def test_a_repository_that_may_not_be_written_stops_a_sweep_before_it_begins(hub, sweep, tmp_path):
    with pytest.raises(RecipeError, match="hub.push: them/x is not there, or may not be seen, and me may not make it"):
        sweep(push="best", model_id="them/x")
    folder = tmp_path / "foreign"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    hub.add_model("me/foreign", folder, private=True)
    with pytest.raises(RecipeError, match="me/foreign holds files that hftk did not write .*Nothing was trained"):
        sweep(push="best", model_id="me/foreign")
    assert not (tmp_path / "runs").exists()
    assert not hub.asked("POST|PUT")


@pytest.mark.slow
def test_a_sweep_is_the_same_whatever_comes_of_its_push(hub, sweep, tmp_path):
    result, _ = sweep()
    assert result.exit_code == 0
    before = files_of(result.folder)
    # not pushed: trained nothing, changed nothing, exit code 3
    hub.fail("POST /api/repos/create", 403)
    result, said = sweep(push="best", model_id="me/tiny")
    assert result.exit_code == 3
    assert "finished before" in said or "kept" in said or "nothing to train" in said, said
    assert "me/tiny: the Hub does not let this login write there (403)" in said
    again = f"hftk push {result.folder} --model-id me/tiny"
    assert f"All that was trained is kept; push it later with: {again}\n" in said
    assert files_of(result.folder) == before
    # pushed: the same, and pushed.json
    hub.heal()
    result, said = sweep(push="best", model_id="me/tiny")
    assert result.exit_code == 0
    assert "verified from the Hub: the stored logits of 8 rows" in said
    after = files_of(result.folder)
    assert [name for name in after if name not in before] == [f"{result.results['run'][0]}/{RECORD}"]
    assert {name: content for name, content in after.items() if name in before} == before
    # and again: no new commit
    result, said = sweep(push="best", model_id="me/tiny")
    assert result.exit_code == 0
    assert "me/tiny holds just this already" in said
    assert len(hub.repositories["me/tiny"].commits) == 2
    assert hub.token not in said
