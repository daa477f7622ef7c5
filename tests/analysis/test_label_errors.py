"""Label errors planted on purpose are found, in simulated runs and in real ones of scikit-learn."""

import gzip

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from hftk.analysis.label_errors import label_errors

FLIPPED = 0.03


def planted(label_ids: np.ndarray, *, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """3 % of labels made another one: the labels, and the items that were changed."""
    generator = np.random.default_rng(seed)
    changed = generator.choice(len(label_ids), round(FLIPPED * len(label_ids)), replace=False)
    flipped = label_ids.copy()
    flipped[changed] = (flipped[changed] + generator.integers(1, classes, size=len(changed))) % classes
    return flipped, changed


def precision(label_ids: np.ndarray, probabilities: list[np.ndarray], *, seeds: int = 3) -> float:
    """Of as many suspects as labels were changed, the share that was changed."""
    classes = probabilities[0].shape[1]
    shares = []
    for seed in range(seeds):
        flipped, changed = planted(label_ids, classes=classes, seed=seed)
        found = label_errors(
            flipped, probabilities=probabilities, labels=[str(number) for number in range(classes)], limit=len(changed)
        )
        shares.append(np.isin([suspect.item for suspect in found.suspects], changed).sum() / len(changed))
    return float(np.mean(shares))


def simulated(generator: np.random.Generator, *, items: int, classes: int, runs: int, clarity: float):
    """Labels, and runs whose evidence is the same in part: some items mislead all of them."""
    labels = generator.integers(classes, size=items)
    shared = generator.normal(size=(items, classes)) + clarity * np.eye(classes)[labels]
    logits = [3 * (shared + 0.5 * generator.normal(size=shared.shape)) for _ in range(runs)]
    return labels, [np.exp(each) / np.exp(each).sum(axis=1, keepdims=True) for each in logits]


@pytest.mark.parametrize("classes", [2, 5, 20])
def test_flips_are_found_where_runs_are_mostly_right(classes):
    labels, probabilities = simulated(np.random.default_rng(0), items=3000, classes=classes, runs=5, clarity=4.5)
    assert np.mean([(each.argmax(axis=1) == labels).mean() for each in probabilities]) > 0.9
    assert precision(labels, probabilities) >= 0.75


def test_several_runs_find_more_than_one():
    labels, probabilities = simulated(np.random.default_rng(1), items=3000, classes=5, runs=6, clarity=3.5)
    assert precision(labels, probabilities) > np.mean([precision(labels, [each]) for each in probabilities]) + 0.02


def test_flips_in_real_digits():
    pixels, labels = load_digits(return_X_y=True)
    trained = np.arange(len(labels)) % 5 < 3
    models = [LogisticRegression(max_iter=300), RandomForestClassifier(100, random_state=0), KNeighborsClassifier(15)]
    probabilities = [
        model.fit(pixels[trained] / 16, labels[trained]).predict_proba(pixels[~trained] / 16) for model in models
    ]
    assert precision(labels[~trained], probabilities) >= 0.85


@pytest.mark.slow
def test_flips_in_real_images(shared_data):
    """Fashion-MNIST, whose labels are right on nine of ten for these models."""

    def read(name: str, skip: int) -> np.ndarray:
        with gzip.open(shared_data / "fashion_mnist" / name) as file:
            return np.frombuffer(file.read(), dtype=np.uint8, offset=skip)

    pixels = read("train-images-idx3-ubyte.gz", 16).reshape(-1, 784)[:8000] / 255
    labels = read("train-labels-idx1-ubyte.gz", 8)[:8000].astype(np.int64)
    trained = np.arange(8000) < 5000
    models = [LogisticRegression(max_iter=40, C=0.05), RandomForestClassifier(60, random_state=0)]
    probabilities = [model.fit(pixels[trained], labels[trained]).predict_proba(pixels[~trained]) for model in models]
    assert precision(labels[~trained], probabilities) >= 0.7


def test_a_suspect_says_who_disagrees_with_what():
    labels = np.array([0, 0, 1, 1, 1, 0])
    sure = np.array([[0.9, 0.1], [0.05, 0.95], [0.2, 0.8], [0.1, 0.9], [0.6, 0.4], [0.8, 0.2]])
    other = np.array([[0.8, 0.2], [0.15, 0.85], [0.1, 0.9], [0.3, 0.7], [0.4, 0.6], [0.9, 0.1]])
    third = np.array([[0.8, 0.2], [0.4, 0.6], [0.1, 0.9], [0.3, 0.7], [0.6, 0.4], [0.9, 0.1]])
    found = label_errors(labels, probabilities=[sure, other, third], labels=["bad", "good"], limit=5)
    first, second = found.suspects
    assert (first.item, first.label, first.suggested, first.agreeing, first.runs) == (1, "bad", "good", 3, 3)
    assert first.score == pytest.approx(0.2) and first.confident
    assert (second.item, second.label, second.suggested, second.agreeing) == (4, "good", "bad", 2)
    assert second.score == pytest.approx(1.4 / 3) and not second.confident, "bad items get 0.63 of bad, this one 0.53"
    assert (found.runs, found.left_out, found.agreement) == (3, 0, pytest.approx(4 / 6))
    assert found.sentence == (
        "Most of the 3 runs asked predict the stated label of 66.7% of the items. Suspects are to be looked at, not to "
        "be corrected blindly: where runs err, so do they."
    )
    limited = label_errors(labels, probabilities=[sure, other, third], labels=["bad", "good"], limit=1)
    assert limited.suspects == [first]


def test_runs_that_know_nothing_are_not_asked():
    labels, probabilities = simulated(np.random.default_rng(2), items=500, classes=3, runs=2, clarity=4)
    collapsed = np.tile([0.98, 0.01, 0.01], (500, 1))
    broken = np.full((500, 3), np.nan)
    names = ["a", "b", "c"]
    found = label_errors(labels, probabilities=[collapsed, *probabilities, broken], labels=names, limit=10)
    alone = label_errors(labels, probabilities=probabilities, labels=names, limit=10)
    assert found.suspects == alone.suspects and (found.runs, found.left_out) == (2, 2)
    assert "(2 no better than the most frequent label were not asked)" in found.sentence
    nobody = label_errors(labels, probabilities=[collapsed], labels=names, limit=10)
    assert (nobody.suspects, nobody.runs, nobody.left_out) == ([], 0, 1) and np.isnan(nobody.agreement)
    assert nobody.sentence == (
        "No run is better than always giving the most frequent label, so none can hint at label errors."
    )


def test_one_run_is_said_to_be_one():
    labels, probabilities = simulated(np.random.default_rng(3), items=100, classes=3, runs=1, clarity=4)
    found = label_errors(labels, probabilities=probabilities, labels=["a", "b", "c"], limit=3)
    assert found.sentence.startswith("The run that was asked predicts the stated label of ")


def test_labels_that_no_item_has_are_no_trouble():
    labels, probabilities = simulated(np.random.default_rng(4), items=200, classes=3, runs=2, clarity=4)
    labels[labels == 2] = 1
    found = label_errors(labels, probabilities=probabilities, labels=["a", "b", "c"], limit=500)
    assert all(not suspect.confident for suspect in found.suspects if suspect.suggested == "c")
    assert len(found.suspects) < 200
