"""Recipes as YAML text, every default filled in."""

from hftk.recipe.plan import read_plan, resolved_recipe
from hftk.recipe.reading import Overrides, Recipe
from hftk.recipe.schema import Recipe as TypedRecipe
from hftk.recipe.yaml_text import dump


def show(recipe: Recipe, overrides: Overrides = ()) -> str:
    """The whole recipe with its overrides and every default, TrainingArguments' too; can be read as a recipe again.

    What reading it had to tell stands above it as comments. Raises RecipeError as `read_sweep` does.
    """
    plan = read_plan(recipe, overrides)
    told = "".join(f"# {notice}\n" for notice in plan.document.notices)
    return told + dump(resolved_recipe(plan.recipe))


def to_yaml(recipe: TypedRecipe) -> str:
    """One recipe in full, for a run's recipe.yaml: reading it again asks for the same run.

    `training` stays as written, so that another version of transformers can read it; run.json names the version.
    """
    return dump(recipe.model_dump())
