"""Values as words: one form of each kind of figure in every table, sentence and progress line."""

import json
import math
import re
from collections.abc import Iterable
from typing import Any

from rich.cells import cell_len

MISSING = "–"


def figure(value: float | None) -> str:
    """Four decimals; `–` for a value that is missing, `NaN` for one that is not a number."""
    if value is None:
        return MISSING
    if math.isnan(value):
        return "NaN"
    return f"{value:.4f}"


def count(value: int | None) -> str:
    """With thousands separated."""
    return MISSING if value is None else f"{value:,}"


def epoch(value: float | None) -> str:
    """`3`, or `2.25` where training or evaluation ended inside an epoch."""
    return MISSING if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def duration(seconds: float | None) -> str:
    """`12 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def roughly(seconds: float) -> str:
    """An estimate, no finer than minutes: `less than a minute`, `about 12 min`, `about 2 h 05 min`."""
    minutes = math.ceil(seconds / 60)
    if seconds < 60:
        return "less than a minute"
    return f"about {minutes} min" if minutes < 60 else f"about {minutes // 60} h {minutes % 60:02d} min"


def split_metric(name: str) -> str:
    """`validation accuracy` for `validation_accuracy`; a metric's own underscores stay."""
    return name.replace("_", " ", 1)


def span(values: Iterable[float], form: str) -> str:
    """`2 to 40`; one figure where both ends read the same. form: as in `format`."""
    values = list(values)
    low, high = (format(value, form) for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def override(key: str, value: Any) -> str:
    """As it is typed behind a recipe: `training.learning_rate=0.001`."""
    return f"{key}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"


def plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(names: list[str], most: int = 3) -> str:
    """`a, b, c and 5 more`."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def escaped(text: Any) -> str:
    """Any text as one line of Markdown that shows it literally, inside a table's cell too."""
    return re.sub(r"([\\|`*<>\[\]~])", r"\\\1", " ".join(str(text).split()))


def shortened(text: str, width: int) -> str:
    """In at most `width` places (a Korean letter takes two), cut in the middle: names of runs differ at their ends."""
    if cell_len(text) <= width:
        return text
    head, tail = text[: len(text) // 2], text[len(text) // 2 :]
    while head and cell_len(head) + cell_len(tail) > width - 1:
        head, tail = head[:-1], tail[1:]
    return f"{head}…{tail}"
