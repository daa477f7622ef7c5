"""Which rows to learn from, to select by and to test on: by names of splits, files or marks in a column."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from hftk.data.source import Source
from hftk.data.splits import OWN_NAMES
from hftk.data.where import listed
from hftk.errors import DataError
from hftk.starting.profile import Profile

_SHARE = 0.1


@dataclass(frozen=True)
class SplitGuess:
    splits: dict[str, Any]
    """The recipe's data.splits."""
    reason: str


def guess_splits(
    names: Sequence[str], kind: str, *, mark: Profile | None, unlabelled: Sequence[str], beside: Sequence[str]
) -> SplitGuess:
    """names: of splits or files (kind), of which those in `unlabelled` hold no label. mark: a column that says to which
    split a row belongs. beside: files in the same folder as the only one.

    Raises DataError where none of several is called train.
    """
    if mark is not None:
        return _marked(mark)
    if len(names) == 1:
        also = f"; beside it: {listed(beside, most=5)}; to use them, name their folder" if beside else ""
        return SplitGuess(
            {"train": names[0] if kind == "split" else "train", "validation": _SHARE, "test": _SHARE},
            f"one {kind} only: a tenth of it for each of the two{also}",
        )
    usable = [name for name in names if name not in set(unlabelled)]
    found = {split: [name for name in usable if is_called(name, split)] for split in OWN_NAMES}
    if not found["train"]:
        raise DataError(
            f"none of the {kind}s is called train: {listed(names)}. Name one file, or write a recipe by hand: "
            "data.splits: {train: …, validation: …, test: …}"
        )
    train = found["train"][0] if len(found["train"]) == 1 else found["train"]
    hidden = f"; {listed(list(unlabelled))} without labels, so not used" if unlabelled else ""
    reason = f"by the names of the {kind}s{hidden}"
    if found["validation"] and found["test"]:
        return SplitGuess(
            {"train": train, "validation": _one(found["validation"]), "test": _one(found["test"])}, reason
        )
    if found["test"]:
        taken = {"train": train, "validation": _SHARE, "test": _one(found["test"])}
        return SplitGuess(taken, f"{reason}; none for validation: a tenth of train")
    if len(found["validation"]) > 1:
        nearest = sorted(found["validation"], key=lambda name: -_alike(name, found["train"][0]))
        more = nearest[1] if len(nearest) == 2 else nearest[1:]
        told = f"{reason}; none is called test: of those for validation the one most unlike train is it"
        return SplitGuess({"train": train, "validation": nearest[0], "test": more}, told)
    if found["validation"]:
        told = f"{reason}; none with labels for test: validation is it, and a tenth of train selects in its place"
        return SplitGuess({"train": train, "validation": _SHARE, "test": found["validation"][0]}, told)
    return SplitGuess(
        {"train": train, "validation": _SHARE, "test": _SHARE}, f"{reason}: a tenth of train for each of the other two"
    )


def unlabelled(sources: Mapping[str, Sequence[Source]], target: str | int) -> list[str]:
    """Splits whose labels are all hidden (-1 in a column of classes), null, or not there."""
    found = []
    for name, of_split in sources.items():
        labels = [value for one in of_split if target in one.table for value in one.values(target)]
        classes = any(target in one.class_names for one in of_split)
        if all(label is None or label == "" or (classes and label == -1) for label in labels):
            found.append(name)
    return found


def _marked(mark: Profile) -> SplitGuess:
    found: dict[str, list[str]] = {}
    for value in mark.counts:
        split = next((split for split, usual in OWN_NAMES.items() if str(value).casefold() in usual), None)
        found.setdefault(str(split), []).append(str(value))
    if "train" not in found:
        raise DataError(f"column {mark.name} marks splits ({listed(list(mark.counts))}), and none of them is train")
    splits: dict[str, Any] = {
        split: {"column": mark.name, "value": _one(found[split])} for split in OWN_NAMES if split in found
    }
    splits.setdefault("validation", _SHARE)
    told = ", ".join(f"{value} {count:,}" for value, count in mark.counts.most_common())
    reason = f"column {mark.name} says where each row belongs: {told}"
    if "test" not in found:
        return SplitGuess(splits | {"test": _SHARE}, f"{reason}; none for test: a tenth of train")
    return SplitGuess(dict(sorted(splits.items(), key=lambda one: list(OWN_NAMES).index(one[0]))), reason)


def _one(names: list[str]) -> str | list[str]:
    return names[0] if len(names) == 1 else names


def is_called(name: str, split: str) -> bool:
    """Does the name of a split or file say that it is train, validation or test?"""
    words = re.split(r"[\W_\d]+", Path(name).stem.casefold())
    return bool(set(words) & set(OWN_NAMES[split]))


def _alike(name: str, other: str) -> float:
    return SequenceMatcher(None, name, other).ratio()
