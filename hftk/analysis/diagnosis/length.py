"""Runs that were trained too long or too short."""

import numpy as np

from hftk.analysis.diagnosis.changes import first_accepted
from hftk.analysis.diagnosis.terms import behind, dropout_keys, number, percent
from hftk.analysis.evidence import RunEvidence
from hftk.training.findings import Finding

# of the lowest validation loss; and of the constant answer's, with and without a fall of the accuracy: where nearly all
# is right, a few answers that are wrong and ever surer lift a small loss by much, and that is all that is lost
_RISE, _MUCH, _AT_ALL = 0.15, 0.05, 0.02
# of the training loss, which must still fall meanwhile: else the whole run got worse, which is another fault
_STILL_FALLS = 0.05
# of the constant answer's loss, per epoch; of the items, in the last third: as much again is then within reach
_STILL_BETTER, _STILL_MORE_RIGHT = 0.02, 0.06
# a run of fewer epochs that has as much of the constant answer's loss left has only begun
_BEGINNING, _HARDLY_LEARNT = 5, 0.75
# what a better epoch must gain to count: of the constant answer's loss
_NO_GAIN = 0.02
# share of the training, and epochs, after which nothing was gained
_WASTED, _FEWEST_WASTED = 0.6, 10


def overfitting(e: RunEvidence) -> Finding | None:
    """The validation loss rises while the training loss falls on, and no more is right for it.

    A model that only grows surer of what it says, and says more of it right meanwhile, is not told to stop.
    """
    valid, train = e.validation_loss, e.train_loss
    if len(valid) < 3 or (e.ended_early and e.run.keep == "best"):  # early stopping has dealt with it
        return None
    best = int(np.nanargmin(valid))
    rise, fall = valid[-1] / valid[best] - 1, 1 - train[-1] / train[best]
    accuracy, noise = e.column("validation_accuracy"), e.validation.standard_error if e.validation else np.inf
    more_right = accuracy[-1] - accuracy[best]
    # two standard errors of a difference
    least = _AT_ALL if more_right < -2 * 2**0.5 * noise else _MUCH
    little = rise < _RISE or valid[-1] - valid[best] < least * e.constant_loss
    if best == len(valid) - 1 or little or fall < _STILL_FALLS or train[-1] > valid[-1] or more_right > 2 * noise:
        return None
    epoch, last = float(e.epochs[best]), float(e.epochs[-1])
    kept = ""
    if e.run.status == "finished":
        kept = f"; the weights of the {'last epoch' if e.run.keep == 'last' else 'best one'} were kept"
    weaker = [(key, 0.5) for key in dropout_keys(e) if (e.setting(*key.split("."), default=0.0) or 0.0) < 0.3]
    return Finding(
        kind="overfitting",
        message=(
            f"The model overfits from epoch {epoch:g} on: the validation loss was lowest there, {number(valid[best])}, "
            f"and rose by {percent(rise)} to {number(valid[-1])} in epoch {last:g}, while the training loss fell from "
            f"{number(train[best])} to {number(train[-1])}{kept}."
        ),
        numbers={
            "best_validation_loss": round(float(valid[best]), 4),
            "last_validation_loss": round(float(valid[-1]), 4),
            "rise": round(float(rise), 4),
            "train_loss_then": round(float(train[best]), 4),
            "last_train_loss": round(float(train[-1]), 4),
        },
        epoch=epoch,
        suggestion=first_accepted(
            e, *([("keep", "best")] if e.run.keep == "last" else []), *weaker, ("training.num_train_epochs", epoch)
        ),
    )


