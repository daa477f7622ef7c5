"""Labels that are wrong, and labels that are rare."""

import numpy as np

from hftk.analysis.diagnosis.changes import first_accepted
from hftk.analysis.diagnosis.terms import percent
from hftk.analysis.evidence import RunEvidence
from hftk.training.findings import Finding

_FEWEST_ITEMS = 100
# the items that the model is surest of
_SUREST = 0.2
# wrong among them, and as a share of the wrong among all: where labels are right, errors thin out towards the surest
_WRONG, _AS_OFTEN = 0.12, 0.6
# accuracy above the commonest class's share, as a share of what is above it: who learnt nothing is sure of nothing
_LEARNT = 0.15
# a baseline that is so much better, as a share of the items, shows that the model is to blame, not the labels
_FAR_BELOW = 0.05
# a class below this share of an even one is rare; one that is hardly ever found has a recall below this
_RARE, _HARDLY_FOUND = 0.5, 0.2
_FEWEST_OF_A_CLASS = 5
# of the items, those of rare classes that are hardly found
_MISSED = 0.03


def label_noise(e: RunEvidence) -> Finding | None:
    """Validation labels contradict the model as often where it is surest as elsewhere.

    A hard task makes a model unsure; wrong labels do not care how sure it is. The model has not seen these items, so it
    cannot have learnt them by heart.
    """
    judged = e.validation
    if judged is None or len(judged.label_ids) < _FEWEST_ITEMS or _far_below_baseline(e):
        return None
    commonest = float(judged.label_shares.max())
    if judged.accuracy < commonest + _LEARNT * (1 - commonest):
        return None
    sureness = judged.probabilities.max(axis=1)
    surest = np.argsort(-sureness, kind="stable")[: max(int(_SUREST * len(sureness)), 1)]
    suspected, wrong = float((~judged.right[surest]).mean()), 1 - judged.accuracy
    if suspected < _WRONG or suspected < _AS_OFTEN * wrong:
        return None
    return Finding(
        kind="label-noise",
        message=(
            f"About {percent(suspected)} of the labels look wrong: of the {len(surest):,} items of validation that the "
            f"model is surest of (probability {sureness[surest].min():.2f} or more), their labels contradict it in "
            f"{percent(suspected)}, and in {percent(wrong)} of all {len(sureness):,}; a task that is only hard has few "
            "errors among the surest."
        ),
        numbers={
            "suspected_share": round(suspected, 4),
            "wrong_share": round(wrong, 4),
            "surest": len(surest),
            "n": len(sureness),
        },
        epoch=e.run.kept_epoch,
        suggestion=first_accepted(e, ("training.label_smoothing_factor", round(min(max(suspected, 0.1), 0.3), 1))),
    )


def class_imbalance(e: RunEvidence) -> Finding | None:
    """Rare classes are hardly ever found, and nothing gives them weight."""
    judged = e.validation
    if judged is None or e.setting("class_weights") or _far_below_baseline(e):
        return None
    rare = []
    for label, share in enumerate(judged.label_shares):
        own = judged.label_ids == label
        recall = float(judged.right[own].mean()) if own.any() else 1.0
        if share < _RARE / e.classes and own.sum() >= _FEWEST_OF_A_CLASS and recall < _HARDLY_FOUND:
            rare.append((label, float(share), recall, int(own.sum())))
    missed = sum(share for _, share, _, _ in rare)
    if missed < _MISSED:
        return None
    names = e.run.data.labels
    told = ", ".join(
        f"{names[label]!r} {percent(recall)} of {count}"
        for label, _, recall, count in sorted(rare, key=lambda one: one[2])[:3]
    )
    more = f" and {len(rare) - 3} more" if len(rare) > 3 else ""
    common = int(judged.label_shares.argmax())
    return Finding(
        kind="class-imbalance",
        message=(
            f"Rare classes are hardly ever found: {told}{more}, together {percent(missed)} of the items of validation, "
            f"where {names[common]!r} has {percent(float(judged.label_shares[common]))}; classes are not weighted."
        ),
        numbers={
            "missed_share": round(missed, 4),
            "classes": [names[label] for label, *_ in rare],
            "recalls": [round(recall, 4) for _, _, recall, _ in rare],
            "commonest_share": round(float(judged.label_shares[common]), 4),
            "n": len(judged.label_ids),
        },
        epoch=e.run.kept_epoch,
        suggestion=first_accepted(e, ("class_weights", "balanced")),
    )


def _far_below_baseline(e: RunEvidence) -> bool:
    return e.baseline is not None and e.baseline - e.validation.accuracy > _FAR_BELOW
