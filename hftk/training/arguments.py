"""The recipe's `training:` section as the installed TrainingArguments."""

from collections.abc import Mapping
from typing import Any

import torch
from transformers import TrainingArguments

from hftk.errors import RecipeError

# where hftk's default differs from Trainer's
DEFAULTS = {
    "train_sampling_strategy": "group_by_length",  # padding is nine tenths of the work otherwise (benchmarks/)
    "logging_nan_inf_filter": False,  # a NaN run would log loss 0.0
    "save_strategy": "no",  # the best weights are kept by `keep`; checkpoints are written when asked for
    "logging_strategy": "epoch",
    "dataloader_pin_memory": False,
}


def training_arguments(
    training: Mapping[str, Any], *, output_dir: str, seed: int, run_name: str, report_to: list[str]
) -> TrainingArguments:
    """Raises RecipeError with Trainer's own reason where it refuses the values."""
    on_cpu = not torch.accelerator.is_available()
    values = {**DEFAULTS, "dataloader_pin_memory": not on_cpu, "use_cpu": on_cpu, **training}
    evaluation = "steps" if "eval_steps" in training else "epoch"
    try:
        return TrainingArguments(
            **values,
            output_dir=output_dir,
            seed=seed,
            data_seed=seed,
            eval_strategy=evaluation,
            remove_unused_columns=False,  # the columns are named when the rows are tokenised
            label_names=["labels"],
            report_to=report_to or "none",
            run_name=run_name,
            disable_tqdm=True,  # hftk's own display speaks
        )
    except (TypeError, ValueError, ImportError, RuntimeError) as error:
        raise RecipeError(f"training: refused by TrainingArguments: {error}") from error


def check_precision(training: Mapping[str, Any]) -> list[str]:
    """What this machine's device cannot do of bf16, fp16 and tf32, one line each."""
    problems = []
    on_cpu = bool(training.get("use_cpu")) or not torch.accelerator.is_available()
    if training.get("fp16") and on_cpu:
        problems.append("training.fp16: needs a GPU and none is used here; take it out, or write training.bf16: true")
    if training.get("tf32") and (on_cpu or not torch.cuda.is_available() or torch.cuda.get_device_capability()[0] < 8):
        problems.append("training.tf32: needs an NVIDIA GPU of the Ampere generation or later; take it out")
    if training.get("bf16") and not on_cpu and torch.cuda.is_available() and not torch.cuda.is_bf16_supported():
        problems.append("training.bf16: this GPU has no bfloat16; write training.fp16: true")
    return problems
