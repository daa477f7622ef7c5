"""Names, settings and figures as trackers get them."""

import json

import pytest

from hftk.recipe.schema import Recipe
from hftk.tracking.told import about, ending, flat

RECORD = {
    "run": "cell=gru,seed=2",
    "setting": "cell=gru",
    "seed": 2,
    "identity": "0123456789abcdef",
    "data": {
        "path": "reviews.csv",
        "fingerprint": "f" * 64,
        "rows": {"train": 80, "test": 10},
        "labels": ["bad", "좋음"],
    },
    "versions": {"hftk": "1", "torch": "2.13.0"},
    "device": "cpu",
}


@pytest.fixture
def recipe() -> Recipe:
    return Recipe.model_validate(
        {
            "name": "grid",
            "output_dir": "/somewhere/else",
            "data": {"path": "reviews.csv", "columns": {"text": "review", "label": "stars"}},
            "model": {"architecture": "rnn", "cell": "gru", "pooling": ["max", "mean"]},
            "training": {"learning_rate": 1e-3},
            "seeds": [2],
            "tracking": {"report_to": ["wandb"], "project": "hftk-tests", "tags": ["a"]},
        }
    )


def told(recipe: Recipe, record: dict = RECORD, **swept):
    return about(recipe, group="grid", run="cell=gru,seed=2", swept=swept, record=record)


def test_names_come_from_the_sweep_and_the_run(recipe):
    found = told(recipe, **{"model.cell": "gru"})
    assert (found.project, found.group, found.run, found.tags) == ("hftk-tests", "grid", "cell=gru,seed=2", ["a"])
    assert found.swept == ["model.cell", "seed"] and found.metrics == [*recipe.metrics, "loss"]


def test_the_config_is_flat_and_complete(recipe):
    config = told(recipe).config
    expected = {
        "model.cell": "gru",
        "model.pooling": ["max", "mean"],
        "data.columns.text": "review",
        "data.fingerprint": "f" * 64,
        "data.rows.train": 80,
        "data.labels": ["bad", "좋음"],
        "training.learning_rate": 1e-3,
        "training.weight_decay": 0.0,  # a default
        "keep": "best",
        "seed": 2,
        "setting": "cell=gru",
        "versions.hftk": "1",
    }
    assert {key: config[key] for key in expected} == expected
    assert not any(isinstance(value, dict) and value for value in config.values())
    assert json.loads(json.dumps(config)) == config


def test_it_holds_no_place_and_no_tracker(recipe):
    assert "/somewhere/else" not in str(told(recipe).config)
    assert not [key for key in told(recipe).config if key.split(".")[0] in ("output_dir", "tracking", "hub", "name")]


def test_what_is_swept_stands_there_whatever_the_recipe_left_out(recipe):
    found = told(recipe, **{"training.optim": "adamw_torch", "embeddings": {"method": "word2vec", "vector_size": 50}})
    assert found.config["training.optim"] == "adamw_torch" and found.config["embeddings.method"] == "word2vec"
    assert found.swept == ["training.optim", "embeddings.method", "embeddings.vector_size", "seed"]


def test_tokens_are_masked(recipe, monkeypatch):
    monkeypatch.setenv("MY_PASSWORD", "correct-horse-battery")
    record = RECORD | {"command": "hftk train x.yaml correct-horse-battery", "git_commit": "hf_" + "a" * 34}
    config = told(recipe, record, **{"training.run": ["hf_" + "b" * 34]}).config
    assert config["command"] == "hftk train x.yaml <secret>" and config["git_commit"] == "<secret>"
    assert config["training.run"] == ["<secret>"]


def test_a_commit_is_no_token(recipe):
    commit = "0123456789" * 4
    assert told(recipe, RECORD | {"git_commit": f"{commit}+changes"}).config["git_commit"] == f"{commit}+changes"
    assert told(recipe, RECORD | {"command": commit}).config["command"] == "<secret>"


def test_figures_have_the_names_of_results_csv_behind_the_prefix():
    record = {"metrics": {"validation_f1": 0.5, "test_f1_macro": 0.25}, "best_epoch": 2.0, "epochs": None, "seconds": 3}
    found = ending("finished", None, record=record, examples=None)
    assert found.figures == {"best_epoch": 2.0, "seconds": 3, "eval/f1": 0.5, "test/f1_macro": 0.25}
    assert found.test_figures == {"test/f1_macro": 0.25}


def test_a_reason_is_masked():
    found = ending("failed", "401 for hf_" + "a" * 34, record={}, examples=None)
    assert (found.status, found.reason, found.figures) == ("failed", "401 for <secret>", {})


def test_an_empty_mapping_is_a_value():
    assert dict(flat({"a": {"b": {}, "c": 1}})) == {"a.b": {}, "a.c": 1}
