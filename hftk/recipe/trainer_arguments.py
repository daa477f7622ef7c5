"""Every `training.*` key against the installed TrainingArguments, without importing transformers."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hftk.recipe.installed import Argument, training_arguments, transformers_version
from hftk.recipe.places import among, did_you_mean, shown, spelling_hint
from hftk.recipe.trainer_words import GONE, OWNED

# where hftk's default differs from Trainer's
TRAINING_DEFAULTS: dict[str, Any] = {
    "train_sampling_strategy": "group_by_length",  # padding is nine tenths of the work otherwise (benchmarks/)
    "logging_nan_inf_filter": False,  # a NaN run would log loss 0.0
    "save_strategy": "timed",  # hftk's own: every minute, or rarer where that would cost more than 2 % of the time
    "logging_strategy": "epoch",
    "per_device_eval_batch_size": 32,  # of no effect on the figures; Trainer's 8 leaves a device idle
}

# Trainer's default would be wrong on some machines: the device found there decides
_OF_THE_MACHINE = ("use_cpu", "dataloader_pin_memory")

# what hftk supports of a field's choices, or what the field's source does not list
_CHOICES = {
    "train_sampling_strategy": ("random", "group_by_length", "sequential"),
    "save_strategy": ("timed", "no", "steps", "epoch"),
    "log_level": ("passive", "debug", "info", "detail", "warning", "error", "critical"),
    "log_level_replica": ("passive", "debug", "info", "detail", "warning", "error", "critical"),
    "include_num_input_tokens_seen": ("no", "all", "non_padding"),
}
_KIND_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "dict": "a mapping",
    "list": "a list",
    "none": "null",
}


@dataclass(frozen=True)
class _Range:
    holds: Callable[[float], bool]
    words: str


_ABOVE_ZERO = _Range(lambda value: value > 0, "greater than 0")
_AT_LEAST_ZERO = _Range(lambda value: value >= 0, "0 or greater")
_AT_LEAST_ONE = _Range(lambda value: value >= 1, "1 or greater")
_BELOW_ONE = _Range(lambda value: 0 <= value < 1, "at least 0 and below 1")
_EVERY = _Range(
    lambda value: value > 0 and (value < 1 or value == int(value)),
    "a whole number of steps, or a share of all steps between 0 and 1",
)
_WARMUP = _Range(
    lambda value: value >= 0 and (value < 1 or value == int(value)),
    "a whole number of steps (1.0 is one step), or a share of all steps below 1",
)
_RANGES = {
    "num_train_epochs": _ABOVE_ZERO,
    "max_steps": _Range(lambda value: value == -1 or value >= 1, "1 or greater, or -1 for as many as the epochs take"),
    "per_device_train_batch_size": _AT_LEAST_ONE,
    "per_device_eval_batch_size": _AT_LEAST_ONE,
    "gradient_accumulation_steps": _AT_LEAST_ONE,
    "learning_rate": _ABOVE_ZERO,
    "warmup_steps": _WARMUP,
    "weight_decay": _AT_LEAST_ZERO,
    "adam_beta1": _BELOW_ONE,
    "adam_beta2": _BELOW_ONE,
    "adam_epsilon": _AT_LEAST_ZERO,
    "max_grad_norm": _AT_LEAST_ZERO,
    "label_smoothing_factor": _BELOW_ONE,
    "neftune_noise_alpha": _ABOVE_ZERO,
    "logging_steps": _EVERY,
    "eval_steps": _EVERY,
    "save_steps": _EVERY,
    "eval_delay": _AT_LEAST_ZERO,
    "eval_accumulation_steps": _AT_LEAST_ONE,
    "save_total_limit": _AT_LEAST_ONE,
    "torch_empty_cache_steps": _AT_LEAST_ONE,
    "dataloader_num_workers": _AT_LEAST_ZERO,
    "dataloader_prefetch_factor": _AT_LEAST_ONE,
    "ddp_bucket_cap_mb": _AT_LEAST_ONE,
}


def allowed_arguments() -> dict[str, Argument]:
    """The fields that a recipe may set, with hftk's defaults and choices."""
    return {
        name: Argument(
            name,
            argument.types,
            _CHOICES.get(name, argument.choices),
            TRAINING_DEFAULTS.get(name, argument.default),
            argument.help,
        )
        for name, argument in training_arguments().items()
        if name not in OWNED
    }


