"""What was seen in the data before training."""

from collections.abc import Sequence

from hftk.analysis.data_findings import lines, problems, truncation
from hftk.report.content import DataNote
from hftk.report.differences import grouped
from hftk.report.runs import Run
from hftk.report.votes import Votes
from hftk.report.wording import listed


def data_notes(runs: Sequence[Run], seen: Votes) -> list[DataNote]:
    """Problems first, then what is good to know."""
    notes = [DataNote("problem", text) for text in _cut(runs)]
    if seen.description is None:
        return notes
    facts = seen.description.facts
    told = [problem.message for problem in problems(facts)]
    notes = [DataNote("problem", text) for text in told] + notes
    notes += [DataNote("fact", text) for text in lines(facts) if text not in told]
    notes += [
        DataNote("fact", f"the baseline {one.name}: {one.note}")
        for one in seen.description.baselines.values()
        if one.note
    ]
    return notes + [
        DataNote("fact", f"without the baseline {one.name}: {one.reason}") for one in seen.description.left_out
    ]


def _cut(runs: Sequence[Run]) -> list[str]:
    """Ends that are lost, by maximum length."""
    found = []
    for _, members in grouped(list(runs), lambda run: (run.data.max_length, run.data.truncated)):
        data = members[0].data
        finding = truncation(data.rows, data.truncated, max_length=data.max_length, longer_are=data.longer_are)
        if finding is not None:
            of = "" if len(members) == len(runs) else f" ({listed([run.name for run in members])})"
            found.append(f"{finding.message}{of}")
    return found
