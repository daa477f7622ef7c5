"""Suggestions that a run's own recipe would accept."""

from collections.abc import Iterable, Mapping
from typing import Any

from hftk.analysis.evidence import RunEvidence
from hftk.training.findings import Suggestion


def first_accepted(evidence: RunEvidence, *changes: tuple[str, Any]) -> Suggestion | None:
    """The first of the changes (key, value) that alters the run's recipe and that checking it does not refuse.

    Problems that the recipe has without the change, such as data that are not on this machine, are no objection. None
    where no change is accepted, or the recipe is not known.
    """
    if not evidence.recipe:
        return None
    before = _problems(evidence.recipe)
    for key, value in changes:
        changed = _changed(evidence.recipe, key.split("."), value)
        if changed != evidence.recipe and not _problems(changed) - before:
            return Suggestion(key, value)
    return None


def learning_rate(evidence: RunEvidence, *, times: float) -> Suggestion | None:
    """Another learning rate, of two digits."""
    return first_accepted(
        evidence, ("training.learning_rate", float(f"{evidence.training['learning_rate'] * times:.2g}"))
    )


def _problems(recipe: Mapping[str, Any]) -> set[str]:
    from hftk.recipe.checks import check_recipe
    from hftk.recipe.schema import Recipe
    from hftk.recipe.validation import validated

    typed, found = validated(Recipe, recipe)
    problems: Iterable = [*found, *(check_recipe(typed) if typed is not None else ())]
    return {f"{path}: {text}" for path, text in problems}


def _changed(recipe: Mapping[str, Any], keys: list[str], value: Any) -> Mapping[str, Any]:
    if not keys:
        return value
    inner = recipe.get(keys[0])
    below = inner if isinstance(inner, Mapping) else {}
    return {**recipe, keys[0]: _changed(below, keys[1:], value) if len(keys) > 1 else value}
