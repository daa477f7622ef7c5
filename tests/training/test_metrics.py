"""Metrics against scikit-learn and seqeval, without a network."""

import importlib.util

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics
from transformers import EvalPrediction

from hftk.recipe.metrics import ENTITY_METRICS, METRICS
from hftk.training.metrics import compute_metrics_for, missing_for_metrics, unfit_for_metrics

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

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def compute(names, *, logits=LOGITS, label_ids=LABELS, labels=("a", "b", "c", "d")):
    return compute_metrics_for(names, labels=labels)(EvalPrediction(predictions=logits, label_ids=label_ids))


def tag_logits(rows):
    """(rows, longest, tags): each position's largest number at the named tag; None: at whatever is a wrong one."""
    ids = [[1 if tag is None else TAGS.index(tag) for tag in row] for row in rows]
    return np.stack([np.eye(len(TAGS), dtype=np.float32)[row] for row in ids]) * 5


def tag_ids(rows):
    """(rows, longest): tag ids; None: ignored."""
    return np.array([[-100 if tag is None else TAGS.index(tag) for tag in row] for row in rows])


@pytest.mark.parametrize("name", EXPECTED)
def test_equals_scikit_learn(name):
    assert compute([name])[name] == pytest.approx(EXPECTED[name])


def test_every_metric_that_a_recipe_may_name_is_expected_here():
    assert set(METRICS) == set(EXPECTED) | set(ENTITY_METRICS)


def test_cross_entropy_is_exact_and_comes_with_every_set():
    expected = sklearn_metrics.log_loss(LABELS, np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True), labels=range(4))
    assert compute(["accuracy"])["cross_entropy"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", EXPECTED)
def test_ignored_tokens_count_nowhere(name):
    logits, labels = LOGITS.reshape(20, 10, 4), LABELS.reshape(20, 10).copy()
    labels[:, 7:] = -100  # padding
    labels[::3, 1] = -100  # a further piece of a word
    counted = labels != -100
    expected = compute([name], logits=logits[counted], label_ids=labels[counted])
    assert compute([name], logits=logits, label_ids=labels) == pytest.approx(expected)
    if name == "accuracy":
        assert expected[name] == (logits.argmax(-1) == labels).sum() / counted.sum()


def test_entities_count_whole_and_by_sentence():
    """Two of three true entities are found, and two of four said ones are true."""
    pytest.importorskip("seqeval", reason="the extra seqeval is not installed")
    true = [["B-PER", "I-PER", "O", None], ["I-LOC", "B-LOC", "O", "O"]]
    said = [["B-PER", "I-PER", "B-LOC", None], ["I-LOC", "B-PER", "O", "O"]]
    figures = compute(list(ENTITY_METRICS), logits=tag_logits(said), label_ids=tag_ids(true), labels=TAGS)
    assert list(figures) == ["cross_entropy", *ENTITY_METRICS]
    assert figures["entity_precision"] == pytest.approx(2 / 4)
    assert figures["entity_recall"] == pytest.approx(2 / 3)
    assert figures["entity_f1"] == pytest.approx(4 / 7)


def test_entities_equal_seqeval_with_ignored_pieces_left_out():
    seqeval = pytest.importorskip("seqeval.metrics", reason="the extra seqeval is not installed")
    rng = np.random.default_rng(1)
    logits, label_ids = rng.normal(size=(30, 12, len(TAGS))), rng.integers(0, len(TAGS), size=(30, 12))
    label_ids[rng.uniform(size=label_ids.shape) < 0.3] = -100
    label_ids[4] = -100  # a row without any word
    said, true = [
        [[TAGS[tag] for tag, label in zip(row, labels, strict=True) if label != -100] for row, labels in rows]
        for rows in (
            list(zip(logits.argmax(-1), label_ids, strict=True)),
            list(zip(label_ids, label_ids, strict=True)),
        )
    ]
    figures = compute(["accuracy", "entity_f1"], logits=logits, label_ids=label_ids, labels=TAGS)
    assert figures["entity_f1"] == pytest.approx(seqeval.f1_score(true, said))
    assert figures["accuracy"] == pytest.approx(seqeval.accuracy_score(true, said))


def test_no_entity_said_or_true_counts_as_zero():
    pytest.importorskip("seqeval", reason="the extra seqeval is not installed")
    row = [["O", "O"]]
    figures = compute(list(ENTITY_METRICS), logits=tag_logits(row), label_ids=tag_ids(row), labels=TAGS)
    assert [figures[name] for name in ENTITY_METRICS] == [0, 0, 0]


def test_what_entity_metrics_need_is_said_where_it_is_missing(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert missing_for_metrics(["accuracy", "f1"]) == []
    assert missing_for_metrics(["accuracy", "entity_f1", "entity_recall"]) == [
        'metrics: entity_f1, entity_recall need seqeval, which is not installed; pip install "hftk[seqeval]"'
    ]


def test_nothing_is_missing_where_seqeval_is_installed(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "seqeval")
    assert missing_for_metrics(["entity_f1"]) == []


def test_entity_metrics_are_for_bio_tags():
    assert unfit_for_metrics(["entity_f1"], labels=TAGS) == []
    assert unfit_for_metrics(["accuracy"], labels=["NN", "VB"]) == []
    assert unfit_for_metrics(["accuracy", "entity_f1"], labels=["O", "B-PER", "NN", "S-LOC"]) == [
        "metrics: entity_f1 are for BIO tags (O, B-…, I-…), and the data have NN, S-LOC; take them out"
    ]
