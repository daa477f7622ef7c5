"""How much better the winner looked where it was chosen than on test."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Optimism:
    """Of the best of several settings."""

    gap: float
    """By how much the winner's figure was better on validation, where it was chosen, than on test; negative where test
    was kinder."""
    settings: int
    """The settings that it was chosen from."""
    looks: int
    """How often test was looked at: once per finished run."""
    sentence: str


def optimism(
    *,
    winner: str,
    metric: str,
    goal: Literal["maximize", "minimize"],
    validation: float,
    test: float,
    settings: int,
    looks: int,
) -> Optimism:
    """validation, test: the winner's figures (means over its seeds). metric: its name, without a split.

    The gap is no proof of luck: the two splits may differ in difficulty, and both figures have chance in them.
    """
    gap = validation - test if goal == "maximize" else test - validation
    chosen = "the only setting" if settings == 1 else f"the best of {settings:,} settings there"
    times = "once" if looks == 1 else f"{looks:,} times, once per finished run"
    where = "better" if gap > 0 else "worse"
    beside = "the same as on test" if gap == 0 else f"{abs(gap):.4f} {where} than on test ({test:.4f})"
    why = (
        " The best of several is partly the luckiest on validation, so its test figure is the one to quote."
        if gap > 0 and settings > 1
        else ""
    )
    return Optimism(
        gap=gap,
        settings=settings,
        looks=looks,
        sentence=f"{winner} has {metric} {validation:.4f} on validation, {chosen}, {beside}.{why} "
        f"Test was looked at {times}.",
    )
