"""Where attention models looked, with what they said."""

from collections.abc import Sequence

from hftk.report.content import Attention
from hftk.report.runs import Run
from hftk.report.votes import Votes

_TEXTS = 24
"""Of all runs together: more are not read."""


def attended(runs: Sequence[Run], seen: Votes) -> list[Attention]:
    """runs: ranked; the texts of the best come first."""
    found = []
    for run in runs:
        own = seen.split[1].get(run.name)
        if own is None:
            continue
        for text in run.attention:
            item = text["position"]
            found.append(
                Attention(
                    run=run.name,
                    text=" ".join(text["tokens"]),
                    label=own.labels[own.label_ids[item]],
                    said=own.labels[own.prediction_ids[item]],
                    tokens=text["tokens"],
                    weights=text["weights"],
                )
            )
    return found[:_TEXTS]
