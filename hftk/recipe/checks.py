"""What is well-typed and still makes no sense, in one run's recipe."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hftk.recipe.data_checks import check_data
from hftk.recipe.metrics import ENTITY_METRICS, METRICS
from hftk.recipe.model_checks import check_model, check_peft
from hftk.recipe.places import Keys, among, shown
from hftk.recipe.schema import EarlyStopping, Hub, Recipe, SweepMetric, Tracking
from hftk.recipe.trainer_arguments import check_training

_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(1, 10))}
_LONGEST_NAME = 150  # bytes; run folders and checkpoints need the rest of a file system's 255

_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?"
MODEL_ID = rf"(?!.*(?:--|\.\.|\.git$)){_PART}/{_PART}"
"""The Hub's rule for a repository's name (huggingface_hub 2.4), with its owner."""
MODEL_ID_RULE = "must be owner/name, of letters, digits, - _ and ., without -- or .. and with no sign at an end"


def check_recipe(recipe: Recipe) -> Iterator[tuple[Keys, str]]:
    """Where in the recipe, and what is wrong; every problem of it."""
    for text in wrong_folder_name(recipe.name):
        yield ("name",), text
    if "\0" in recipe.output_dir:
        yield ("output_dir",), "holds a NUL character, which no path may; take it out"
    if recipe.task == "image-classification" and recipe.model.pretrained is not None:
        yield ("model", "pretrained"), "images are read by an architecture only; write model.architecture: rnn"
    yield from _below("data", check_data(recipe.data, recipe.task))
    yield from check_model(recipe)
    yield from _below("training", (((key,), text) for key, text in check_training(recipe.training)))
    yield from check_metrics(recipe.metrics)
    for index, name in enumerate(recipe.metrics):
        if name in ENTITY_METRICS and recipe.task != "token-classification":
            yield ("metrics", index), f"{name} is for token-classification; take it out"
    if recipe.early_stopping is not None:
        yield from _check_early_stopping(recipe.early_stopping, recipe.metrics)
    if recipe.peft is not None:
        yield from _below("peft", check_peft(recipe.peft))
    if isinstance(recipe.class_weights, Mapping):
        yield from _check_class_weights(recipe.class_weights)
    for seed in sorted({seed for seed in recipe.seeds if recipe.seeds.count(seed) > 1}):
        yield ("seeds",), f"{seed} is there twice; a run is trained once with each seed"
    yield from _below("tracking", _check_tracking(recipe.tracking))
    yield from _below("hub", _check_hub(recipe.hub))


def _below(section: str, found: Iterator[tuple[Keys, str]]) -> Iterator[tuple[Keys, str]]:
    return (((section, *path), text) for path, text in found)


def wrong_folder_name(name: str) -> Iterator[str]:
    """What keeps a name from being a folder's, on any operating system."""
    if not name.strip():
        yield "must not be empty: it is the folder below output_dir"
    elif bad := sorted({character for character in name if character in '/\\:*?"<>|' or not character.isprintable()}):
        yield f"{shown(name)} cannot be a folder's name; leave out {' '.join(map(shown, bad))}"
    elif name.startswith(".") or name != name.strip() or name.endswith("."):
        yield f"{shown(name)} cannot be a folder's name; no dot or space at the start or end"
    elif name.split(".")[0].casefold() in _RESERVED:
        yield f"{shown(name)} cannot be a folder's name on Windows; choose another"
    elif len(name.encode()) > _LONGEST_NAME:
        yield f"too long for a folder's name: {len(name.encode())} bytes, at most {_LONGEST_NAME}"


def check_metrics(metrics: list[str]) -> Iterator[tuple[Keys, str]]:
    """Unknown and repeated names; shared with the check of `sweep.metric`."""
    for index, name in enumerate(metrics):
        if name == "loss":
            yield ("metrics", index), "the loss is always there; take it out"
        elif name not in METRICS:
            yield ("metrics", index), f"unknown metric {shown(name)}{among(name, METRICS)}"
        elif name in metrics[:index]:
            yield ("metrics", index), f"{name} is there twice; keep one of them"


