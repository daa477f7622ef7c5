"""What a run's data and base model are called elsewhere: by their Hub id, or by the last part of a path."""

from pathlib import PurePath, PureWindowsPath

from hftk.hub.ids import HUB_ID
from hftk.recipe.file_kinds import CONLL, SUFFIXES
from hftk.recipe.schema import Recipe
from hftk.report.runs import Run

_BUILTIN, _PACKAGE = "builtin:", "package:"


def hub_data(run: Run, recipe: Recipe) -> str | None:
    """The data set's Hub id; None for data that lay on the machine that trained."""
    path = recipe.data.path
    if run.data.commit is not None:
        return path
    told = "commit" in run.data.model_fields_set
    return path if not told and _looks_like_an_id(path) else None


def hub_model(run: Run, recipe: Recipe) -> str | None:
    """The base model's Hub id; None for a model from scratch, or one that lay on the machine that trained."""
    name = recipe.model.pretrained
    if name is None or (run.pretrained and run.pretrained.get("commit") is None):
        return None
    return name if run.pretrained or _looks_like_an_id(name) else None


def everywhere(name: str) -> bool:
    """Does it name the same on every machine, as what comes with a Python package does?"""
    return name.startswith((_BUILTIN, _PACKAGE))


def last_part(path: str) -> str:
    """Of a path of any system."""
    plain = path.rstrip("/\\")
    parts = PureWindowsPath(plain).parts if "\\" in plain else PurePath(plain).parts
    return parts[-1] if parts else path


def data_name(run: Run, recipe: Recipe) -> str:
    """As a reader elsewhere is told of it."""
    path = recipe.data.path
    if everywhere(path) or hub_data(run, recipe):
        return f"{path} ({recipe.data.name})" if recipe.data.name else path
    return last_part(path)


def model_name(run: Run, recipe: Recipe) -> str:
    """Of the base model, likewise; `recipe.model.pretrained` must name one."""
    name = recipe.model.pretrained
    return name if everywhere(name) or hub_model(run, recipe) else last_part(name)


def _looks_like_an_id(name: str) -> bool:
    """For records that do not tell it: `name` or `owner/name`, and no data file's name."""
    suffix = PurePath(name).suffix.lower()
    return HUB_ID.fullmatch(name) is not None and suffix not in (*SUFFIXES, *CONLL)
