"""`key.path=value` after the recipe: read, set, and weighed against the sweep."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hftk.recipe.credentials import is_secret_key, redacted
from hftk.recipe.places import Document, Keys, Place, Problem, dotted, shown, value_at

_DEEPEST = 50
_MOST_BITS = 1023


@dataclass(frozen=True)
class Override:
    key: str
    value: Any
    place: Place
    inner: dict[Keys, Place]
    """Places below the value."""


def read_overrides(
    overrides: Mapping[str, Any] | Sequence[str],
) -> tuple[list[Override], list[Problem]]:
    """Overrides as typed (`data.path=x.csv`) or from Python ({"data.path": "x.csv"}), and what is wrong with them."""
    read, problems = [], []
    if isinstance(overrides, Mapping):
        for key, value in overrides.items():
            try:
                value = plain(value)
            except TypeError as error:
                problems.append(Problem(_place(f"{key}=…"), str(key), str(error)))
                continue
            place = _place(f"{key}={value if isinstance(value, str) else shown(value)}")
            read.append(Override(str(key), value, place, {(): place}))
    else:
        for text in [overrides] if isinstance(overrides, str) else overrides:
            one, found = _read(text)
            problems += found
            read += [one] if one else []
    seen: set[str] = set()
    for one in read:
        if not all(one.key.split(".")) or any(character.isspace() for character in one.key):
            problems.append(Problem(one.place, "", f"{shown(one.key)} is no key; write key.path=value, without spaces"))
        elif one.key in seen:
            problems.append(Problem(one.place, one.key, "overridden twice; keep one of them"))
        seen.add(one.key)
    return [] if problems else read, problems


def _read(text: str) -> tuple[Override | None, list[Problem]]:
    from hftk.recipe.yaml_text import parse

    place = _place(text)
    key, equals, value = text.partition("=")
    if not equals:
        return None, [Problem(place, "", "no `=` in it; write key.path=value, such as training.num_train_epochs=1")]
    if not value.strip():
        return None, [Problem(place, key, "no value after `=`; write null to unset a key")]
    data, places, problems = parse(value, place)
    inside = [replace(one, key=f"{key}.{one.key}" if one.key else key) for one in problems]
    return Override(key, data, place, places), inside


def _place(text: str) -> Place:
    key = text.partition("=")[0]
    text = f"{key}=…" if is_secret_key(key) else redacted(text)
    return Place("override " + (text if len(text) <= 60 else text[:59] + "…"))


def plain(value: Any, *, depth: int = 0) -> Any:
    """A Python value as a recipe holds it: dict, list, str, int, float, bool or None.

    Raises TypeError where it is none of these, nested more than 50 deep (or within itself), or a number of more than
    308 digits.
    """
    if depth > _DEEPEST:
        raise TypeError(f"nested more than {_DEEPEST} deep, or a part of itself")
    if isinstance(value, Mapping):
        return {key: plain(item, depth=depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth=depth + 1) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if type(value) is int and value.bit_length() > _MOST_BITS:
        raise TypeError("a number of more than 308 digits")
    if value is None or type(value) in (str, int, float, bool):
        return value
    raise TypeError(f"a recipe holds text, numbers, lists and mappings, not {type(value).__name__}")


def apply_overrides(document: Document, overrides: Sequence[Override]) -> list[Problem]:
    """Sets each value in the document, in place.

    One that names a swept key, or what holds it, takes the key out of the sweep; one below a swept key goes into each
    of its values.
    """
    problems: list[Problem] = []
    swept_before = _swept(document)
    for one in sorted(overrides, key=lambda one: not _below(one.key, "sweep")):  # the sweep's own first
        document.overrides[one.key] = one.value
        try:
            if not _below(one.key, "sweep"):
                _unsweep(document, one)
                if _set_in_swept_values(document, one):
                    continue
            _set(document, (), one.key.split("."), one)
        except ValueError as error:
            problems.append(Problem(one.place, one.key, str(error)))
    _drop_emptied_sweep(document, swept_before)
    return problems


def _set(document: Document, path: Keys, parts: list[str], one: Override) -> None:
    """Sets the override's value below `path`. Raises ValueError where a value on the way is no mapping."""
    current = value_at(document.data, path)
    while True:
        if isinstance(current, list):
            raise ValueError(f"{dotted(path)} is a list; override it as a whole: {dotted(path)}=[…]")
        if not isinstance(current, dict):
            raise ValueError(f"{dotted(path)} holds {shown(current)}, which has no keys to set")
        key, parts = _next_key(current, parts)
        path = (*path, key)
        if not parts:
            break
        if current.get(key) is None:
            current[key] = {}
            document.places[path] = one.place
        current = current[key]
    current[key] = plain(one.value)
    for known in [known for known in document.places if known[: len(path)] == path]:
        del document.places[known]
    document.places.update({(*path, *inner): place for inner, place in one.inner.items()})


