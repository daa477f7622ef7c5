"""Swept values in few words, each told from the others of its key."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from hftk.analysis.swept import content

ABSENT = object()
"""In place of the value of a key that is not there."""
TELLING = ("method", "type", "peft_type", "pretrained", "architecture")
"""Of a mapping, the key that says what it is."""


def short_values(values: Sequence[Any]) -> list[str]:
    """A text for each value of one key: `1e-4`, `gru`, `none`, `not set`; of a mapping, what tells it from the others.

    `{method: word2vec, vector_size: 100}` is `word2vec`; beside another one of that method, `word2vec
    (vector_size=100)`. A mapping that does not say what it is stands whole.
    """
    mappings = [value for value in values if isinstance(value, Mapping)]
    return [_named(value, among=mappings) if isinstance(value, Mapping) else word(value) for value in values]


def _named(value: Mapping[str, Any], *, among: Sequence[Mapping[str, Any]]) -> str:
    telling = next((key for key in TELLING if value.get(key) is not None), None)
    if telling is None:
        return word(value)
    alike = [other for other in among if other.get(telling) == value[telling]]
    differing = [key for key in value if len({content(other.get(key)) for other in alike}) > 1]
    apart = ", ".join(f"{key}={word(value[key])}" for key in differing)
    return word(value[telling]) + (f" ({apart})" if apart else "")


def word(value: Any) -> str:
    """A value as it would be written in a recipe: `1e-4`, `gru`, `[0.1, 0.2]`; a mapping whole."""
    if value is ABSENT:
        return "not set"
    if value is None:
        return "none"
    if isinstance(value, float) and value and not 1e-3 <= abs(value) < 1e6 and math.isfinite(value):
        mantissa, exponent = f"{value:e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
