"""Metrics from sums, against scikit-learn and seqeval."""

import importlib.util

import numpy as np
import pytest
from sklearn import metrics as sk

from hftk.analysis.outcomes import Outcomes
from hftk.analysis.scores import SCORES, bounds, figure, item_losses, score, unit_sums
from hftk.errors import RunError
from hftk.recipe.metrics import ENTITY_METRICS, METRICS

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def made(label_ids, prediction_ids, *, labels, unit_ids=None, probabilities=None) -> Outcomes:
    items = np.arange(len(label_ids))
    return Outcomes(
        labels=tuple(labels),
        label_ids=np.asarray(label_ids),
        prediction_ids=np.asarray(prediction_ids),
        probabilities=probabilities,
        unit_ids=items if unit_ids is None else np.asarray(unit_ids),
        rows=items,
        sources=np.full(len(items), "test", dtype=object),
    )


def drawn(seed: int, *, classes: int, items: int = 300, unit_ids=None) -> Outcomes:
    """Two in three right; the last class never occurs, the one before it is never predicted."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(classes - 1, size=items)
    said = np.where(generator.random(items) < 2 / 3, labels, generator.integers(classes, size=items))
    said[said == classes - 2] = 0
    probabilities = generator.dirichlet(np.ones(classes), size=items).astype(np.float32)
    names = [f"label {number}" for number in range(classes)]
    return made(labels, said, labels=names, probabilities=probabilities, unit_ids=unit_ids)


def reference(name: str, true: np.ndarray, said: np.ndarray) -> float:
    if name == "accuracy":
        return sk.accuracy_score(true, said)
    if name == "matthews_correlation":
        return sk.matthews_corrcoef(true, said)
    base, _, average = name.partition("_")
    return getattr(sk, f"{base}_score")(true, said, average=average or "weighted", zero_division=0)


CLASS_METRICS = [name for name in METRICS if name not in ENTITY_METRICS]


@pytest.mark.parametrize("name", CLASS_METRICS)
@pytest.mark.parametrize("classes", [3, 4, 20])
def test_a_metric_is_scikit_learns(name, classes):
    for seed in range(3):
        outcomes = drawn(seed, classes=classes)
        expected = reference(name, outcomes.label_ids, outcomes.prediction_ids)
        assert figure(outcomes, metric=name) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", CLASS_METRICS)
@pytest.mark.parametrize(
    ("true", "said"), [([0, 0, 0], [0, 0, 0]), ([0, 1, 0], [0, 0, 0]), ([1, 1], [0, 0]), ([0, 0], [0, 1])]
)
def test_one_class_only_is_as_scikit_learn_has_it(name, true, said):
    expected = reference(name, np.array(true), np.array(said))
    assert figure(made(true, said, labels=("a", "b", "c")), metric=name) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", CLASS_METRICS)
def test_a_replicate_is_the_metric_of_the_rows_that_were_drawn(name):
    outcomes = drawn(1, classes=5, items=80)
    generator = np.random.default_rng(2)
    chosen = generator.integers(80, size=(7, 80))
    weights = np.stack([np.bincount(rows, minlength=80) for rows in chosen], axis=1)
    scores = score(unit_sums(outcomes, metric=name) @ weights, metric=name)
    expected = [reference(name, outcomes.label_ids[rows], outcomes.prediction_ids[rows]) for rows in chosen]
    assert scores == pytest.approx(expected, abs=1e-12)


def test_words_of_a_sentence_are_drawn_together():
    outcomes = drawn(3, classes=4, items=30, unit_ids=np.repeat(np.arange(10), 3))
    sums = unit_sums(outcomes, metric="f1_macro")
    assert sums.shape == (12, 10)
    twice_the_first = np.array([2, 1, 1, 1, 1, 1, 1, 1, 1, 0])
    rows = np.concatenate([np.arange(3), np.arange(27)])
    expected = reference("f1_macro", outcomes.label_ids[rows], outcomes.prediction_ids[rows])
    assert score(sums @ twice_the_first, metric="f1_macro") == pytest.approx(expected, abs=1e-12)


def test_the_loss_is_the_mean_cross_entropy():
    outcomes = drawn(4, classes=4)
    expected = sk.log_loss(outcomes.label_ids, outcomes.probabilities.astype(np.float64), labels=range(4))
    assert figure(outcomes, metric="loss") == pytest.approx(expected, rel=1e-6)


def test_a_probability_that_float32_cannot_hold_has_a_finite_loss():
    outcomes = made([0, 1], [1, 1], labels="ab", probabilities=np.array([[0.0, 1.0], [0.0, 1.0]], dtype=np.float32))
    assert item_losses(outcomes) == pytest.approx([103.28, 0], abs=0.01)


def test_without_probabilities_there_is_no_loss():
    assert np.isnan(figure(made([0, 1], [0, 1], labels="ab"), metric="loss"))


needs_seqeval = pytest.mark.skipif(not importlib.util.find_spec("seqeval"), reason="needs the extra seqeval")


@needs_seqeval
@pytest.mark.parametrize("name", ENTITY_METRICS)
def test_an_entity_metric_is_seqevals(name):
    from seqeval import metrics

    generator = np.random.default_rng(5)
    unit_ids = np.repeat(np.arange(60), generator.integers(1, 9, size=60))
    labels = generator.integers(5, size=len(unit_ids))
    said = np.where(generator.random(len(labels)) < 0.8, labels, generator.integers(5, size=len(labels)))
    outcomes = made(labels, said, labels=TAGS, unit_ids=unit_ids)

    def tags(ids, sentences):
        return [[TAGS[tag] for tag in ids[unit_ids == sentence]] for sentence in sentences]

    of = getattr(metrics, f"{name.removeprefix('entity_')}_score")
    assert figure(outcomes, metric=name) == pytest.approx(of(tags(labels, range(60)), tags(said, range(60))), abs=1e-12)
    chosen = generator.integers(60, size=60)
    weights = np.bincount(chosen, minlength=60)
    expected = of(tags(labels, chosen), tags(said, chosen))
    assert score(unit_sums(outcomes, metric=name) @ weights, metric=name) == pytest.approx(expected, abs=1e-12)


@needs_seqeval
def test_an_entity_ends_with_its_sentence():
    # B-PER | I-PER in the next sentence are two entities
    outcomes = made([1, 2], [1, 2], labels=TAGS, unit_ids=[0, 1])
    assert unit_sums(outcomes, metric="entity_f1").tolist() == [[1, 1], [1, 1], [1, 1]]


def test_without_seqeval_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RunError, match=r'entity metrics need seqeval.*pip install "hftk\[seqeval\]"'):
        figure(made([1], [1], labels=TAGS), metric="entity_f1")


def test_an_unknown_metric_is_refused_with_those_that_can_be_computed():
    with pytest.raises(
        RunError, match="'bleu' cannot be computed from a run's predictions; what can: accuracy, .*, loss"
    ):
        figure(made([0], [0], labels="ab"), metric="bleu")


def test_every_metric_of_a_recipe_can_be_computed():
    outcomes = drawn(6, classes=5)
    tagged = made(outcomes.label_ids, outcomes.prediction_ids, labels=TAGS, probabilities=outcomes.probabilities)
    for name in SCORES:
        if name in ENTITY_METRICS and not importlib.util.find_spec("seqeval"):
            continue
        least, most = bounds(name)
        assert least <= figure(tagged, metric=name) <= most
