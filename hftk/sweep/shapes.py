"""Runs whose steps cost the same: one of them is timed for all."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from hftk.recipe.schema import Recipe
from hftk.recipe.trainer_arguments import training_with_defaults
from hftk.sweep.expansion import PlannedRun

# they decide what is learnt, how long it goes on and what is written down, and not what a step costs
_COSTS_NOTHING = {
    "adam_beta1",
    "adam_beta2",
    "adam_epsilon",
    "eval_delay",
    "eval_steps",
    "label_smoothing_factor",
    "learning_rate",
    "logging_steps",
    "logging_strategy",
    "lr_scheduler_kwargs",
    "lr_scheduler_type",
    "max_steps",
    "num_train_epochs",
    "save_steps",
    "save_strategy",
    "save_total_limit",
    "warmup_steps",
    "weight_decay",
}


def shapes(runs: Iterable[PlannedRun]) -> list[list[PlannedRun]]:
    """The runs, those together whose steps cost the same, in the order of their first ones."""
    grouped: dict[str, list[PlannedRun]] = {}
    for run in runs:
        grouped.setdefault(_shape(run.recipe), []).append(run)
    return list(grouped.values())


def _shape(recipe: Recipe) -> str:
    """Equal for two runs of one shape. A key that this file does not know counts: it costs a second timing at most."""
    training = training_with_defaults(recipe.training)
    embeddings = recipe.embeddings
    if embeddings is not None:  # whatever made them: vectors of one size cost the same
        size = embeddings.path if embeddings.method == "file" else embeddings.vector_size
        embeddings = {"size": size, "freeze": embeddings.freeze}
    content = {
        "task": recipe.task,
        "data": recipe.data.model_dump(mode="json"),
        "model": recipe.model.model_dump(mode="json"),
        "tokenizer": recipe.tokenizer and recipe.tokenizer.model_dump(mode="json"),
        "embeddings": embeddings,
        "training": {name: value for name, value in training.items() if name not in _COSTS_NOTHING},
        "peft": recipe.peft,
        "metrics": recipe.metrics,
        "keep": recipe.keep,
    }
    return json.dumps(_without_rates(content), sort_keys=True, default=str)


def _without_rates(value: Any) -> Any:
    """Dropout costs what it costs at any rate but zero."""
    if isinstance(value, Mapping):
        return {
            str(key): bool(inner) if "dropout" in str(key) and isinstance(inner, int | float) else _without_rates(inner)
            for key, inner in value.items()
        }
    return [_without_rates(inner) for inner in value] if isinstance(value, list) else value
