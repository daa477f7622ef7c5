"""A recipe file, a mapping, or a model of the Hub → a Document: plain values, each with its place, overridden."""

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hftk.errors import RecipeError
from hftk.hub import recipes as hub_recipes
from hftk.recipe.overrides import apply_overrides, plain, read_overrides
from hftk.recipe.places import Document, Keys, Place, Problem, lines

__all__ = ["Document", "Keys", "Place", "read_document"]

# bytes; ten thousand runs, each written out, take less
_LARGEST = 1 << 20

Recipe = str | os.PathLike | Mapping
"""A file's path, a recipe's content, or as text `hf://owner/name@revision` or `owner/name`: a model of the Hub."""
Overrides = Mapping[str, Any] | Sequence[str]


def read_document(recipe: Recipe, overrides: Overrides = ()) -> Document:
    """The recipe's values and places, with the overrides applied; what the keys mean is not looked at.

    Raises RecipeError with every problem of the file and of the overrides.
    """
    document, problems = try_read(recipe, overrides)
    if problems or document is None:
        raise RecipeError(lines(problems))
    return document


def try_read(recipe: Recipe, overrides: Overrides = ()) -> tuple[Document | None, list[Problem]]:
    """As `read_document`, returning the problems; the document is None where nothing can be read."""
    read, problems = read_overrides(overrides)
    try:
        model = hub_recipes.named_model(recipe) if isinstance(recipe, str) else None
    except ValueError as error:
        return None, [*problems, Problem(Place(recipe), "", str(error))]
    if model is not None:
        document, found = _from_hub(recipe, model)
    else:
        document, found = _from_mapping(recipe) if isinstance(recipe, Mapping) else _from_file(os.fspath(recipe))
    problems += found
    if document is not None:
        problems += apply_overrides(document, read)
        problems += hub_recipes.outside(document) if model is not None else []
    return document, problems


def _from_hub(source: str, model: hub_recipes.HubModel) -> tuple[Document | None, list[Problem]]:
    try:
        file = hub_recipes.fetch(model, hub_recipes.RECIPE, largest=_LARGEST)
    except RecipeError as error:
        here = "" if source.startswith(hub_recipes.PREFIX) else "there is no such file here, and "
        return None, [Problem(Place(source), "", f"{here}{error}")]
    document, problems = _from_file(str(file.path), place=file.place.source)
    if document is not None:
        hub_recipes.take_in(document, model=model, commit=file.commit)
    return document, problems


def _from_mapping(recipe: Mapping) -> tuple[Document | None, list[Problem]]:
    place = Place("recipe")
    try:
        return Document(plain(recipe), {(): place}), []
    except TypeError as error:
        return None, [Problem(place, "", str(error))]


def _from_file(path: str, *, place: str | None = None) -> tuple[Document | None, list[Problem]]:
    """place: what messages call the file; absent: its path."""
    from hftk.recipe.yaml_text import parse

    source = place or path
    text, wrong = _text(path)
    if wrong:
        return None, [Problem(Place(source), "", wrong)]
    data, places, problems = parse(text, Place(source, 1))
    if problems and data is None:
        return None, problems
    if data is None:
        return None, [Problem(Place(source), "", "the recipe is empty; `hftk init DATA` writes one")]
    if not isinstance(data, dict):
        kind = "a list" if isinstance(data, list) else "a single value"
        wrong = f"a recipe is a mapping of keys such as `name: …`, not {kind}"
        return None, [*problems, Problem(places[()], "", wrong)]
    return Document(data, places), problems


def _text(source: str) -> tuple[str, str | None]:
    """The file's text, or what is wrong with the file."""
    path = Path(source)
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            return "", f"larger than {_LARGEST:,} bytes, so it is no recipe"
        return content.decode("utf-8-sig"), None
    except FileNotFoundError:
        return "", "no such file" + _near_files(path) + hub_recipes.hub_hint(source)
    except OSError as error:
        if path.is_dir():
            return "", "a folder, not a recipe" + _contents(path)
        return "", f"cannot be read: {error.strerror}"
    except ValueError as error:
        if not isinstance(error, UnicodeDecodeError):  # a NUL character, or half of one
            return "", "no name of a file"
        return "", f"not UTF-8 text (byte {error.start + 1}); save the recipe as UTF-8"


def _near_files(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"; there is no folder {folder} here"
    names = [one.name for one in _recipes(folder)]
    near = get_close_matches(path.name, names, n=1)
    if near:
        return f"; did you mean {folder / near[0]}?"
    return _contents(folder)


def _contents(folder: Path) -> str:
    names = [one.name for one in _recipes(folder)]
    return f"; recipes in {folder}: {', '.join(names[:20])}" if names else f"; there are no recipes in {folder}"


def _recipes(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.suffix in (".yaml", ".yml"))
