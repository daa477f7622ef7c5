"""What validation shows where labels are right and classes merely overlap: the yardstick of label noise."""

from dataclasses import dataclass

import numpy as np

# a share of the surest fifth is then known to one in a hundred; and numbers held at once, whatever the classes
_DRAWN, _MOST_NUMBERS = 8_000, 2_000_000
_HALVINGS = 14  # of the distance between classes: to a thousandth of a standard deviation
_FARTHEST = 16.0  # standard deviations: nothing is wrong any more


@dataclass(frozen=True, eq=False)
class Overlap:
    """Items of such a task, those first that its best model is surest of."""

    wrong: np.ndarray
    """(items,) bool: the label is not what the model says."""
    beyond_second: np.ndarray
    """(items,) bool: nor is it the model's second choice."""


def overlapping_classes(shares: np.ndarray, accuracy: float) -> Overlap | None:
    """A task of this accuracy that is hard in the plainest way; None where the commonest class alone is as accurate.

    shares: (labels,) of the labels, summing to 1. Every class has a score for each item, normally distributed, and the
    right one's is higher on average, by as much as gives the accuracy; the model knows all this and answers best. Where
    some items are harder than others, or a model is less sure than it might be, errors thin out faster towards the
    surest than here. The same each time.
    """
    shares = shares[shares > 0]
    count = min(_DRAWN, _MOST_NUMBERS // len(shares))
    draw = np.random.default_rng(0)
    labels = draw.choice(len(shares), count, p=shares / shares.sum())
    noise = draw.standard_normal((count, len(shares)))
    if accuracy <= shares.max():
        return None
    low, high = 0.0, _FARTHEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        right = _answers(noise, labels, shares, apart=middle).argmax(axis=1) == labels
        low, high = (middle, high) if right.mean() < accuracy else (low, middle)
    probabilities = _answers(noise, labels, shares, apart=high)
    surest_first = np.argsort(-probabilities.max(axis=1), kind="stable")
    better = choices_before(probabilities[surest_first], labels[surest_first])
    return Overlap(wrong=better > 0, beyond_second=better > 1)


def choices_before(probabilities: np.ndarray, label_ids: np.ndarray) -> np.ndarray:
    """(items,) how many classes the model finds likelier than the label. probabilities: (items, labels)."""
    own = probabilities[np.arange(len(label_ids)), label_ids]
    return (probabilities > own[:, None]).sum(axis=1)


def _answers(noise: np.ndarray, labels: np.ndarray, shares: np.ndarray, *, apart: float) -> np.ndarray:
    """The probabilities of the best model. apart: of the right class's score from the others', standard deviations."""
    scores = noise.copy()
    scores[np.arange(len(labels)), labels] += apart
    scores = apart * scores + np.log(shares)
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True)
