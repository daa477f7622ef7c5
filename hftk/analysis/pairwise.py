"""Every setting against every other on the same items: difference, standard error, p."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from hftk.analysis.bootstrap import replicate_scores
from hftk.analysis.outcomes import Outcomes, unpaired_reason
from hftk.analysis.scores import Sums, bounds, score, unit_sums
from hftk.analysis.variance import Variances, variances
from hftk.errors import RunError

Goal = Literal["maximize", "minimize"]
Verdict = Literal["reference", "tie", "worse", "better", "untested"]

LEVEL = 0.05
"""Of all tables of equal settings, the share in which some row may be called worse or better."""


@dataclass(frozen=True, eq=False)
class Pairwise:
    """K settings, those that have a figure for each of their runs."""

    names: list[str]
    figures: list[np.ndarray]
    """Per setting, (seeds,): the metric of its runs."""
    variances: Variances
    differences: np.ndarray
    """(K, K) of means: row less column."""
    errors: np.ndarray
    """(K, K) standard errors of the differences, as if there were none."""
    df: np.ndarray
    """(K, K)"""
    p: np.ndarray
    """(K, K) two-sided, of each pair by itself."""
    units: int

    def half_width(self, one: int, other: int, *, metric: str) -> float:
        """Of the 95 % interval of one difference, by itself."""
        return _half_width(self.errors[one, other], df=self.df[one, other], metric=metric, units=self.units)


def pairwise(
    settings: Mapping[str, Sequence[Outcomes]], *, metric: str, seed: int, seedless: Collection[str] = ()
) -> Pairwise | None:
    """None where no setting has a figure, or test is a single unit.

    settings: name -> the outcomes on test of its runs, one per seed, all over the same items. How the errors are come
    by stands with `statistics.compare`. seedless: names of settings that no seed has a part in. Raises RunError when
    the outcomes are not over the same items, and as scores.unit_sums does.
    """
    check_paired(settings)
    names = list(settings)
    runs = [outcomes for members in settings.values() for outcomes in members]
    owner = np.repeat(np.arange(len(settings)), [len(members) for members in settings.values()])
    sums = [unit_sums(outcomes, metric=metric) for outcomes in runs]
    figures = np.array([float(score(np.asarray(each.sum(axis=1)), metric=metric)) for each in sums])
    known = [place for place in range(len(settings)) if np.isfinite(figures[owner == place]).all()]
    if not known or runs[0].units < 2:
        return None
    used = np.flatnonzero(np.isin(owner, known))
    own = np.searchsorted(known, owner[used])
    units = runs[0].units
    found = variances(
        figures[used],
        replicates=replicate_scores([sums[run] for run in used], metric=metric, seed=seed),
        differing=_differing([sums[run] for run in used], owner=own),
        owner=own,
        units=units,
        seedless=np.array([name in seedless for name in (names[place] for place in known)]),
    )
    means = np.array([figures[owner == place].mean() for place in known])
    differences = means[:, None] - means
    # about zero, as if there were no difference: else few units that all point one way would look certain
    errors = np.sqrt(found.of_differences + differences**2 / units)
    t = np.divide(np.abs(differences), errors, out=np.zeros_like(errors), where=errors > 0)
    return Pairwise(
        names=[names[place] for place in known],
        figures=[figures[owner == place] for place in known],
        variances=found,
        differences=differences,
        errors=errors,
        df=found.df_of_differences,
        p=2 * stats.t.sf(t, found.df_of_differences),
        units=units,
    )


def check_paired(settings: Mapping[str, Sequence[Outcomes]]) -> None:
    """Raises RunError where a setting has no run, or two runs are not over the same items."""
    if empty := [name for name, members in settings.items() if not members]:
        raise RunError(f"No run of the setting {empty[0]!r} to compare.")
    reference = next(iter(settings))
    first = settings[reference][0]
    for name, members in settings.items():
        for outcomes in members:
            if reason := unpaired_reason(first, outcomes):
                raise RunError(f"{reference} and {name} cannot be compared on test: {reason}.")


def _differing(sums: Sequence[Sums], *, owner: np.ndarray) -> np.ndarray:
    """(K, K) the units to which two settings add different sums; the seeds of a setting are averaged."""
    # sums that are equal for a unit give the same number, others another one
    key = np.random.default_rng(0).random(sums[0].shape[0])
    numbers = np.stack([key @ each for each in sums])
    means = np.stack([numbers[owner == setting].mean(axis=0) for setting in range(owner.max() + 1)])
    return np.stack([(np.abs(means - one) > 1e-9).sum(axis=1) for one in means])


def _half_width(error: float, *, df: float, metric: str, units: int) -> float:
    """Of a difference's interval. Two that agree on every unit may still differ on others: the chance of a unit on
    which they do is at most 1 - 0.025^(1 / units) (Clopper & Pearson 1934)."""
    if error > 0:
        return float(stats.t.isf(LEVEL / 2, df) * error)
    least, most = bounds(metric)
    return (most - least) * (1 - (LEVEL / 2) ** (1 / units)) if math.isfinite(most) else 0.0


def verdict_of(difference: float, *, p: float, goal: Goal) -> Verdict:
    if p > LEVEL:
        return "tie"
    return "better" if (difference > 0) == (goal == "maximize") else "worse"


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down adjusted p values (1979): no assumption about how the tests depend on each other."""
    order = np.argsort(p, kind="stable")
    adjusted = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    result = np.empty_like(p)
    result[order] = np.minimum(adjusted, 1)
    return result
