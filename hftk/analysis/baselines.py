"""What needs no training worth the name: the answers that a model must beat to be worth its time."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hftk.analysis.answers import Answers, Unfit, item_labels, judged
from hftk.analysis.description import LeftOut
from hftk.analysis.linear_pixels import linear_on_pixels
from hftk.analysis.linear_text import linear_on_words
from hftk.data.labelled import LabelledData

MAJORITY = "majority class"
TAG_PER_WORD = "most frequent tag per word"
LINEAR_TEXT = "TF-IDF and linear SVM"
LINEAR_PIXELS = "linear on pixels"


@dataclass(frozen=True)
class Baseline:
    name: str
    seconds: float
    answers: Answers


def fit_baselines(
    data: LabelledData, *, task: str, tell: Callable[[str], None] = lambda text: None
) -> tuple[list[Baseline], list[LeftOut]]:
    """Learnt from train alone, the same each time; seconds on one CPU core, whatever the size of the data.

    tell: hears which one is being fitted. One that cannot be fitted is left out; it never ends a sweep.
    """
    methods: dict[str, Callable[[LabelledData], Answers]] = {
        "text-classification": {MAJORITY: majority, LINEAR_TEXT: linear_on_words},
        "token-classification": {MAJORITY: majority, TAG_PER_WORD: tag_per_word},
        "image-classification": {MAJORITY: majority, LINEAR_PIXELS: linear_on_pixels},
    }[task]
    found: list[Baseline] = []
    left_out: list[LeftOut] = []
    for name, method in methods.items():
        tell(f"baseline: {name}")
        began = time.perf_counter()
        try:
            answers = method(data)
        except Unfit as error:
            left_out.append(LeftOut(name, str(error)))
        # a model can still be trained on data that a library finds no way with
        except Exception as error:
            left_out.append(LeftOut(name, f"{type(error).__name__}: {error}"))
        else:
            found.append(Baseline(name, round(time.perf_counter() - began, 3), answers))
    return found, left_out


def majority(data: LabelledData) -> Answers:
    """Always the class or tag that train has most of; of equally frequent ones the first in the order of labels."""
    train = item_labels(data, "train")
    if not len(train):
        raise Unfit("train has no labelled item")
    most = int(np.bincount(train).argmax())
    return Answers(
        predictions={split: np.full(len(item_labels(data, split)), most) for split in judged(data)},
        fitted_rows=len(data.splits["train"]),
    )


def tag_per_word(data: LabelledData) -> Answers:
    """The tag that train gives a word most often, capitals counting; a word that is not in train has the commonest tag.

    Of equally frequent tags the first in the order of labels.
    """
    train = data.splits["train"]
    tags = item_labels(data, "train")
    if not len(tags):
        raise Unfit("train has no tagged word")
    counts = (
        pa.table({"word": _tokens(data, "train"), "tag": tags}).group_by(["word", "tag"]).aggregate([([], "count_all")])
    )
    counts = counts.sort_by([("count_all", "descending"), ("tag", "ascending")])
    words, tag = counts["word"].combine_chunks(), counts["tag"].to_numpy()
    most = int(np.bincount(tags).argmax())
    predictions = {}
    for split in judged(data):
        # index_in finds the first place: that of the most frequent tag
        place = pc.index_in(_tokens(data, split), value_set=words).fill_null(-1).to_numpy()
        predictions[split] = np.where(place >= 0, tag[place], most)
    return Answers(predictions, fitted_rows=len(train))


def _tokens(data: LabelledData, split: str) -> pa.ChunkedArray:
    return pc.list_flatten(data.splits[split].with_format("arrow").select_columns("tokens")[:]["tokens"])
