"""How uncertain the mean figures of settings and their differences are: by the examples, and by the seeds.

Runs and examples are crossed: every run predicts the same examples. The variance of a setting's mean over n seeds is

    examples + seeds / n,    seeds = max(0, variance of the figures over the seeds - noise)

- examples: variance of the setting's mean figure over drawn test sets. The seeds are averaged within each drawn set,
  so it holds one n-th of `noise`: how differently the seeds of a setting happen to do on one and the same drawn set.
- The figures' variance over the seeds (divided by n - 1) holds the whole `noise` too. It is taken out once, else it
  would be counted twice (crossed random effects: Gaylor & Hopper 1969; Owen 2007 for the bootstrap).

A plain bootstrap of the seeds, which draws n of n, gives (n - 1) / n of their variance, one half for two seeds, and
treats it as known: its intervals are too short. Here the variance is pooled over the settings, and the t distribution
has the degrees of freedom that it then has (Satterthwaite 1946). Settings differ in how much their seeds vary, so

- a setting that varied more than the pool is given its own variance;
- one far out of line (a collapsed seed) is kept out of the pool and has its own degrees of freedom.

What no rule can see: two seeds of an unstable setting that came out alike by chance (measured in
benchmarks/false_winners.md).
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

_OUT_OF_LINE = 0.001
"""p of an F test against the pool of the others. A setting that varies five times as much as they do is seldom found by
three seeds, one with a collapsed seed nearly always; of 50 alike settings one is found in one table of twenty."""


@dataclass(frozen=True, eq=False)
class Variances:
    """Squared standard errors of K settings, each with the degrees of freedom of its t distribution."""

    of_means: np.ndarray
    """(K,)"""
    df_of_means: np.ndarray
    of_differences: np.ndarray
    """(K, K)"""
    df_of_differences: np.ndarray


@dataclass(frozen=True, eq=False)
class _Seeds:
    """The part of the seeds in the variance of each setting's mean: (K,) arrays."""

    part: np.ndarray
    measured: np.ndarray
    """The same before noise was taken out: what the uncertainty of `part` grows with."""
    pooled: np.ndarray
    """bool: rests on the pool, not on the setting's own seeds alone."""
    df: np.ndarray


def variances(
    figures: np.ndarray,
    *,
    replicates: np.ndarray,
    differing: np.ndarray,
    owner: np.ndarray,
    units: int,
    seedless: np.ndarray | None = None,
) -> Variances:
    """figures: (runs,). replicates: (runs, draws), the figures on drawn test sets. differing: (K, K), on how many units
    two settings differ. owner: (runs,), the setting of each run, 0 to K - 1. units: of test, at least 2.
    seedless: (K,) bool, settings that no seed has a part in, such as a baseline of counts; they have one run."""
    counts = np.bincount(owner)
    settings = len(counts)
    averaging = (owner == np.arange(settings)[:, None]) / counts[:, None]
    unbiased = units / (units - 1)
    covariance = np.atleast_2d(np.cov(averaging @ replicates)) * unbiased
    examples = covariance.diagonal()
    between = np.maximum(examples[:, None] + examples - 2 * covariance, 0)
    df_examples, df_between = np.full(settings, units - 1.0), np.clip(differing - 1.0, 1, units - 1)
    if (counts == 1).all():
        return Variances(examples, df_examples, between, df_between)
    seedless = np.zeros(settings, dtype=bool) if seedless is None else seedless
    seeds = _seeds(figures, noise=_noise(replicates, owner=owner) * unbiased, owner=owner, seedless=seedless)
    of_means, of_differences = examples + seeds.part, between + seeds.part[:, None] + seeds.part
    # the pool's error is the same in both settings of a difference, their own errors are not
    common = np.where(seeds.pooled, seeds.measured, 0)
    own = np.where(seeds.pooled, 0, seeds.measured) ** 2 / seeds.df
    df_pool = seeds.df[seeds.pooled].max(initial=1)
    error_of_means = examples**2 / df_examples + common**2 / df_pool + own
    error_of_differences = between**2 / df_between + (common[:, None] + common) ** 2 / df_pool + own[:, None] + own
    return Variances(
        of_means,
        _satterthwaite(of_means, error_of_means),
        of_differences,
        _satterthwaite(of_differences, error_of_differences),
    )


def _satterthwaite(variance: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Degrees of freedom, at least 1; infinite for a variance of 0. error: the sum over the parts of variance² /
    degrees of freedom."""
    return np.maximum(np.divide(variance**2, error, out=np.full_like(variance, np.inf), where=error > 0), 1)


def _noise(replicates: np.ndarray, *, owner: np.ndarray) -> np.ndarray:
    """(K,) mean variance, over drawn test sets, of a run's figure about the mean of its setting; NaN for one seed."""
    noise = np.full(int(owner.max()) + 1, np.nan)
    for setting in range(len(noise)):
        own = replicates[owner == setting]
        if len(own) > 1:
            noise[setting] = (own - own.mean(axis=0)).var(axis=1).sum() / (len(own) - 1)
    return noise


def _seeds(figures: np.ndarray, *, noise: np.ndarray, owner: np.ndarray, seedless: np.ndarray) -> _Seeds:
    counts = np.bincount(owner)
    several = counts > 1
    df = counts - 1.0
    spread = np.array([figures[owner == k].var(ddof=1) if several[k] else np.nan for k in range(len(counts))])
    pool = several & ~_out_of_line(spread, noise=noise, df=df)
    df_pool = df[pool].sum()
    excess = max(0.0, df[pool] @ (spread - noise)[pool] / df_pool)
    noise = np.where(several, noise, df[pool] @ noise[pool] / df_pool)  # a setting of one seed is like the pool
    pooled = (pool | ~several) & ~seedless
    seeds = np.where(seedless, 0, np.fmax(np.where(pooled, excess, 0), spread - noise))
    return _Seeds(
        part=seeds / counts,
        measured=np.where(seedless, 0, seeds + noise) / counts,
        pooled=pooled,
        df=np.where(pooled, df_pool, np.maximum(df, 1)),
    )


def _out_of_line(spread: np.ndarray, *, noise: np.ndarray, df: np.ndarray) -> np.ndarray:
    """(K,) bool: settings whose seeds vary more than those of the others can explain, the worst first.

    At least one setting of several seeds is left. spread: the variance over the seeds; that and noise are NaN for one
    seed.
    """
    left = df > 0
    out = np.zeros(len(spread), dtype=bool)
    while left.sum() > 1:
        worst = int(np.nanargmax(np.where(left, spread, np.nan)))
        others = left & (np.arange(len(spread)) != worst)
        # seeds that came out equal by chance still vary by the noise
        typical = max(df[others] @ spread[others], df[others] @ noise[others]) / df[others].sum()
        if spread[worst] <= typical * stats.f.isf(_OUT_OF_LINE, df[worst], df[others].sum()):
            break
        out[worst], left[worst] = True, False
    return out
