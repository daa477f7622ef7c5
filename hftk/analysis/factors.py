"""Swept keys as columns of a linear model, and the comparisons that say what a key did."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.stats import skew

from hftk.analysis.short_values import ABSENT, short_values, word

_RUNS_PER_VALUE = 3
"""A numeric key with fewer runs of each of its values is taken as a line: a random search tries most values once."""
_FEW_VALUES = 3
"""Up to so many are always compared one by one."""


@dataclass(frozen=True, eq=False)
class Contrast:
    """One value against another."""

    value: str
    against: str
    weights: np.ndarray
    """Over the factor's columns."""


@dataclass(frozen=True, eq=False)
class Edge:
    """The largest or the smallest value of a numeric key, against the value next to it."""

    which: str
    contrast: Contrast
    beyond: list[np.ndarray]
    """The same value against each of the others, as weights."""


@dataclass(frozen=True, eq=False)
class Factor:
    """One swept key, or several that always changed together."""

    name: str
    columns: np.ndarray
    """(runs, columns)"""
    contrasts: list[Contrast]
    edges: list[Edge] = field(default_factory=list)
    line: str = ""
    """Of a numeric key taken as a straight line: over what."""


def factors_of(swept: Sequence[Mapping[str, Any]]) -> list[Factor]:
    """The keys with more than one value among these runs, in the order in which they are named."""
    keys = list(dict.fromkeys(key for run in swept for key in run))
    columns = {key: [run.get(key, ABSENT) for run in swept] for key in keys}
    joined: dict[tuple[Any, ...], list[str]] = {}
    for key, values in columns.items():
        places = _places(values)
        if max(places) > 0:
            # lines differ from each other even where no two runs have the same value
            alone = (key,) if _is_line(values, count=max(places) + 1) else ()
            joined.setdefault((*places, *alone), []).append(key)
    return [_factor(names, [columns[name] for name in names]) for names in joined.values()]


def _places(values: list[Any]) -> list[int]:
    """The value of each run as a number: 0 for the first one met, 1 for the next, …"""
    met: dict[str, int] = {}
    return [met.setdefault(word(value), len(met)) for value in values]


def _is_line(values: list[Any], *, count: int) -> bool:
    """count: of different values."""
    return count > _FEW_VALUES and len(values) < _RUNS_PER_VALUE * count and all(map(_is_number, values))


def _factor(names: list[str], columns: list[list[Any]]) -> Factor:
    together = f" (always together with {', '.join(names[1:])})" if names[1:] else ""
    name, places = names[0] + together, _places(columns[0])
    count = max(places) + 1
    numbers = [float(value) for value in columns[0]] if len(names) == 1 and all(map(_is_number, columns[0])) else None
    if numbers and _is_line(columns[0], count=count):
        return _line(name, np.array(numbers), values=columns[0])
    first = {place: run for run, place in reversed(list(enumerate(places)))}
    order = sorted(first, key=lambda place: numbers[first[place]]) if numbers else sorted(first)
    levels = np.array([order.index(place) for place in places])
    texts = short_values([columns[0][first[place]] for place in order])
    contrasts = [Contrast(texts[level], texts[0], _against(level, 0, count=count)) for level in range(1, count)]
    return Factor(
        name=name,
        columns=(levels[:, None] == np.arange(1, count)).astype(np.float64),
        contrasts=contrasts,
        edges=_edges(texts) if numbers else [],
    )


def _line(name: str, numbers: np.ndarray, *, values: list[Any]) -> Factor:
    least, most = int(numbers.argmin()), int(numbers.argmax())
    # 1e-5, 1e-4, 1e-3 were chosen by orders of magnitude: their logarithms are spread more evenly than they are
    by_magnitude = numbers[least] > 0 and abs(skew(np.log10(numbers))) < abs(skew(numbers))
    along = np.log10(numbers) if by_magnitude else numbers
    share = (along - along[least]) / (along[most] - along[least])
    up = Contrast(word(values[most]), word(values[least]), np.array([1.0]))
    down = Contrast(up.against, up.value, np.array([-1.0]))
    return Factor(
        name=name,
        columns=share[:, None],
        contrasts=[up],
        edges=[Edge("largest", up, beyond=[]), Edge("smallest", down, beyond=[])],
        line="its logarithm" if by_magnitude else "it",
    )


def _edges(texts: list[str]) -> list[Edge]:
    count = len(texts)
    edges = []
    for which, end, beside in (("largest", count - 1, count - 2), ("smallest", 0, 1)):
        others = [level for level in range(count) if level not in (end, beside)]
        edges.append(
            Edge(
                which,
                Contrast(texts[end], texts[beside], _against(end, beside, count=count)),
                beyond=[_against(end, level, count=count) for level in others],
            )
        )
    return edges


def _against(level: int, other: int, *, count: int) -> np.ndarray:
    """Weights over the columns of levels 1, 2, …; level 0 has none."""
    return np.eye(count)[level, 1:] - np.eye(count)[other, 1:]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
