"""One label map, built from train: what the data hold → id → name."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hftk.data.rows import HIDDEN
from hftk.data.where import Where, listed
from hftk.errors import DataError

# more classes than this, most of them with one or two rows, are numbers to predict or free text, not classes
_FEW_CLASSES = 50
_WHOLE = re.compile(r"-?(0|[1-9]\d*)")
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")


@dataclass(frozen=True)
class LabelMap:
    names: list[str]
    """id → name."""
    ids: Mapping[Any, int]
    """What train holds (after `plain`) → id."""
    kind: type
    """str, int or bool: of the keys of `ids`."""

    def id_of(self, value: Any) -> int | None:
        """The id of a value as found in the data; None if it has none."""
        value = plain(value, self.kind)
        # True equals 1 in Python, but not in data
        return self.ids.get(value) if type(value) is self.kind else None


def plain(value: Any, kind: type) -> Any:
    """A csv's digits and a float that is whole, as the integer that they mean, where labels are integers."""
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind is int and isinstance(value, str) and _DECIMAL.fullmatch(value) and float(value).is_integer():
        return int(float(value))
    return value


def build_label_map(
    values: Sequence[Any],
    *,
    column: str | int,
    key: str = "label",
    textual: bool,
    class_names: Sequence[str] | None,
    label_names: Mapping[int, str] | None,
    where: Where,
) -> tuple[LabelMap, list[str]]:
    """The label map of train's labels `values`, and what a person must be told; `key`: of data.columns.

    Order: as the data set declares (`class_names`); numbers by value; words by code point. `textual` (csv): digits
    without leading zeros are numbers, `01` is a word. Raises DataError for what are no single-label classes.
    """
    usable = [value for value in values if value is not None and value is not HIDDEN]
    at = where("columns", key)
    things = "tags" if key == "tags" else "rows"
    if not usable:
        hidden = any(value is HIDDEN for value in values)
        why = "hidden (-1, the publisher keeps them secret)" if hidden else "null"
        raise DataError(f"{at}: all {'tags' if key == 'tags' else 'labels'} of train in column {column} are {why}")
    kind = _kind(usable, column=column, textual=textual, at=at)
    if label_names is not None and kind is str:
        sample = listed(sorted(set(usable)), most=5)
        raise DataError(
            f"{where('label_names')}: is for labels that are numbers, but column {column} holds words "
            f"({sample}); take it out"
        )
    found = sorted({plain(value, kind) for value in usable})
    if len(found) > _FEW_CLASSES and 2 * len(found) > len(usable) and class_names is None:
        raise DataError(
            f"{at}: column {column} holds {len(found):,} different values in {len(usable):,} {things} of train "
            f"({listed(found, most=3)}): that is no column of classes; regression targets are not supported yet"
        )
    notices = []
    if label_names is not None:
        numbers = sorted(label_names)
        nameless = [value for value in found if value not in label_names]
        if nameless:
            raise DataError(
                f"{where('label_names')}: no name for {listed(nameless)}; named are {listed(numbers)}; "
                f"name every number in column {column}"
            )
        label_map = LabelMap(
            [label_names[number] for number in numbers], {kind(number): i for i, number in enumerate(numbers)}, kind
        )
    elif class_names is not None:
        label_map = LabelMap(list(class_names), {name: i for i, name in enumerate(class_names)}, str)
    else:
        label_map = LabelMap([str(value) for value in found], {value: i for i, value in enumerate(found)}, kind)
    names = label_map.names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{where('label_names')}: two classes are called {listed(twice)}; give each its own name")
    if len(found) < 2:
        raise DataError(
            f"{at}: all {len(usable):,} {things} of train {'are' if key == 'tags' else 'have the label'} {found[0]!r}; "
            "at least two classes are needed"
        )
    absent = [name for value, name in zip(label_map.ids, names, strict=True) if value not in set(found)]
    if absent:
        notices.append(f"classes without a row in train: {listed(absent)}")
    if len({name.strip().casefold() for name in names}) < len(names):
        notices.append(f"some labels differ only in case or white space: {listed([repr(name) for name in names])}")
    return label_map, notices


def _kind(usable: Sequence[Any], *, column: str, textual: bool, at: str) -> type:
    """str, int or bool. Raises DataError for other kinds, and for several at once."""
    kinds = {type(value) for value in usable}
    if kinds <= {list, tuple, set}:
        raise DataError(f"{at}: column {column} holds lists ({usable[0]!r}); multi-label targets are not supported yet")
    if textual and all(_DECIMAL.fullmatch(value) for value in usable):
        kinds = {int if all(_WHOLE.fullmatch(value) for value in usable) else float}
    if kinds <= {int, float} and float in kinds:
        broken = next((value for value in usable if not float(value).is_integer()), None)
        if broken is not None:
            raise DataError(
                f"{at}: column {column} holds numbers that are not whole ({broken}); regression targets "
                "are not supported yet (classes may be words or whole numbers)"
            )
        return int
    if len(kinds) > 1:
        raise DataError(
            f"{at}: column {column} holds labels of several types ({listed(sorted(kind.__name__ for kind in kinds))}); "
            "a column of classes holds one: words, whole numbers or true/false"
        )
    (kind,) = kinds
    if kind not in (str, int, bool):
        raise DataError(
            f"{at}: column {column} holds values of type {kind.__name__} ({usable[0]!r}); "
            "classes are words, whole numbers or true/false"
        )
    return kind
