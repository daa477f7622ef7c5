"""How the model of a run is built from scratch, how long its texts may be, and what a folder of weights is known by."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from hftk.models._architectures import architecture_config, build_model
from hftk.models._pretrained import LoadedModel
from hftk.recipe.schema import Recipe

# tokens per text for an architecture that has no bound of its own
LONGEST_TEXT = 512


def architecture_loader(
    recipe: Recipe, *, decided: dict[str, Any], max_length: int | None, vectors: dict[str, Any] | None = None
) -> Callable[..., LoadedModel]:
    config = architecture_config(
        recipe.model.architecture,
        task=recipe.task,
        settings=recipe.model.config_overrides,
        decided=decided,
        max_length=max_length,
    )
    return partial(build_model, recipe.model.architecture, task=recipe.task, config=config, **vectors or {})


def longest_text(recipe: Recipe) -> int:
    """Where the recipe does not say it: what the architecture takes."""
    config = architecture_config(
        recipe.model.architecture,
        task=recipe.task,
        settings=recipe.model.config_overrides,
        decided={"vocab_size": 8},
        max_length=LONGEST_TEXT,
    )
    return getattr(config, "max_position_embeddings", None) or LONGEST_TEXT


def files_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in {".json", ".safetensors", ".bin", ".txt", ".model"}:
            digest.update(path.name.encode())
            with open(path, "rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
