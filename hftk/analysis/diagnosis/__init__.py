"""Why a run is as it is: findings with numbers, the epoch where it shows, and one change of one key of the recipe."""

from collections.abc import Callable, Sequence

from hftk.analysis.diagnosis.comparing import bad_seed, below_baseline
from hftk.analysis.diagnosis.labels import class_imbalance, label_noise
from hftk.analysis.diagnosis.learning import collapse, learning_rate_too_high, learning_rate_too_low
from hftk.analysis.diagnosis.length import overfitting, stopped_too_early, stopped_too_late
from hftk.analysis.diagnosis.magnitudes import exploding_gradients, vanishing_gradients
from hftk.analysis.diagnosis.words import dead_embeddings, truncation_hurts, uncovered_embeddings
from hftk.analysis.evidence import RunEvidence
from hftk.training.findings import Finding

Rule = Callable[[RunEvidence], Finding | None]

_NOT_LEARNT = ("learning-rate-too-low", "vanishing-gradients", "collapse")
_SHAPE = ("overfitting", "stopped-too-early", "stopped-too-late", "label-noise", "class-imbalance")

RULES: dict[str, Rule] = {
    "bad-seed": bad_seed,
    "exploding-gradients": exploding_gradients,
    "learning-rate-too-high": learning_rate_too_high,
    "vanishing-gradients": vanishing_gradients,
    "dead-embeddings": dead_embeddings,
    "uncovered-embeddings": uncovered_embeddings,
    "truncation-hurts": truncation_hurts,
    "learning-rate-too-low": learning_rate_too_low,
    "collapse": collapse,
    "label-noise": label_noise,
    "stopped-too-early": stopped_too_early,
    "class-imbalance": class_imbalance,
    "overfitting": overfitting,
    "stopped-too-late": stopped_too_late,
    "below-baseline": below_baseline,
}
"""Every kind and its rule, causes before what follows from them."""

SILENCES: dict[str, Sequence[str]] = {
    # the same recipe does well with other seeds: nothing in it is to blame
    "bad-seed": [kind for kind in RULES if kind != "bad-seed"],
    # weights that were thrown about learn nothing, and all else that is seen follows from that
    "exploding-gradients": ["learning-rate-too-high", *_NOT_LEARNT, *_SHAPE],
    "learning-rate-too-high": [*_NOT_LEARNT, *_SHAPE],
    # no gradient arrives below, so that the word vectors do not move either
    "vanishing-gradients": ["dead-embeddings", "learning-rate-too-low", "collapse", *_SHAPE],
    # a model that was given next to nothing to read: how it learns and ends says nothing more
    "dead-embeddings": ["uncovered-embeddings", "learning-rate-too-low", "collapse", *_SHAPE],
    "uncovered-embeddings": ["learning-rate-too-low", "collapse", *_SHAPE],
    # of the data and the recipe, not of the run: how it learnt is another matter
    "truncation-hurts": [],
    "learning-rate-too-low": ["collapse", *_SHAPE],
    "collapse": _SHAPE,
    # wrong labels are learnt by heart: the validation loss rises for that reason
    "label-noise": ["stopped-too-early", "class-imbalance", "overfitting", "stopped-too-late"],
    # rare classes are learnt last
    "stopped-too-early": ["class-imbalance"],
    # a model that has settled on the common classes has nothing more to gain from time
    "class-imbalance": ["stopped-too-late"],
    "overfitting": ["stopped-too-late"],
    "stopped-too-late": [],
    "below-baseline": [],
}
"""Kind → the kinds that are not told beside it, as they follow from it."""


def diagnose(evidence: RunEvidence) -> list[Finding]:
    """What is wrong with a run, the cause first; empty for a run in which nothing is.

    A kind that another one explains is left out (`SILENCES`); `below-baseline` is told only where nothing else is, or
    texts that are cut, which it takes into account itself: it asks for a cause and names none.
    """
    found: list[Finding] = []
    silenced: set[str] = set()
    for kind, rule in RULES.items():
        explained = kind == "below-baseline" and any(one.kind != "truncation-hurts" for one in found)
        if kind in silenced or explained:
            continue
        finding = rule(evidence)
        if finding is not None:
            found.append(finding)
            silenced.update(SILENCES[kind])
    return found
