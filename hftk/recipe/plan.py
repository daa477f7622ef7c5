"""The first phase of checking: a recipe → the runs that it asks for, or every problem in it."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from hftk.errors import RecipeError
from hftk.recipe import schema
from hftk.recipe.architectures import architectures, fields_without_effect, settings_of, tasks_of
from hftk.recipe.checks import check_metrics, check_recipe
from hftk.recipe.credentials import find_secrets
from hftk.recipe.places import Document, Keys, Problem, lines, problem, value_at
from hftk.recipe.reading import Overrides, Recipe, try_read
from hftk.recipe.sweep_checks import check_sweep
from hftk.recipe.trainer_arguments import training_with_defaults
from hftk.recipe.validation import Found, validated
from hftk.sweep.expansion import (
    PlannedRun,
    Setting,
    SweepPlan,
    corner_settings,
    expand,
    proposed_setting,
    set_value,
    swept_keys,
)
from hftk.sweep.names import run_name, setting_names

_HALF = re.compile("[\ud800-\udfff]")
# stands in for what is missing or wrong, so that the rest of the recipe can still be checked
_STAND_INS: dict[Keys, Any] = {
    ("name",): "unnamed",
    ("data",): {"path": "unnamed.csv"},
    ("data", "path"): "unnamed.csv",
    ("model",): {"pretrained": "unnamed"},
}
# without these a recipe is none, unless its sweep gives them
_REQUIRED = {("data",), ("data", "path"), ("model",), ("model", "pretrained"), ("model", "architecture")}


def read_plan(recipe: Recipe, overrides: Overrides = ()) -> SweepPlan:
    """Reads, expands and checks; raises RecipeError with every problem."""
    document, unread = try_read(recipe, overrides)
    if document is None:
        raise RecipeError(lines(unread))
    refused = unread + [problem(document, path, text) for path, text in _refused(document.data)]
    sweep, found = _read_sweep(document)
    problems = refused + found
    settings = expand(document, None if found else sweep)
    whole, _ = validated(schema.Recipe, document.data)
    if whole is None or found:
        # with the sweep as it is there are no runs to check, or their recipe is not whole without it
        whole, wrong = _check(_completed(document), sense=bool(found))
        problems += wrong
    corners = [] if found else corner_settings(document, sweep)
    recipes = []
    for setting in [] if found else [*settings, *corners]:
        one, wrong = _check(setting.document, sense=True)
        problems += wrong
        recipes.append(one)
    problems += [problem(document, path, text) for path, text in _without_adapter(recipes)]
    if problems or whole is None:
        told = {one.key for one in refused}
        raise RecipeError(lines([one for one in problems if one in refused or one.key not in told]))
    plan = _plan(whole, document, settings, recipes[: len(settings)])
    return replace(plan, corners=_corners(whole, corners, recipes[len(settings) :]))


def with_proposed(plan: SweepPlan, values: Mapping[str, Any]) -> SweepPlan:
    """The plan of a bayes sweep with one more setting (dotted key → value), once per seed, behind its own.

    No run that the plan has is renamed. Raises RecipeError where the setting makes no sense.
    """
    setting = proposed_setting(plan.document, values)
    recipe, problems = _check(setting.document, sense=True)
    if recipe is None or problems:
        raise RecipeError(lines(problems))
    known = {run.setting: run.swept for run in plan.runs}
    name = setting_names([*known.values(), setting.values])[-1]
    added = _runs(plan.recipe, setting, recipe, name=name)
    return replace(plan, runs=[*plan.runs, *added])


def _corners(whole: schema.Recipe, settings: list[Setting], recipes: list[schema.Recipe]) -> list[PlannedRun]:
    return [
        run
        for number, (setting, recipe) in enumerate(zip(settings, recipes, strict=True))
        for run in _runs(whole, setting, recipe, name=f"corner {number}")[:1]
    ]


def _read_sweep(document: Document) -> tuple[schema.Sweep | None, list[Problem]]:
    """The sweep, and what keeps it from being expanded."""
    written = document.data.get("sweep")
    if not isinstance(written, Mapping):
        return None, []
    sweep, found = validated(schema.Sweep, written, at=("sweep",))
    if sweep is not None:
        metrics = document.data.get("metrics")
        sound = isinstance(metrics, list) and not list(check_metrics(metrics))
        metrics = metrics if sound else schema.Recipe.model_fields["metrics"].default
        found = [(("sweep", *path), text) for path, text in check_sweep(sweep, document.data, metrics)]
    return sweep, [problem(document, path, text) for path, text in found]


def _refused(value: Any, path: Keys = ()) -> Iterator[Found]:
    """What is refused wherever it stands: tokens, code from the Hub, and text that cannot be written to a file."""
    if not path:
        yield from find_secrets(value)
    for key, child in value.items() if isinstance(value, Mapping) else enumerate(value):
        if _HALF.search(str(key)) or (isinstance(child, str) and _HALF.search(child)):
            yield (*path, key), "holds half a character (a surrogate), which cannot be written to a file; take it out"
        if str(key).rpartition(".")[2] == "trust_remote_code":
            yield (*path, key), "code from the Hub is not run by this version; take it out"
        elif isinstance(child, Mapping | list):
            yield from _refused(child, (*path, key))


def _without_adapter(recipes: list[schema.Recipe | None]) -> Iterator[Found]:
    """What has no effect on any run, as none has an adapter."""
    sound = [one for one in recipes if one is not None]
    if any(one.hub.merged for one in sound) and not any(one.peft for one in sound):
        yield ("hub", "merged"), "has no effect without peft; take it out, or add peft: {peft_type: LORA}"


def _completed(document: Document) -> Document:
    """The whole recipe; what is missing in it because the sweep gives it has the first value that stands there."""
    whole = copy.deepcopy(document.data)
    for key, value in _first_values(whole.get("sweep")):
        path = tuple(str(key).split("."))
        if path in _REQUIRED and value_at(whole, path) is None and isinstance(whole.get(path[0], {}), dict):
            set_value(whole, path, copy.deepcopy(value))
    return Document(whole, document.places, document.overrides)


def _first_values(sweep: Any) -> Iterator[tuple[Any, Any]]:
    """Swept key and one value of it, as far as the sweep is well formed."""
    runs = value_at(sweep, ("runs",))
    for run in runs if isinstance(runs, list) else []:
        yield from run.items() if isinstance(run, Mapping) else ()
    parameters = value_at(sweep, ("parameters",))
    for key, parameter in parameters.items() if isinstance(parameters, Mapping) else ():
        for path in (("values", 0), ("value",), ("min",)):
            if (value := value_at(parameter, path)) is not None:
                yield key, value


def _check(document: Document, *, sense: bool) -> tuple[schema.Recipe | None, list[Problem]]:
    """The typed recipe, or None with its problems; with `sense` also those of well-typed values."""
    recipe, found = validated(schema.Recipe, document.data)
    if sense:
        wrong = [path for path, _ in found]
        sound = recipe or _mended(document.data, wrong)
        if sound is not None:
            found += [(path, text) for path, text in check_recipe(sound) if not _touches(path, wrong)]
    return recipe if not found else None, [problem(document, path, text) for path, text in found]


def _touches(path: Keys, wrong: list[Keys]) -> bool:
    return any(path[: len(one)] == one or one[: len(path)] == path for one in wrong)


def _mended(data: Mapping[str, Any], wrong: list[Keys]) -> schema.Recipe | None:
    """The recipe without what is wrong, so that all else is checked too; None where that is not enough."""
    mended = copy.deepcopy(dict(data))
    for path in sorted(wrong, key=len, reverse=True):
        # an item is not taken out of its list: the paths of the others would change
        path = next((path[:end] for end in range(len(path)) if isinstance(value_at(data, path[:end]), list)), path)
        if not path:  # the whole recipe
            return None
        if path[:2] == ("data", "splits"):
            path = path[:2]
        if path in _STAND_INS:
            set_value(mended, path, copy.deepcopy(_STAND_INS[path]))
        elif isinstance(above := value_at(mended, path[:-1]), dict):
            above.pop(path[-1], None)
    return validated(schema.Recipe, mended)[0]


def _plan(whole: schema.Recipe, document: Document, settings: list[Setting], recipes: list[schema.Recipe]) -> SweepPlan:
    """Merges equal settings, names the rest and multiplies them by the seeds."""
    kept: dict[str, int] = {}
    equal: dict[int, list[int]] = {}
    for index, recipe in enumerate(recipes):
        first = kept.setdefault(_content(recipe), index)
        equal.setdefault(first, []).append(index)
    chosen = list(equal)
    names = setting_names([settings[index].values for index in chosen])
    runs = [
        run
        for index, name in zip(chosen, names, strict=True)
        for run in _runs(whole, settings[index], recipes[index], name=name)
    ]
    notices = list(document.notices)
    if len(chosen) < len(settings):
        times_each = [
            (name or "the recipe itself", len(equal[index])) for index, name in zip(chosen, names, strict=True)
        ]
        many = [f"{name} ×{count}" for name, count in times_each if count > 1]
        times = f" (times {len(whole.seeds)} seeds)" if len(whole.seeds) > 1 else ""
        became = "1 distinct one" if len(chosen) == 1 else f"{len(chosen)} distinct ones"
        notices.append(f"{len(settings)} runs became {became}{times}, because some are equal: {'; '.join(many)}")
    return SweepPlan(recipe=whole, runs=runs, swept_keys=swept_keys(whole.sweep), notices=notices, document=document)


def _runs(whole: schema.Recipe, setting: Setting, recipe: schema.Recipe, *, name: str) -> list[PlannedRun]:
    """One per seed. name: the setting's."""
    keys = swept_keys(whole.sweep)
    return [_run(whole, setting, recipe, name=name, seed=seed, keys=keys) for seed in whole.seeds]


