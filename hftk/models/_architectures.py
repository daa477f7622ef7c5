"""The architectures of this folder: config and model for a task, and how they are saved to load without hftk."""

import inspect
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import PreTrainedConfig, PreTrainedModel

from hftk.errors import RecipeError
from hftk.models._pretrained import LoadedModel, name_labels
from hftk.recipe.architectures import CLASS_SUFFIX


def architecture_config(
    architecture: str, *, task: str, settings: Mapping[str, Any], decided: Mapping[str, Any], max_length: int | None
) -> PreTrainedConfig:
    """The architecture's config.

    settings: the recipe's further `model.*` keys. decided: fields that the tokenizer, the images or the embeddings
    give. max_length: tokens of the longest text, for an architecture that lays all positions side by side; None for
    images. Raises RecipeError where the config or the model refuses a value.
    """
    values = {**decided, **settings}
    if max_length is not None and _flattens(values):
        values.setdefault("max_position_embeddings", max_length)
    try:
        config = _class(architecture, "Config")(**values)
        with torch.device("meta"):  # the model has its own say, before any weight is made
            model_class(architecture, task)(config)
    except (TypeError, ValueError, RuntimeError, StrictDataclassError) as error:
        raise RecipeError(f"model.{_reason(error)}") from error
    return config


def build_model(
    architecture: str,
    *,
    task: str,
    config: PreTrainedConfig,
    labels: Sequence[str],
    vectors: torch.Tensor | None = None,
    token_ids: torch.Tensor | None = None,
    freeze: bool = False,
) -> LoadedModel:
    """The model with weights drawn from torch's generator, then its word vectors where there are any.

    vectors: (found, embedding_size). token_ids: (found,), the rows of the vocabulary that they belong to.
    """
    config = type(config).from_dict(config.to_dict())  # another run may share it
    name_labels(config, labels)
    model = model_class(architecture, task)(config)
    if vectors is not None:
        model.load_word_vectors(vectors, token_ids, freeze=freeze)
    return LoadedModel(model=model, new_modules=[])


def save_with_source(model: PreTrainedModel, folder: Path) -> None:
    """Saves the model with the files that define it, so that AutoModelFor… loads it where there is no hftk."""
    (suffix,) = [one for one in CLASS_SUFFIX.values() if type(model).__name__.endswith(one)]
    type(model.config).register_for_auto_class()
    type(model).register_for_auto_class(f"AutoModel{suffix}")
    model.save_pretrained(folder)


def model_class(architecture: str, task: str) -> type[PreTrainedModel]:
    return _class(architecture, CLASS_SUFFIX[task])


def _class(architecture: str, suffix: str) -> Any:
    """The class of the architecture's file whose name ends so; RecipeError where there is none."""
    module = import_module(f"hftk.models.{architecture}")
    for name, found in inspect.getmembers(module, inspect.isclass):
        if found.__module__ == module.__name__ and name.endswith(suffix):
            return found
    raise RecipeError(f"model.architecture: {architecture} has no class …{suffix}")


def _flattens(values: Mapping[str, Any]) -> bool:
    pooling = values.get("pooling")
    return "flatten" in ([pooling] if isinstance(pooling, str) else pooling or [])


def _reason(error: Exception) -> str:
    """The innermost message in one line: `field: value; allowed: …`."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())
