"""Runs that did not learn: the learning rate is too high or too low, or one class is all that is predicted."""

from collections.abc import Mapping

import numpy as np

from hftk.analysis.diagnosis.changes import first_accepted, learning_rate
from hftk.analysis.diagnosis.terms import adaptive, behind, from_scratch, number, percent, when
from hftk.analysis.evidence import RunEvidence
from hftk.training.findings import Finding

# a constant answer gives the loss of even shares at most: biases alone reach it, whatever else fails
_ABOVE_EVEN = 1.1
# a batch is noisier than an epoch; several points of the trace in a row are less so (sound trainings stay below 1.25)
_SPIKE, _LASTING_SPIKE, _IN_A_ROW = 1.5, 1.35, 5
# share of the constant answer's loss that is left: above it little was learnt
_HARDLY_LEARNT = 0.75
# the same, of a run whose loss was far above that of even shares: a falling rate may have saved most of it later
_NOT_RECOVERED = 0.1
# of the constant answer's loss: so much lost again is no noise of one epoch
_LOST_AGAIN = 0.25
# Below these little moves in the epochs of a usual fine-tuning. Adam's family: published small models use 1e-4 to 1e-2,
# BERT's authors 2e-5 to 5e-5. Plain SGD: a tenth of the usual 0.01 to 0.1.
_LOW = {"scratch": 1e-4, "pretrained": 3e-6, "sgd": 1e-3}
# above these Adam's steps (each as large as the learning rate) undo what training from scratch, or before, has learnt
_HIGH = {"scratch": 3e-2, "pretrained": 3e-4}
# at the pace of the last third, so many times the epochs trained would be needed
_FAR_AWAY = 7.0
# a pace is no pace after fewer, and a loss that has just found the constant answer is none either
_FEWEST_EPOCHS, _MORE_THAN_CONSTANT = 5, 0.97
# of the items: all but a few strays; and of the labels: where more are of one class, never naming another one is what
# class imbalance does
_ONE_CLASS, _MOST_LABELS = 0.98, 0.8


def learning_rate_too_high(e: RunEvidence) -> Finding | None:
    """The training loss went above that of even shares, or was lost again, and did not come down."""
    losses = e.train_loss
    # weights lift the plain loss by themselves; with one class there is nothing to learn
    if not len(losses) or e.setting("class_weights") or not e.constant_loss:
        return None
    left = losses[-1] / e.constant_loss
    rate = e.training["learning_rate"]
    above = np.flatnonzero(losses > _ABOVE_EVEN * e.even_loss)
    lowest = int(np.nanargmin(losses))
    spike = _spike(e, lasting=left <= _HARDLY_LEARNT)
    harmed = left > _NOT_RECOVERED or behind(e, e.reachable)
    numbers = {
        "learning_rate": rate,
        "highest_train_loss": round(float(np.nanmax(losses)), 4),
        "last_train_loss": round(float(losses[-1]), 4),
        "even_loss": round(e.even_loss, 4),
    }
    if harmed and spike is not None:
        epoch, numbers["highest_step_loss"] = spike["epoch"], round(spike["loss"], 4)
        what = f"rose to {number(spike['loss'])} at step {spike['step']:.0f} ({when(epoch)})"
    elif harmed and len(above):
        epoch = float(e.epochs[above[0]])
        what = f"was {number(losses[above[0]])} in {when(epoch)}"
    elif losses[-1] - losses[lowest] > _LOST_AGAIN * e.constant_loss:
        epoch = float(e.epochs[lowest])
        what = f"had come down to {number(losses[lowest])} by {when(epoch)} and rose again"
    elif left > 0.9 and adaptive(e) and not e.setting("peft") and rate > _HIGH[_start(e)]:
        epoch = float(e.epochs[0])
        what = f"never came below {number(np.nanmin(losses))}"
    else:
        return None
    return Finding(
        kind="learning-rate-too-high",
        message=(
            f"The learning rate, {rate:g}, is too high: the training loss {what}, and ended at {number(losses[-1])}; "
            f"giving all {e.classes} classes the same probability costs {number(e.even_loss)}."
        ),
        numbers=numbers,
        epoch=epoch,
        suggestion=learning_rate(e, times=1 / 30 if rate > _HIGH[_start(e)] else 0.1),
    )


