"""The start of every message about data: where in the recipe the value stands, and its key."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any


@dataclass(frozen=True)
class Where:
    """Turns keys below `data` into `recipes/x.yaml:14: data.columns.text`, or `data.columns.text` without a recipe."""

    place: Callable[[tuple], Any] | None = None

    def __call__(self, *keys: str | int) -> str:
        name = ".".join(["data", *map(str, keys)])
        return name if self.place is None else f"{self.place(keys)}: {name}"


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """`; did you mean x?`, or nothing where no known name is near."""
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean {by_lower[near[0]]}?" if near else ""


def listed(names: Sequence[Any], most: int = 20) -> str:
    """Names for a message, cut after `most` with the count of the rest."""
    shown = ", ".join(str(name) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "") if names else "none"
