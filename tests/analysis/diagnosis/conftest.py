"""Runs as plain values, from which the evidence of one fault at a time is made, and what is asked of a diagnosis."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from hftk.analysis.cutting import Cutting
from hftk.analysis.diagnosis import diagnose
from hftk.analysis.evidence import Judged, RunEvidence
from hftk.recipe import read_sweep
from hftk.report.runs import Run
from hftk.training.findings import Finding

RECIPE: dict[str, Any] = {
    "name": "x",
    "data": {"path": "builtin:docstrings", "max_length": None},
    "model": {"architecture": "rnn", "cell": "gru"},
    "tokenizer": {"type": "word"},
    "training": {"num_train_epochs": 10, "learning_rate": 1e-3, "optim": "adamw_torch"},
    "keep": "best",
}


def healthy_curve(epochs: int = 10) -> dict[str, list[float]]:
    """Of four even classes: both losses fall and settle, validation at 0.3."""
    places = np.arange(1, epochs + 1)
    train = 0.25 + 0.9 * np.exp(-places / 2)
    return {"train_loss": train.tolist(), "validation_loss": (train + 0.05).tolist()}


def judged(
    accuracy: float = 0.9, *, n: int = 400, classes: int = 4, sure: float = 0.95, tokens: np.ndarray | None = None
) -> Judged:
    """Even classes; wrong ones are those that the model is least sure of."""
    labels = np.arange(n) % classes
    sureness = np.linspace(sure, 0.4, n)
    wrong = np.arange(n) >= round(accuracy * n)
    said = np.where(wrong, (labels + 1) % classes, labels)
    probabilities = np.repeat(((1 - sureness) / (classes - 1))[:, None], classes, axis=1)
    probabilities[np.arange(n), said] = sureness
    return Judged(label_ids=labels, probabilities=probabilities, tokens=tokens)


@pytest.fixture
def make() -> Callable[..., RunEvidence]:
    """Evidence of a healthy run, but for what is given.

    curve: columns of epochs.csv. changes: dotted keys of the recipe. run: fields of run.json.
    """

    def make(
        *,
        curve: Mapping[str, list[float]] | None = None,
        changes: Mapping[str, Any] | None = None,
        run: Mapping[str, Any] | None = None,
        validation: Judged | None = None,
        **evidence: Any,
    ) -> RunEvidence:
        columns = {**(curve or healthy_curve())}
        epochs = len(columns["train_loss"])
        columns = {"epoch": [float(number + 1) for number in range(epochs)], **columns}
        validation = validation or judged()
        columns.setdefault("validation_accuracy", [validation.accuracy] * epochs)
        recipe = {**RECIPE, "training": {**RECIPE["training"], "num_train_epochs": epochs}}
        for key, value in (changes or {}).items():
            recipe = _with(recipe, key.split("."), value)
        values = {
            "run": "seed=0",
            "status": "finished",
            "seed": 0,
            "ranking": {"metric": "validation_accuracy", "goal": "maximize"},
            "metrics": {"validation_accuracy": validation.accuracy},
            "keep": recipe["keep"],
            "epochs": float(epochs),
            "best_epoch": float(epochs),
            "data": {"labels": [f"c{number}" for number in range(validation.probabilities.shape[1])]},
            "curve": [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)],
        }
        return RunEvidence(
            run=Run.model_validate(values | (run or {})), recipe=recipe, validation=validation, **evidence
        )

    return make


@pytest.fixture
def judge() -> Callable[..., Judged]:
    return judged


@pytest.fixture
def kinds() -> Callable[[RunEvidence], list[str]]:
    return lambda evidence: [finding.kind for finding in diagnose(evidence)]


@pytest.fixture
def the_one() -> Callable[[RunEvidence], Finding]:
    """The only finding, whose suggestion the run's recipe accepts."""

    def the_one(evidence: RunEvidence) -> Finding:
        (finding,) = diagnose(evidence)
        if finding.suggestion is not None:
            read_sweep(evidence.recipe, {finding.suggestion.key: finding.suggestion.value})
        return finding

    return the_one


@pytest.fixture
def trace() -> Callable[..., list[dict[str, float]]]:
    """Rows of trace.csv, ten steps an epoch."""

    def trace(losses: Sequence[float], norms: Sequence[float] = ()) -> list[dict[str, float]]:
        norms = norms or [1.0] * len(losses)
        return [
            {"step": float(step), "epoch": step / 10, "loss": loss, "grad_norm": norm, "learning_rate": 1e-3}
            for step, (loss, norm) in enumerate(zip(losses, norms, strict=True), start=1)
        ]

    return trace


@pytest.fixture
def flat() -> Callable[..., dict[str, list[float]]]:
    """A curve of one loss."""
    return lambda loss, epochs=10: {"train_loss": [loss] * epochs, "validation_loss": [loss] * epochs}


@pytest.fixture
def one_class() -> Callable[..., Judged]:
    """The first class is predicted for all of 200 items."""

    def one_class(*, shares: Sequence[float] = (0.6, 0.4)) -> Judged:
        labels = np.repeat(np.arange(len(shares)), [round(200 * share) for share in shares])
        probabilities = np.tile(np.full(len(shares), 0.3 / (len(shares) - 1)), (200, 1))
        probabilities[:, 0] = 0.7
        return Judged(label_ids=labels, probabilities=probabilities)

    return one_class


@pytest.fixture
def rising() -> dict[str, list[float]]:
    """A curve that overfits from epoch 3 on; of four classes."""
    return {
        "train_loss": [1.2, 0.8, 0.6, 0.5, 0.4, 0.3],
        "validation_loss": [1.1, 0.8, 0.7, 0.75, 0.85, 0.95],
    }


@pytest.fixture
def cutting() -> Cutting:
    """A cut that hurts."""
    return Cutting(
        max_length=32, cut_share=0.7, n=563, whole_accuracy=0.92, cut_accuracy=0.87, low=0.03, high=0.07, enough=128,
        enough_accuracy=0.915,
    )  # fmt: skip


def _with(recipe: Mapping[str, Any], keys: list[str], value: Any) -> dict[str, Any]:
    if len(keys) == 1:
        return {**recipe, keys[0]: value}
    return {**recipe, keys[0]: _with(recipe.get(keys[0]) or {}, keys[1:], value)}
