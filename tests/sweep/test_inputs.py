"""What is told of the rows that a run will read."""

import numpy as np

from hftk.data.encoded import TokenRows
from hftk.recipe.schema import Recipe
from hftk.sweep.inputs import _entity_notices


def recipe(**changes) -> Recipe:
    content = {"name": "x", "data": {"path": "a.csv"}, "model": {"architecture": "transformer"}}
    return Recipe.model_validate(content | changes)


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
