"""What is well-typed in `sweep:` and still cannot be expanded."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from hftk.recipe.checks import check_sweep_metric
from hftk.recipe.places import Keys, shown, value_at
from hftk.recipe.schema import Sweep, SweepParameter

MOST_RUNS = 10_000
_RANDOM_KEYS = ("probabilities", "distribution", "min", "max")
# the table of a sweep compares runs of one task by the same metrics, in one folder
_NOT_SWEPT = {
    "name": "it is the folder of the whole sweep",
    "output_dir": "it is the folder of the whole sweep",
    "task": "the runs of a sweep are compared on one task",
    "metrics": "the runs of a sweep are compared by the same metrics",
    "seeds": "every setting is trained with each of seeds already",
    "sweep": "a sweep holds no other",
    "tracking": "it holds for the whole sweep",
    "hub": "it holds for the whole sweep",
}


def check_sweep(sweep: Sweep, data: Mapping[str, Any], metrics: list[str]) -> Iterator[tuple[Keys, str]]:
    """Where below `sweep`, and what is wrong; data: the recipe around it."""
    if sweep.metric is not None:
        yield from ((("metric", *path), text) for path, text in check_sweep_metric(sweep.metric, metrics))
    yield from _check_method(sweep)
    if sweep.method == "list":
        for index, run in enumerate(sweep.runs or []):
            yield from _check_keys(run, data, ("runs", index))
        return
    parameters = sweep.parameters or {}
    yield from _check_keys(parameters, data, ("parameters",))
    for key, parameter in parameters.items():
        found = _PARAMETER_CHECKS[sweep.method](parameter)
        yield from ((("parameters", key, *path), text) for path, text in found)
    if sweep.method == "bayes" and parameters and not any(map(_is_searched, parameters.values())):
        yield ("parameters",), "each key has one value only: nothing to search; write values, or min and max"
    combinations = math.prod(len(one.values or [None]) for one in parameters.values())
    runs = combinations if sweep.method == "grid" else sweep.run_cap or 0
    if runs > MOST_RUNS:
        yield (), f"{runs:,} runs before seeds; at most {MOST_RUNS:,}"


def _check_method(sweep: Sweep) -> Iterator[tuple[Keys, str]]:
    """Is there what the method needs, and nothing that it does not look at?"""
    given = {key for key in ("parameters", "runs", "run_cap", "early_terminate") if getattr(sweep, key) is not None}
    given |= {"seed"} if sweep.seed != 0 else set()
    needs, idle = {
        "grid": ("parameters", ("runs", "run_cap", "seed", "early_terminate")),
        "random": ("parameters", ("runs", "early_terminate")),
        "list": ("runs", ("parameters", "run_cap", "seed", "early_terminate")),
        "bayes": ("parameters", ("runs",)),
    }[sweep.method]
    for key in idle:
        if key in given:
            homes = {"runs": "list", "parameters": "grid, random or bayes", "early_terminate": "bayes"}
            home = homes.get(key, "random or bayes")
            yield (key,), f"has no effect with method {sweep.method}; it is for method: {home}"
    if not getattr(sweep, needs) and not given & set(idle) & {"runs", "parameters"}:
        example = {
            "runs": "[{training.learning_rate: 2e-5}, …]",
            "parameters": "{training.learning_rate: {values: […]}}",
        }
        yield (), f"method {sweep.method} without {needs}; write {needs}: {example[needs]}"
    if sweep.method in ("random", "bayes") and sweep.run_cap is None:
        yield (), f"method {sweep.method} without run_cap, the number of settings to draw; such as run_cap: 20"


def _check_keys(swept: Mapping[str, Any], data: Mapping[str, Any], at: Keys) -> Iterator[tuple[Keys, str]]:
    """Keys that cannot be swept, or not together."""
    for key in swept:
        parts = key.split(".")
        if not all(parts) or any(character.isspace() for character in key):
            yield (*at, key), "no dotted key; such as training.learning_rate"
        elif parts[0] in _NOT_SWEPT:
            yield (*at, key), f"{parts[0]} cannot be swept: {_NOT_SWEPT[parts[0]]}"
        elif key == "training":
            yield (
                (*at, key),
                "would lose what `training` holds; sweep its keys one by one, such as training.learning_rate",
            )
        else:
            for length in range(1, len(parts)):
                above = ".".join(parts[:length])
                value = value_at(data, tuple(parts[:length]))
                if above in swept:
                    yield (*at, key), f"{above} is swept as well; keep one of them"
                elif value is not None and not isinstance(value, Mapping):
                    yield (*at, key), f"{above} holds {shown(value)}, which has no keys to sweep"


def _check_grid_parameter(parameter: SweepParameter) -> Iterator[tuple[Keys, str]]:
    for key in _RANDOM_KEYS:
        if getattr(parameter, key) is not None:
            yield (key,), "has no effect with method grid; write values, or method: random"
    yield from _check_values(parameter)


def _check_values(parameter: SweepParameter) -> Iterator[tuple[Keys, str]]:
    has_value = "value" in parameter.model_fields_set
    if has_value and parameter.values is not None:
        yield ("value",), "together with values; keep one of them"
    elif not has_value and parameter.values is None and parameter.distribution is None:
        yield (), "names no values; write values: […]"


def _check_random_parameter(parameter: SweepParameter) -> Iterator[tuple[Keys, str]]:
    bounds = [key for key in ("min", "max") if getattr(parameter, key) is not None]
    if parameter.values is not None or "value" in parameter.model_fields_set:
        for key in ("distribution", *bounds):
            if getattr(parameter, key) is not None:
                yield (key,), "together with values; keep one of them"
    elif parameter.distribution is None and bounds:
        yield (), "min and max without distribution; write uniform, int_uniform or log_uniform_values"
        return
    elif parameter.distribution is not None:
        yield from _check_distribution(parameter)
    yield from _check_values(parameter)
    yield from _check_probabilities(parameter)


def _check_bayes_parameter(parameter: SweepParameter) -> Iterator[tuple[Keys, str]]:
    if parameter.probabilities is not None:
        yield ("probabilities",), "has no effect with method bayes, which learns from results what to try; take it out"
    else:
        yield from _check_random_parameter(parameter)


def _is_searched(parameter: SweepParameter) -> bool:
    return parameter.distribution is not None or parameter.min is not None or len(parameter.values or []) > 1


def _check_distribution(parameter: SweepParameter) -> Iterator[tuple[Keys, str]]:
    low, high = parameter.min, parameter.max
    if low is None or high is None:
        missing = " and ".join(key for key, value in (("min", low), ("max", high)) if value is None)
        yield ("distribution",), f"{parameter.distribution} without {missing}"
        return
    for key, value in (("min", low), ("max", high)):
        if not math.isfinite(value):
            yield (key,), f"must be a finite number, not {shown(value)}"
            return
        if parameter.distribution == "int_uniform" and isinstance(value, float):
            yield (key,), f"must be a whole number for int_uniform, not {shown(value)}"
    if low >= high:
        yield ("min",), f"must be below max ({shown(high)}), not {shown(low)}"
    if parameter.distribution == "log_uniform_values" and low <= 0:
        yield ("min",), f"must be greater than 0 for log_uniform_values, not {shown(low)}"


def _check_probabilities(parameter: SweepParameter) -> Iterator[tuple[Keys, str]]:
    chances = parameter.probabilities
    if chances is None:
        return
    if parameter.values is None:
        yield ("probabilities",), "without values; they say how often each of values is drawn"
    elif len(chances) != len(parameter.values):
        yield ("probabilities",), f"{len(chances)} of them for {len(parameter.values)} values; give one for each"
    elif not math.isclose(sum(chances), 1, abs_tol=1e-6):
        yield ("probabilities",), f"sum to {sum(chances):g}, not to 1"


_PARAMETER_CHECKS = {
    "grid": _check_grid_parameter,
    "random": _check_random_parameter,
    "bayes": _check_bayes_parameter,
}