def training_with_defaults(training: Mapping[str, Any]) -> dict[str, Any]:
    """The section with the default of every field that has an effect, in the order of TrainingArguments.

    Where the machine decides the default (`use_cpu`) only a value that was given stays.
    """
    defaults = {name: argument.default for name, argument in allowed_arguments().items()}
    values = {name: training.get(name, default) for name, default in defaults.items()}
    left_out = {name for name, _ in _without_effect(values)} | set(_OF_THE_MACHINE)
    return {name: value for name, value in values.items() if name in training or name not in left_out}


def check_training(training: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    """Key and what is wrong with it, for every wrong key of the section."""
    arguments = allowed_arguments()
    sound = {}
    for name, value in training.items():
        wrong = _wrong_name(name, arguments) or _wrong_value(arguments[name], value)
        if wrong:
            yield str(name), wrong
        else:
            sound[name] = value
    yield from _wrong_together(sound)


def _wrong_name(name: object, arguments: Mapping[str, Argument]) -> str | None:
    if name in arguments:
        return None
    if name in OWNED:
        return f"decided by hftk; {OWNED[name]}"
    if name in GONE:
        return f"no TrainingArguments field; {GONE[name]}"
    near = did_you_mean(name, arguments)
    if near:
        return f"unknown key{near}"
    version = transformers_version()
    return f"unknown key: TrainingArguments of transformers {version} has no such field; `hftk schema` lists them"


def _wrong_value(argument: Argument, value: Any) -> str | None:
    if wrong := _wrong_type(argument, value):
        return wrong
    if argument.choices and isinstance(value, str) and value not in argument.choices:
        return f"{shown(value)} is none of its values{among(value, argument.choices)}"
    if isinstance(value, float) and not math.isfinite(value):
        return f"must be a finite number, not {shown(value)}"
    bounds = _RANGES.get(argument.name)
    if bounds and isinstance(value, int | float) and not isinstance(value, bool) and not bounds.holds(value):
        return f"must be {bounds.words}, not {shown(value)}"
    if argument.name == "logging_nan_inf_filter" and value is True:
        return "must be false: it would show a loss that is not a number as 0.0"
    return None


def _wrong_type(argument: Argument, value: Any) -> str | None:
    if _kind(value) in argument.types or (type(value) is int and "float" in argument.types):
        return None
    words = " or ".join(_KIND_WORDS[kind] for kind in _KIND_WORDS if kind in argument.types)
    return f"must be {words}, not {shown(value)}{spelling_hint(value, argument.types)}"


def _kind(value: Any) -> str:
    return "none" if value is None else type(value).__name__


def _without_effect(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys that the other values (with defaults filled in) leave without effect, and why."""
    for key, strategy in (("save_steps", "save_strategy"), ("logging_steps", "logging_strategy")):
        if values[strategy] != "steps":
            yield key, f"has no effect while {strategy} is {values[strategy]}; write training.{strategy}: steps as well"
    if values["save_strategy"] == "no":
        yield "save_total_limit", "has no effect while save_strategy is no; take one of them out"
    if values["max_steps"] > 0:
        yield "num_train_epochs", "has no effect beside max_steps; keep one of them"
    if values["dataloader_num_workers"] == 0:
        for key in (
            "dataloader_prefetch_factor",
            "dataloader_persistent_workers",
            "dataloader_multiprocessing_context",
        ):
            yield key, "has no effect without training.dataloader_num_workers: 1 or more"


def _wrong_together(training: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is sound key by key, but not together."""
    arguments = allowed_arguments()
    values = {name: argument.default for name, argument in arguments.items()} | dict(training)
    for key, why in _without_effect(values):
        # null and false ask for nothing
        if key in training and training[key] not in (None, False):
            yield key, why
    if values["bf16"] and values["fp16"]:
        yield "fp16", "together with bf16; keep one of them"
    delay_in_epochs = values["eval_steps"] is None and values["max_steps"] <= 0
    if "eval_delay" in training and delay_in_epochs and values["eval_delay"] > values["num_train_epochs"]:
        epochs, delay = shown(values["num_train_epochs"]), shown(values["eval_delay"])
        yield "eval_delay", f"must be at most num_train_epochs ({epochs}), not {delay}: nothing would be validated"
