"""Rows of the data that a person should look at, with their texts."""

import base64
from collections.abc import Sequence

import numpy as np
import pyarrow.parquet as pq

from hftk.analysis.description import EXAMPLES
from hftk.analysis.hardest import hardest
from hftk.analysis.label_errors import label_errors
from hftk.analysis.outcomes import Outcomes
from hftk.analysis.scores import item_losses
from hftk.report.content import Example
from hftk.report.votes import Votes

_HARDEST = 30
_SUSPICIOUS = 50


def hard_examples(seen: Votes) -> list[Example]:
    """Those of test (of validation, where there is none) on which the runs' mean loss is the highest."""
    split, outcomes = seen.split
    runs = [outcomes[name] for name in seen.runs if name in outcomes]
    if not runs:
        return []
    found = hardest(
        [item_losses(own) for own in runs],
        label_ids=runs[0].label_ids,
        prediction_ids=[own.prediction_ids for own in runs],
        labels=list(runs[0].labels),
        limit=_HARDEST,
    )
    return _examples(seen, split, runs, [(one.item, one.prediction) for one in found])


def suspicious_examples(seen: Votes) -> tuple[list[Example], str]:
    """Likely wrong labels of validation and test, on which no run has trained; and what is to be said of them."""
    splits = [(split, own) for split, own in (("validation", seen.validation), ("test", seen.test)) if own]
    runs = [name for name in seen.runs if all(name in own for _, own in splits)]
    if not runs:
        return [], ""
    first = [own[runs[0]] for _, own in splits]
    found = label_errors(
        np.concatenate([own.label_ids for own in first]),
        probabilities=[np.concatenate([own[name].probabilities for _, own in splits]) for name in runs],
        labels=list(first[0].labels),
        limit=_SUSPICIOUS,
    )
    begin, examples = 0, []
    for (split, own), outcomes in zip(splits, first, strict=True):
        end = begin + len(outcomes.label_ids)
        said = [(one.item - begin, one.suggested) for one in found.suspects if begin <= one.item < end]
        examples += _examples(seen, split, [own[name] for name in runs], said)
        begin = end
    return sorted(examples, key=lambda example: example.score), found.sentence


def _examples(seen: Votes, split: str, runs: Sequence[Outcomes], said: Sequence[tuple[int, str]]) -> list[Example]:
    """said: place of each item, and what the runs say of it."""
    texts, images = _texts(seen, split, [int(runs[0].unit_ids[item]) for item, _ in said])
    labels = {name: number for number, name in enumerate(runs[0].labels)}
    found = []
    for place, (item, name) in enumerate(said):
        given = [own.probabilities[item, own.label_ids[item]] for own in runs]
        found.append(
            Example(
                split=split,
                where=f"row {runs[0].rows[item]} of {runs[0].sources[item]}",
                text=_marked(texts[place], runs[0], item),
                label=runs[0].labels[runs[0].label_ids[item]],
                said=name,
                share=float(np.mean([own.prediction_ids[item] == labels[name] for own in runs])),
                score=float(np.mean(given)),
                image=images[place],
            )
        )
    return found


def _marked(text: str, outcomes: Outcomes, item: int) -> str:
    """Of a tagged sentence: which word it is about."""
    if outcomes.words is None or not text:
        return text
    words = text.split(" ")
    at = int(outcomes.words[item])
    if at >= len(words):  # in the part that was cut away
        return f"{text} (word {at + 1})"
    return " ".join([*words[:at], f"»{words[at]}«", *words[at + 1 :]])


def _texts(seen: Votes, split: str, rows: list[int]) -> tuple[list[str], list[str | None]]:
    """Texts, and images as data URIs, of the rows at these places of the split; without them where none were stored."""
    if seen.description is None or not rows:
        return [""] * len(rows), [None] * len(rows)
    table = pq.read_table(
        seen.description.folder / EXAMPLES, columns=["text", "image"], filters=[("split", "==", split)]
    ).take(rows)
    images = [
        None if png is None else f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
        for png in table["image"].to_pylist()
    ]
    return table["text"].to_pylist(), images
