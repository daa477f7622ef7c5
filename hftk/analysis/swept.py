"""What was swept, key by key."""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def taken_apart(swept: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Per run, its swept keys; a mapping in whose place keys below it are swept by others becomes those keys.

    A list of runs may name `model` whole in one and `model.cell` alone in another. Of the keys below, those that differ
    between the runs are kept.
    """
    keys = list(dict.fromkeys(key for values in swept for key in values))
    apart = [key for key in keys if any(other.startswith(f"{key}.") for other in keys)]
    flat = []
    for values in swept:
        own = {key: value for key, value in values.items() if key not in apart}
        for key in apart:
            below = values.get(key)
            if isinstance(below, Mapping):
                own |= {f"{key}.{inner}": value for inner, value in below.items()}
        flat.append(own)
    below = {key for values in flat for key in values if key not in keys}
    same = {key for key in below if len({content(values.get(key)) for values in flat}) == 1}
    return [{key: value for key, value in values.items() if key not in same} for values in flat]


def content(value: Any) -> str:
    """The same text for equal values of a recipe, and for no others."""
    return json.dumps(value, sort_keys=True, default=str)
