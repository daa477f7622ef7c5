"""Metrics over the `evaluate` library, computed by scikit-learn: nothing is fetched from a Hub."""

import importlib.util
import re
import warnings
from collections.abc import Callable, Sequence

import datasets
import evaluate
import numpy as np
from scipy.special import log_softmax
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef, precision_score, recall_score
from transformers import EvalPrediction

from hftk.data.encoded import IGNORED_LABEL
from hftk.recipe.metrics import ENTITY_METRICS

_BIO = re.compile(r"[BI]-.+")
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


class EntityMetric(evaluate.Metric):
    """entity_precision, entity_recall or entity_f1 over whole entities of BIO tags, by seqeval."""

    def __init__(self, name: str) -> None:
        self.score_name = name
        super().__init__(keep_in_memory=True)

    def _build_data_dir(self) -> str:
        return self._data_dir_root  # nothing is written there: it need not be writable

    def _info(self) -> evaluate.MetricInfo:
        tags = datasets.Sequence(datasets.Value("string"))
        return evaluate.MetricInfo(
            description=self.score_name,
            citation="",
            inputs_description="predictions and references: the tags of each sentence",
            features=datasets.Features({"predictions": tags, "references": tags}),
        )

    def _compute(self, predictions: Sequence[list[str]], references: Sequence[list[str]]) -> dict[str, float]:
        from seqeval import metrics

        score = getattr(metrics, f"{self.score_name.removeprefix('entity_')}_score")
        with warnings.catch_warnings():  # tags of other schemes are refused before; an empty class counts as 0
            warnings.simplefilter("ignore")
            return {self.score_name: float(score(references, predictions, zero_division=0))}


def missing_for_metrics(names: Sequence[str]) -> list[str]:
    """What is not installed here and one of these metrics needs; one line each."""
    entities = [name for name in names if name in ENTITY_METRICS]
    if not entities or importlib.util.find_spec("seqeval"):
        return []
    return [f'metrics: {", ".join(entities)} need seqeval, which is not installed; pip install "hftk[seqeval]"']


def unfit_for_metrics(names: Sequence[str], *, labels: Sequence[str]) -> list[str]:
    """Why these metrics cannot be computed for the labels of the data; one line each."""
    entities = [name for name in names if name in ENTITY_METRICS]
    others = [label for label in labels if label != "O" and not _BIO.fullmatch(label)]
    if not entities or not others:
        return []
    return [
        f"metrics: {', '.join(entities)} are for BIO tags (O, B-…, I-…), and the data have {', '.join(others[:5])}; "
        "take them out"
    ]


def compute_metrics_for(names: Sequence[str], *, labels: Sequence[str]) -> Callable[[EvalPrediction], dict[str, float]]:
    """Trainer's `compute_metrics`: the named metrics and `cross_entropy`, over all rows (words) at once.

    labels: id → name. The cross-entropy is neither smoothed nor weighted and exact whatever the batches were; padding
    and pieces of words that carry no tag count nowhere.
    """
    metrics = [ClassificationMetric(name) for name in names if name not in ENTITY_METRICS]
    entity_metrics = [EntityMetric(name) for name in names if name in ENTITY_METRICS]
    tags = np.array(labels, dtype=object)

    def compute(prediction: EvalPrediction) -> dict[str, float]:
        logits, label_ids = prediction.predictions, prediction.label_ids
        counted = label_ids != IGNORED_LABEL
        items, item_ids = logits[counted].astype(np.float64), label_ids[counted]
        predictions = items.argmax(axis=-1)
        scores = {"cross_entropy": float(-log_softmax(items, axis=-1)[np.arange(len(item_ids)), item_ids].mean())}
        for metric in metrics:
            scores |= metric.compute(predictions=predictions, references=item_ids)
        if entity_metrics:
            ends = np.cumsum(counted.sum(axis=1))[:-1]
            said = [tags[part].tolist() for part in np.split(predictions, ends)]
            true = [tags[part].tolist() for part in np.split(item_ids, ends)]
            for metric in entity_metrics:
                scores |= metric.compute(predictions=said, references=true)
        return {name: scores[name] for name in ["cross_entropy", *names]}

    return compute
