"""What a person wants to see of their data before training on them."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain

import numpy as np

from hftk.data.labelled import LabelledData

_QUANTILES = (0, 50, 90, 99, 100)


def describe(data: LabelledData) -> list[str]:
    """Plain lines: rows, classes and lengths of texts or sentences in every split, and the notices."""
    lines = []
    for split, rows in data.splits.items():
        before = data.rows_before[split]
        dropped = f" of {before:,}" if before != len(rows) else ""
        lines.append(f"{split}: {len(rows):,}{dropped} rows")
        tagged = "tags" in rows.column_names
        counts = Counter(chain.from_iterable(rows["tags"])) if tagged else Counter(rows["label"])
        total = max(counts.total(), 1)
        classes = [
            f"{name} {counts[number]:,} ({100 * counts[number] / total:.1f} %)"
            for number, name in enumerate(data.labels)
        ]
        lines.append(f"  {'tags' if tagged else 'classes'}: {', '.join(classes)}")
        if tagged:
            lines.append(f"  words per sentence: {_spread([len(tokens) for tokens in rows['tokens']])}")
        for column in ("text", "text_pair"):
            if column in rows.column_names:
                lines.append(f"  characters per {column}: {_spread([len(text) for text in rows[column]])}")
    if data.image_shape is not None:
        height, width, channels = data.image_shape
        kind = "grey" if channels == 1 else "RGB"
        lines.append(f"images: {width} × {height} pixels (width × height), {kind}")
    return [*lines, *data.notices]


def _spread(sizes: Sequence[int]) -> str:
    shown = (
        f"{'max' if q == 100 else 'min' if q == 0 else f'{q} %'} {int(np.percentile(sizes, q)):,}" for q in _QUANTILES
    )
    return ", ".join(shown)
