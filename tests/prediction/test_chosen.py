"""What can stand as MODEL, and what is refused."""

import json
import re
import shutil
from pathlib import Path

import pytest
from transformers import BertConfig, BertForSequenceClassification

from hftk.errors import RecipeError, RunError
from hftk.hub import reaching
from hftk.prediction.chosen import choose_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def copy(gru, tmp_path) -> Path:
    """A copy of the run, to be spoilt."""
    return Path(shutil.copytree(gru, tmp_path / "run"))


def chosen(model: Path | str, *, trust: bool = False, revision: str | None = None):
    return choose_model(str(model), trust_remote_code=trust, revision=revision)


def edit(path: Path, **changes) -> None:
    content = json.loads(path.read_text())
    path.write_text(json.dumps({key: value for key, value in (content | changes).items() if value != "gone"}))


def refused(model: Path | str, message: str, kind: type = RecipeError, **options) -> None:
    with pytest.raises(kind, match=message):
        chosen(model, **options)


def test_a_run_tells_columns_length_and_labels(gru):
    for model in (gru, gru / "model"):
        found = chosen(model)
        assert (found.source, found.architecture, found.task) == (str(gru / "model"), "rnn", "text-classification")
        assert (found.labels, found.max_length, found.data.columns.text) == (["neg", "pos"], 8, "body")


def test_folders_that_are_no_model(gru, tmp_path, monkeypatch):
    refused(gru.parent, rf"tiny holds several runs; name one of them: .*{re.escape(gru.name)}$")
    refused(tmp_path, r"is no model: it holds neither run\.json, of a run of hftk, nor config\.json")
    refused(gru / "run.json", r"run\.json is a file; name the folder that holds it and its config\.json")
    refused(gru.parent / "sed=0", rf"^there is no folder .*/sed=0; did you mean {gru.name}\?$")
    monkeypatch.chdir(tmp_path)
    refused("./none", r"^there is no folder \./none$")


def test_a_run_that_is_not_whole(copy):
    (copy / "epochs.csv").write_text("")
    refused(copy, r"the run .* is damaged: epochs\.csv has 0 bytes, and .* its hftk train command trains it", RunError)
    edit(copy / "run.json", status="interrupted", reason="its process ended")
    refused(
        copy / "model", r"is not finished but interrupted \(its process ended\): it has no model yet; give", RunError
    )
    (copy / "run.json").write_text("{")
    refused(copy, r"run\.json cannot be read, so it is not known whether the run was finished", RunError)


def test_a_recipe_that_is_none(copy):
    (copy / "recipe.yaml").write_text("data: {path: x, colums: {}}")
    refused(copy, r"recipe\.yaml is no recipe of this version", RunError)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"architectures": ["BertModel"]}, "config.json names BertModel, so it was not trained to tell classes"),
        ({"architectures": "gone"}, "config.json names no class of a model"),
        ({"problem_type": "regression"}, "its problem_type is regression; only one class per item"),
        ({"id2label": {"0": "a"}}, "has one label only; a classifier has two or more"),
        ({"id2label": {"0": "a", "1": "a"}}, "has two labels of one name"),
        ({"id2label": {"0": "a", "2": "b"}}, "must name 0, 1, 2 …"),
        ({"id2label": ["a"]}, "must name 0, 1, 2 …"),
    ],
)
def test_configs_that_cannot_predict(changes, message, gru, tmp_path):
    folder = Path(shutil.copytree(gru / "model", tmp_path / "alone"))
    edit(folder / "config.json", **changes)
    refused(folder, re.escape(message))


def test_configs_that_are_none(gru, tmp_path):
    folder = Path(shutil.copytree(gru / "model", tmp_path / "alone"))
    (folder / "config.json").write_text("[]")
    refused(folder, "its config.json holds no JSON object")
    (folder / "config.json").write_text("{")
    refused(folder, "config.json is not JSON")


def test_foreign_code_is_not_run_unasked(gru, tmp_path):
    folder = Path(shutil.copytree(gru / "model", tmp_path / "alone"))
    edit(folder / "config.json", model_type="their_own")
    refused(folder, "is defined by code of its own, which is not run unasked. If .* give --trust-remote-code$")
    assert chosen(folder, trust=True).trusted
    edit(folder / "config.json", auto_map={"AutoConfig": "other/place--rnn.RnnConfig"})
    refused(
        folder, r"its code lies in another repository \(other/place--rnn\.RnnConfig\), which --revision", trust=True
    )
    edit(folder / "config.json", model_type="bert")
    assert chosen(folder).architecture is None  # transformers has code of its own for it


