"""One swept key at a time: what it did, the others held equal."""

from collections.abc import Sequence

from hftk.analysis.scores import SCORES
from hftk.analysis.single_changes import Ladder, lessons, single_changes
from hftk.report.content import ChangeRow, Interval
from hftk.report.differences import grouped
from hftk.report.runs import Ranking, Run
from hftk.report.votes import Votes


def changes(runs: list[Run], *, seen: Votes, ranking: Ranking) -> tuple[list[ChangeRow], list[str]]:
    """Rows, and a sentence per key; both empty where no two finished settings differ in one key. runs: ranked."""
    metric = ranking.metric.removeprefix("validation_")
    finished = [run for run in runs if run.status == "finished"]
    members = {setting: own for setting, own in grouped(finished, lambda run: run.setting)}
    tested = {
        setting: [seen.test[run.name] for run in members[setting]]
        for setting in dict.fromkeys(run.setting for run in finished)
        if all(run.name in seen.test for run in members[setting])
    }
    if metric not in SCORES or len(tested) < 2:
        return [], []
    swept = {setting: members[setting][0].swept for setting in tested}
    ladders = single_changes(tested, swept=swept, metric=metric, goal=ranking.goal)
    return [row for ladder in ladders for row in _rows(ladder)], lessons(ladders)


def _rows(ladder: Ladder) -> Sequence[ChangeRow]:
    return [
        ChangeRow(
            key=ladder.key + (f" (and {', '.join(ladder.together)})" if ladder.together else ""),
            setting=step.setting,
            against=ladder.value,
            against_test=ladder.test,
            value=step.value,
            test=step.test,
            difference=step.difference,
            interval=Interval(step.low, step.high),
            p=step.p,
            verdict=step.verdict,
        )
        for step in ladder.steps
    ]
