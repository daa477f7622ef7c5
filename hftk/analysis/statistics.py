"""Which differences between settings are real: intervals, and a test of every setting against the reference."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class Comparison:
    """A setting on the test split, beside the reference. Figures are the metric's own, not percent."""

    setting: str
    n: int
    """Seeds."""
    mean: float
    """Over the seeds; NaN where a run has no such figure."""
    sd: float | None
    """Sample standard deviation over the seeds; None for one seed."""
    low: float
    """The 95 % interval of the mean: over test examples for one seed, over seeds and examples where the table has
    several. NaN for fewer than two units."""
    high: float
    difference: float
    """Mean less the reference's mean, whatever the goal is."""
    difference_low: float
    """The 95 % interval of this difference by itself, not corrected for the number of rows."""
    difference_high: float
    p: float
    """Two-sided, of this row by itself."""
    p_adjusted: float
    """Corrected for all rows: a verdict rests on this one."""
    verdict: Verdict
    """untested: the setting or the reference has no figure. tie: no difference is shown, which does not say that there
    is none."""


def compare(
    settings: Mapping[str, Sequence[Outcomes]], *, metric: str, goal: Goal, reference: str, seed: int = 0
) -> list[Comparison]:
    """Every setting against the reference, in the order given.

    settings: name -> the outcomes on test of its runs, one per seed, all over the same items. metric: one of
    scores.SCORES. reference: the setting that is best ON VALIDATION, chosen before test is looked at. Chosen on test it
    would be the one that was lucky there, and by that luck others would be called worse: in 9 % of the tables of 8
    equal models, 31 % of those of 50 (benchmarks/false_winners.md). seed: of the bootstrap; the same seed gives the
    same result.

    One seed each: a paired bootstrap over the units of test (Efron 1979; Koehn 2004) gives the standard error of each
    difference, a t distribution its p: with as many degrees of freedom as units on which the two differ, less one,
    since the others say nothing about which is better (McNemar 1947). This speaks of the trained models, not of what
    other seeds would give. Corrected by Holm (1979) over the rows.

    Several seeds, of some setting at least: the variance of a mean is that of the draws of examples plus that of the
    seeds (see `variance`), and this speaks of the setting. The runs that made the reference the best on validation are
    the ones that test sees, lucky seeds included, so the choice is not independent of test here. Therefore corrected
    by Holm over every pair of settings: this holds however the reference was chosen. A setting of one seed beside
    others of several is taken to vary as they do.

    Raises RunError when the outcomes are not over the same items, and as scores.unit_sums does.
    """
    names, runs = list(settings), [outcomes for members in settings.values() for outcomes in members]
    _check(settings, reference=reference)
    owner = np.repeat(np.arange(len(names)), [len(settings[name]) for name in names])
    sums = [unit_sums(outcomes, metric=metric) for outcomes in runs]
    figures = np.array([float(score(np.asarray(each.sum(axis=1)), metric=metric)) for each in sums])
    rows = [_row(name, figures[owner == place]) for place, name in enumerate(names)]
    known = [place for place, row in enumerate(rows) if math.isfinite(row.mean)]
    if not known or runs[0].units < 2:
        return rows
    used = np.flatnonzero(np.isin(owner, known))
    own = np.searchsorted(known, owner[used])
    found = variances(
        figures[used],
        replicates=replicate_scores([sums[run] for run in used], metric=metric, seed=seed),
        differing=_differing([sums[run] for run in used], owner=own),
        owner=own,
        units=runs[0].units,
    )
    tested = _with_intervals([rows[place] for place in known], found=found, metric=metric, units=runs[0].units)
    if names.index(reference) in known:
        first = known.index(names.index(reference))
        tested = _with_tests(tested, found=found, reference=first, goal=goal, metric=metric, units=runs[0].units)
    for place, row in zip(known, tested, strict=True):
        rows[place] = row
    return rows


def _check(settings: Mapping[str, Sequence[Outcomes]], *, reference: str) -> None:
    if reference not in settings:
        raise RunError(f"The reference {reference!r} is none of the settings: {', '.join(settings)}.")
    if empty := [name for name, members in settings.items() if not members]:
        raise RunError(f"No run of the setting {empty[0]!r} to compare.")
    first = settings[reference][0]
    for name, members in settings.items():
        for outcomes in members:
            if reason := unpaired_reason(first, outcomes):
                raise RunError(f"{reference} and {name} cannot be compared on test: {reason}.")


