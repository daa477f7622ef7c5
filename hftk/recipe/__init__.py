"""What the user wrote: read, expanded and checked without importing torch."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hftk.sweep.expansion import SweepPlan

__all__ = ["read_sweep"]


def read_sweep(
    recipe: str | PathLike | Mapping[str, Any], overrides: Mapping[str, Any] | Sequence[str] = ()
) -> "SweepPlan":
    """The runs that a recipe asks for: its file (or its content), with overrides (`key.path=value`, or a mapping).

    The first phase of checking: names, types, ranges and what makes no sense together. What needs the model's or the
    data's classes is checked later. Raises RecipeError with every problem, one line each, in the order of the file.
    """
    from hftk.recipe.plan import read_plan

    return read_plan(recipe, overrides)
