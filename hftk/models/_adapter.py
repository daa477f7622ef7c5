"""A saved adapter, and the model that it was trained over → one model."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from peft import PEFT_TYPE_TO_CONFIG_MAPPING, PeftConfig, PeftType, get_peft_model
from safetensors import SafetensorError, safe_open
from transformers import PreTrainedModel

from hftk.errors import RecipeError
from hftk.hub.ids import ADAPTER, HUB_ID
from hftk.models._pretrained import load_model
from hftk.models._vetting import ModelFiles

_WEIGHTS = "adapter_model.safetensors"


def load_with_adapter(name: str, files: ModelFiles, *, task: str, labels: Sequence[str]) -> PreTrainedModel:
    """The base model that the adapter's files name, at the commit that they name, with the adapter merged into it.

    name: for messages. In float32. Raises RecipeError where the files ask for code, files or a kind of adapter that
    hftk does not read, where they do not fit the base model, and where that cannot be had.
    """
    config = _config(name, files)
    base = str(config.base_model_name_or_path)
    loaded = load_model(base, task=task, revision=config.revision, config_overrides={}, labels=labels)
    weights = files.path(_WEIGHTS)
    _check_head(name, weights, new=loaded.new_modules)
    try:
        model = get_peft_model(loaded.model, config)
        found = model.load_adapter(str(weights.parent), "default", torch_device="cpu")
    # files that do not fit the model make PEFT raise almost anything
    except (ValueError, RuntimeError, KeyError, TypeError, AttributeError) as error:
        raise RecipeError(f"{name}: its adapter does not fit {base} ({' '.join(str(error).split())})") from error
    if alone := [*found.missing_keys, *found.unexpected_keys]:
        raise RecipeError(f"{name}: its adapter does not fit {base}: only one of them has {alone[0]}")
    return model.merge_and_unload()


def _check_head(name: str, weights: Path, *, new: Sequence[str]) -> None:
    """What the base model does not hold, the adapter's files must: else it would be drawn at random."""
    try:
        with safe_open(weights, framework="pt") as file:
            held = [f".{key}" for key in file.keys()]  # noqa: SIM118 - it is no mapping
    except (SafetensorError, OSError) as error:
        raise RecipeError(f"{name}: {_WEIGHTS} cannot be read ({error})") from error
    if lacking := [module for module in new if not any(f".{module}." in key for key in held)]:
        raise RecipeError(
            f"{name}: its files hold no weights for {', '.join(lacking[:5])}, so it was not trained to tell classes"
        )


def _config(name: str, files: ModelFiles) -> PeftConfig:
    path = files.path(ADAPTER)
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise RecipeError(f"{name}: {ADAPTER} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{name}: {ADAPTER} holds no JSON object")
    if reasons := [*_wrong(content, files)]:
        raise RecipeError([f"{name}: {reason}" for reason in reasons])
    try:
        config = PeftConfig.from_pretrained(str(path.parent))
    except (TypeError, ValueError, KeyError) as error:
        raise RecipeError(f"{name}: {ADAPTER} is refused by PEFT: {' '.join(str(error).split())}") from error
    config.inference_mode = True
    return config


def _wrong(content: Mapping[str, Any], files: ModelFiles) -> Iterator[str]:
    for key, value in content.items():
        if value and key.endswith("_config"):  # with megatron_config PEFT imports what megatron_core names
            yield f"{ADAPTER} asks for {key}, which can name code or files elsewhere; take the key out of the file"
    kind = content.get("peft_type")
    if kind not in list(PeftType) or PeftType(kind) not in PEFT_TYPE_TO_CONFIG_MAPPING:
        yield f"{ADAPTER} names the peft_type {kind!r}, which the installed PEFT does not know"
    base = content.get("base_model_name_or_path")
    is_local = _is_folder(files.source)
    if not isinstance(base, str) or not (HUB_ID.fullmatch(base) or is_local):
        yield f"{ADAPTER} names {base!r} as its base model; allowed: the id of a model on the Hub"
    elif not is_local and _is_folder(base):
        yield f"its base model is {base} on the Hub, and a folder of this name would be read; go to another folder"
    revision = content.get("revision")
    if not isinstance(revision, str | None):
        yield f"{ADAPTER} names {revision!r} as revision of the base model; allowed: a commit, branch or tag"
    if not files.has(_WEIGHTS):
        yield f"it holds no {_WEIGHTS}; other forms can hold code, and are not read"


def _is_folder(source: str) -> bool:
    return Path(source).is_dir()