def learning_rate_too_low(e: RunEvidence) -> Finding | None:
    """The training loss is still high, and falls steadily, but too slowly to arrive."""
    losses, rate = e.train_loss, e.training["learning_rate"]
    if not len(losses) or not e.constant_loss:
        return None
    left = losses[-1] / e.constant_loss
    low = rate < _LOW[_start(e) if adaptive(e) else "sgd"]
    longer = _times_longer(losses, e.epochs, target=0.5 * e.constant_loss)
    slow = len(losses) >= _FEWEST_EPOCHS and longer > _FAR_AWAY and left < _MORE_THAN_CONSTANT and _falls(losses)
    if left < _HARDLY_LEARNT or not (low or slow) or _as_good_as_a_linear_model(e):
        return None
    fallen = 1 - losses[-1] / losses[0]
    pace = f"; at its last pace half of that would take {longer:,.0f} times as long" if np.isfinite(longer) else ""
    return Finding(
        kind="learning-rate-too-low",
        message=(
            f"The learning rate, {rate:g}, is too low: in {e.run.epochs or e.epochs[-1]:g} epochs the training loss "
            f"fell by {percent(fallen)}, from {number(losses[0])} to {number(losses[-1])}, where an answer that "
            f"ignores the input costs {number(e.constant_loss)}{pace}."
        ),
        numbers={
            "learning_rate": rate,
            "first_train_loss": round(float(losses[0]), 4),
            "last_train_loss": round(float(losses[-1]), 4),
            "constant_loss": round(e.constant_loss, 4),
            "times_longer": round(longer, 1) if np.isfinite(longer) else None,
        },
        epoch=float(e.epochs[-1]),
        suggestion=learning_rate(e, times=30 if low else 10),
    )


def collapse(e: RunEvidence) -> Finding | None:
    """One class is predicted for everything, though it is not what nearly all labels are."""
    judged = e.validation
    if judged is None:
        return None
    top = int(judged.prediction_shares.argmax())
    share, label_share = float(judged.prediction_shares[top]), float(judged.label_shares[top])
    if share < _ONE_CLASS or label_share > _MOST_LABELS:
        return None
    weights = e.setting("class_weights")
    by_hand = bool(weights) and weights != "balanced"  # they call for one class whatever was learnt
    if not by_hand and _ranks(judged.probabilities, judged.label_ids):
        return None
    name = e.run.data.labels[top]
    return Finding(
        kind="collapse",
        message=(
            f"The model collapsed: it predicts {name!r} for {percent(share)} of the {len(judged.label_ids):,} items of "
            f"validation, and its accuracy, {judged.accuracy:.4f}, is that class's share ({label_share:.4f}); the "
            f"entropy of its predictions is {percent(judged.entropy)} of that of the labels."
        ),
        numbers={
            "class": name,
            "predicted_share": round(share, 4),
            "label_share": round(label_share, 4),
            "accuracy": round(judged.accuracy, 4),
            "entropy": round(judged.entropy, 4),
            "n": len(judged.label_ids),
        },
        epoch=e.run.kept_epoch,
        suggestion=(
            first_accepted(e, ("class_weights", "balanced"))
            if by_hand
            else first_accepted(e, *([] if adaptive(e) else [("training.optim", "adamw_torch")]))
            or learning_rate(e, times=0.1 if e.training["learning_rate"] > _LOW[_start(e)] * 10 else 10)
        ),
    )


def _spike(e: RunEvidence, *, lasting: bool) -> Mapping[str, float] | None:
    """The highest point of the trace, if it is far above the loss of even shares; lasting: several in a row must be."""
    losses = np.array([row.get("loss", np.nan) for row in e.trace])
    window, factor = (_IN_A_ROW, _LASTING_SPIKE) if lasting else (1, _SPIKE)
    if len(losses) < window:
        return None
    means = np.convolve(np.nan_to_num(losses), np.ones(window) / window, mode="valid")
    if means.max() <= factor * e.even_loss:
        return None
    start = int(means.argmax())
    return e.trace[start + int(np.nanargmax(losses[start : start + window]))]


def _as_good_as_a_linear_model(e: RunEvidence) -> bool:
    """Within two standard errors, on the same input: then it is the input that allows no more, not the rate."""
    if e.reachable is None or e.validation is None:
        return False
    return e.validation.accuracy > e.reachable - 2 * e.validation.standard_error


def _start(e: RunEvidence) -> str:
    return "scratch" if from_scratch(e) else "pretrained"


def _falls(losses: np.ndarray) -> bool:
    """In nearly each epoch."""
    return len(losses) > 1 and float((np.diff(losses) < 0).mean()) >= 0.8


def _times_longer(losses: np.ndarray, epochs: np.ndarray, *, target: float) -> float:
    """How many times the epochs trained the way to `target` would take at the pace of the last third."""
    if losses[-1] <= target:
        return 0.0
    if len(losses) < 2:
        return np.inf
    back = max(len(losses) // 3, 1)
    pace = (losses[-1 - back] - losses[-1]) / (epochs[-1] - epochs[-1 - back])
    return float((losses[-1] - target) / pace / epochs[-1]) if pace > 0 else np.inf


def _ranks(probabilities: np.ndarray, label_ids: np.ndarray) -> bool:
    """Does the model tell the classes apart all the same, below the line where it would say so? Then it has learnt.

    The probability of a class among its own items, beside that among the others: areas under the ROC curve.
    """
    from sklearn.metrics import roc_auc_score

    areas = [
        roc_auc_score(label_ids == label, probabilities[:, label])
        for label in np.unique(label_ids)
        if 5 <= (label_ids == label).sum() < len(label_ids)
    ]
    return bool(areas) and float(np.mean(areas)) > 0.7
