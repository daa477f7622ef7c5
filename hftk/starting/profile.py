"""What a column holds, in figures."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hftk.data.source import Source
from hftk.recipe.file_kinds import IMAGES

_WHOLE = re.compile(r"-?(0|[1-9]\d*)(\.0*)?")
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True)
class Profile:
    name: str
    kind: str
    """text, whole (whole numbers and true or false), number, list (of a sentence), image, or other."""
    rows: int
    counts: Counter[Any]
    """Value → rows; of lists, value → items. Null and "" are left out; empty for images and others."""
    characters: float = 0.0
    """Per text, on average."""
    words: float = 0.0
    """Between spaces, per text, on average."""
    sizes: tuple[int, ...] = ()
    """Of lists: items per row."""
    named: bool = False
    """Does the data set itself declare its classes?"""

    @property
    def distinct(self) -> int:
        return len(self.counts)

    @property
    def filled(self) -> int:
        """Rows (of lists, items) that are not empty."""
        return sum(self.counts.values())


def profiles(sources: Sequence[Source]) -> list[Profile]:
    """Of every column that all sources have, over all their rows."""
    shared = [name for name in sources[0].table if all(name in source.table for source in sources)]
    return [_profile(str(name), sources, name) for name in shared]


def _profile(name: str, sources: Sequence[Source], column: str | int) -> Profile:
    values: list[Any] = []
    for source in sources:
        given = source.values(column)
        if isinstance(given, np.ndarray):
            return Profile(name, "image", sum(one.rows for one in sources), Counter())
        values += _with_names(given, source.class_names.get(column))
    filled = [value for value in values if value is not None and value != "" and value == value]
    named = all(column in source.class_names for source in sources)
    if filled and all(isinstance(value, list) for value in filled):
        return _of_lists(name, filled, rows=len(values), named=named)
    if filled and all(_is_image(value) for value in filled):
        return Profile(name, "image", len(values), Counter())
    if not all(isinstance(value, str | int | float) for value in filled):
        return Profile(name, "other", len(values), Counter())
    texts = [value for value in filled if isinstance(value, str)]
    kind = "whole" if not texts else "text"
    if texts and len(texts) == len(filled) and sources[0].textual and all(map(_NUMBER.fullmatch, texts)):
        kind = "whole" if all(map(_WHOLE.fullmatch, texts)) else "number"
    elif not texts and any(isinstance(value, float) and not value.is_integer() for value in filled):
        kind = "number"
    elif not filled:
        kind = "other"
    return Profile(
        name,
        kind,
        len(values),
        Counter(filled),
        characters=sum(map(len, texts)) / max(len(texts), 1),
        words=sum(len(text.split()) for text in texts) / max(len(texts), 1),
        named=named,
    )


def _with_names(values: list[Any], names: list[str] | None) -> list[Any]:
    """The names of a column of classes in place of their numbers; null for hidden ones (-1)."""
    if names is None:
        return values

    def name(value: Any) -> Any:
        if isinstance(value, list):
            return [name(one) for one in value]
        return names[value] if value is not None and 0 <= value < len(names) else None

    return [name(value) for value in values]


def _of_lists(name: str, filled: list[list[Any]], *, rows: int, named: bool) -> Profile:
    items = [item for value in filled for item in value]
    if not all(isinstance(item, str | int) for item in items):
        return Profile(name, "other", rows, Counter())
    sizes = tuple(len(value) for value in filled)
    length = sum(len(item) for item in items if isinstance(item, str)) / max(len(items), 1)
    return Profile(name, "list", rows, Counter(items), characters=length, sizes=sizes, named=named)


def _is_image(value: Any) -> bool:
    if isinstance(value, dict):
        return value.keys() >= {"bytes", "path"}
    if isinstance(value, Path):
        return True
    return isinstance(value, bytes) or (isinstance(value, str) and Path(value).suffix.lower() in IMAGES)
