"""Does a run that was trained again give the figures that it states? A pure comparison of two records."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hftk.analysis.outcomes import read_outcomes
from hftk.analysis.scores import SCORES
from hftk.analysis.statistics import compare
from hftk.hub.stated import StatedRun

Verdict = Literal["exact", "within tolerance", "differs", "not compared"]
# what decides in which order numbers are added up, and so their last bits
_CLASS = ("machine", "cpu", "threads", "gpus")


@dataclass(frozen=True)
class Figure:
    """One metric of the two runs; in the metric's own unit."""

    name: str
    """validation_<metric> or test_<metric>."""
    stated: float | None
    here: float | None
    tolerance: float | None
    """A larger difference counts; 0 where every bit must agree, None where there is nothing to judge by."""
    verdict: Verdict

    @property
    def difference(self) -> float | None:
        """Here less stated."""
        return None if self.stated is None or self.here is None else self.here - self.stated


@dataclass(frozen=True)
class Agreement:
    exact_expected: bool
    """Are versions and hardware those of the stated run, on a CPU, and nothing changed? Then every bit must agree."""
    figures: tuple[Figure, ...]
    splits: dict[str, bool]
    """Split -> are its rows and labels the same?"""
    weights: bool | None
    """Are the trained weights equal, bit for bit? None where a record does not tell."""
    versions: dict[str, tuple[str | None, str | None]]
    """Those that differ: stated, here."""
    hardware: dict[str, tuple[Any, Any]]
    """Likewise."""

    @property
    def exact(self) -> bool:
        return self.weights is not False and self._judged == {"exact"}

    @property
    def reproduced(self) -> bool:
        """Every bit where that is expected, else every figure within its tolerance; something must be judged."""
        if self.exact_expected:
            return self.exact
        return bool(self._judged) and self._judged <= {"exact", "within tolerance"}

    @property
    def _judged(self) -> set[str]:
        return {one.verdict for one in self.figures} - {"not compared"}


def agreement(stated: StatedRun, here: StatedRun, *, folder: Path, changed: bool) -> Agreement:
    """folder: the run's that was trained here, with its predictions. changed: does an override change the training?

    Raises RunError where the predictions cannot be read.
    """
    versions = _differing(stated.versions, here.versions)
    hardware = _differing(
        {name: stated.hardware.get(name) for name in _CLASS} | {"device": stated.device},
        {name: here.hardware.get(name) for name in _CLASS} | {"device": here.device},
    )
    splits = {
        split: here.data.split_fingerprints.get(split) == fingerprint
        for split, fingerprint in stated.data.split_fingerprints.items()
    }
    known = bool(stated.versions) and stated.hardware.get("cpu") is not None
    unchanged = not changed and stated.data.fingerprint == here.data.fingerprint
    # on a GPU sums are taken in an order that changes from run to run
    expected = known and unchanged and not versions and not hardware and stated.device == "cpu"
    expected = expected and stated.world_size == here.world_size
    figures = tuple(
        _figure(
            name,
            stated.metrics[name],
            here.metrics.get(name),
            same_rows=splits.get(name.partition("_")[0], stated.data.fingerprint == here.data.fingerprint),
            tolerance=0.0 if expected else _tolerance(name, folder=folder, labels=here.data.labels),
        )
        for name in stated.metrics
    )
    same = None if stated.weights is None or here.weights is None else stated.weights == here.weights
    return Agreement(
        exact_expected=expected, figures=figures, splits=splits, weights=same, versions=versions, hardware=hardware
    )


def _differing(stated: Mapping[str, Any], here: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = [*stated, *(name for name in here if name not in stated)]
    return {name: (stated.get(name), here.get(name)) for name in names if stated.get(name) != here.get(name)}


def _figure(name: str, stated: float | None, here: float | None, *, same_rows: bool, tolerance: float | None) -> Figure:
    verdict: Verdict = "differs"
    if not same_rows:
        verdict, tolerance = "not compared", None
    elif stated == here or (stated is not None and here is not None and math.isnan(stated) and math.isnan(here)):
        verdict = "exact"
    elif stated is None or here is None:
        verdict = "differs"
    elif tolerance is None:
        verdict = "not compared"
    elif abs(here - stated) <= tolerance:
        verdict = "within tolerance"
    return Figure(name=name, stated=stated, here=here, tolerance=tolerance, verdict=verdict)


def _tolerance(name: str, *, folder: Path, labels: list[str]) -> float | None:
    """By how much two equally good models differ on as many rows, in 95 of 100 cases; None for what is no metric.

    √2 × half the 95 % interval that reports give of such a figure (statistics.compare): the variance of a difference
    is the sum of the two. On the same rows they differ by less, as both find the same rows hard: it is an upper bound.
    """
    split, _, metric = name.partition("_")
    if split not in ("validation", "test") or metric not in SCORES:
        return None
    outcomes = read_outcomes(folder, split=split, labels=labels)
    row = compare({"here": [outcomes]}, metric=metric, goal="maximize", reference="here")[0]
    width = row.high - row.low
    return math.sqrt(2) * width / 2 if math.isfinite(width) else None
