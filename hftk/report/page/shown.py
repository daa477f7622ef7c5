"""Values as the page writes them, where report.md has no word for them."""

import json
import math
import re
from typing import Any

from markupsafe import Markup, escape

from hftk.report.wording import MISSING, split_metric

TITLES = {"ece": "ECE", "brier": "Brier score"}
MINUS = "\u2212"


def title(name: str) -> str:
    """Of a figure: `test ECE` for `test_ece`, `test accuracy` for `test_accuracy`."""
    split, _, metric = name.partition("_")
    return f"{split} {TITLES[metric]}" if metric in TITLES else split_metric(name)


def is_number(value: float | None) -> bool:
    """Not missing, and finite."""
    return value is not None and math.isfinite(value)


def signed(value: float | None) -> str:
    """Four decimals with a sign: a difference. One that rounds to nothing has none."""
    if not is_number(value):
        return MISSING
    shown = f"{abs(value):.4f}"
    sign = "" if float(shown) == 0 else "+" if value > 0 else MINUS
    return sign + shown


def percent(share: float) -> str:
    """`3.1 %`."""
    return f"{share * 100:.1f} %"


def breakable(text: str, after: str = ",=") -> Markup:
    """A name that a line may break after any of the letters `after`."""
    return Markup("<wbr>").join(escape(part) for part in re.split(rf"(?<=[{re.escape(after)}])(?=.)", text))


def significant(value: Any) -> str:
    """A finding's number: four digits that count, and any other value in its words."""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.4g}"
    return value_words(value)


def value_words(value: Any) -> str:
    """A recipe's value as JSON writes it, but for text, which stands without quotes; `–` for none."""
    if value is None:
        return MISSING
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def swept_words(values: list[Any]) -> list[str]:
    """One swept key's values, short enough for a column: of mappings only the keys in which they differ.

    Where a single key differs its value alone is shown: `word2vec` for `{method: word2vec, vector_size: 100}`.
    """
    mappings = [value for value in values if isinstance(value, dict)]
    keys = list(dict.fromkeys(key for mapping in mappings for key in mapping))
    different = [key for key in keys if any(mapping.get(key) != mappings[0].get(key) for mapping in mappings)]
    if "method" in different:
        # the other keys of another method differ because the method does
        different = ["method", *(key for key in different if key != "method" and _decides(key, mappings))]

    def shown(value: Any) -> str:
        if not isinstance(value, dict) or not different:
            return value_words(value)
        if len(different) == 1:
            return value_words(value.get(different[0]))
        return ", ".join(f"{key}={value_words(value[key])}" for key in different if key in value)

    return [shown(value) for value in values]


def _decides(key: str, mappings: list[dict[str, Any]]) -> bool:
    """Whether `key` tells two mappings of the same method apart."""
    return any(
        one.get("method") == other.get("method") and one.get(key) != other.get(key)
        for one in mappings
        for other in mappings
    )
