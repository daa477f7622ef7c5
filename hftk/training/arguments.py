"""The recipe's `training:` section as the installed TrainingArguments."""

from collections.abc import Mapping
from typing import Any

import torch
from transformers import TrainingArguments

from hftk.errors import RecipeError
from hftk.recipe.trainer_arguments import TRAINING_DEFAULTS


def training_arguments(
    training: Mapping[str, Any],
    *,
    output_dir: str,
    seed: int,
    run_name: str,
) -> TrainingArguments:
    """Raises RecipeError with Trainer's own reason where it refuses the values."""
    on_cpu = not torch.accelerator.is_available()
    # Trainer would have transformers of all processes but the first tell what quiet_libraries() keeps down
    here = {"dataloader_pin_memory": not on_cpu, "use_cpu": on_cpu, "log_level_replica": "passive"}
    values = {**TRAINING_DEFAULTS, **here, **training}
    # SweepTrainer makes the batches; Trainer would shuffle the evaluation rows by it too (transformers 5.23)
    values.pop("train_sampling_strategy")
    if saved_by_time(training):
        values["save_strategy"] = "no"
        values.setdefault("save_total_limit", 1)
    evaluation = "epoch" if values.get("eval_steps") is None else "steps"
    try:
        args = TrainingArguments(
            **values,
            output_dir=output_dir,
            seed=seed,
            data_seed=seed,
            eval_strategy=evaluation,
            remove_unused_columns=False,  # the columns are named when the rows are tokenised
            label_names=["labels"],
            metric_for_best_model="loss",  # what reduce_lr_on_plateau watches; `keep` has callbacks of its own
            greater_is_better=False,
            report_to="none",  # our trackers are told by a callback of ours
            run_name=run_name,
            disable_tqdm=True,  # hftk's own display speaks
        )
    except (TypeError, ValueError, ImportError, RuntimeError) as error:
        raise RecipeError(f"training: refused by TrainingArguments: {error}") from error
    # one process uses one device: Trainer would wrap the model in nn.DataParallel and multiply the gradient
    args._n_gpu = min(args.n_gpu, 1)
    return args


def sampling_strategy(training: Mapping[str, Any]) -> str:
    """How rows are put into training batches: group_by_length, random or sequential."""
    return training.get("train_sampling_strategy", TRAINING_DEFAULTS["train_sampling_strategy"])


def saved_by_time(training: Mapping[str, Any]) -> bool:
    """Are checkpoints for going on only, written every so often and gone at the end?"""
    return training.get("save_strategy", TRAINING_DEFAULTS["save_strategy"]) == "timed"


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
