"""Do the words beyond `data.max_length` tell anything? The linear baseline on cut texts, beside it on whole ones."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hftk.analysis.answers import Unfit, drawn, item_labels
from hftk.analysis.cutting import MARGIN, Cutting
from hftk.analysis.linear_text import linear_on_words, rows_to_read
from hftk.data.labelled import LabelledData

Cut = Callable[[LabelledData, int], LabelledData | None]
"""(data, max_length) → the data with texts as a model of that length reads them; None where that is not known."""

FEWEST_CUT = 0.1
"""Of the rows of validation: where fewer are cut, little can be lost, and nothing is computed."""
_MOST_JUDGED = 10_000  # rows: the interval of a difference is below one in a hundred by then
_Z = 1.96


def measure_cutting(data: LabelledData, *, max_length: int, lengths: np.ndarray, most: int, cut: Cut) -> Cutting | None:
    """Seconds: two fits, and one more for each length tried. None where no such model can be fitted, or cut.

    lengths: (rows of validation,) tokens before a text was cut. most: tokens that the model can take. Both fits learn
    from the same rows of train; a text is read to its 10,000th character, as that baseline always does.
    """
    try:
        chosen = _chosen(data)
        labels, short = item_labels(chosen, "validation"), cut(chosen, max_length)
        if short is None:
            return None
        whole, less = _right(chosen, labels), _right(short, labels)
        low, high = paired_interval(whole, less)
        found = Cutting(
            max_length=max_length,
            cut_share=float((lengths > max_length).mean()),
            n=len(labels),
            whole_accuracy=float(whole.mean()),
            cut_accuracy=float(less.mean()),
            low=low,
            high=high,
            enough=None,
            enough_accuracy=None,
        )
        return _with_enough(found, chosen, labels, lengths=lengths, most=most, cut=cut) if found.hurts else found
    except Unfit:
        return None


def _with_enough(
    found: Cutting, data: LabelledData, labels: np.ndarray, *, lengths: np.ndarray, most: int, cut: Cut
) -> Cutting:
    """Twice the length, four times, …, up to what nearly every text fits in or the model can take."""
    longest = min(int(np.quantile(lengths, 0.99)), most)
    tried = found.max_length
    while tried < longest:
        tried = min(2 * tried, longest)
        accuracy = float(_right(cut(data, tried), labels).mean())
        found = replace(found, enough=tried, enough_accuracy=accuracy)
        if found.whole_accuracy - accuracy <= MARGIN:
            break
    return found


def paired_interval(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Of the difference of two shares on the same rows, 95 %: Wald's, with half a row added to each of the four kinds
    (Agresti & Min 2005), so that it holds for few rows too. one, other: (rows,) bool."""
    more, less, n = (one & ~other).sum() + 0.5, (~one & other).sum() + 0.5, len(one) + 2
    difference = (more - less) / n
    half = _Z * np.sqrt((more + less) - (more - less) ** 2 / n) / n
    return float(difference - half), float(difference + half)


def _chosen(data: LabelledData) -> LabelledData:
    """The rows that are learnt from, and those that are judged."""
    _, read = rows_to_read(data, item_labels(data, "train"))
    judged = drawn(item_labels(data, "validation"), _MOST_JUDGED)
    places = {"train": read, "validation": judged}
    return replace(data, splits={split: data.splits[split].select(rows) for split, rows in places.items()})


def _right(data: LabelledData, labels: np.ndarray) -> np.ndarray:
    every = np.arange(len(data.splits["train"]))
    return linear_on_words(data, read=every).predictions["validation"] == labels
