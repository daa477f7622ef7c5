"""Recipes shown in full, and read again."""

from pathlib import Path

import pytest

from hftk.errors import RecipeError
from hftk.recipe import read_sweep
from hftk.recipe.plan import resolved_recipe
from hftk.recipe.reading import read_document
from hftk.recipe.showing import show, to_yaml

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
FULL = {
    "name": "뉴스",
    "data": {
        "path": "me/data",
        "columns": {"text": "body"},
        "label_names": {0: "no", 1: "5e-5"},
        "splits": {"train": "train", "validation": 0.1, "test": {"column": "split", "value": ["a", 1]}},
    },
    "model": {"pretrained": "bert-base-uncased", "hidden_dropout_prob": 0.0},
    "training": {"learning_rate": 5e-5, "eval_steps": 10},
    "class_weights": {"no": 2, 1: 0.5},
    "early_stopping": {"patience": 2},
    "peft": {"peft_type": "LORA", "target_modules": ["query", "value"]},
    "seeds": [1, 2],
    "sweep": {"parameters": {"training.weight_decay": {"values": [0.0, 0.1]}}, "metric": {"name": "validation_f1"}},
}


def test_every_default_is_filled_in(tmp_path: Path) -> None:
    text = show(FULL, ["data.limit=5"])
    (tmp_path / "shown.yaml").write_text(text, encoding="utf-8")
    shown = read_document(tmp_path / "shown.yaml").data
    assert shown == resolved_recipe(read_sweep(FULL, ["data.limit=5"]).recipe)
    assert shown["data"]["limit"] == 5 and shown["data"]["on_bad_rows"] == "stop"
    assert shown["training"]["num_train_epochs"] == 3.0 and shown["training"]["learning_rate"] == 5e-5
    assert shown["keep"] == "best" and shown["tracking"]["report_to"] == []


@pytest.mark.parametrize(
    "recipe", [FULL, *sorted(RECIPES.glob("*.yaml"))], ids=lambda one: getattr(one, "stem", "full")
)
def test_what_is_shown_asks_for_the_same_runs(recipe: object, tmp_path: Path, workplace: Path) -> None:
    (tmp_path / "shown.yaml").write_text(show(recipe), encoding="utf-8")
    again, before = read_sweep(tmp_path / "shown.yaml"), read_sweep(recipe)
    assert [(run.name, run.swept) for run in again.runs] == [(run.name, run.swept) for run in before.runs]
    assert [resolved_recipe(run.recipe) for run in again.runs] == [resolved_recipe(run.recipe) for run in before.runs]
    assert show(tmp_path / "shown.yaml") == show(recipe)


def test_a_runs_recipe_asks_for_the_same_run(tmp_path: Path) -> None:
    for run in read_sweep(FULL).runs:
        (tmp_path / "recipe.yaml").write_text(to_yaml(run.recipe), encoding="utf-8")
        [again] = read_sweep(tmp_path / "recipe.yaml").runs
        assert again.recipe == run.recipe


def test_a_wrong_recipe_is_not_shown() -> None:
    with pytest.raises(RecipeError, match='keep: "first" is none of its values'):
        show({**FULL, "keep": "first"})
