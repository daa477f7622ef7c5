"""Where runs fail: the hardest items, the labels that are mistaken for each other, and the figures of each label."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class HardItem:
    item: int
    """Place in the split, from 0."""
    label: str
    loss: float
    """Mean over the runs of the cross-entropy, in nats."""
    right: int
    """Runs that predict the label."""
    runs: int
    prediction: str
    """What most runs predict; of several the first in the order of the labels."""


@dataclass(frozen=True)
class Confusion:
    """Items of one label that a run takes for another."""

    label: str
    prediction: str
    count: int
    share: float
    """Of the items that have the label."""


@dataclass(frozen=True)
class LabelFigures:
    """A run's figures for one label."""

    label: str
    precision: float
    """Of the items predicted to have it, the share that does; 0 where none is."""
    recall: float
    """Of the items that have it, the share found; 0 where none has it."""
    f1: float
    support: int
    """Items that have it."""
    predicted: int


def hardest(
    losses: Sequence[np.ndarray],
    *,
    label_ids: np.ndarray,
    prediction_ids: Sequence[np.ndarray],
    labels: Sequence[str],
    limit: int,
) -> list[HardItem]:
    """At most `limit` items, the highest mean loss first; those on which runs have no loss at all are left out.

    losses: per run (items,), as scores.item_losses gives them, in the same order for all; NaN where a run has none.
    prediction_ids: per run (items,).
    """
    stacked = np.stack(losses)
    known = np.isfinite(stacked)
    mean = np.divide(
        np.where(known, stacked, 0).sum(axis=0),
        known.sum(axis=0),
        out=np.full(len(label_ids), -np.inf),
        where=known.any(axis=0),
    )
    order = np.argsort(-mean, kind="stable")[:limit]
    said = np.stack(prediction_ids)
    found = []
    for item in order[np.isfinite(mean[order])]:
        votes = np.bincount(said[:, item], minlength=len(labels))
        label_id = label_ids[item]
        found.append(
            HardItem(
                item=int(item),
                label=labels[label_id],
                loss=float(mean[item]),
                right=int(votes[label_id]),
                runs=len(said),
                prediction=labels[votes.argmax()],
            )
        )
    return found


def confusions(
    label_ids: np.ndarray, *, prediction_ids: np.ndarray, labels: Sequence[str], limit: int
) -> list[Confusion]:
    """The `limit` most frequent mistakes of one run, most frequent first."""
    matrix = confusion_matrix(label_ids, prediction_ids=prediction_ids, labels=len(labels))
    support = matrix.sum(axis=1)
    np.fill_diagonal(matrix, 0)
    places = np.argsort(-matrix, axis=None, kind="stable")[:limit]
    pairs = np.stack(np.unravel_index(places, matrix.shape), axis=1)
    return [
        Confusion(
            labels[label],
            labels[said],
            count=int(matrix[label, said]),
            share=float(matrix[label, said] / support[label]),
        )
        for label, said in pairs
        if matrix[label, said]
    ]


def confusion_matrix(label_ids: np.ndarray, *, prediction_ids: np.ndarray, labels: int) -> np.ndarray:
    """(labels, labels) int: items by their label (row) and prediction (column)."""
    return np.bincount(label_ids * labels + prediction_ids, minlength=labels**2).reshape(labels, labels)


def label_figures(label_ids: np.ndarray, *, prediction_ids: np.ndarray, labels: Sequence[str]) -> list[LabelFigures]:
    """Every label of one run, in the order of the labels."""
    matrix = confusion_matrix(label_ids, prediction_ids=prediction_ids, labels=len(labels))
    hits, support, predicted = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    return [
        LabelFigures(
            label=label,
            precision=_share(hits[number], predicted[number]),
            recall=_share(hits[number], support[number]),
            f1=_share(2 * hits[number], support[number] + predicted[number]),
            support=int(support[number]),
            predicted=int(predicted[number]),
        )
        for number, label in enumerate(labels)
    ]


def _share(part: int, whole: int) -> float:
    return float(part / whole) if whole else 0.0