def stopped_too_early(e: RunEvidence) -> Finding | None:
    """At the end each epoch still brings much; or a few epochs were but a beginning, and a linear model does better."""
    valid = e.validation_loss
    if not len(valid):
        return None
    gain, more_right, length = _last_gains(e)
    noise = 2 * 2**0.5 * e.validation.standard_error if e.validation else np.inf
    learns = more_right * length >= max(_STILL_MORE_RIGHT, noise)
    falls = gain > 0 and np.nanargmin(valid) == len(valid) - 1
    begun = len(valid) < _BEGINNING and e.train_loss[-1] > _HARDLY_LEARNT * e.constant_loss and behind(e, e.reachable)
    if not (learns or falls and (begun or gain >= _STILL_BETTER * e.constant_loss)):
        return None
    epochs = e.training["num_train_epochs"]
    patience = e.setting("early_stopping", "patience", default=1)
    change = ("early_stopping.patience", 3 * patience) if e.ended_early else ("training.num_train_epochs", 3 * epochs)
    by = f" by early stopping with a patience of {patience}" if e.ended_early else ""
    brought = [f"the loss still fell by {number(gain)}"] if gain > 0 else []
    brought += [f"the accuracy still rose by {percent(more_right)}"] if more_right > 0 else []
    return Finding(
        kind="stopped-too-early",
        message=(
            f"Training stopped too early{by}: after {e.run.epochs or e.epochs[-1]:g} epochs {' and '.join(brought)} "
            f"per epoch; the loss is {number(valid[-1])} on validation, where an answer that ignores the input costs "
            f"{number(e.constant_loss)}."
        ),
        numbers={
            "loss_gain_per_epoch": round(float(gain), 4),
            "accuracy_gain_per_epoch": round(float(more_right), 4),
            "last_validation_loss": round(float(valid[-1]), 4),
            "constant_loss": round(e.constant_loss, 4),
        },
        epoch=float(e.epochs[-1]),
        suggestion=first_accepted(e, change),
    )


def stopped_too_late(e: RunEvidence) -> Finding | None:
    """Most of the training brought nothing, and nothing watched for that."""
    valid, epochs = e.validation_loss, e.epochs
    if len(valid) < 3 or e.setting("early_stopping"):
        return None
    good = valid <= np.nanmin(valid) + _NO_GAIN * e.constant_loss
    accuracy = e.column("validation_accuracy")
    if np.isfinite(accuracy).all() and e.validation:
        # the mean of the last third, as the highest of many epochs is so by chance
        good &= accuracy >= accuracy[-(len(accuracy) // 3) :].mean() - e.validation.standard_error
    if not good.any():
        return None
    reached = int(np.flatnonzero(good)[0])
    wasted = float(epochs[-1] - epochs[reached])
    if wasted < max(_WASTED * epochs[-1], _FEWEST_WASTED):
        return None
    return Finding(
        kind="stopped-too-late",
        message=(
            f"Training stopped too late: after epoch {epochs[reached]:g} (validation loss {number(valid[reached])}) "
            f"the other {wasted:g} of {epochs[-1]:g} epochs brought nothing: the lowest is {number(np.nanmin(valid))}, "
            f"the last {number(valid[-1])}."
        ),
        numbers={
            "validation_loss_then": round(float(valid[reached]), 4),
            "best_validation_loss": round(float(np.nanmin(valid)), 4),
            "last_validation_loss": round(float(valid[-1]), 4),
            "wasted_epochs": wasted,
        },
        epoch=float(epochs[reached]),
        suggestion=first_accepted(e, ("early_stopping", {"metric": "loss", "patience": 3})),
    )


def _last_gains(e: RunEvidence) -> tuple[float, float, float]:
    """Per epoch of the last third: how much the validation loss fell, and how much the accuracy rose; its epochs.

    Of a run with one evaluation the training loss between the last two fifths of its steps stands in.
    """
    valid, epochs, accuracy = e.validation_loss, e.epochs, e.column("validation_accuracy")
    if len(valid) > 1:
        back = max(len(valid) // 3, 1)
        length = epochs[-1] - epochs[-1 - back]
        right = (accuracy[-1] - accuracy[-1 - back]) / length
        return float((valid[-1 - back] - valid[-1]) / length), float(np.nan_to_num(right)), float(length)
    fifth = len(e.trace) // 5
    if fifth < 4:
        return 0.0, 0.0, 1.0
    losses = np.array([row["loss"] for row in e.trace])
    length = epochs[-1] / 5
    return float((losses[-2 * fifth : -fifth].mean() - losses[-fifth:].mean()) / length), 0.0, 1.0
