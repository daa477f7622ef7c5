"""What to do next, from the whole sweep."""

from collections.abc import Sequence

from hftk.analysis.effects import effects
from hftk.analysis.smallest import smallest_tied
from hftk.analysis.statistics import Comparison
from hftk.analysis.swept import taken_apart
from hftk.report.differences import grouped
from hftk.report.runs import Ranking, Run
from hftk.report.wording import split_metric

_CHANCE = "Each effect stands for itself: of twenty keys that do nothing, one is expected to look as if it did."


def advice(runs: Sequence[Run], *, ranking: Ranking, compared: Sequence[Comparison]) -> list[str]:
    """What each swept key did, and the smallest model that does as well as the best. compared: settings on test."""
    finished = [run for run in runs if run.status == "finished"]
    sentences = []
    if compared:
        parameters = {setting: members[0].parameters for setting, members in grouped(finished, lambda run: run.setting)}
        smallest = smallest_tied(
            compared, parameters=parameters, metric=ranking.metric.removeprefix("validation_"), goal=ranking.goal
        )
        sentences += [smallest.sentence] if smallest else []
    if len(finished) > 1:
        found = effects(
            taken_apart([run.swept for run in finished]),
            scores=[run.score for run in finished],
            metric=split_metric(ranking.metric),
            goal=ranking.goal,
        )
        sentences += [effect.sentence for effect in found.effects] + found.notes
        sentences += (fitted := _fitted(finished))
        if found.effects or fitted:
            sentences.append(_CHANCE)
    return sentences


def _fitted(runs: Sequence[Run]) -> list[str]:
    """Which settings of the optimizer fit the rows of train closer, for good or ill."""
    found = effects(
        taken_apart([run.swept for run in runs]),
        scores=[run.curve[-1].get("train_loss") if run.curve else None for run in runs],
        metric="training loss after the last epoch",
        goal=None,
    )
    return [effect.sentence for effect in found.effects if effect.shown and effect.factor.startswith("training.")]
