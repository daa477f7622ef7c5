"""What is checked of a recipe before any data are read; see test_checking.py for all of it together."""

import pytest

from hftk.errors import DataError, RecipeError
from hftk.recipe.places import Document, Place
from hftk.recipe.schema import Recipe
from hftk.sweep.recipe_checks import check_against_labels, check_architecture, placed, problems_of


def recipe(**changes) -> Recipe:
    content = {"name": "x", "data": {"path": "a.csv"}, "model": {"architecture": "transformer"}}
    return Recipe.model_validate(content | changes)


def test_texts_longer_than_the_positions():
    told = "data.max_length: 600 is more than model.max_position_embeddings 512; raise that, or cut the texts earlier"
    with pytest.raises(RecipeError, match=told):
        check_architecture(recipe(data={"path": "a.csv", "max_length": 600}))
    check_architecture(recipe(data={"path": "a.csv", "max_length": 512}))


def test_gradient_checkpointing_is_not_for_architectures():
    with pytest.raises(
        RecipeError, match="training.gradient_checkpointing: architectures do not support it; take it out"
    ):
        check_architecture(recipe(training={"gradient_checkpointing": True}))


def test_weights_for_labels_that_the_data_do_not_have():
    weighted = recipe(class_weights={"good": 2.0, "god": 1.0, "bda": 1.0})
    with pytest.raises(RecipeError) as caught:
        check_against_labels(weighted, labels=["bad", "good"])
    assert caught.value.problems == [
        "class_weights.god: not a label of the data; allowed: bad, good",
        "class_weights.bda: not a label of the data; allowed: bad, good",
    ]
    check_against_labels(recipe(class_weights="balanced"), labels=["bad", "good"])


def test_every_message_gets_the_line_of_its_key():
    def check(recipe):
        raise RecipeError(["model.hidden_size: too large", "peft.r: not above 0: -1"])

    document = Document({}, {("model", "hidden_size"): Place("x.yaml", 7), ("peft", "r"): Place("x.yaml", 9)})
    found = problems_of(check, recipe(), document)
    assert [(problem.place.line, problem.key, problem.text) for problem in found] == [
        (7, "model.hidden_size", "too large"),
        (9, "peft.r", "not above 0: -1"),
    ]
    assert problems_of(lambda recipe: None, recipe(), document) == []


def test_an_error_of_the_data_gets_the_line_of_its_key():
    document = Document({}, {("tokenizer", "min_count"): Place("x.yaml", 7)})
    with pytest.raises(DataError, match=r"^x\.yaml:7: tokenizer\.min_count: no word$"), placed(document):
        raise DataError("tokenizer.min_count: no word")
