"""Metrics over the `evaluate` library, computed by scikit-learn: nothing is fetched from a Hub."""

from collections.abc import Callable, Sequence

import datasets
import evaluate
import numpy as np
from scipy.special import log_softmax
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef, precision_score, recall_score
from transformers import EvalPrediction

from hftk.data.batching import IGNORED_LABEL

_AVERAGED = {"precision": precision_score, "recall": recall_score, "f1": f1_score}


class ClassificationMetric(evaluate.Metric):
    """One named metric over class ids.

    `precision`, `recall` and `f1` are weighted by class frequency unless the name ends in `_macro`, `_micro` or
    `_weighted`; a class that is never predicted counts as 0.
    """

    def __init__(self, name: str) -> None:
        self.score_name = name
        super().__init__(keep_in_memory=True)

    def _build_data_dir(self) -> str:
        return self._data_dir_root  # nothing is written there: it need not be writable

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=self.score_name,
            citation="",
            inputs_description="predictions and references: class ids",
            features=datasets.Features({"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}),
        )

    def _compute(self, predictions: Sequence[int], references: Sequence[int]) -> dict[str, float]:
        if self.score_name == "accuracy":
            score = accuracy_score(references, predictions)
        elif self.score_name == "matthews_correlation":
            score = matthews_corrcoef(references, predictions)
        else:
            name, _, average = self.score_name.partition("_")
            score = _AVERAGED[name](references, predictions, average=average or "weighted", zero_division=0)
        return {self.score_name: float(score)}


def compute_metrics_for(names: Sequence[str]) -> Callable[[EvalPrediction], dict[str, float]]:
    """Trainer's `compute_metrics`: the named metrics and `cross_entropy`, over all rows at once.

    The cross-entropy is neither smoothed nor weighted and exact whatever the batches were.
    """
    metrics = [ClassificationMetric(name) for name in names]

    def compute(prediction: EvalPrediction) -> dict[str, float]:
        logits, labels = prediction.predictions, prediction.label_ids
        logits = logits.reshape(-1, logits.shape[-1]).astype(np.float64)
        labels = labels.reshape(-1)
        counted = labels != IGNORED_LABEL
        logits, labels = logits[counted], labels[counted]
        predictions = logits.argmax(axis=-1)
        scores = {"cross_entropy": float(-log_softmax(logits, axis=-1)[np.arange(len(labels)), labels].mean())}
        for metric in metrics:
            scores |= metric.compute(predictions=predictions, references=labels)
        return scores

    return compute
