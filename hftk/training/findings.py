"""What was found out about a run, in figures and with one thing to change: an entry of run.json's `findings`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hftk.errors import RunError


@dataclass(frozen=True)
class Suggestion:
    """One change of the recipe."""

    key: str
    """As in a recipe or an override: `training.learning_rate`."""
    value: Any
    """A JSON value."""


@dataclass(frozen=True)
class Finding:
    """kind: a short word with dashes, the same for all findings of its sort. message: a sentence for people.

    numbers: what the message rests on, by name: JSON values. epoch: where in training, in epochs; None where that says
    nothing. suggestion: None where no key of the recipe is to blame.
    """

    kind: str
    message: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    epoch: float | None = None
    suggestion: Suggestion | None = None

    def to_json(self) -> dict[str, Any]:
        """What stands in run.json. JSON has no nan and inf: they become words."""
        return {
            "kind": self.kind,
            "message": self.message,
            "numbers": {name: _json(value) for name, value in self.numbers.items()},
            "epoch": self.epoch,
            "suggestion": self.suggestion and {"key": self.suggestion.key, "value": _json(self.suggestion.value)},
        }


class FindingError(RunError):
    """A run that cannot go on, and the finding that says why; the message is the finding's."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)  # the only argument, so that it can go from a worker process to its parent
        self.finding = finding

    def __str__(self) -> str:
        return self.finding.message


def _json(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
