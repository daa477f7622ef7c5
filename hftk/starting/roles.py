"""Profiles of columns → the task, and which column holds what, each with its reason."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from hftk.data.source import USUAL_NAMES
from hftk.data.splits import OWN_NAMES
from hftk.errors import DataError
from hftk.starting.profile import Profile

# beside the names that data/source.py knows
_LABEL_NAMES = ("label_text", "label", *USUAL_NAMES["label"], "라벨", "레이블", "감정", "분류", "범주", "정답")
_SPLIT_NAMES = {name for names in OWN_NAMES.values() for name in names}
_PAIRS = (
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("question", "passage"),
    ("question", "answer"),
    ("query", "passage"),
    ("text1", "text2"),
    ("text_a", "text_b"),
    ("sentence_a", "sentence_b"),
)
# as hftk/data/labels.py: more classes than this are classes only where each has some rows
_FEW_CLASSES = 50
_LONGEST_CLASS = 60  # characters of a class's name
_MOST_TAGS = 300
_SHOWN = 6


@dataclass(frozen=True)
class Roles:
    task: str
    columns: dict[str, str]
    """Key of data.columns → column."""
    reasons: dict[str, str]
    """Key of data.columns → why."""
    target: Profile
    split: Profile | None = None
    """A column that says to which split a row belongs."""
    others: list[str] = field(default_factory=list)
    """Columns that are not used."""


def guess_roles(found: Sequence[Profile], *, name: str) -> Roles:
    """name: of the data, for messages. Raises DataError, with what was seen and what to write, where none fits."""
    split = next((one for one in found if is_split_column(one)), None)
    rest = [one for one in found if one is not split]
    lists = [one for one in rest if one.kind == "list"]
    images = [one for one in rest if one.kind == "image"]
    if len(lists) >= 2 and (tagged := _tagged(lists)):
        return _with(tagged, split, found)
    label, why, further = _label(rest)
    if label is None:
        raise DataError(
            f"{name}: no column can be the label: it holds {_seen(found)}. A label has 2 to {_FEW_CLASSES} distinct "
            "values (or more, with several rows each), tags are lists as long as the words'. Write a recipe by hand: "
            "data.columns: {text: …, label: …}"
        )
    if images:
        columns = {"image": images[0].name, "label": label.name}
        reasons = {"image": "holds image files", "label": why + _also(further)}
        return _with(Roles("image-classification", columns, reasons, label), split, found)
    texts = [one for one in rest if one.kind == "text" and one is not label and not _names(label, one)]
    text = _longest(texts)
    if text is None:
        raise DataError(
            f"{name}: no column holds texts, words or images: it holds {_seen(found)}. Write a recipe by hand: "
            "data.columns: {text: …, label: …}"
        )
    columns, reasons = _texts(text, texts)
    reasons["label"] = why + _also([one for one in further if one.name not in columns.values()])
    return _with(Roles("text-classification", columns | {"label": label.name}, reasons, label), split, found)


def is_split_column(profile: Profile) -> bool:
    values = {str(value).casefold() for value in profile.counts}
    return profile.kind == "text" and 2 <= len(values) <= 4 and values <= _SPLIT_NAMES


def _with(roles: Roles, split: Profile | None, found: Sequence[Profile]) -> Roles:
    used = {*roles.columns.values(), split and split.name}
    others = [one.name for one in found if one.name not in used]
    return Roles(roles.task, roles.columns, roles.reasons, roles.target, split, others)


def _tagged(lists: Sequence[Profile]) -> Roles | None:
    """The list of words, and the list of tags beside it."""
    tokens = max(lists, key=lambda one: (one.distinct, one.characters))
    same = [one for one in lists if one is not tokens and one.sizes == tokens.sizes]
    tags = [one for one in same if 2 <= one.distinct <= _MOST_TAGS and one.distinct < tokens.distinct]
    if not tags:
        return None
    usual = USUAL_NAMES["tags"]
    tags.sort(key=lambda one: usual.index(one.name.casefold()) if one.name.casefold() in usual else len(usual))
    chosen, *further = tags
    also = "; also possible: " + ", ".join(f"{one.name} ({one.distinct} tags)" for one in further) if further else ""
    reasons = {
        "tokens": f"lists of words: {tokens.distinct:,} distinct ones in {tokens.rows:,} rows",
        "tags": f"lists as long as those of the words, of {chosen.distinct} distinct tags: {shown(chosen)}{also}",
    }
    columns = {"tokens": tokens.name, "tags": chosen.name}
    return Roles("token-classification", columns, reasons, chosen)


def _label(rest: Sequence[Profile]) -> tuple[Profile | None, str, list[Profile]]:
    """The label, why, and what else it could be."""
    candidates = [one for one in rest if _can_be_label(one)]
    if not candidates:
        return None, "", []
    candidates.sort(key=lambda one: (_place(one.name), one.distinct, -one.filled))
    label = candidates[0]
    named = next((one for one in candidates[1:] if _names(label, one)), None)
    if named is not None:
        label, numbers = named, label
        why = f"the names of the {label.distinct} numbers in {numbers.name}: {shown(label)}"
    else:
        empty = label.rows - label.filled
        without = f", {empty:,} without" if empty else ""
        why = f"{label.distinct} distinct values in {label.rows:,} rows{without}: {shown(label)}"
        numbers = None
    return label, why, [one for one in candidates if one is not label and one is not numbers]


def _also(further: Sequence[Profile]) -> str:
    told = ", ".join(f"{one.name} ({one.distinct} values)" for one in further[:5])
    return f"; also possible: {told}" if told else ""


def _can_be_label(profile: Profile) -> bool:
    if profile.kind not in ("text", "whole") or profile.distinct < 2 or is_split_column(profile):
        return False
    if profile.kind == "text" and max(len(str(value)) for value in profile.counts) > _LONGEST_CLASS:
        return False
    if profile.named:
        return True
    return 2 * profile.distinct <= profile.filled and (
        profile.distinct <= _FEW_CLASSES or (_place(profile.name) < len(_LABEL_NAMES) and profile.kind == "text")
    )


def _place(name: str) -> int:
    """Where the name, or else a word of it, stands among those that labels usually have."""
    plain = name.casefold()
    if plain in _LABEL_NAMES:
        return _LABEL_NAMES.index(plain)
    words = set(re.split(r"[\W_]+", plain))
    return len(_LABEL_NAMES) - 1 if words & set(_LABEL_NAMES) else len(_LABEL_NAMES)


def _names(numbers: Profile, words: Profile) -> bool:
    """Does one name what the other counts? As many rows of each value, in both."""
    return (
        numbers.kind == "whole"
        and words.kind == "text"
        and not numbers.named
        and 2 < numbers.distinct == words.distinct
        and sorted(numbers.counts.values()) == sorted(words.counts.values())
    )


def _longest(texts: Sequence[Profile]) -> Profile | None:
    """Of the columns with several words per row if there are any."""
    wordy = [one for one in texts if one.words >= 1.5] or list(texts)
    return max(wordy, key=lambda one: one.characters, default=None)


def _texts(text: Profile, texts: Sequence[Profile]) -> tuple[dict[str, str], dict[str, str]]:
    by_name = {one.name.casefold(): one for one in texts}
    for first, second in _PAIRS:
        if first in by_name and second in by_name:
            one, two = by_name[first], by_name[second]
            reason = (
                f"a pair of texts by their names; {one.characters:,.0f} and {two.characters:,.0f} characters on average"
            )
            return {"text": one.name, "text_pair": two.name}, {"text": reason, "text_pair": "the second of the pair"}
    further = [one for one in texts if one is not text and one.words >= 1.5]
    also = "; shorter: " + ", ".join(f"{one.name} ({one.characters:,.0f})" for one in further[:5]) if further else ""
    return {"text": text.name}, {"text": f"the longest texts: {text.characters:,.0f} characters on average{also}"}


def shown(profile: Profile) -> str:
    """The commonest values, with their rows."""
    common = profile.counts.most_common(_SHOWN)
    more = f" and {profile.distinct - len(common)} more" if profile.distinct > len(common) else ""
    return ", ".join(f"{value} {count:,}" for value, count in common) + more


def _seen(found: Sequence[Profile]) -> str:
    return "; ".join(f"{one.name} ({one.kind}, {one.distinct:,} distinct values)" for one in found[:12]) or "no column"