def _check_early_stopping(stopping: EarlyStopping, metrics: list[str]) -> Iterator[tuple[Keys, str]]:
    if stopping.min_delta == float("inf"):
        yield ("early_stopping", "min_delta"), f"must be a finite number, not {shown(stopping.min_delta)}"
    name = stopping.metric
    if name == "loss" or name in metrics:
        return
    path: Keys = ("early_stopping", "metric")
    plain = re.sub("^(validation|eval|val)_", "", name)
    if name.startswith("test_"):
        yield path, f"{shown(name)}: the test split is looked at once, after training; write loss or one of metrics"
    elif plain != name and (plain == "loss" or plain in metrics):
        yield path, f"always of the validation split; write {plain}"
    elif name in METRICS:
        yield path, f"{name} is not computed; add it to metrics, or write one of: {', '.join(['loss', *metrics])}"
    else:
        yield path, f"unknown metric {shown(name)}{among(name, ['loss', *metrics])}"


def check_sweep_metric(metric: SweepMetric, metrics: list[str]) -> Iterator[tuple[Keys, str]]:
    """Where below `sweep.metric`, and what is wrong."""
    name = metric.name
    known = [f"validation_{one}" for one in ["loss", *metrics]]
    plain = re.sub("^(validation|eval|val)_", "", name)
    if name in known:
        best = "minimize" if name == "validation_loss" else "maximize"
        if metric.goal != best:
            better = "lower" if best == "minimize" else "higher"
            yield ("goal",), f"must be {best} for {name}: {better} is better"
    elif name.startswith("test_"):
        yield ("name",), f"{shown(name)}: runs are ranked on validation only; {_one_of(known)}"
    elif f"validation_{plain}" in known:
        yield ("name",), f"{shown(name)} is no metric's full name; write validation_{plain}"
    elif plain in METRICS:
        yield ("name",), f"{plain} is not computed; add it to metrics, or write {_one_of(known)}"
    else:
        yield ("name",), f"unknown metric {shown(name)}{among(name, known)}"


def _one_of(names: list[str]) -> str:
    return f"one of: {', '.join(names)}"


def _check_class_weights(weights: Mapping[Any, float]) -> Iterator[tuple[Keys, str]]:
    for label, weight in weights.items():
        if weight == float("inf"):
            yield ("class_weights", label), f"must be a finite number, not {shown(weight)}"
    texts = [str(label) for label in weights]
    for text in sorted({text for text in texts if texts.count(text) > 1}):
        yield ("class_weights",), f"the label {text} is there twice, as text and as a number; keep one of them"


def _check_tracking(tracking: Tracking) -> Iterator[tuple[Keys, str]]:
    for name in sorted({name for name in tracking.report_to if tracking.report_to.count(name) > 1}):
        yield ("report_to",), f"{name} is there twice; keep one of them"
    for key, takers in (("project", {"wandb", "trackio"}), ("tags", {"wandb"})):
        if getattr(tracking, key) != Tracking.model_fields[key].default and not takers & set(tracking.report_to):
            yield (key,), "has no effect without tracking.report_to, such as report_to: [wandb]"
    takes = 0 < len(tracking.project) <= 128 and not set("/\\#?%:") & set(tracking.project)  # wandb 0.31
    if "wandb" in tracking.report_to and not takes:
        found = shown(tracking.project)
        yield ("project",), f"W&B takes 1 to 128 characters, none of them / \\ # ? % or :, not {found}"


def _check_hub(hub: Hub) -> Iterator[tuple[Keys, str]]:
    if hub.model_id is not None and not re.fullmatch(MODEL_ID, hub.model_id):
        yield ("model_id",), f"{MODEL_ID_RULE}, not {shown(hub.model_id)}"
    if hub.push != "none" and hub.model_id is None:
        yield ("push",), f"{hub.push} needs hub.model_id, such as model_id: me/news-bert"
