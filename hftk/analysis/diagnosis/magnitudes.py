"""Gradients that vanish on the way down the layers, and gradients that explode."""

import math
import re

import numpy as np

from hftk.analysis.diagnosis.changes import first_accepted
from hftk.analysis.diagnosis.terms import adaptive, layers_key, number, when
from hftk.analysis.evidence import RunEvidence
from hftk.training.findings import Finding

# lowest layer's gradient as a share of the highest one's; layers that learn are within a factor of ten or so
_VANISHED = 1e-2
_FEWEST_LAYERS = 4
# share of the constant answer's loss that is left
_HARDLY_LEARNT = 0.8
# a step's largest gradient norm, beside that of the first steps, which may be thrown about already
_EXPLODED = 5.0
# below it no step of a usual learning rate does harm
_LARGE = 10.0


def vanishing_gradients(e: RunEvidence) -> Finding | None:
    """The lowest of many layers gets next to none of the gradient, and little was learnt."""
    layers = _deepest_stack(e)
    if len(layers) < _FEWEST_LAYERS or not len(e.train_loss):
        return None
    left = e.train_loss[-1] / e.constant_loss
    lowest, highest = layers[0], layers[-1]
    shares = [row[lowest] / row[highest] for row in e.gradients if row.get(highest) and lowest in row]
    share = float(np.median(shares)) if shares else 1.0
    if share > _VANISHED or left < _HARDLY_LEARNT:
        return None
    few = max(len(layers) // 8, 1) if len(layers) > 8 else 2
    return Finding(
        kind="vanishing-gradients",
        message=(
            f"The gradients vanish: at {len(shares)} sampled steps the lowest of {len(layers)} layers ({lowest}) got a "
            f"median of {share:.1g} of the gradient of the highest ({highest}), and the training loss, "
            f"{number(e.train_loss[-1])}, is hardly below that of an answer that ignores the input "
            f"({number(e.constant_loss)})."
        ),
        numbers={
            "layers": len(layers),
            "lowest_to_highest": share,
            "samples": len(shares),
            "last_train_loss": round(float(e.train_loss[-1]), 4),
            "constant_loss": round(e.constant_loss, 4),
        },
        epoch=float(e.epochs[0]),
        suggestion=first_accepted(e, (layers_key(e), few)),
    )


def exploding_gradients(e: RunEvidence) -> Finding | None:
    """Without clipping steps are as large as the gradient: its norm rose far above where it began, and the loss too."""
    if e.training["max_grad_norm"] or adaptive(e):
        return None
    norms = [(row["grad_norm"], row) for row in e.trace if math.isfinite(row.get("grad_norm", math.nan))]
    if not norms:
        return None
    usual = float(np.median([norm for norm, _ in norms[: max(len(norms) // 10, 5)]]))
    largest, at = max(norms, key=lambda one: one[0])
    usual = min(usual, norms[0][0])
    worst = max((row["loss"] for row in e.trace if math.isfinite(row["loss"])), default=0.0)
    harmed = e.run.status != "finished" or worst > 1.5 * e.even_loss
    if largest < _LARGE or largest < _EXPLODED * usual or not harmed:
        return None
    layer = _largest_group(e, epoch=at["epoch"])
    where = f", most of it in {layer}" if layer else ""
    return Finding(
        kind="exploding-gradients",
        message=(
            f"The gradients exploded: their norm was {number(largest)} at step {at['step']:.0f} ({when(at['epoch'])})"
            f"{where}, and {number(usual)} at first; they are not clipped here, and the loss rose to {number(worst)}, "
            f"where giving all classes the same probability costs {number(e.even_loss)}."
        ),
        numbers={
            "largest_norm": largest,
            "first_norm": usual,
            "step": int(at["step"]),
            "layer": layer,
            "highest_step_loss": round(worst, 4),
        },
        epoch=at["epoch"],
        suggestion=first_accepted(e, ("training.max_grad_norm", 1.0)),
    )


def _deepest_stack(e: RunEvidence) -> list[str]:
    """The groups of the longest stack of layers, lowest first."""
    stacks: dict[str, list[tuple[int, str]]] = {}
    for name in e.gradients[0] if e.gradients else ():
        if found := re.fullmatch(r"(.*)\.(\d+)", name):
            stacks.setdefault(found[1], []).append((int(found[2]), name))
    return [name for _, name in sorted(max(stacks.values(), key=len))] if stacks else []


def _largest_group(e: RunEvidence, *, epoch: float) -> str | None:
    """The group with the largest gradient per parameter, at the sample that is nearest."""
    if not e.gradients:
        return None
    nearest = min(e.gradients, key=lambda row: abs(row["epoch"] - epoch))
    return max((name for name in nearest if name not in ("step", "epoch")), key=lambda name: nearest[name])
