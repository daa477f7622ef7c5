"""A sweep → its runs: plain mappings in, plain mappings out; nothing is checked or trained here."""

import copy
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hftk.recipe.places import Document, Keys
from hftk.recipe.schema import Recipe, Sweep, SweepParameter
from hftk.sweep.draws import draw

DRAWN_FIRST = 5
"""Settings of a bayes sweep that are drawn as random search draws them: from fewer results nothing can be learnt."""


@dataclass(frozen=True)
class PlannedRun:
    """One model to train."""

    name: str
    """Of its folder."""
    recipe: Recipe
    """sweep is None, seeds holds the one seed."""
    seed: int
    swept: dict[str, Any]
    """Every swept key of the sweep (dotted) → this run's value."""
    setting: str
    """The name without its seed: equal for the runs that differ by seed only; empty where nothing is swept."""
    document: Document
    """The run's recipe as plain values, each with the place where it was written."""


@dataclass(frozen=True)
class SweepPlan:
    recipe: Recipe
    """The whole, as written and overridden."""
    runs: list[PlannedRun]
    """In the order of the sweep, seeds innermost."""
    swept_keys: list[str]
    notices: list[str]
    document: Document
    corners: list[PlannedRun] = field(default_factory=list)
    """bayes: runs that hold each value, or bound, of each key at least once. They are checked before anything is
    trained, and not trained for it."""

    @property
    def to_propose(self) -> int:
        """bayes: settings, at most, that will be proposed from the results of those in `runs`."""
        sweep = self.recipe.sweep
        known = len({run.setting for run in self.runs})
        return max(0, sweep.run_cap - known) if sweep is not None and sweep.method == "bayes" else 0

    @property
    def most_runs(self) -> int:
        return len(self.runs) + self.to_propose * len(self.recipe.seeds)

    @property
    def ranking(self) -> tuple[str, str]:
        """What ranks the runs, validation_<metric>, and maximize or minimize."""
        metric = self.recipe.sweep and self.recipe.sweep.metric
        return (metric.name, metric.goal) if metric else (f"validation_{self.recipe.metrics[0]}", "maximize")

    @property
    def folder(self) -> Path:
        """Where the sweep's runs and its report lie."""
        return Path(self.recipe.output_dir) / self.recipe.name


@dataclass(frozen=True)
class Setting:
    """One combination of swept values."""

    values: dict[str, Any]
    """Dotted key → value: what the sweep sets here."""
    document: Document
    """The recipe with these values and without its sweep."""


def swept_keys(sweep: Sweep | None) -> list[str]:
    """The dotted keys, in the order of the file."""
    if sweep is None:
        return []
    if sweep.method == "list":
        return list(dict.fromkeys(key for run in sweep.runs or [] for key in run))
    return list(sweep.parameters or {})


def expand(document: Document, sweep: Sweep | None) -> list[Setting]:
    """Every setting of the sweep; one without values where there is none.

    grid: all combinations, the last key fastest. list: one per entry of `runs`. random: `run_cap` draws, each a pure
    function of (sweep.seed, number of the draw, key). bayes: the first DRAWN_FIRST of these draws. Equal settings are
    not merged here.
    """
    base = _without_sweep(document)
    return [_setting(base, chosen) for chosen in _choices(sweep)]


def proposed_setting(document: Document, values: Mapping[str, Any]) -> Setting:
    """The setting of a bayes sweep with these values: dotted key → value."""
    chosen: _Chosen = {key: (value, ("sweep", "parameters", key)) for key, value in values.items()}
    return _setting(_without_sweep(document), chosen)


def corner_settings(document: Document, sweep: Sweep | None) -> list[Setting]:
    """Of a bayes sweep, settings that hold each value and bound of each key once; none of the other methods."""
    if sweep is None or sweep.method != "bayes":
        return []
    options = {key: _options(parameter) for key, parameter in (sweep.parameters or {}).items()}
    most = max(map(len, options.values()), default=0)
    return [
        proposed_setting(document, {key: some[min(place, len(some) - 1)] for key, some in options.items()})
        for place in range(most)
    ]


def _options(parameter: SweepParameter) -> list[Any]:
    if parameter.distribution is not None:
        number = int if parameter.distribution == "int_uniform" else float
        return [number(parameter.min), number(parameter.max)]
    return parameter.values if parameter.values is not None else [parameter.value]


def _without_sweep(document: Document) -> Document:
    return Document({key: value for key, value in document.data.items() if key != "sweep"}, document.places)


# dotted key → (value, where it is written)
_Chosen = dict[str, tuple[Any, Keys]]


def _choices(sweep: Sweep | None) -> list[_Chosen]:
    if sweep is None:
        return [{}]
    if sweep.method == "list":
        return [
            {key: (value, ("sweep", "runs", index, key)) for key, value in run.items()}
            for index, run in enumerate(sweep.runs or [])
        ]
    parameters = sweep.parameters or {}
    if sweep.method in ("random", "bayes"):
        draws = sweep.run_cap or 0
        return [
            {
                key: (draw(parameter, seed=sweep.seed, index=index, key=key), ("sweep", "parameters", key))
                for key, parameter in parameters.items()
            }
            for index in range(draws if sweep.method == "random" else min(draws, DRAWN_FIRST))
        ]
    options = []
    for key, parameter in parameters.items():
        at: Keys = ("sweep", "parameters", key)
        if parameter.values is None:
            options.append([(parameter.value, (*at, "value"))])
        else:
            options.append([(value, (*at, "values", index)) for index, value in enumerate(parameter.values)])
    return [dict(zip(parameters, combination, strict=True)) for combination in itertools.product(*options)]


def _setting(base: Document, chosen: _Chosen) -> Setting:
    data, places = copy.deepcopy(base.data), dict(base.places)
    for key, (value, written) in chosen.items():
        path = tuple(key.split("."))
        set_value(data, path, copy.deepcopy(value))
        for known in [known for known in places if known[: len(path)] == path]:
            del places[known]
        for length in range(1, len(path)):
            places.setdefault(path[:length], base.place(written))
        places[path] = base.place(written)
        below = [known for known in base.places if known[: len(written)] == written]
        places.update({(*path, *known[len(written) :]): base.places[known] for known in below})
    return Setting({key: value for key, (value, _) in chosen.items()}, Document(data, places, base.overrides))


def set_value(data: dict[str, Any], path: Keys, value: Any) -> None:
    """Sets the value at a path, making the mappings on the way where there are none."""
    *above, last = path
    for key in above:
        if not isinstance(data.get(key), Mapping):
            data[key] = {}
        data = data[key]
    data[last] = value
