"""The smallest model that is not shown to be worse than the best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hftk.analysis.statistics import Comparison


@dataclass(frozen=True)
class SmallestTied:
    setting: str
    parameters: int
    reference: str
    reference_parameters: int
    sentence: str


def smallest_tied(
    comparisons: Sequence[Comparison],
    *,
    parameters: Mapping[str, int | None],
    metric: str,
    goal: Literal["maximize", "minimize"],
) -> SmallestTied | None:
    """None where no model is known to be smaller than the reference and not shown to be worse.

    comparisons: as `compare` gives them, of equally small ones the first counts. parameters: by setting.
    """
    reference = next(row for row in comparisons if row.verdict == "reference")
    largest = parameters.get(reference.setting)
    rows = [row for row in comparisons if row.verdict in ("tie", "better") and parameters.get(row.setting) is not None]
    if largest is None or not rows:
        return None
    row = min(rows, key=lambda row: parameters[row.setting])
    count = parameters[row.setting]
    if count >= largest:
        return None
    beside = (
        f"{row.setting} ({count:,} parameters) is the smallest model that test does not show to be worse than "
        f"{reference.setting} ({largest:,} parameters), the best on validation: {row.difference:+.4f} {metric} (95 %: "
        f"{row.difference_low:+.4f} to {row.difference_high:+.4f})."
    )
    worst = -row.difference_low if goal == "maximize" else row.difference_high
    doubt = f" It may still be worse by {worst:.4f}." if worst > 0 else ""
    return SmallestTied(row.setting, count, reference.setting, largest, beside + doubt)
