"""Bayesian search: the next setting of a sweep, from what the earlier ones gave. Optuna's TPE does the thinking."""

import hashlib
import importlib.util
import itertools
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hftk.errors import RecipeError
from hftk.recipe.places import lines, problem
from hftk.recipe.schema import Sweep, SweepParameter
from hftk.sweep.draws import draw, rounded
from hftk.sweep.expansion import SweepPlan

if TYPE_CHECKING:
    import optuna

_ASKED = 10
"""Times that Optuna is asked for a setting that was not there before: among few values it keeps to the best ones."""
_DRAWN = 1000
"""Random draws that then look for one; a space where they find none holds no more."""
_ENOUGH = 3
"""Settings with a result before the results count; below that Optuna draws at random."""


@dataclass(frozen=True)
class Trial:
    """What one setting gave."""

    values: Mapping[str, Any]
    """Dotted key → value."""
    status: str
    """finished | pruned | failed | open: not ended yet."""
    value: float | None = None
    """finished: the ranking metric, the mean over its seeds."""
    curve: Mapping[int, float] = field(default_factory=dict)
    """pruned: its evaluations by number, from 1, and the ranking metric there."""


def check_search(plan: SweepPlan) -> None:
    """Raises RecipeError where the sweep wants Optuna and it is not installed."""
    sweep = plan.recipe.sweep
    if sweep is not None and sweep.method == "bayes" and importlib.util.find_spec("optuna") is None:
        text = 'bayes needs Optuna, which is not installed; pip install "hftk[optuna]", or write method: random'
        raise RecipeError(lines([problem(plan.document, ("sweep", "method"), text)]))


def propose(sweep: Sweep, *, goal: str, number: int, trials: Sequence[Trial]) -> dict[str, Any] | None:
    """The values of setting `number` (from 0): a pure function of the sweep, the number and the trials.

    goal: maximize | minimize. trials: all settings so far, by number. None where nothing new was found: the space has
    run out. Numbers have four significant digits, as in random search.
    """
    taken = {_content(trial.values) for trial in trials}
    seeds = [_seed(sweep.seed, number, attempt) for attempt in range(_ASKED + _DRAWN)]
    asked = (_asked(sweep, goal=goal, seed=seed, trials=trials) for seed in seeds[:_ASKED])
    drawn = (_drawn(sweep, seed=seed) for seed in seeds[_ASKED:])
    return next((values for values in itertools.chain(asked, drawn) if _content(values) not in taken), None)


def _drawn(sweep: Sweep, *, seed: int) -> dict[str, Any]:
    return {key: draw(parameter, seed=seed, index=0, key=key) for key, parameter in (sweep.parameters or {}).items()}


def _asked(sweep: Sweep, *, goal: str, seed: int, trials: Sequence[Trial]) -> dict[str, Any]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    parameters = sweep.parameters or {}
    distributions = {key: _distribution(parameter) for key, parameter in parameters.items()}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=_ENOUGH, multivariate=True, constant_liar=True)
        study = optuna.create_study(sampler=sampler, direction=goal)
        for trial in trials:
            study.add_trial(_told(trial, parameters, distributions))
        asked = study.ask(distributions)
    return {key: _value(parameter, asked.params[key]) for key, parameter in parameters.items()}


def _distribution(parameter: SweepParameter) -> "optuna.distributions.BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if parameter.distribution is None:  # by place: a value may be a mapping
        return CategoricalDistribution(range(len(_choices(parameter))))
    if parameter.distribution == "int_uniform":
        return IntDistribution(parameter.min, parameter.max)
    return FloatDistribution(parameter.min, parameter.max, log=parameter.distribution == "log_uniform_values")


def _choices(parameter: SweepParameter) -> list[Any]:
    return parameter.values if parameter.values is not None else [parameter.value]


def _place(value: Any, parameter: SweepParameter) -> int:
    """Of one of the choices; 1 and true are two."""
    return [_content({"": choice}) for choice in _choices(parameter)].index(_content({"": value}))


def _value(parameter: SweepParameter, asked: Any) -> Any:
    if parameter.distribution is None:
        return _choices(parameter)[asked]
    return int(asked) if parameter.distribution == "int_uniform" else rounded(asked, parameter)


def _told(
    trial: Trial, parameters: Mapping[str, SweepParameter], distributions: Mapping[str, Any]
) -> "optuna.trial.FrozenTrial":
    import optuna

    states = optuna.trial.TrialState
    state = {"finished": states.COMPLETE, "pruned": states.PRUNED, "failed": states.FAIL, "open": states.RUNNING}
    params = {
        key: _place(trial.values[key], parameter) if parameter.distribution is None else trial.values[key]
        for key, parameter in parameters.items()
    }
    return optuna.trial.create_trial(
        state=state[trial.status],
        value=trial.value if trial.status == "finished" else None,
        params=params,
        distributions=dict(distributions),
        intermediate_values=dict(trial.curve) if trial.status == "pruned" else {},
    )


def _seed(*numbers: int) -> int:
    text = "/".join(map(str, numbers))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _content(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, ensure_ascii=False, default=str)
