"""Can a run's probabilities be trusted? Expected calibration error, Brier score, and the bins of a reliability plot."""

from dataclasses import dataclass

import numpy as np

BINS = 15
"""Of equal width over the probability of the predicted label, as in Guo et al. (2017)."""


@dataclass(frozen=True)
class ReliabilityBin:
    """The items whose predicted label has a probability above `low` and not above `high`."""

    low: float
    high: float
    count: int
    confidence: float | None
    """Their mean probability of the predicted label; None without items."""
    accuracy: float | None
    """The share of them that is right; None without items."""


@dataclass(frozen=True)
class Calibration:
    ece: float
    """Expected calibration error (Guo et al. 2017): mean distance of confidence and accuracy over the bins, weighted by
    their items; 0 is best. It is above 0 by chance alone: a perfectly calibrated run of few items has some."""
    brier: float
    """Mean over items of the squared distances of the probabilities to 1 for the label and 0 for the others, summed
    over the labels (Brier 1950): 0 to 2. For two labels that is twice what scikit-learn's brier_score_loss gives by
    default (`scale_by_half`)."""
    items: int
    bins: list[ReliabilityBin]


def calibration(label_ids: np.ndarray, *, probabilities: np.ndarray) -> Calibration:
    """label_ids: (items,). probabilities: (items, labels), at least one item."""
    # float32 values are kept as they are: 0.4 of float32 lies above the edge 0.4
    probabilities = probabilities.astype(np.float64)
    items = len(label_ids)
    given = probabilities[np.arange(items), label_ids]
    brier = ((probabilities**2).sum(axis=1) - 2 * given + 1).mean()
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == label_ids
    edges = np.arange(BINS + 1) / BINS
    place = np.minimum(np.digitize(confidence, edges[1:], right=True), BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    confidences, hits = (np.bincount(place, weights=values, minlength=BINS) for values in (confidence, right))
    bins = [
        ReliabilityBin(
            low=float(edges[number]),
            high=float(edges[number + 1]),
            count=int(count),
            confidence=float(confidences[number] / count) if count else None,
            accuracy=float(hits[number] / count) if count else None,
        )
        for number, count in enumerate(counts)
    ]
    return Calibration(ece=float(np.abs(confidences - hits).sum() / items), brier=float(brier), items=items, bins=bins)
