"""How the losses went in all runs: whether what was learnt to the end is of use on other rows."""

import math
from collections.abc import Sequence

from hftk.report.runs import Run
from hftk.report.wording import span, split_metric

_FEWEST_EVALUATIONS = 3
# of the lowest validation loss: a smaller rise is what a flat curve shows by chance
_RISE = 0.01


def course(runs: Sequence[Run]) -> list[str]:
    """A sentence where, in half of several finished runs or more, the validation loss turns and the training loss does
    not; none otherwise."""
    judged = [run for run in runs if run.status == "finished" and len(_losses(run)) >= _FEWEST_EVALUATIONS]
    turned = [run for run in judged if _turns(run)]
    if len(turned) < 2 or 2 * len(turned) < len(judged):
        return []
    who = f"all {len(judged)} runs" if len(turned) == len(judged) else f"{len(turned)} of {len(judged)} runs"
    lowest = [_lowest(run) for run in turned]
    rises = [100 * (_losses(run)[-1][2] / loss - 1) for run, (_, _, loss) in zip(turned, lowest, strict=True)]
    epochs = span((epoch for epoch, _, _ in lowest), "g")
    return [
        f"In {who} the validation loss was lowest after epoch {epochs} and rose by {span(rises, '.0f')} % from there, "
        f"while the training loss fell on{_meanwhile(turned)}."
    ]


def _turns(run: Run) -> bool:
    _, train, valid = _lowest(run)
    _, last_train, last_valid = _losses(run)[-1]
    return last_valid > (1 + _RISE) * valid and last_train < train


def _lowest(run: Run) -> tuple[float, float, float]:
    """Epoch, training and validation loss."""
    return min(_losses(run), key=lambda row: row[2])


def _losses(run: Run) -> list[tuple[float, float, float]]:
    """Epoch, training and validation loss of each evaluation."""
    rows = [(row.get("epoch"), row.get("train_loss"), row.get("validation_loss")) for row in run.curve]
    return [row for row in rows if all(value is not None and math.isfinite(value) for value in row)]


def _meanwhile(runs: Sequence[Run]) -> str:
    """What the ranking metric did meanwhile."""
    changes = []
    for run in runs:
        figures = {row["epoch"]: row.get(run.ranking.metric) for row in run.curve}
        first, last = figures.get(_lowest(run)[0]), figures.get(_losses(run)[-1][0])
        if run.ranking.metric == "validation_loss" or first is None or last is None:
            return ""
        changes.append(last - first)
    return f" and {split_metric(runs[0].ranking.metric)} changed by {span(changes, '+.3f')}"
