"""Phase two of checking a recipe: what needs torch, transformers and peft, before any data are read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from transformers import PreTrainedConfig

from hftk.errors import DataError, RecipeError
from hftk.models._architectures import architecture_config
from hftk.recipe.places import Document, Problem
from hftk.recipe.schema import Recipe
from hftk.sweep.model_loading import LONGEST_TEXT
from hftk.tracking import missing_trackers
from hftk.training.arguments import check_precision, training_arguments
from hftk.training.metrics import missing_for_metrics, unfit_for_metrics


def problems_of(check: Callable[[Recipe], None], recipe: Recipe, document: Document) -> list[Problem]:
    """A check's RecipeError, if any, as problems with the place of the key that each message starts with."""
    try:
        check(recipe)
    except RecipeError as error:
        found = []
        for message in error.problems:
            key, _, text = message.partition(": ")
            found.append(Problem(document.place(tuple(key.split("."))), key, text))
        return found
    return []


@contextmanager
def placed(document: Document) -> Iterator[None]:
    """A DataError of the block that begins with a key of the recipe gets the place of that key."""
    try:
        yield
    except DataError as error:
        key = str(error).partition(":")[0]
        raise DataError(f"{document.place(tuple(key.split('.')))}: {error}") from error


def check_devices(recipe: Recipe) -> None:
    if problems := check_precision(recipe.training):
        raise RecipeError(problems)


def check_trackers(recipe: Recipe) -> None:
    if problems := missing_trackers(recipe.tracking):
        raise RecipeError(problems)


def check_metrics(recipe: Recipe) -> None:
    if problems := missing_for_metrics(recipe.metrics):
        raise RecipeError(problems)


def check_arguments(recipe: Recipe) -> None:
    if not check_precision(recipe.training):
        training_arguments(recipe.training, output_dir="unused", seed=0, run_name="")


def check_architecture(recipe: Recipe) -> None:
    """Its config and model are made with stand-ins for what the data decide."""
    images = recipe.task == "image-classification"
    decided: dict[str, Any] = {"image_size": [8, 8]} if images else {"vocab_size": 8}
    if recipe.embeddings is not None and recipe.embeddings.method != "file":
        decided["embedding_size"] = recipe.embeddings.vector_size
    longest = None if images else recipe.data.max_length or LONGEST_TEXT
    config = architecture_config(
        recipe.model.architecture,
        task=recipe.task,
        settings=recipe.model.config_overrides,
        decided=decided,
        max_length=longest,
    )
    if recipe.training.get("gradient_checkpointing"):
        raise RecipeError("training.gradient_checkpointing: architectures do not support it; take it out")
    most = getattr(config, "max_position_embeddings", None)
    if recipe.data.max_length and most and recipe.data.max_length > most:
        raise RecipeError(
            f"data.max_length: {recipe.data.max_length} is more than model.max_position_embeddings {most}; raise that, "
            "or cut the texts earlier"
        )


def check_length(recipe: Recipe, *, longest: int) -> None:
    """longest: tokens that the pretrained model takes."""
    if recipe.data.max_length and recipe.data.max_length > longest:
        raise RecipeError(
            f"data.max_length: {recipe.data.max_length} is more than {recipe.model.pretrained} takes; at most {longest}"
        )


def check_adapter_settings(recipe: Recipe, *, config: Callable[[], PreTrainedConfig]) -> None:
    """config: of the model, asked for when the settings themselves are right."""
    from hftk.models._peft import check_adapter, peft_config

    peft_config(recipe.peft, task=recipe.task)  # its problems are told beside those of the model's config
    check_adapter(config(), task=recipe.task, peft=recipe.peft)


def check_against_labels(recipe: Recipe, *, labels: list[str]) -> None:
    if problems := unfit_for_metrics(recipe.metrics, labels=labels):
        raise RecipeError(problems)
    if isinstance(recipe.class_weights, dict):
        unknown = [label for label in recipe.class_weights if str(label) not in labels]
        if unknown:
            raise RecipeError(
                [f"class_weights.{label}: not a label of the data; allowed: {', '.join(labels)}" for label in unknown]
            )
