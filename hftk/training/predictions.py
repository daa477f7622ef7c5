"""What a model says of every item of a split."""

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from hftk.data.encoded import IGNORED_LABEL, EncodedSplit
from hftk.training.callbacks import split_metrics
from hftk.training.trainer import SweepTrainer, by_length, evaluation_order


@dataclass(frozen=True)
class Predictions:
    """probabilities: (items, classes) float32. An item is a row; of tagged sentences, a word. In the split's order."""

    probabilities: np.ndarray
    label_ids: np.ndarray


def predict(trainer: SweepTrainer, rows: EncodedSplit, *, split: str) -> tuple[Predictions, dict[str, float]]:
    """Predictions in the split's own order, though computed longest rows first, and the split's figures.

    Raises RuntimeError if Trainer returned the rows in another order than it was given them.
    """
    prefix = "eval" if split == "validation" else split  # trackers show it: a test figure is no eval figure
    output = trainer.predict(by_length(rows), metric_key_prefix=prefix)
    back = np.argsort(evaluation_order(rows.lengths))
    logits, label_ids = output.predictions[back], output.label_ids[back]
    counted = label_ids != IGNORED_LABEL
    logits, label_ids = logits[counted], label_ids[counted]
    if not np.array_equal(label_ids, rows.label_ids()):
        raise RuntimeError("Trainer.predict changed the order of the rows")
    predictions = Predictions(probabilities=softmax(logits.astype(np.float32), axis=-1), label_ids=label_ids)
    return predictions, split_metrics(output.metrics, prefix=prefix, split=split)
