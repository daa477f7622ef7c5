"""Which differences between settings are real: intervals, and a test of every setting against the reference."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from hftk.analysis.outcomes import Outcomes
from hftk.analysis.pairwise import LEVEL, Goal, Pairwise, Verdict, check_paired, holm, pairwise, verdict_of
from hftk.analysis.scores import bounds, figure
from hftk.errors import RunError


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
    settings: Mapping[str, Sequence[Outcomes]],
    *,
    metric: str,
    goal: Goal,
    reference: str,
    seed: int = 0,
    seedless: Collection[str] = (),
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
    others of several is taken to vary as they do, unless it is `seedless`: a baseline of counts has no seed.

    Raises RunError when the outcomes are not over the same items, and as scores.unit_sums does.
    """
    if reference not in settings:
        raise RunError(f"The reference {reference!r} is none of the settings: {', '.join(settings)}.")
    check_paired(settings)
    rows = {
        name: _row(name, np.array([figure(outcomes, metric=metric) for outcomes in members]))
        for name, members in settings.items()
    }
    pairs = pairwise(settings, metric=metric, seed=seed, seedless=seedless)
    if pairs is not None:
        rows |= {
            row.setting: row for row in _with_intervals([rows[name] for name in pairs.names], pairs, metric=metric)
        }
        if reference in pairs.names:
            tested = _with_tests([rows[name] for name in pairs.names], pairs, reference, goal=goal, metric=metric)
            rows |= {row.setting: row for row in tested}
    return list(rows.values())


def _row(setting: str, figures: np.ndarray) -> Comparison:
    """What can be said without a test."""
    mean = float(figures.mean()) if np.isfinite(figures).all() else math.nan
    sd = float(figures.std(ddof=1)) if len(figures) > 1 else None
    nothing = dict.fromkeys(
        ("low", "high", "difference", "difference_low", "difference_high", "p", "p_adjusted"), math.nan
    )
    return Comparison(setting=setting, n=len(figures), mean=mean, sd=sd, verdict="untested", **nothing)


def _with_intervals(rows: list[Comparison], pairs: Pairwise, *, metric: str) -> list[Comparison]:
    least, most = bounds(metric)
    results = []
    for row, variance, df in zip(rows, pairs.variances.of_means, pairs.variances.df_of_means, strict=True):
        t = float(stats.t.isf(LEVEL / 2, df))
        if math.isfinite(most):
            width = most - least
            ends = _wilson((row.mean - least) / width, variance=variance / width**2, t=t, units=pairs.units)
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
    rows: list[Comparison], pairs: Pairwise, reference: str, *, goal: Goal, metric: str
) -> list[Comparison]:
    first = pairs.names.index(reference)
    adjusted = _adjusted(pairs, first=first, one_seed=all(row.n == 1 for row in rows))
    results = []
    for place, row in enumerate(rows):
        if place == first:
            same = {"difference": 0.0, "difference_low": 0.0, "difference_high": 0.0, "p": 1.0, "p_adjusted": 1.0}
            results.append(replace(row, **same, verdict="reference"))
            continue
        difference = float(pairs.differences[place, first])
        half = pairs.half_width(place, first, metric=metric)
        results.append(
            replace(
                row,
                difference=difference,
                difference_low=difference - half,
                difference_high=difference + half,
                p=float(pairs.p[place, first]),
                p_adjusted=float(adjusted[place]),
                verdict=verdict_of(difference, p=adjusted[place], goal=goal),
            )
        )
    return results


def _adjusted(pairs: Pairwise, *, first: int, one_seed: bool) -> np.ndarray:
    """(K,) p of each beside `first`: corrected over the rows, with several seeds over every pair."""
    count = len(pairs.names)
    others = np.arange(count) != first
    adjusted = np.ones_like(pairs.p)
    tested = (np.full(others.sum(), first), np.flatnonzero(others)) if one_seed else np.triu_indices(count, k=1)
    adjusted[tested] = holm(pairs.p[tested])
    return np.minimum(adjusted, adjusted.T)[first]
