"""What the swept keys did, over the whole sweep: the effect of each one on the ranking metric, with its interval."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from hftk.analysis.factors import Contrast, Factor, factors_of
from hftk.analysis.least_squares import Fit

Goal = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class Effect:
    """One value of a swept key against another, the other keys held equal, in the mean over what was tried."""

    factor: str
    value: str
    against: str
    difference: float
    """Of the metric: `value` less `against`, whatever the goal is."""
    low: float
    """The 95 % interval, of this effect by itself."""
    high: float
    runs: int
    """All runs that the estimate rests on."""
    shown: bool
    """The interval does not hold 0."""
    sentence: str


@dataclass(frozen=True)
class Effects:
    effects: list[Effect]
    notes: list[str]
    """Sentences: which keys have no effect given and why, runs left out, values at the edge of what was tried."""


def effects(
    swept: Sequence[Mapping[str, Any]], *, scores: Sequence[float | None], metric: str, goal: Goal | None
) -> Effects:
    """Main effects by least squares over all runs.

    swept: per run, the swept keys and their values (JSON values; a key that is not there counts as a value of its own).
    scores: per run, the ranking metric on validation, or another figure; None or NaN where there is none. metric: as it
    reads in a sentence. goal: None where neither more nor less of it is better.

    A key of few values has each of them compared with the first; a numeric one of many is taken as a straight line over
    the numbers, or over their logarithms where these are spread more evenly. Keys that always changed together are one.
    No effect is given where it would rest on too few runs, or on keys that were hardly varied by themselves: a note
    says so. Of twenty keys that do nothing, one is expected to look as if it did.
    """
    used = [place for place, value in enumerate(scores) if value is not None and math.isfinite(value)]
    notes = []
    if missing := len(scores) - len(used):
        notes.append(f"{missing:,} of {len(scores):,} runs have no {metric} and are left out of the effects.")
    runs = [swept[place] for place in used]
    factors = factors_of(runs) if runs else []
    if not factors:
        return Effects([], notes)
    fit = Fit(
        np.array([scores[place] for place in used], dtype=np.float64),
        factors=factors,
        settings=[json.dumps(run, sort_keys=True, default=str) for run in runs],
    )
    if fit.unfit:
        return Effects([], [*notes, fit.unfit])
    found = []
    for factor in factors:
        estimates = [fit.estimate(factor, contrast.weights) for contrast in factor.contrasts]
        if None in estimates:
            notes.append(f"{factor.name}: no effect is given, since it was hardly varied without the other swept keys.")
            continue
        found += [
            _effect(factor, contrast, estimate, runs=len(runs), metric=metric, goal=goal)
            for contrast, estimate in zip(factor.contrasts, estimates, strict=True)
        ]
        notes += _edges(factor, fit=fit, goal=goal) if goal else []
    return Effects(found, notes)


def _effect(
    factor: Factor,
    contrast: Contrast,
    estimate: tuple[float, float, float],
    *,
    runs: int,
    metric: str,
    goal: Goal | None,
) -> Effect:
    difference, low, high = estimate
    shown = not low <= 0 <= high
    # as many decimals as the interval is sure of: 2 from 0.02 to each side on
    half = (high - low) / 2
    decimals = min(4, max(2, math.ceil(-math.log10(half / 2)))) if half > 0 else 4
    ends = " to ".join(f"{end:+.{decimals}f}" for end in (low, high))
    line = f", by a straight line over {factor.line}" if factor.line else ""
    lower = ", lower is better" if goal == "minimize" else ""
    return Effect(
        factor=factor.name,
        value=contrast.value,
        against=contrast.against,
        difference=difference,
        low=low,
        high=high,
        runs=runs,
        shown=shown,
        sentence=f"{factor.name}: {contrast.value} against {contrast.against}{line} {difference:+.{decimals}f} "
        f"{metric} (95 %: {ends}, n={runs:,} runs{lower}){'' if shown else ': no effect is shown'}.",
    )


def _edges(factor: Factor, *, fit: Fit, goal: Goal) -> list[str]:
    """That the best value of a numeric key has none beyond it, where it is shown to be better than the next."""
    sign = 1 if goal == "maximize" else -1
    told = []
    for edge in factor.edges:
        estimates = [fit.estimate(factor, weights) for weights in (edge.contrast.weights, *edge.beyond)]
        if None in estimates:
            continue
        shown = min(sign * end for end in estimates[0][1:]) > 0
        if shown and all(sign * difference > 0 for difference, _, _ in estimates):
            beyond = "larger" if edge.which == "largest" else "smaller"
            told.append(
                f"{factor.name}: the {edge.which} value tried, {edge.contrast.value}, did best; {beyond} ones were not "
                "tried."
            )
    return told
