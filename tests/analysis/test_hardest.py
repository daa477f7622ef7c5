"""Hardest items, confusions and the figures of each label, against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix as sk_confusion_matrix
from sklearn.metrics import precision_recall_fscore_support

from hftk.analysis.hardest import Confusion, HardItem, confusion_matrix, confusions, hardest, label_figures

LABELS = ["cat", "dog", "owl"]


@pytest.fixture
def ids() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    labels = generator.integers(3, size=400)
    return labels, np.where(generator.random(400) < 0.7, labels, generator.integers(3, size=400))


def test_the_hardest_items_have_the_highest_mean_loss():
    losses = [np.array([0.1, 3.0, 1.0, 0.2]), np.array([0.3, 1.0, 5.0, 0.2]), np.array([0.2, 2.0, 0.0, np.nan])]
    said = [np.array([0, 2, 2, 0]), np.array([0, 2, 0, 0]), np.array([0, 1, 0, 0])]
    found = hardest(losses, label_ids=np.array([0, 1, 2, 0]), prediction_ids=said, labels=LABELS, limit=2)
    assert found == [
        HardItem(item=1, label="dog", loss=2.0, right=1, runs=3, prediction="owl"),
        HardItem(item=2, label="owl", loss=2.0, right=1, runs=3, prediction="cat"),
    ]


def test_a_loss_that_one_run_lacks_is_the_mean_of_the_others():
    losses = [np.array([1.0, 4.0]), np.array([np.nan, np.nan])]
    said = [np.array([0, 0]), np.array([1, 1])]
    found = hardest(losses, label_ids=np.array([1, 1]), prediction_ids=said, labels=LABELS, limit=9)
    assert [(each.item, each.loss) for each in found] == [(1, 4.0), (0, 1.0)]
    nothing = [np.full(2, np.nan)]
    assert hardest(nothing, label_ids=np.array([1, 1]), prediction_ids=said[:1], labels=LABELS, limit=9) == []


def test_the_figures_of_each_label_are_scikit_learns(ids):
    labels, said = ids
    said[said == 2] = 0  # never predicted
    figures = label_figures(labels, prediction_ids=said, labels=LABELS)
    expected = precision_recall_fscore_support(labels, said, labels=range(3), zero_division=0)
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        assert [getattr(each, name) for each in figures] == pytest.approx(list(values), abs=1e-12)
    assert [each.label for each in figures] == LABELS
    assert sum(each.predicted for each in figures) == 400 and figures[2].predicted == 0


def test_confusions_are_the_largest_cells_off_the_diagonal(ids):
    labels, said = ids
    matrix = sk_confusion_matrix(labels, said, labels=range(3))
    assert np.array_equal(confusion_matrix(labels, prediction_ids=said, labels=3), matrix)
    found = confusions(labels, prediction_ids=said, labels=LABELS, limit=4)
    cells = sorted((matrix[i, j] for i in range(3) for j in range(3) if i != j), reverse=True)
    assert [each.count for each in found] == cells[:4]
    first = found[0]
    row = LABELS.index(first.label)
    assert first.share == first.count / matrix[row].sum() and first.count == matrix[row, LABELS.index(first.prediction)]


def test_a_run_without_mistakes_has_no_confusions():
    labels = np.array([0, 1, 0])
    assert confusions(labels, prediction_ids=labels, labels=LABELS, limit=5) == []
    found = confusions(labels, prediction_ids=np.array([0, 0, 0]), labels=LABELS, limit=5)
    assert found == [Confusion("dog", "cat", count=1, share=1.0)]