def _row(setting: str, figures: np.ndarray) -> Comparison:
    """What can be said without a test."""
    mean = float(figures.mean()) if np.isfinite(figures).all() else math.nan
    sd = float(figures.std(ddof=1)) if len(figures) > 1 else None
    nothing = dict.fromkeys(
        ("low", "high", "difference", "difference_low", "difference_high", "p", "p_adjusted"), math.nan
    )
    return Comparison(setting=setting, n=len(figures), mean=mean, sd=sd, verdict="untested", **nothing)


def _differing(sums: Sequence[Sums], *, owner: np.ndarray) -> np.ndarray:
    """(K, K) the units to which two settings add different sums; the seeds of a setting are averaged."""
    # sums that are equal for a unit give the same number, others another one
    key = np.random.default_rng(0).random(sums[0].shape[0])
    numbers = np.stack([key @ each for each in sums])
    means = np.stack([numbers[owner == setting].mean(axis=0) for setting in range(owner.max() + 1)])
    return np.stack([(np.abs(means - one) > 1e-9).sum(axis=1) for one in means])


def _with_intervals(rows: list[Comparison], *, found: Variances, metric: str, units: int) -> list[Comparison]:
    least, most = bounds(metric)
    results = []
    for row, variance, df in zip(rows, found.of_means, found.df_of_means, strict=True):
        t = float(stats.t.isf(LEVEL / 2, df))
        if math.isfinite(most):
            width = most - least
            ends = _wilson((row.mean - least) / width, variance=variance / width**2, t=t, units=units)
            low, high = (float(least + width * end) for end in ends)
        else:
            low, high = max(least, row.mean - t * math.sqrt(variance)), row.mean + t * math.sqrt(variance)
        results.append(replace(row, low=low, high=high))
    return results


def _wilson(share: float, *, variance: float, t: float, units: int) -> tuple[float, float]:
    """Wilson's interval (1927) for as many items as would give this variance (Korn & Graubard 1998): it stays between 0
    and 1. Without any variance, as where all is right, for as many as there are units."""
    inside = share * (1 - share)
    items = inside / variance if variance > 0 and inside > 0 else units
    centre, half = share + t**2 / (2 * items), t * math.sqrt(inside / items + t**2 / (4 * items**2))
    low, high = (centre - half) / (1 + t**2 / items), (centre + half) / (1 + t**2 / items)
    return max(0.0, min(low, share)), min(1.0, max(high, share))  # rounding


def _with_tests(
    rows: list[Comparison], *, found: Variances, reference: int, goal: Goal, metric: str, units: int
) -> list[Comparison]:
    means = np.array([row.mean for row in rows])
    differences = means[:, None] - means
    # about zero, as if there were no difference: else few units that all point one way would look certain
    errors = np.sqrt(found.of_differences + differences**2 / units)
    t = np.divide(np.abs(differences), errors, out=np.zeros_like(errors), where=errors > 0)
    p = 2 * stats.t.sf(t, found.df_of_differences)
    one_seed = all(row.n == 1 for row in rows)
    others = np.arange(len(rows)) != reference
    adjusted = np.ones_like(p)
    tested = (np.full(others.sum(), reference), np.flatnonzero(others)) if one_seed else np.triu_indices(len(rows), k=1)
    adjusted[tested] = holm(p[tested])
    adjusted = np.minimum(adjusted, adjusted.T)
    results = []
    for place, row in enumerate(rows):
        if place == reference:
            same = {"difference": 0.0, "difference_low": 0.0, "difference_high": 0.0, "p": 1.0, "p_adjusted": 1.0}
            results.append(replace(row, **same, verdict="reference"))
            continue
        difference = float(differences[place, reference])
        half = _half_width(
            errors[place, reference], df=found.df_of_differences[place, reference], metric=metric, units=units
        )
        results.append(
            replace(
                row,
                difference=difference,
                difference_low=difference - half,
                difference_high=difference + half,
                p=float(p[place, reference]),
                p_adjusted=float(adjusted[place, reference]),
                verdict=_verdict(difference, p=adjusted[place, reference], goal=goal),
            )
        )
    return results


def _half_width(error: float, *, df: float, metric: str, units: int) -> float:
    """Of a difference's interval. Two that agree on every unit may still differ on others: the chance of a unit on
    which they do is at most 1 - 0.025^(1 / units) (Clopper & Pearson 1934)."""
    if error > 0:
        return float(stats.t.isf(LEVEL / 2, df) * error)
    least, most = bounds(metric)
    return (most - least) * (1 - (LEVEL / 2) ** (1 / units)) if math.isfinite(most) else 0.0


def _verdict(difference: float, *, p: float, goal: Goal) -> Verdict:
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
