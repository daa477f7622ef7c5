"""Likely label errors: items to whose stated label runs that never trained on them give next to no probability."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Suspect:
    """An item whose label may be wrong. That the runs agree is no proof: they may all be wrong in the same way."""

    item: int
    """Place among the items given, from 0."""
    label: str
    """As the data state it."""
    suggested: str
    """What most runs predict."""
    agreeing: int
    """Runs that predict it."""
    runs: int
    score: float
    """Mean over the runs of the probability given to the stated label, 0 to 1; the lowest first. Not the chance that
    the label is right."""
    confident: bool
    """The suggested label has at least the mean probability that items stated to have it get (the class threshold of
    confident learning, Northcutt et al. 2021)."""


@dataclass(frozen=True)
class LabelErrors:
    suspects: list[Suspect]
    runs: int
    """The runs that were asked."""
    left_out: int
    """Runs no better than always giving the most frequent label: they know nothing about any item."""
    agreement: float
    """The share of items on which most runs predict the stated label; NaN where no run was asked."""
    sentence: str


def label_errors(
    label_ids: np.ndarray, *, probabilities: Sequence[np.ndarray], labels: Sequence[str], limit: int
) -> LabelErrors:
    """At most `limit` suspects, the likeliest first: those to whose stated label the runs give least.

    label_ids: (items,) of validation and test: no run may have trained on them. probabilities: per run (items, labels),
    in the same order.

    How good this is depends on how good the runs are. With 3 % of the labels flipped on purpose, of as many suspects
    this share was flips (mean of 5 draws; in brackets how often most runs predict the label of the data):
    - 0.96 digits (98 %), 0.89 Fashion-MNIST (91 %), 0.77 parts of speech (86 %)
    - 0.53 tweets (82 %), 0.36 movie reviews (79 %), 0.55 newsgroups (70 %), 0.30 Korean reviews (66 %)
    Where runs are often wrong, most suspects are errors of the runs.
    """
    items = np.arange(len(label_ids))
    most_frequent = np.bincount(label_ids, minlength=len(labels)).max(initial=0)
    votes = np.zeros((len(label_ids), len(labels)), dtype=np.int32)
    total = np.zeros(votes.shape)
    asked = 0
    for given in probabilities:
        said = given.argmax(axis=1)
        if np.count_nonzero(said == label_ids) <= most_frequent or not np.isfinite(given).all():
            continue
        asked += 1
        votes[items, said] += 1
        total += given
    left_out = len(probabilities) - asked
    if not asked:
        return LabelErrors([], 0, left_out, float("nan"), _sentence(0, left_out, agreement=float("nan")))
    mean = total / asked
    stated = mean[items, label_ids]
    # of equally many votes the more probable label
    suggested = (votes + mean / 2).argmax(axis=1)
    thresholds = np.array(
        [stated[label_ids == number].mean() if (label_ids == number).any() else np.inf for number in range(len(labels))]
    )
    doubted = np.flatnonzero(suggested != label_ids)
    first = doubted[np.argsort(stated[doubted], kind="stable")][:limit]
    agreement = 1 - len(doubted) / len(label_ids)
    suspects = [
        Suspect(
            item=int(item),
            label=labels[label_ids[item]],
            suggested=labels[suggested[item]],
            agreeing=int(votes[item, suggested[item]]),
            runs=asked,
            score=float(stated[item]),
            confident=bool(mean[item, suggested[item]] >= thresholds[suggested[item]]),
        )
        for item in first
    ]
    return LabelErrors(suspects, asked, left_out, agreement, _sentence(asked, left_out, agreement=agreement))


def _sentence(asked: int, left_out: int, *, agreement: float) -> str:
    if not asked:
        return "No run is better than always giving the most frequent label, so none can hint at label errors."
    who = "The run that was asked predicts" if asked == 1 else f"Most of the {asked:,} runs asked predict"
    beside = (
        ""
        if not left_out
        else f" ({left_out:,} no better than the most frequent label {'was' if left_out == 1 else 'were'} not asked)"
    )
    return (
        f"{who} the stated label of {agreement:.1%} of the items{beside}. Suspects are to be looked at, not to be "
        "corrected blindly: where runs err, so do they."
    )
