"""Data sets to write recipes for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hftk.data import load
from hftk.recipe import read_sweep
from hftk.recipe.schema import Recipe
from hftk.starting import write_recipe


@pytest.fixture
def started(tmp_path, monkeypatch) -> Callable[..., tuple[Recipe, str]]:
    """Writes a recipe for data below the current folder; the recipe as it is read again, and its text."""
    monkeypatch.chdir(tmp_path)

    def started(data: str | Path, output: str = "recipe.yaml") -> tuple[Recipe, str]:
        write_recipe(str(data), output)
        recipe = read_sweep(output).recipe
        load(recipe.data, task=recipe.task)
        return recipe, Path(output).read_text(encoding="utf-8")

    return started


@pytest.fixture
def rows() -> Callable[..., list[tuple[str, ...]]]:
    """Texts of some words and a label, `number` of them."""

    def rows(number: int = 40, labels: tuple[str, ...] = ("neg", "pos")) -> list[tuple[str, ...]]:
        words = ("bad", "good", "the", "film", "was", "plot")
        return [
            (" ".join(words[(row * step) % 6] for step in range(1, 4 + row % 5)), labels[row % len(labels)])
            for row in range(number)
        ]

    return rows
