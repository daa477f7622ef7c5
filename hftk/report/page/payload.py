"""What the page's script draws from: JSON that may stand inside a script element, small enough for 50 runs."""

import json
import math
from typing import Any

from markupsafe import Markup

from hftk.report.content import Classes, Content, Curve
from hftk.report.page.shown import value_words

ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
"""Without these no text can end the script element, or open a comment in it."""
DIGITS = 6
"""That count, of a figure; a curve is no sharper on any screen."""
GRADIENT_DIGITS = 3
"""A gradient norm is read by its order of magnitude."""


def payload(content: Content) -> Markup:
    values = {
        "metric": content.metric,
        "goal": content.goal,
        "labels": content.labels,
        "rows": [
            {
                "name": row.name,
                "kind": row.kind,
                "status": row.status,
                "reason": row.reason,
                "rank": row.rank,
                "swept": [[key, value_words(value)] for key, value in row.swept.items()],
            }
            for row in content.rows
        ],
        "curves": [_curve(curve) for curve in content.curves],
        "classes": [_classes(classes) for classes in content.classes],
        "findings": [{"runs": finding.runs, "epoch": finding.epoch} for finding in content.findings],
    }
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(ESCAPES))


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "run": curve.run,
        "setting": curve.setting,
        "kept": curve.kept_epoch,
        "columns": {name: [_number(value) for value in values] for name, values in curve.columns.items()},
        "gradients": {
            name: [_number(value, GRADIENT_DIGITS) for value in values] for name, values in curve.gradients.items()
        },
    }


def _classes(classes: Classes) -> dict[str, Any]:
    return {
        "row": classes.row,
        "split": classes.split,
        "precision": [_number(value, 4) for value in classes.precision],
        "recall": [_number(value, 4) for value in classes.recall],
        "f1": [_number(value, 4) for value in classes.f1],
        "support": classes.support,
        "confusion": _packed([cell for line in classes.confusion for cell in line]),
    }


def _number(value: float | None, digits: int = DIGITS) -> float | int | str | None:
    """Rounded; `NaN`, `inf` and `-inf` as words, which JSON lacks."""
    if value is None:
        return None
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 2**53 else rounded


def _packed(cells: list[int]) -> list[int]:
    """The cells that are not zero; -n stands for n zeros before the next."""
    packed = []
    zeros = 0
    for cell in cells:
        if cell == 0:
            zeros += 1
            continue
        if zeros:
            packed.append(-zeros)
            zeros = 0
        packed.append(cell)
    return packed
