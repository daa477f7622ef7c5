"""`training:` against the installed TrainingArguments, read from its source."""

import pytest

from hftk.recipe.installed import peft_types, training_arguments
from hftk.recipe.trainer_arguments import TRAINING_DEFAULTS, allowed_arguments, check_training, training_with_defaults
from hftk.recipe.trainer_words import GONE, OWNED


def test_the_source_says_what_the_class_says() -> None:
    """The one test that imports transformers: names, defaults and choices as read by `ast` are the real ones."""
    from dataclasses import MISSING, fields

    from transformers import TrainingArguments
    from transformers.trainer_utils import SchedulerType
    from transformers.training_args import OptimizerNames, trainer_log_levels

    read = training_arguments()
    real = {field.name: field for field in fields(TrainingArguments) if field.init}
    assert list(read) == list(real)
    assert len(read) > 100
    for name, field in real.items():
        default = field.default_factory() if field.default is MISSING else field.default
        assert read[name].default == getattr(default, "value", default), name
    assert set(read["optim"].choices) == {one.value for one in OptimizerNames}
    assert set(read["lr_scheduler_type"].choices) == {one.value for one in SchedulerType}
    assert set(allowed_arguments()["log_level"].choices) == set(trainer_log_levels)


def test_peft_types_are_those_of_peft() -> None:
    from peft import PeftType

    assert set(peft_types()) == {one.value for one in PeftType}


def test_words_are_about_the_right_names() -> None:
    fields = set(training_arguments())
    assert set(OWNED) <= fields
    assert not set(GONE) & fields
    assert set(TRAINING_DEFAULTS) <= set(allowed_arguments())


@pytest.mark.parametrize("name", sorted(OWNED))
def test_what_hftk_decides_is_refused(name: str) -> None:
    assert list(check_training({name: None})) == [(name, f"decided by hftk; {OWNED[name]}")]


@pytest.mark.parametrize("name", sorted(GONE))
def test_what_is_gone_says_what_to_write(name: str) -> None:
    assert list(check_training({name: 1})) == [(name, f"no TrainingArguments field; {GONE[name]}")]


@pytest.mark.parametrize("advice", [text for text in [*OWNED.values(), *GONE.values()] if "write training." in text])
def test_advice_names_fields_that_are_allowed(advice: str) -> None:
    name = advice.split("write training.")[1].split()[0].strip(":,;")
    assert name in allowed_arguments()


@pytest.mark.parametrize(
    "training",
    [
        {},
        {"num_train_epochs": 1, "learning_rate": 1, "weight_decay": 0},
        {"num_train_epochs": 0.5, "warmup_steps": 0.1},
        {"warmup_steps": 100, "lr_scheduler_type": "cosine", "lr_scheduler_kwargs": {"num_cycles": 2}},
        {"max_steps": 10},
        {"max_steps": -1, "num_train_epochs": 2},
        {"eval_steps": None},
        {"eval_steps": 0.25, "eval_delay": 100},
        {"eval_delay": 3},
        {"save_strategy": "steps", "save_steps": 50, "save_total_limit": 2},
        {"bf16": True, "fp16": False, "logging_nan_inf_filter": False},
        {"train_sampling_strategy": "sequential", "use_cpu": True},
        {"dataloader_num_workers": 2, "dataloader_prefetch_factor": 4, "dataloader_persistent_workers": True},
        {"dataloader_persistent_workers": False, "save_total_limit": None},
        {"optim": "adamw_torch", "optim_args": "a=1", "max_grad_norm": 0},
    ],
)
def test_what_is_sound(training: dict) -> None:
    assert list(check_training(training)) == []


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        ({"learning_rate": float("nan")}, {"learning_rate": "must be a finite number, not .nan"}),
        ({"learning_rate": None}, {"learning_rate": "must be a number, not null"}),
        ({"optim": 3}, {"optim": 'must be text, not 3; put it in quotes: "3"'}),
        ({"lr_scheduler_kwargs": [1]}, {"lr_scheduler_kwargs": "must be text or a mapping or null, not [1]"}),
        ({"max_steps": True}, {"max_steps": "must be a whole number, not true"}),
        (
            {"dataloader_persistent_workers": True},
            {"dataloader_persistent_workers": "has no effect without training.dataloader_num_workers: 1 or more"},
        ),
        (
            {"save_strategy": "no", "save_total_limit": 2},
            {"save_total_limit": "has no effect while save_strategy is no; take one of them out"},
        ),
    ],
)
def test_what_is_told(training: dict, expected: dict) -> None:
    assert dict(check_training(training)) == expected


def test_defaults_are_filled_in_and_sound() -> None:
    full = training_with_defaults({"learning_rate": 1e-3})
    assert full["learning_rate"] == 1e-3
    assert full["num_train_epochs"] == 3.0
    assert full["train_sampling_strategy"] == "group_by_length"
    assert full["optim"].startswith("adamw_torch")
    # what has no effect, and what the machine decides, is not put into a recipe
    assert not {"save_steps", "use_cpu", "dataloader_pin_memory"} & set(full)
    assert training_with_defaults({"use_cpu": True})["use_cpu"] is True
    assert list(check_training(full)) == []
    assert training_with_defaults(full) == full
