"""A run's recipe as it is pushed: it can be trained from elsewhere, and says what it needs from there."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import Any

from hftk.recipe.schema import Hub, Recipe, Tracking
from hftk.recipe.yaml_text import dump
from hftk.report.card.origin import everywhere, hub_data, hub_model, last_part
from hftk.report.runs import Run

_DEFAULT_OUTPUT = Recipe.model_fields["output_dir"].default
_ABSOLUTE = re.compile(r"/[^/\s]|~/")


def local_paths(run: Run, recipe: Recipe) -> dict[str, str]:
    """What the recipe names on the machine that trained: dotted key → path. An absolute path is one under any key."""
    found = {}
    if not hub_data(run, recipe) and not everywhere(recipe.data.path):
        found["data.path"] = recipe.data.path
        found |= {
            key: path
            for key, path in _texts(recipe.data.splits and recipe.data.splits.model_dump(), "data.splits")
            if "/" in path or "\\" in path
        }
    name = recipe.model.pretrained
    if name is not None and not hub_model(run, recipe) and not everywhere(name):
        found["model.pretrained"] = name
    if recipe.embeddings is not None and recipe.embeddings.path is not None:
        found["embeddings.path"] = recipe.embeddings.path
    written = recipe.model_dump(exclude={"output_dir", "tracking", "hub", "name"})
    return found | {key: text for key, text in _texts(written, "") if key not in found and _is_absolute(text)}


def pushed_recipe(run: Run, recipe: Recipe) -> str:
    """recipe.yaml for the repository: as the run's own, but for what belongs to the machine and to the person.

    Local paths are their last part; the comments above say what each was. Data and model of the Hub are pinned to the
    commit that was read. Where results go, trackers and the Hub are left as if nothing had been said of them.
    """
    content = recipe.model_dump()
    content |= {"output_dir": _DEFAULT_OUTPUT, "tracking": Tracking().model_dump(), "hub": Hub().model_dump()}
    paths = local_paths(run, recipe)
    content = _renamed(content, "", paths)
    if hub_data(run, recipe) and run.data.commit:
        content["data"]["revision"] = run.data.commit
    if hub_model(run, recipe) and (commit := run.pretrained.get("commit")):
        content["model"]["revision"] = commit
    told = [
        "The recipe of this run; train it again with: hftk train recipe.yaml",
        "output_dir, tracking and hub are not those of the run.",
        *(line for key, path in paths.items() for line in _told(key, path, run)),
    ]
    return "".join(f"# {line}\n" for line in told) + dump(content)


def _told(key: str, path: str, run: Run) -> Iterator[str]:
    name = " ".join(last_part(path).split())
    known = ""
    if key == "data.path" and run.data.fingerprint:
        known = f", fingerprint of the rows and labels {run.data.fingerprint}"
    elif key == "model.pretrained" and run.pretrained.get("fingerprint"):
        known = f", fingerprint of its files {run.pretrained['fingerprint']}"
    elif key == "embeddings.path" and Path(path).expanduser().is_file():
        with open(Path(path).expanduser(), "rb") as file:
            known = f", sha256 {hashlib.file_digest(file, 'sha256').hexdigest()}"
    yield f"{key}: {name} lay on the machine that trained{known}."
    yield f"  Say where yours is: hftk train recipe.yaml {key}=…"


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """Every text in it, with its dotted key."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, child in value.items():
            yield from _texts(child, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for child in value:
            yield from _texts(child, key)


def _renamed(value: Any, key: str, paths: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _renamed(child, f"{key}.{name}" if key else str(name), paths) for name, child in value.items()}
    if isinstance(value, list):
        return [_renamed(child, key, paths) for child in value]
    return last_part(value) if isinstance(value, str) and key in paths else value


def _is_absolute(text: str) -> bool:
    return "\n" not in text and (bool(_ABSOLUTE.match(text)) or bool(PureWindowsPath(text).drive))
