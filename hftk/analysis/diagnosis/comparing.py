"""A run beside others: the same setting with other seeds, and the simple baselines."""

from typing import Any

import numpy as np

from hftk.analysis.diagnosis.changes import first_accepted, learning_rate
from hftk.analysis.diagnosis.terms import behind
from hftk.analysis.evidence import RunEvidence
from hftk.training.findings import Finding

_FEWEST_SIBLINGS = 3
# distance from the siblings' median, in their own spread (median absolute deviation, as a standard deviation), and in
# itself; the spread of three values is small by chance now and then
_APART, _AT_LEAST = 5.0, 0.05
_MAD_TO_DEVIATION = 1.4826


def bad_seed(e: RunEvidence) -> Finding | None:
    """Far worse than the same setting with other seeds."""
    score = e.run.score
    scores = np.array([one.score for one in e.siblings if one.score is not None and one.ranking == e.run.ranking])
    if score is None or len(scores) < _FEWEST_SIBLINGS:
        return None
    usual = float(np.median(scores))
    spread = _MAD_TO_DEVIATION * float(np.median(np.abs(scores - usual)))
    behind = usual - score if e.run.ranking.goal == "maximize" else score - usual
    least = _AT_LEAST if e.run.ranking.goal == "maximize" else _AT_LEAST * max(abs(usual), 1.0)
    noise = e.validation.standard_error if e.validation else 0.0
    if behind < max(_APART * max(spread, noise), least):
        return None
    metric = e.run.ranking.metric.replace("_", " ", 1)
    return Finding(
        kind="bad-seed",
        message=(
            f"Seed {e.run.seed} fell behind its {len(scores)} siblings: {metric} {score:.4f}, where the same setting "
            f"has {scores.min():.4f} to {scores.max():.4f} (median {usual:.4f}) with other seeds. The setting is "
            "unstable: give the mean over seeds, and look for what steadies it."
        ),
        numbers={
            "score": round(score, 4),
            "siblings_median": round(usual, 4),
            "siblings_least": round(float(scores.min()), 4),
            "siblings_most": round(float(scores.max()), 4),
            "siblings": len(scores),
        },
        epoch=e.run.kept_epoch,
        # Mosbach et al. 2021 (arXiv:2006.04884): seeds that fail are lost in the first steps, and warm-up saves them
        suggestion=(first_accepted(e, ("training.warmup_steps", 0.1)) if not e.training["warmup_steps"] else None)
        or learning_rate(e, times=0.5),
    )


def below_baseline(e: RunEvidence) -> Finding | None:
    """Not above what a linear model reaches in seconds. Where texts are cut too short: plainly below it, cut alike."""
    reachable = e.reachable
    if reachable is None or e.validation is None:
        return None
    cut_alike = reachable != e.baseline
    if not (behind(e, reachable) if cut_alike else e.validation.accuracy <= reachable):
        return None
    accuracy, n = e.validation.accuracy, len(e.validation.label_ids)
    cut = " that reads no more of the texts than it does" if cut_alike else ""
    return Finding(
        kind="below-baseline",
        message=(
            f"The model is not above the best simple baseline{cut}: validation accuracy {accuracy:.4f} beside "
            f"{reachable:.4f} on the same {n:,} items. So the data allow more than this model finds, and it is not "
            "shown that a neural model is worth its cost here."
        ),
        numbers={"accuracy": round(accuracy, 4), "baseline_accuracy": round(reachable, 4), "n": n},
        epoch=e.run.kept_epoch,
        suggestion=first_accepted(
            e,
            *([("data.limit", None)] if e.setting("data", "limit") else []),
            *_with_vectors(e),
            ("model.bidirectional", True),
            ("model.hidden_size", 2 * e.setting("model", "hidden_size", default=64)),
        ),
    )


def _with_vectors(e: RunEvidence) -> list[tuple[str, Any]]:
    """Word vectors for a model that has none; trained further, where they are there and frozen."""
    if e.setting("embeddings") is None:
        return [("embeddings", {"method": "word2vec"})]
    return [("embeddings.freeze", False)] if e.setting("embeddings", "freeze") else []
