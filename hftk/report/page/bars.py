"""Where a figure and its interval lie on a line that all rows of a table share."""

import math
from dataclasses import dataclass
from statistics import median
from typing import Literal

from hftk.report.content import Interval
from hftk.report.page.shown import is_number

ROOM = 0.06
"""Of the range of the figures, free at either end, so that no mark is cut."""
REACH = 12
"""Half intervals to either side of the first row's figure: what lies beyond is no tie, and would press all intervals
to dots; the page points to where it is."""


@dataclass(frozen=True)
class Bar:
    """Places in percent of the line's length; of a figure that lies beyond it, only on which side."""

    label: str
    """What it shows, in words."""
    at: float | None
    low: float | None = None
    high: float | None = None
    beyond: Literal["left", "right"] | None = None


@dataclass(frozen=True)
class Scale:
    low: float
    high: float
    first: float | None
    """The figure of the first row."""

    @classmethod
    def over(cls, values: list[float | None], intervals: list[Interval | None], first: float | None) -> "Scale | None":
        """Holds every figure and interval that is near `first`, or simply all; None where no figure is a number."""
        known = [value for value in values if is_number(value)]
        if not known:
            return None
        ends = [end for interval in intervals if _known(interval) for end in (interval.low, interval.high)]
        shown = known + ends
        first = first if is_number(first) else None
        if first is not None and ends:
            reach = REACH * median((interval.high - interval.low) / 2 for interval in intervals if _known(interval))
            shown = [value for value in shown if abs(value - first) <= reach] or shown
        low, high = min(shown), max(shown)
        room = (high - low) * ROOM or max(abs(low) * ROOM, ROOM)
        return cls(low - room, high + room, first)

    def at(self, value: float) -> float:
        return round((min(max(value, self.low), self.high) - self.low) / (self.high - self.low) * 100, 2)

    def bar(self, value: float | None, interval: Interval | None) -> Bar | None:
        if not is_number(value):
            return None
        words = f"95 % interval {interval.low:.4f} to {interval.high:.4f}" if _known(interval) else "no interval"
        label = f"{value:.4f}, {words}"
        if not self.low <= value <= self.high:
            return Bar(label, None, beyond="left" if value < self.low else "right")
        if not _known(interval):
            return Bar(label, self.at(value))
        return Bar(label, self.at(value), self.at(interval.low), self.at(interval.high))

    @property
    def ends(self) -> tuple[str, str]:
        """As few decimals as tell them apart well."""
        decimals = min(4, max(0, math.ceil(-math.log10((self.high - self.low) / 10))))
        return f"{self.low:.{decimals}f}", f"{self.high:.{decimals}f}"


def _known(interval: Interval | None) -> bool:
    return interval is not None and is_number(interval.low) and is_number(interval.high)
