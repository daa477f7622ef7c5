"""New labels from what the texts say, by TextBlob's lexicon of English words."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from hftk.data.rows import Rows
from hftk.data.where import Where, listed
from hftk.errors import DataError
from hftk.recipe import schema


def relabel(
    splits: Mapping[str, Rows], labels: list[str], settings: schema.Relabel, *, where: Where
) -> tuple[dict[str, Rows], dict[str, float], list[str]]:
    """The splits with new label ids, the share of labels changed (0 to 1) by split, and what a person must be told.

    A polarity below thresholds.negative is negative, above thresholds.positive positive, else neutral; without a
    neutral class a text exactly at the threshold is positive. Raises DataError for classes that the data do not have,
    for a split that is not there, and where TextBlob is not installed.
    """
    for key, name in settings.labels:
        if name is not None and name not in labels:
            raise DataError(
                f"{where('relabel', 'labels', key)}: the data have no label {name}; labels found: {listed(labels)}"
            )
    for split in settings.splits:
        if split not in splits:
            raise DataError(f"{where('relabel', 'splits')}: there is no split {split}; found: {listed(list(splits))}")
    polarity = _textblob(where)
    made, shares, notices = dict(splits), {}, []
    for split in dict.fromkeys(settings.splits):
        before = splits[split].label
        after = [labels.index(_class_of(polarity(text), settings)) for text in splits[split].inputs["text"]]
        made[split] = replace(splits[split], label=after)
        shares[split] = sum(old != new for old, new in zip(before, after, strict=True)) / len(before)
        notices.append(_told(split, before, after, labels))
    absent = [name for i, name in enumerate(labels) if i not in set(made["train"].label)]
    if absent:
        notices.append(f"classes without a row in train after relabelling: {listed(absent)}")
    return made, shares, notices


def _textblob(where: Where) -> Callable[[str], float]:
    """Polarity of a text, from -1 to 1; the lexicon comes with TextBlob, nothing is downloaded."""
    try:
        from textblob import TextBlob
    except ImportError:
        raise DataError(
            f'{where("relabel", "method")}: TextBlob is not installed; pip install "hftk[textblob]"'
        ) from None
    return lambda text: TextBlob(text).sentiment.polarity


def _class_of(polarity: float, settings: schema.Relabel) -> str:
    if polarity < settings.thresholds.negative:
        return settings.labels.negative
    if polarity > settings.thresholds.positive or settings.labels.neutral is None:
        return settings.labels.positive
    return settings.labels.neutral


def _told(split: str, before: list[int], after: list[int], labels: list[str]) -> str:
    """How many labels changed, and of each class that had been which share became which."""
    moves = Counter(zip(before, after, strict=True))
    sizes = Counter(before)
    changed = sum(count for (old, new), count in moves.items() if old != new)
    parts = [
        f"{labels[old]} → {labels[new]} {moves[old, new] / sizes[old]:.0%}".replace("%", " %")
        for old in range(len(labels))
        for new in range(len(labels))
        if old != new and moves[old, new]
    ]
    which = f"{changed:,} of {len(before):,} rows of {split} ({100 * changed / len(before):.1f} %)"
    kinds = f": {', '.join(parts)}" if parts else ""
    return f"relabelled by TextBlob: {which} have another label than before{kinds}"
