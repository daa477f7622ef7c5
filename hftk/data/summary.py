"""What a person wants to see of their data before training on them."""

from collections import Counter

import numpy as np

from hftk.data.text import TextData

_QUANTILES = (0, 50, 90, 99, 100)


def describe(data: TextData) -> list[str]:
    """Plain lines: rows and classes of every split, lengths of its texts in characters, and the notices."""
    lines = []
    for split, rows in data.splits.items():
        counts = Counter(rows["label"])
        before = data.rows_before[split]
        dropped = f" of {before:,}" if before != len(rows) else ""
        lines.append(f"{split}: {len(rows):,}{dropped} rows")
        classes = [f"{name} {counts[number]:,}" for number, name in enumerate(data.labels)]
        lines.append(f"  classes: {', '.join(classes)}")
        for column in ("text", "text_pair"):
            if column in rows.column_names:
                sizes = np.array([len(text) for text in rows[column]])
                shown = (
                    f"{'max' if q == 100 else 'min' if q == 0 else f'{q} %'} {int(np.percentile(sizes, q)):,}"
                    for q in _QUANTILES
                )
                lines.append(f"  characters per {column}: {', '.join(shown)}")
    return [*lines, *data.notices]
