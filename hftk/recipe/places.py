"""Where a value of the recipe was written, and the problems found there."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from hftk.recipe.credentials import redacted

Keys = tuple[str | int, ...]
"""Where a value stands: ("data", "columns", "text")."""

_MOST_LISTED = 20
_NUMBER = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?")


@dataclass(frozen=True)
class Place:
    """`recipes/x.yaml:14`, or `override data.path=x.csv` (without a line)."""

    source: str
    line: int | None = None

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


@dataclass
class Document:
    """A recipe as plain values, with the place of each."""

    data: dict[str, Any]
    places: dict[Keys, Place]
    overrides: dict[str, Any] = field(default_factory=dict)
    """Dotted key → value, as given."""
    notices: list[str] = field(default_factory=list)

    def place(self, path: Keys) -> Place:
        """Of the path, or of its nearest ancestor."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return Place("recipe")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: `place: dotted.key: text`."""

    place: Place
    key: str
    text: str

    def __str__(self) -> str:
        text = redacted(": ".join(part for part in (str(self.place), self.key, self.text) if part))
        # half a character cannot be written to a terminal or a file
        return text.encode("utf-8", "backslashreplace").decode()


def problem(document: Document, path: Keys, text: str, *, key: str | None = None) -> Problem:
    """A problem at a path of the document; `key` replaces the dotted path in the message."""
    return Problem(document.place(path), dotted(path) if key is None else key, text)


def lines(problems: Iterable[Problem]) -> list[str]:
    """The messages in file order, overrides last; what several runs share is said once."""
    first = {}
    for one in problems:
        known = first.get((one.key, one.text))
        if known is None or _order(one) < _order(known):
            first[one.key, one.text] = one
    return [str(one) for one in sorted(first.values(), key=_order)]


def _order(one: Problem) -> tuple[bool, int]:
    return one.place.line is None, one.place.line or 0


def dotted(path: Keys) -> str:
    """("data", "columns", "text") → data.columns.text."""
    return ".".join(str(key) for key in path)


def shown(value: Any) -> str:
    """A value as a message shows it: as YAML would have it, tokens hidden, cut after 60 characters."""
    text = redacted(json.dumps(value, ensure_ascii=False, default=str))
    text = {"Infinity": ".inf", "-Infinity": "-.inf", "NaN": ".nan"}.get(text, text)
    return text if len(text) <= 60 else text[:57] + "…" + (text[-1] if text[-1] in '"]}' else "")


def spelling_hint(value: Any, wanted: Collection[str]) -> str:
    """How the same value is written as one of the wanted types (names as of Python's), if it can be; else nothing."""
    if isinstance(value, str):
        if value.lower() in ("true", "yes", "on", "false", "no", "off") and "bool" in wanted:
            return f"; write {'true' if value.lower() in ('true', 'yes', 'on') else 'false'}, without quotes"
        if _NUMBER.fullmatch(value) and {"int", "float"} & set(wanted):
            return "; take the quotes away"
    if type(value) is float and value.is_integer() and "int" in wanted:
        return f"; write {int(value)}"
    if isinstance(value, int | float) and "str" in wanted:
        return f'; put it in quotes: "{shown(value)}"'
    if isinstance(value, str | int | float) and "list" in wanted:
        return f"; write [{value if isinstance(value, str) else shown(value)}]"
    return ""


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """`; did you mean x?`, or nothing where no known word is near."""
    by_fold = {name.casefold(): name for name in known}
    start = str(word).casefold()
    near = [name for name in by_fold if len(start) > 3 and name.startswith(start)]
    near = near or get_close_matches(start, by_fold, n=1, cutoff=0.6)
    return f"; did you mean {by_fold[near[0]]}?" if near else ""


def allowed(names: Iterable[object]) -> str:
    """`allowed: a, b`; a long list is cut with the count of the rest."""
    names = [name if isinstance(name, str) else shown(name) for name in names]
    rest = len(names) - _MOST_LISTED
    return "allowed: " + ", ".join(names[:_MOST_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def among(word: object, names: Iterable[str]) -> str:
    """`; did you mean x? (allowed: …)`, or `; allowed: …` where no name is near."""
    names = list(names)
    near = did_you_mean(word, names)
    return f"{near} ({allowed(names)})" if near else f"; {allowed(names)}"


def value_at(data: Any, path: Keys, default: Any = None) -> Any:
    """The value at a path, or the default where the path leads nowhere."""
    for key in path:
        if isinstance(data, Mapping) and key in data:
            data = data[key]
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            data = data[key]
        else:
            return default
    return data
