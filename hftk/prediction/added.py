"""The columns that a prediction adds, and what they are called."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hftk.data.where import listed
from hftk.errors import DataError


@dataclass(frozen=True)
class Added:
    """Of texts and images: the label, its probability, and those of all classes. Of a sentence: its tags, and the
    probability of each."""

    tagging: bool
    labels: list[str]
    label: str
    """Column of the label; tagging: of the list of tags."""
    score: str
    """Column of its probability, 0 to 1; tagging: of the list of them."""
    probabilities: str
    """Column of all classes' probabilities, as a mapping; in front of the class's name where each has a column."""

    @property
    def flat(self) -> list[str]:
        """The columns where each class has its own."""
        return [self.label, self.score, *(f"{self.probabilities}_{name}" for name in self.labels)]

    @property
    def nested(self) -> list[str]:
        """The columns where a value may hold several."""
        return [self.label, self.score] if self.tagging else [self.label, self.score, self.probabilities]


def added_columns(taken: Collection[str], *, tagging: bool, labels: Sequence[str], flat: bool) -> Added:
    """`label`, `score` and `probabilities` (`tags`, `scores`); where the input has one of these columns already, all
    are called `prediction…`. flat: has each class a column of its own?

    Raises DataError where those are taken too.
    """
    spellings = ("probability", "prediction_probability") if flat else ("probabilities", "prediction_probabilities")
    names = (("tags", "scores"), ("prediction", "prediction_scores")) if tagging else (("label", "score"),)
    names = names if tagging else (*names, ("prediction", "prediction_score"))
    clashes: list[str] = []
    for (label, score), probabilities in zip(names, spellings, strict=True):
        added = Added(tagging, list(labels), label, score, probabilities)
        clashes = sorted(set(added.flat if flat else added.nested) & set(taken))
        if not clashes:
            return added
    raise DataError(
        f"the input has columns of the names that the predictions would have ({listed(clashes)}, beside "
        f"{listed(list(names[0]))}); rename them there"
    )


def flat_values(added: Added, probabilities: np.ndarray) -> list[list[Any]]:
    """Per row the values of `added.flat`. probabilities: (rows, classes)."""
    numbers, best = shortest(probabilities), probabilities.argmax(axis=-1).tolist()
    return [[added.labels[at], row[at], *row] for at, row in zip(best, numbers, strict=True)]


def nested_values(added: Added, probabilities: "np.ndarray | Sequence[np.ndarray]") -> list[list[Any]]:
    """Per row the values of `added.nested`. probabilities: (rows, classes); of sentences (words, classes) each."""
    if added.tagging:
        return [
            [[added.labels[at] for at in one.argmax(axis=-1).tolist()], shortest(one.max(axis=-1, initial=0))]
            for one in probabilities
        ]
    numbers, best = shortest(probabilities), probabilities.argmax(axis=-1).tolist()
    return [
        [added.labels[at], row[at], dict(zip(added.labels, row, strict=True))]
        for at, row in zip(best, numbers, strict=True)
    ]


def shortest(values: np.ndarray) -> list[Any]:
    """float32 → the Python floats with the fewest digits that are the same float32: 0.1, not 0.10000000149011612."""
    return values.astype(np.float32).astype("U").astype(np.float64).tolist()
