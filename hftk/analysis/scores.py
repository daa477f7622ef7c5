"""Every metric as a function of sums over items, so that it can be computed for thousands of bootstrap draws at once.

A metric is two things: what each unit of the data adds to a few sums (`unit_sums`), and the figure that the sums give
(`score`). Any weighting of the units is then one matrix product: score(unit_sums @ weights).
"""

import importlib.util
import warnings

import numpy as np
from scipy.sparse import csr_array

from hftk.analysis.outcomes import Outcomes
from hftk.errors import RunError
from hftk.recipe.metrics import ENTITY_METRICS, METRICS

LOSS = "loss"
SCORES: tuple[str, ...] = (*METRICS, LOSS)
"""The metrics that a recipe can name, and `loss`: the mean cross-entropy, neither smoothed nor weighted."""

_LEAST = float(np.finfo(np.float32).smallest_subnormal)
"""A run keeps probabilities as float32: what was smaller is 0 there. Its loss is at most -log(1.4e-45) = 103.3."""

Sums = np.ndarray | csr_array


def unit_sums(outcomes: Outcomes, *, metric: str) -> Sums:
    """(sums, units): what each unit adds to the sums that `score` takes; sparse where there are many sums.

    accuracy: right items, items. loss: losses, items (NaN without probabilities). entity_*: entities found rightly,
    predicted, true. All others: for each label in turn the items predicted rightly, those that have it, those that are
    predicted to.
    Raises RunError for another metric, and for entity_* where seqeval is not installed.
    """
    if metric not in SCORES:
        raise RunError(f"{metric!r} cannot be computed from a run's predictions; what can: {', '.join(SCORES)}.")
    units, ids = outcomes.units, outcomes.unit_ids
    if metric == "accuracy":
        right = outcomes.prediction_ids == outcomes.label_ids
        return np.stack([np.bincount(ids, weights=right, minlength=units), np.bincount(ids, minlength=units)])
    if metric == LOSS:
        losses = item_losses(outcomes)
        return np.stack([np.bincount(ids, weights=losses, minlength=units), np.bincount(ids, minlength=units)])
    if metric in ENTITY_METRICS:
        return _entity_sums(outcomes)
    classes = len(outcomes.labels)
    right = outcomes.prediction_ids == outcomes.label_ids
    places = np.concatenate(
        [outcomes.label_ids[right], classes + outcomes.label_ids, 2 * classes + outcomes.prediction_ids]
    )
    of_units = np.concatenate([ids[right], ids, ids])
    return csr_array((np.ones(len(places)), (places, of_units)), shape=(3 * classes, units))


def item_losses(outcomes: Outcomes) -> np.ndarray:
    """(items,) the cross-entropy of each item in nats; NaN without probabilities."""
    if outcomes.probabilities is None:
        return np.full(len(outcomes.label_ids), np.nan)
    given = outcomes.probabilities[np.arange(len(outcomes.label_ids)), outcomes.label_ids].astype(np.float64)
    return -np.log(np.maximum(given, _LEAST))


def figure(outcomes: Outcomes, *, metric: str) -> float:
    """The metric over all items. Raises RunError as `unit_sums` does."""
    return float(score(np.asarray(unit_sums(outcomes, metric=metric).sum(axis=1)), metric=metric))


def score(sums: np.ndarray, *, metric: str) -> np.ndarray:
    """(sums, …) → (…): the metric. What would be divided by zero is 0, as in the runs' own figures."""
    if metric in ("accuracy", LOSS):
        return sums[0] / sums[1]
    if metric in ENTITY_METRICS:
        right, predicted, true = sums
        return _averaged(metric.removeprefix("entity_"), right, true, predicted)
    hits, actual, predicted = sums.reshape(3, -1, *sums.shape[1:])
    if metric == "matthews_correlation":
        return _matthews(hits, actual, predicted)
    name, _, average = metric.partition("_")
    if average == "micro":
        return _averaged(name, hits.sum(axis=0), actual.sum(axis=0), predicted.sum(axis=0))
    per_class = _averaged(name, hits, actual, predicted)
    if average == "macro":  # over the labels that are there at all, as scikit-learn has it
        return _divided(per_class.sum(axis=0), ((actual + predicted) > 0).sum(axis=0))
    return _divided((per_class * actual).sum(axis=0), actual.sum(axis=0))


def bounds(metric: str) -> tuple[float, float]:
    """The least and the largest value that the metric can have."""
    if metric == LOSS:
        return 0.0, np.inf
    return (-1.0 if metric == "matthews_correlation" else 0.0), 1.0


def _averaged(name: str, right: np.ndarray, actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    if name == "precision":
        return _divided(right, predicted)
    if name == "recall":
        return _divided(right, actual)
    return _divided(2 * right, actual + predicted)


def _matthews(hits: np.ndarray, actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Gorodkin's coefficient for any number of classes (2004), as scikit-learn has it."""
    items = actual.sum(axis=0)
    together = hits.sum(axis=0) * items - (actual * predicted).sum(axis=0)
    spread = (items**2 - (predicted**2).sum(axis=0)) * (items**2 - (actual**2).sum(axis=0))
    return _divided(together, np.sqrt(spread))


def _divided(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    above, below = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    return np.divide(above, below, out=np.zeros_like(above), where=below != 0)


def _entity_sums(outcomes: Outcomes) -> np.ndarray:
    true, predicted = (_entities(outcomes, ids) for ids in (outcomes.label_ids, outcomes.prediction_ids))
    return np.stack([_per_unit(outcomes, found) for found in (true & predicted, predicted, true)])


def _entities(outcomes: Outcomes, ids: np.ndarray) -> set[tuple[str, int, int]]:
    """Kind, first and last place in the sequence of all sentences, with an O after each so that no entity goes on."""
    if importlib.util.find_spec("seqeval") is None:
        raise RunError('entity metrics need seqeval, which is not installed; pip install "hftk[seqeval]"')
    from seqeval.metrics.sequence_labeling import get_entities

    tags = np.full(len(ids) + outcomes.units, "O", dtype=object)
    tags[_places(outcomes)] = np.array(outcomes.labels, dtype=object)[ids]
    with warnings.catch_warnings():  # labels that are no BIO tags were refused before training
        warnings.simplefilter("ignore")
        return set(get_entities(tags.tolist()))


def _per_unit(outcomes: Outcomes, entities: set[tuple[str, int, int]]) -> np.ndarray:
    """Entities in each unit."""
    unit_at = np.zeros(len(outcomes.label_ids) + outcomes.units, dtype=np.int64)
    unit_at[_places(outcomes)] = outcomes.unit_ids
    begins = np.fromiter((begin for _, begin, _ in entities), dtype=np.int64, count=len(entities))
    return np.bincount(unit_at[begins], minlength=outcomes.units)


def _places(outcomes: Outcomes) -> np.ndarray:
    """Place of each item in a sequence that has one more place after every unit."""
    return np.arange(len(outcomes.unit_ids)) + outcomes.unit_ids