def _next_key(mapping: dict[Any, Any], parts: list[str]) -> tuple[Any, list[str]]:
    """The key that the first parts name, and the parts left; a key may itself hold dots, or be a number."""
    by_text = {str(key): key for key in mapping}
    for length in range(len(parts), 0, -1):
        if (text := ".".join(parts[:length])) in by_text:
            return by_text[text], parts[length:]
    numbers = bool(mapping) and all(isinstance(key, int) for key in mapping)
    return int(parts[0]) if numbers and parts[0].isdecimal() else parts[0], parts[1:]


def _swept(document: Document) -> list[tuple[Keys, dict[str, Any]]]:
    """The mappings whose keys are swept: `parameters`, or each one of `runs`."""
    mappings = [("sweep", "parameters")]
    runs = value_at(document.data, ("sweep", "runs"))
    mappings += [("sweep", "runs", index) for index in range(len(runs) if isinstance(runs, list) else 0)]
    found = [(path, value_at(document.data, path)) for path in mappings]
    return [(path, mapping) for path, mapping in found if isinstance(mapping, dict)]


def _below(key: object, ancestor: str) -> bool:
    return str(key) == ancestor or str(key).startswith(f"{ancestor}.")


def _unsweep(document: Document, one: Override) -> None:
    taken = []
    for _, mapping in _swept(document):
        for key in [key for key in mapping if _below(key, one.key)]:
            del mapping[key]
            taken.append(str(key))
    document.notices += [f"{key} is overridden, so it is not swept" for key in dict.fromkeys(taken)]


def _set_in_swept_values(document: Document, one: Override) -> bool:
    """Sets the override inside each swept value of which it names a part; True if every run takes one of them."""
    everywhere, found = True, False
    for path, mapping in _swept(document):
        key = next((key for key in mapping if one.key.startswith(f"{key}.")), None)
        if key is None:
            everywhere = everywhere and path == ("sweep", "parameters")
            continue
        found = True
        parts = one.key.removeprefix(f"{key}.").split(".")
        for inner in _value_paths((*path, key), mapping[key]):
            if not isinstance(value_at(document.data, inner), dict):
                value = shown(value_at(document.data, inner))
                raise ValueError(f"{key} is swept and one of its values is {value}, which has no keys to set")
            _set(document, inner, parts, one)
    return found and everywhere


def _value_paths(path: Keys, parameter: Any) -> list[Keys]:
    """Where the values of a swept key stand: one for each of `values`, `value`, or a run's own."""
    if path[1] == "runs":
        return [path]
    if not isinstance(parameter, dict):
        return []
    values = parameter.get("values")
    if isinstance(values, list):
        return [(*path, "values", index) for index in range(len(values))]
    return [(*path, "value")] if "value" in parameter else []


def _drop_emptied_sweep(document: Document, before: list[tuple[Keys, dict[str, Any]]]) -> None:
    """A sweep whose last parameter was overridden is one run; its metric still ranks."""
    sweep = document.data.get("sweep")
    had_parameters = any(path == ("sweep", "parameters") for path, _ in before)
    if not (had_parameters and isinstance(sweep, dict) and sweep.get("parameters") == {} and document.notices):
        return
    if "metric" in sweep:
        document.data["sweep"] = {"method": "list", "metric": sweep["metric"], "runs": [{}]}
    else:
        del document.data["sweep"]
