"""A linear model of runs by their swept keys, which refuses where it has nothing to say."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from hftk.analysis.factors import Factor

_FEWEST = 2
"""Degrees of freedom left for the error. With 1, a 95 % interval is 12.7 standard errors to each side; with 2, 4.3."""

_MOST_INFLATED = 5.0
"""How many times a difference's variance may be what it would be if its key were the only one (variance inflation,
James et al. 2013, section 3.3.3). Beyond, the key was hardly varied without the others."""

_DEPENDS = 0.05
"""p of the F test for lack of fit: below, what the keys do depends on each other."""


class Fit:
    """Ordinary least squares with an intercept and the columns of every factor."""

    def __init__(self, values: np.ndarray, *, factors: Sequence[Factor], settings: Sequence[str]) -> None:
        """values: (runs,). settings: what the runs of a setting, which differ in the seed only, have in common."""
        self._factors = list(factors)
        self._matrix = _with_intercept([factor.columns for factor in factors])
        self._solved = np.linalg.pinv(self._matrix)
        self._coefficients = self._solved @ values
        self.unfit: str | None = None
        """Why there is nothing to say, as a sentence."""
        _, setting_ids = np.unique(np.array(settings), return_inverse=True)
        counts = np.bincount(setting_ids)
        means = np.bincount(setting_ids, weights=values) / counts
        rank = int(np.linalg.matrix_rank(self._matrix))
        left = float(((values - self._matrix @ self._coefficients) ** 2).sum())
        by_seeds = float(((values - means[setting_ids]) ** 2).sum())
        self._error, self._df = left, len(values) - rank
        df_seeds, df_lack = len(values) - len(counts), len(counts) - rank
        if self._df < _FEWEST:
            self.unfit = (
                f"No effects are given: {_counted(len(values), 'run')} of {_counted(len(counts), 'setting')} leave too "
                "little to tell what a key did from chance. More seeds, or fewer keys swept at once, would."
            )
        elif df_seeds and df_lack and _lacking(left - by_seeds, by_seeds, df_lack=df_lack, df_seeds=df_seeds):
            # the seeds alone would make the interval too short
            self._error, self._df = left - by_seeds, df_lack
            if df_lack < _FEWEST:
                self.unfit = (
                    "No effects are given: what one swept key does depends on the others by more than the seeds "
                    "explain, so none has one effect."
                )

    def estimate(self, factor: Factor, weights: np.ndarray) -> tuple[float, float, float] | None:
        """A weighted sum of the factor's coefficients and its 95 % interval; None where the factor was hardly varied
        without the others. weights: over the factor's columns."""
        row = np.zeros(self._matrix.shape[1])
        place = next(number for number, each in enumerate(self._factors) if each is factor)
        begin = 1 + sum(each.columns.shape[1] for each in self._factors[:place])
        row[begin : begin + len(weights)] = weights
        if not np.allclose(row @ self._solved @ self._matrix, row, atol=1e-8):
            return None
        variance = float(((row @ self._solved) ** 2).sum())
        alone = np.concatenate([[0.0], weights]) @ np.linalg.pinv(_with_intercept([factor.columns]))
        if variance > _MOST_INFLATED * float((alone**2).sum()):
            return None
        difference = float(row @ self._coefficients)
        half = float(stats.t.isf(0.025, self._df) * np.sqrt(variance * self._error / self._df))
        return difference, difference - half, difference + half


def _with_intercept(columns: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ones((len(columns[0]), 1)), *columns], axis=1)


def _lacking(lack: float, by_seeds: float, *, df_lack: int, df_seeds: int) -> bool:
    """Is more left unexplained than seeds explain?"""
    return lack / df_lack > stats.f.isf(_DEPENDS, df_lack, df_seeds) * by_seeds / df_seeds


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