def test_options_without_effect(gru, tmp_path):
    refused(gru, "--revision main: has no effect on a local folder", revision="main")
    folder = Path(shutil.copytree(gru / "model", tmp_path / "alone"))
    edit(folder / "config.json", auto_map="gone")
    refused(folder, "--trust-remote-code: has no effect, as .* brings no code of its own; take it out", trust=True)


def test_the_hub_is_asked_for_what_is_no_folder(monkeypatch, tmp_path, gru):
    monkeypatch.chdir(tmp_path)
    refused(
        "me/none", r"there is no folder me/none here, and as a model of the Hub it cannot be loaded: the Hub cannot"
    )
    monkeypatch.setattr(
        reaching, "trouble", lambda name, **_: reaching.Trouble("the Hub has no public model of this name", False)
    )
    refused("me/none", "^there is no folder me/none here, and the Hub has no public model of this name$")


def test_code_from_the_hub_wants_a_commit(monkeypatch, tmp_path, gru):
    """As of the Hub, but for its files, which lie here."""
    folder = Path(shutil.copytree(gru / "model", tmp_path / "alone"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reaching, "trouble", lambda name, **_: None)
    monkeypatch.setattr("hftk.models._vetting.resolve_revision", lambda name, revision, **_: COMMIT)
    monkeypatch.setattr("hftk.models._vetting.ModelFiles.path", lambda self, name: folder / name)
    assert chosen("me/gru").architecture == "rnn"  # an architecture of ours needs no code of theirs
    edit(folder / "config.json", model_type="their_own")
    refused("me/own", r"give --trust-remote-code and --revision <commit>, the 40 letters and digits of the commit")
    refused(
        "me/own", "--trust-remote-code runs code that me/own brings: look at it, and pin", trust=True, revision="main"
    )
    assert chosen("me/own", trust=True, revision=COMMIT).revision == COMMIT


# what is found out while it is loaded


@pytest.fixture
def foreign(tiny_bert, tmp_path) -> Path:
    """A classifier of transformers' own, whose run nobody knows."""
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "foreign"))
    config = BertConfig.from_pretrained(tiny_bert, id2label={0: "no", 1: "yes", 2: "maybe"})
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_a_model_of_transformers_is_cut_at_its_own_length(foreign, predict):
    content, told = predict(foreign, "-", stdin=b"good\n" + b"bad " * 100 + b"\n")
    assert told == ["1 row is longer than 64 tokens and was cut there"]
    assert set(json.loads(content.splitlines()[0])["probabilities"]) == {"no", "yes", "maybe"}


def test_weights_without_a_head(foreign, tiny_bert, predict):
    shutil.copy(tiny_bert / "model.safetensors", foreign / "model.safetensors")
    with pytest.raises(RecipeError, match="its files hold no weights for classifier, so it was not trained to tell"):
        predict(foreign, "-", stdin=b"good\n")


def test_pickled_weights(foreign, predict):
    (foreign / "model.safetensors").rename(foreign / "pytorch_model.bin")
    with pytest.raises(RecipeError, match=r"foreign: its weights are a pickle \(pytorch_model\.bin\)"):
        predict(foreign, "-", stdin=b"good\n")


def test_weights_of_another_version(gru, predict, tmp_path):
    folder = Path(shutil.copytree(gru / "model", tmp_path / "alone"))
    edit(folder / "config.json", pooling="last")
    with pytest.raises(
        RecipeError, match="its weights are not those of the installed hftk's rnn .* another version wrote"
    ):
        predict(folder, "-", stdin=b"good\n")


def test_a_damaged_tokenizer(gru, predict, tmp_path):
    folder = Path(shutil.copytree(gru / "model", tmp_path / "alone"))
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(RecipeError, match=r"alone: cannot be loaded \("):
        predict(folder, "-", stdin=b"good\n")


def test_foreign_image_models(image_model, predict, tmp_path):
    folder = Path(shutil.copytree(image_model / "model", tmp_path / "alone"))
    edit(folder / "config.json", model_type="vit", auto_map="gone")
    with pytest.raises(
        RecipeError, match="images are predicted by models that hftk trained; pretrained models for images"
    ):
        predict(folder, "-", stdin=b'{"image": "x.png"}\n')