def _run(
    whole: schema.Recipe, setting: Setting, recipe: schema.Recipe, *, name: str, seed: int, keys: list[str]
) -> PlannedRun:
    resolved = resolved_recipe(recipe)
    written = setting.document
    swept = {
        key: setting.values[key] if key in setting.values else value_at(resolved, tuple(key.split("."))) for key in keys
    }
    return PlannedRun(
        name=run_name(name, seed, seeds=len(whole.seeds)),
        recipe=_filled(recipe).model_copy(update={"seeds": [seed], "sweep": None}),
        seed=seed,
        swept=swept,
        setting=name,
        document=Document({**written.data, "seeds": [seed]}, written.places, written.overrides),
    )


def resolved_recipe(recipe: schema.Recipe) -> dict[str, Any]:
    """The recipe as plain values, with every default filled in, also those of `training`."""
    resolved = _filled(recipe).model_dump() | {"training": training_with_defaults(recipe.training)}
    if recipe.sweep is not None and recipe.sweep.parameters is not None:
        # an absent `value` is none, and a null one is null: only what is written can be shown
        parameters = recipe.sweep.parameters.items()
        resolved["sweep"]["parameters"] = {key: one.model_dump(exclude_unset=True) for key, one in parameters}
    return resolved


def _filled(recipe: schema.Recipe) -> schema.Recipe:
    """With the defaults that only the architecture and the task tell: of its config, and of its tokenizer."""
    architecture, task = recipe.model.architecture, recipe.task
    if architecture not in architectures() or task not in tasks_of(architecture):
        return recipe
    # embeddings, which a sweep may bring, decide the embedding's size
    idle = {*fields_without_effect(architecture, task), "embedding_size"}
    fields = settings_of(architecture).model_fields
    defaults = {name: field.default for name, field in fields.items() if name not in idle and field.default is not None}
    model = schema.Model.model_validate({**recipe.model.model_dump(), **defaults, **recipe.model.config_overrides})
    if task == "image-classification":
        return recipe.model_copy(update={"model": model})
    tokenizer = recipe.tokenizer or schema.Tokenizer()
    if tokenizer.split is None:
        split = "whitespace" if task == "token-classification" else "punctuation"
        tokenizer = tokenizer.model_copy(update={"split": split})
    return recipe.model_copy(update={"model": model, "tokenizer": tokenizer})


def _content(recipe: schema.Recipe) -> str:
    """Equal for recipes that ask for the same run."""
    return json.dumps(_comparable(resolved_recipe(recipe)), sort_keys=True, default=str)


def _comparable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {f"{type(key).__name__} {key}": _comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
