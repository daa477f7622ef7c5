"""Test sets drawn again from the units of the one at hand, with replacement (Efron 1979)."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.sparse import csr_array, issparse, vstack

from hftk.analysis.scores import Sums, score

REPLICATES = 2000
"""A standard error from so many draws is itself uncertain by 1 / sqrt(2 * 2000) = 1.6 %: nothing beside the rest."""

_CHUNK = 4_000_000
"""Numbers in the largest matrix at a time: 32 MB."""


def replicate_scores(sums: Sequence[Sums], *, metric: str, seed: int) -> np.ndarray:
    """(runs, REPLICATES): the metric of each run on each drawn test set, the same sets for all runs.

    sums: per run, (sums, units) as `unit_sums` gives them, over the same units.
    """
    stacked = _stacked(sums)
    many, units = stacked.shape
    drawn = np.empty((len(sums), REPLICATES))
    begin = 0
    for weights in _weights(units, largest=max(many, units), seed=seed):
        totals = (stacked @ weights).reshape(len(sums), many // len(sums), -1)
        drawn[:, begin : begin + weights.shape[1]] = score(totals.swapaxes(0, 1), metric=metric)
        begin += weights.shape[1]
    return drawn


def _stacked(sums: Sequence[Sums]) -> Sums:
    return csr_array(vstack(sums)) if issparse(sums[0]) else np.concatenate(sums)


def _weights(units: int, *, largest: int, seed: int) -> Iterator[np.ndarray]:
    """(units, some) at a time, until REPLICATES: how often each unit is in each of the sets."""
    generator = np.random.default_rng(seed)
    step = max(1, min(REPLICATES, _CHUNK // max(largest, 1)))
    for begin in range(0, REPLICATES, step):
        width = min(step, REPLICATES - begin)
        drawn = generator.integers(units, size=(width, units), dtype=np.int32)
        drawn += (units * np.arange(width, dtype=np.int32))[:, None]
        counts = np.bincount(drawn.ravel(), minlength=width * units).reshape(width, units)
        yield counts.T.astype(np.float64, order="C")
