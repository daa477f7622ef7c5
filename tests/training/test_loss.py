"""The loss against torch's own, and its normalisation over the global batch."""

import json

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn.functional import cross_entropy

from hftk.training.loss import ClassificationLoss, balanced_weights

LOGITS = torch.randn(12, 3, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 0, 0, 1, 2, 2, 1, 0, 1, 0])
WEIGHTS = [0.5, 2.0, 1.25]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_equals_torch_cross_entropy_over_the_number_of_items(smoothing, weights):
    loss = ClassificationLoss(label_smoothing=smoothing, class_weights=weights)
    by_row = cross_entropy(LOGITS, LABELS, label_smoothing=smoothing, reduction="none")
    weight_of_row = 1 if weights is None else torch.tensor(weights)[LABELS]
    expected = (by_row * weight_of_row).sum() / len(LABELS)
    torch.testing.assert_close(loss({"logits": LOGITS}, LABELS), expected)
    if smoothing == 0 and weights is not None:  # then torch's own weights are the same
        torch.testing.assert_close(
            expected, cross_entropy(LOGITS, LABELS, weight=torch.tensor(weights), reduction="sum") / len(LABELS)
        )
    if weights is None:
        torch.testing.assert_close(expected, cross_entropy(LOGITS, LABELS, label_smoothing=smoothing))


def test_a_rare_or_absent_class_does_not_outweigh_the_label():
    """torch's cross_entropy weights the smoothed share of every class by that class's weight: here by 1,000."""
    labels = torch.zeros(8, dtype=torch.long)
    with_absent = ClassificationLoss(label_smoothing=0.1, class_weights=[1.0, 1.0, 1000.0])
    plain = ClassificationLoss(label_smoothing=0.1)
    logits = LOGITS[:8]
    torch.testing.assert_close(with_absent({"logits": logits}, labels), plain({"logits": logits}, labels))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_micro_batches_of_any_size_add_up_to_the_whole(smoothing, weights):
    loss = ClassificationLoss(label_smoothing=smoothing, class_weights=weights)
    whole = loss({"logits": LOGITS}, LABELS, num_items_in_batch=12)
    parts = [
        loss({"logits": LOGITS[rows]}, LABELS[rows], num_items_in_batch=torch.tensor(12))
        for rows in (slice(0, 5), slice(5, 11), slice(11, 12))
    ]
    torch.testing.assert_close(sum(parts), whole)


def test_token_labels_ignore_padding():
    logits, labels = LOGITS.reshape(3, 4, 3), LABELS.reshape(3, 4).clone()
    labels[0, 2:] = -100
    expected = cross_entropy(logits.reshape(-1, 3), labels.reshape(-1))
    torch.testing.assert_close(ClassificationLoss()({"logits": logits}, labels), expected)


def test_rows_that_are_all_ignored_cost_nothing_and_keep_the_gradient():
    logits = LOGITS[:2].clone().requires_grad_()
    loss = ClassificationLoss(label_smoothing=0.1, class_weights=WEIGHTS)
    value = loss({"logits": logits}, torch.tensor([-100, -100]), num_items_in_batch=4)
    value.backward()
    assert value.item() == 0
    assert logits.grad.abs().sum() == 0


def test_the_plain_loss_is_neither_smoothed_nor_weighted():
    loss = ClassificationLoss(label_smoothing=0.3, class_weights=WEIGHTS)
    for rows in (slice(0, 7), slice(7, 12)):
        loss({"logits": LOGITS[rows]}, LABELS[rows], num_items_in_batch=5)
    plain = cross_entropy(LOGITS, LABELS).item()
    assert loss.so_far() == pytest.approx(plain, abs=1e-6)
    total, items = loss.drain().tolist()
    assert items == 12
    assert total / items == pytest.approx(plain, abs=1e-6)
    assert loss.drain().tolist() == [0, 0]
    assert loss.so_far() is None


def test_evaluation_is_plain_and_leaves_the_training_sums_alone():
    loss = ClassificationLoss(label_smoothing=0.3, class_weights=WEIGHTS)
    with torch.no_grad():
        value = loss({"logits": LOGITS}, LABELS)
    torch.testing.assert_close(value, cross_entropy(LOGITS, LABELS))
    assert loss.drain().tolist() == [0, 0]


def test_half_precision_logits_are_summed_in_float32():
    value = ClassificationLoss()({"logits": LOGITS.to(torch.bfloat16)}, LABELS)
    assert value.dtype == torch.float32


def test_balanced_weights_are_scikit_learn_s():
    labels = LABELS.tolist()
    expected = compute_class_weight("balanced", classes=np.array([0, 1, 2]), y=labels)
    assert balanced_weights(labels, classes=3) == pytest.approx(expected.tolist())
    weights = balanced_weights(labels, classes=3)
    assert sum(weights[label] for label in labels) / len(labels) == pytest.approx(1)


def test_sums_go_on_to_the_bit():
    generator = torch.Generator().manual_seed(0)
    batches = [(torch.randn(3, 2, generator=generator), torch.tensor([0, 1, 1])) for _ in range(40)]
    whole, first, second = ClassificationLoss(), ClassificationLoss(), ClassificationLoss()
    for number, (logits, labels) in enumerate(batches):
        whole({"logits": logits}, labels)
        (first if number < 17 else second)({"logits": logits}, labels)
        if number == 16:
            second.restore(json.loads(json.dumps(first.state())))
    assert torch.equal(second.drain(), whole.drain())
    assert second.state() == {"plain_sum": 0.0, "items": 0}
