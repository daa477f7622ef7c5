"""Labels that are wrong, and labels that are rare."""

import numpy as np

from hftk.analysis.diagnosis.changes import first_accepted
from hftk.analysis.diagnosis.overlap import choices_before, overlapping_classes
from hftk.analysis.diagnosis.terms import behind, percent
from hftk.analysis.evidence import Judged, RunEvidence
from hftk.training.findings import Finding

_FEWEST_ITEMS = 100
# the items that the model is surest of, in which errors are counted; and, with more items for a finer question, those
# in which is asked whether the label is the second choice at least
_SUREST, _SURER = 0.2, 0.4
# wrong among the surest: fewer do little harm, and are what some confusable classes show
_WRONG = 0.12
# more than overlapping classes show, of errors, or of labels that are not even the second choice: by that probability,
# and so many times (among many items a trifle is no chance; a real model's order of sureness is not the best one)
_CHANCE, _TIMES = 0.01, 1.33
# accuracy above the commonest class's share, as a share of what is above it: who learnt nothing is sure of nothing
_LEARNT = 0.15
# a baseline that is so much better, as a share of the items, shows that the model is to blame, not the labels
_FAR_BELOW = 0.05
# of an even share: rare, and very rare
_RARE, _VERY_RARE = 0.5, 0.25
# recall, as a share of the recall of all other items: weights can give a very rare class more than half of it; of one
# that is not so rare, less may be all that can be told apart
_HALF_FOUND, _HARDLY_FOUND = 0.5, 0.2
_FEWEST_OF_A_CLASS = 5
# that a class as well found as the others misses as many
_UNLUCKY = 0.01
# worth a change: of the items, those of all such classes, or of one; of many tags some nearly never occur
_MISSED, _MISSED_OF_ONE = 0.03, 0.01


def label_noise(e: RunEvidence) -> Finding | None:
    """Validation labels contradict the model where it is surest, more than overlapping classes explain.

    A hard task makes a model unsure, so that errors thin out towards the surest, the faster the higher its accuracy,
    and what is wrong is mostly the second choice; wrong labels do not care. The model has not seen these items, so it
    cannot have learnt them by heart.
    """
    judged = e.validation
    if judged is None or len(judged.label_ids) < _FEWEST_ITEMS or behind(e, e.baseline, least=_FAR_BELOW):
        return None
    commonest = float(judged.label_shares.max())
    if judged.accuracy < commonest + _LEARNT * (1 - commonest):
        return None
    sureness = judged.probabilities.max(axis=1)
    surest_first = np.argsort(-sureness, kind="stable")
    surest, surer = (surest_first[: int(share * len(sureness))] for share in (_SUREST, _SURER))
    suspected = float((~judged.right[surest]).mean())
    if suspected < _WRONG:
        return None
    only_hard = overlapping_classes(judged.label_shares, judged.accuracy)
    beyond = choices_before(judged.probabilities[surer], judged.label_ids[surer]) > 1
    if only_hard is None or not (
        _too_many(~judged.right[surest], only_hard.wrong[: int(_SUREST * len(only_hard.wrong))])
        or _too_many(beyond, only_hard.beyond_second[: int(_SURER * len(only_hard.wrong))])
    ):
        return None
    expected = float(only_hard.wrong[: int(_SUREST * len(only_hard.wrong))].mean())
    beyond_expected = float(only_hard.beyond_second[: int(_SURER * len(only_hard.wrong))].mean())
    second = ""
    if e.classes > 2:
        second = (
            f", and of the {len(surer):,} surest {percent(float(beyond.mean()))} have a label that is not even its "
            f"second choice ({percent(beyond_expected)})"
        )
    return Finding(
        kind="label-noise",
        message=(
            f"About {percent(suspected)} of the labels look wrong: of the {len(surest):,} items of validation that the "
            f"model is surest of (probability {sureness[surest].min():.2f} or more), their labels contradict it in "
            f"{percent(suspected)}, where a task that is only hard, of the same accuracy ({judged.accuracy:.2f}), has "
            f"{percent(expected)}{second}."
        ),
        numbers={
            "suspected_share": round(suspected, 4),
            "expected_share": round(expected, 4),
            "beyond_second_share": round(float(beyond.mean()), 4),
            "beyond_second_expected": round(beyond_expected, 4),
            "wrong_share": round(1 - judged.accuracy, 4),
            "surest": len(surest),
            "n": len(sureness),
        },
        epoch=e.run.kept_epoch,
        suggestion=first_accepted(e, ("training.label_smoothing_factor", round(min(max(suspected, 0.1), 0.3), 1))),
    )


def _too_many(seen: np.ndarray, expected: np.ndarray) -> bool:
    """More of the items than chance gives, and plainly more. seen, expected: (items,) bool."""
    from scipy.stats import binom

    usual = (expected.sum() + 0.5) / (len(expected) + 1)
    return seen.mean() > _TIMES * usual and bool(binom.sf(seen.sum() - 1, len(seen), usual) < _CHANCE)


def class_imbalance(e: RunEvidence) -> Finding | None:
    """Rare classes are found far less than the others, and said less often than they occur; nothing weights them."""
    judged = e.validation
    if judged is None or e.setting("class_weights") or behind(e, e.baseline, least=_FAR_BELOW):
        return None
    rare = [
        (label, float(share), float(judged.right[judged.label_ids == label].mean()), int(count))
        for label, (share, count) in enumerate(
            zip(judged.label_shares, np.bincount(judged.label_ids, minlength=len(judged.label_shares)), strict=True)
        )
        if count >= _FEWEST_OF_A_CLASS and _neglected(judged, label, even=1 / e.classes)
    ]
    missed = sum(share for _, share, _, _ in rare)
    if missed < _MISSED and max((share for _, share, _, _ in rare), default=0.0) < _MISSED_OF_ONE:
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
            f"Rare classes are found far less than the others: {told}{more}, together {percent(missed)} of the items "
            f"of validation, where {names[common]!r} has {percent(float(judged.label_shares[common]))}; classes are "
            "not weighted."
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


def _neglected(judged: Judged, label: int, *, even: float) -> bool:
    """even: the share of each class, were all as common."""
    from scipy.stats import binom

    share, own = judged.label_shares[label], judged.label_ids == label
    if share >= _RARE * even or judged.prediction_shares[label] >= share:
        return False
    found, others = judged.right[own], float(judged.right[~own].mean())
    least = _HALF_FOUND if share < _VERY_RARE * even else _HARDLY_FOUND
    return found.mean() < least * others and binom.cdf(found.sum(), len(found), others) < _UNLUCKY
