"""Parameter-efficient fine-tuning: any mergeable PEFT config over a loaded model."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

import torch
from peft import PEFT_TYPE_TO_CONFIG_MAPPING, PeftConfig, PeftModel, PeftType, TaskType, get_peft_model
from transformers import PreTrainedConfig, PreTrainedModel

from hftk.errors import RecipeError
from hftk.models._pretrained import AUTO_CLASS

_OWNED = {
    "task_type": "task",
    "base_model_name_or_path": "model.pretrained",
    "revision": "model.revision",
    "inference_mode": "hftk",
    "auto_mapping": "hftk",
    "peft_version": "hftk",
}
_TASK_TYPE = {"text-classification": TaskType.SEQ_CLS, "token-classification": TaskType.TOKEN_CLS}


def peft_config(peft: Mapping[str, Any], *, task: str) -> PeftConfig:
    """The recipe's `peft:` section as a PEFT config for the task.

    Raises RecipeError with every unknown field, or with what the config class itself refuses.
    """
    config_class = PEFT_TYPE_TO_CONFIG_MAPPING[PeftType(peft["peft_type"])]
    allowed = sorted(field.name for field in fields(config_class) if field.init and field.name not in _OWNED)
    given = {key: value for key, value in peft.items() if key != "peft_type"}
    problems = []
    for key in given:
        if key in _OWNED:
            problems.append(f"peft.{key}: decided by {_OWNED[key]}; take it out of the recipe")
        elif key not in allowed:
            near = get_close_matches(key, allowed, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; allowed: {', '.join(allowed)}"
            problems.append(f"peft.{key}: not a field of {config_class.__name__}{hint}")
    if problems:
        raise RecipeError(problems)
    try:
        return config_class(task_type=_TASK_TYPE[task], **given)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"peft: refused by {config_class.__name__}: {error}") from error


def add_adapter(
    model: PreTrainedModel,
    *,
    task: str,
    peft: Mapping[str, Any],
    new_modules: Sequence[str],
    commit: str | None = None,
) -> PeftModel:
    """The model with its weights frozen, an adapter added, and every freshly initialised module trained.

    PEFT trains heads called `classifier` or `score` by itself; a head of another name, or a new pooler, would stay
    at its random values (peft 0.21), so these are named here. commit: of the model on the Hub; the adapter is saved
    with it, so that whoever loads it puts it on the same weights.
    """
    config = peft_config(peft, task=task)
    named = list(getattr(config, "modules_to_save", None) or [])
    by_itself = ("classifier", "score")
    others = [name for name in new_modules if name.split(".")[0] not in by_itself and name not in named]
    if others:
        config.modules_to_save = named + others
    try:
        wrapped = get_peft_model(model, config, revision=commit)
    except ValueError as error:
        raise RecipeError(f"peft: {peft['peft_type']} cannot be added to this model: {error}") from error
    if not hasattr(wrapped.base_model, "merge_and_unload"):
        raise RecipeError(
            f"peft.peft_type: {peft['peft_type']} cannot be merged into the model, so its folder would not load with "
            "plain transformers; allowed: types that merge, such as LORA, LOHA, LOKR, OFT, BOFT, IA3"
        )
    return wrapped


def check_adapter(config: PreTrainedConfig, *, task: str, peft: Mapping[str, Any]) -> None:
    """Raises RecipeError as `add_adapter` would, without reading any weights."""
    with torch.device("meta"):
        model = AUTO_CLASS[task].from_config(config)
        add_adapter(model, task=task, peft=peft, new_modules=[])
