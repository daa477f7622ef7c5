"""Metrics against scikit-learn, without a network."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics
from transformers import EvalPrediction

from hftk.recipe.metrics import METRICS
from hftk.training.metrics import compute_metrics_for

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(200, 4)).astype(np.float32)
LOGITS[:, 3] = -9  # a class that is never predicted
LABELS = RNG.integers(0, 4, size=200)
PREDICTIONS = LOGITS.argmax(axis=-1)

EXPECTED = {
    "accuracy": sklearn_metrics.accuracy_score(LABELS, PREDICTIONS),
    "matthews_correlation": sklearn_metrics.matthews_corrcoef(LABELS, PREDICTIONS),
}
for name, score in (
    ("precision", sklearn_metrics.precision_score),
    ("recall", sklearn_metrics.recall_score),
    ("f1", sklearn_metrics.f1_score),
):
    EXPECTED[name] = score(LABELS, PREDICTIONS, average="weighted", zero_division=0)
    for average in ("macro", "micro", "weighted"):
        EXPECTED[f"{name}_{average}"] = score(LABELS, PREDICTIONS, average=average, zero_division=0)


def compute(names):
    return compute_metrics_for(names)(EvalPrediction(predictions=LOGITS, label_ids=LABELS))


@pytest.mark.parametrize("name", METRICS)
def test_equals_scikit_learn(name):
    assert compute([name])[name] == pytest.approx(EXPECTED[name])


def test_every_metric_that_a_recipe_may_name_is_expected_here():
    assert set(METRICS) == set(EXPECTED)


def test_cross_entropy_is_exact_and_comes_with_every_set():
    expected = sklearn_metrics.log_loss(LABELS, np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True), labels=range(4))
    assert compute(["accuracy"])["cross_entropy"] == pytest.approx(expected, rel=1e-5)


def test_ignored_tokens_do_not_count():
    logits, labels = LOGITS.reshape(20, 10, 4), LABELS.reshape(20, 10).copy()
    labels[:, 7:] = -100
    figures = compute_metrics_for(["accuracy"])(EvalPrediction(predictions=logits, label_ids=labels))
    expected = sklearn_metrics.accuracy_score(labels[:, :7].ravel(), logits[:, :7].argmax(-1).ravel())
    assert figures["accuracy"] == pytest.approx(expected)
