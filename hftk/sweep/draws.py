"""Random search: each draw is a pure function of the sweep's seed, the draw's number and the key."""

import bisect
import hashlib
import itertools
import math
from typing import Any

from hftk.recipe.schema import SweepParameter

_DIGITS = 4  # significant: nothing is lost in search, and names stay short


def draw(parameter: SweepParameter, *, seed: int, index: int, key: str) -> Any:
    """The value of one key in draw number `index`.

    Numbers have four significant digits and stay between min and max.
    """
    chance = _chance(f"{seed}/{index}/{key}")
    if parameter.values is not None:
        return parameter.values[_choice(parameter, chance)]
    if parameter.distribution is None:
        return parameter.value
    low, high = parameter.min, parameter.max
    if parameter.distribution == "int_uniform":
        return low + math.floor(chance * (high - low + 1))
    if parameter.distribution == "uniform":
        value = low + chance * (high - low)
    else:
        value = math.exp(math.log(low) + chance * (math.log(high) - math.log(low)))
    return rounded(value, parameter)


def rounded(value: float, parameter: SweepParameter) -> float:
    """With four significant digits, between min and max."""
    return min(max(float(f"{value:.{_DIGITS}g}"), float(parameter.min)), float(parameter.max))


def _choice(parameter: SweepParameter, chance: float) -> int:
    if parameter.probabilities is None:
        return math.floor(chance * len(parameter.values))
    ends = list(itertools.accumulate(parameter.probabilities))
    last = max(index for index, one in enumerate(parameter.probabilities) if one > 0)
    return min(bisect.bisect_right(ends, chance * ends[-1]), last)


def _chance(text: str) -> float:
    """At least 0 and below 1, uniform over texts."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64 // 2**-53 * 2**-53
