"""What is checked of an architecture before any data are read, and what is told of the rows that it will read."""

import numpy as np
import pytest

from hftk.data.encoded import TokenRows
from hftk.errors import DataError, RecipeError
from hftk.recipe.places import Document, Place
from hftk.recipe.schema import Recipe
from hftk.sweep.inputs import _check_architecture, _entity_notices, _placed


def recipe(**changes) -> Recipe:
    content = {"name": "x", "data": {"path": "a.csv"}, "model": {"architecture": "transformer"}}
    return Recipe.model_validate(content | changes)


def test_texts_longer_than_the_positions():
    told = "data.max_length: 600 is more than model.max_position_embeddings 512; raise that, or cut the texts earlier"
    with pytest.raises(RecipeError, match=told):
        _check_architecture(recipe(data={"path": "a.csv", "max_length": 600}))
    _check_architecture(recipe(data={"path": "a.csv", "max_length": 512}))


def test_gradient_checkpointing_is_not_for_architectures():
    with pytest.raises(
        RecipeError, match="training.gradient_checkpointing: architectures do not support it; take it out"
    ):
        _check_architecture(recipe(training={"gradient_checkpointing": True}))


def test_entities_that_are_cut_are_told():
    def split(truncated: int) -> TokenRows:
        return TokenRows(
            values={"input_ids": np.array([5, 6])},
            padding={"input_ids": 0},
            starts=np.array([0]),
            lengths=np.array([2], dtype=np.int32),
            labels=np.array([0, 1]),
            per_token=True,
            attention_mask=True,
            padding_side="right",
            truncated=truncated,
        )

    tagging = recipe(task="token-classification", metrics=["accuracy", "entity_f1"])
    cut, whole = split(1), split(0)
    [notice] = _entity_notices(tagging, {"train": cut, "validation": whole, "test": cut})
    assert notice.startswith("sentences of test are read in parts: an entity that a cut parts counts as two")
    assert _entity_notices(tagging, {"train": cut, "validation": whole, "test": whole}) == []
    assert _entity_notices(recipe(task="token-classification"), {"train": cut, "validation": cut}) == []


def test_an_error_of_the_data_gets_the_line_of_its_key():
    document = Document({}, {("tokenizer", "min_count"): Place("x.yaml", 7)})
    with pytest.raises(DataError, match=r"^x\.yaml:7: tokenizer\.min_count: no word$"), _placed(document):
        raise DataError("tokenizer.min_count: no word")
