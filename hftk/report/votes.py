"""What every row of a comparison says of the same items, read from the run folders and the baselines' folder."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from hftk.analysis.description import DataDescription, read_description
from hftk.analysis.outcomes import Outcomes, read_outcomes, unpaired_reason
from hftk.errors import RunError
from hftk.report.runs import Run


@dataclass(frozen=True)
class Votes:
    validation: dict[str, Outcomes]
    """By the name of the run or baseline; all over the same items."""
    test: dict[str, Outcomes]
    """Likewise; empty where there is no test split."""
    baselines: list[str]
    """Names of those of the rows that are baselines."""
    description: DataDescription | None
    notices: list[str]
    """Why a run or the baselines could not be taken in."""

    @property
    def runs(self) -> list[str]:
        """Names of those that are none."""
        return [name for name in {**self.validation, **self.test} if name not in self.baselines]

    @property
    def split(self) -> tuple[str, dict[str, Outcomes]]:
        """The split that rows are judged by: test, where there is one."""
        return ("test", self.test) if self.test else ("validation", self.validation)


def votes(runs: Sequence[Run]) -> Votes:
    """Of the finished runs among `runs`, which are those that saw the same data."""
    finished = [run for run in runs if run.status == "finished"]
    notices: list[str] = []
    found = {split: _outcomes(finished, split, notices) for split in ("validation", "test")}
    description = _description(finished, notices)
    names = list(description.baselines) if description else []
    for split, outcomes in found.items():
        for name in names:
            _add(outcomes, name, description.outcomes(name, split=split), notices)
    return Votes(
        validation=found["validation"],
        test=found["test"],
        baselines=[name for name in names if name in found["validation"] or name in found["test"]],
        description=description,
        notices=list(dict.fromkeys(notices)),
    )


def _outcomes(runs: Sequence[Run], split: str, notices: list[str]) -> dict[str, Outcomes]:
    outcomes: dict[str, Outcomes] = {}
    for run in runs:
        if run.data.rows.get(split):
            try:
                _add(outcomes, run.name, read_outcomes(run.folder, split=split, labels=run.data.labels), notices)
            except RunError as error:
                told = str(error).replace(f"{run.folder}{os.sep}", "")  # the report may be read elsewhere
                notices.append(f"{run.name}: without its predictions here: {told}")
    return outcomes


def _add(outcomes: dict[str, Outcomes], name: str, own: Outcomes | None, notices: list[str]) -> None:
    """Unless it cannot stand beside those that are there."""
    if own is None:
        return
    first = next(iter(outcomes), None)
    reason = first and unpaired_reason(outcomes[first], own)
    if reason:
        notices.append(f"{name}: not compared item by item with {first}: {reason}")
    else:
        outcomes[name] = own


def _description(runs: Sequence[Run], notices: list[str]) -> DataDescription | None:
    """Of the data that the runs saw, from the first of their sweeps that has one."""
    reasons: list[str] = []
    for folder, fingerprint in dict.fromkeys((run.folder.parent, run.data.fingerprint) for run in runs):
        if fingerprint:
            description = read_description(folder, fingerprint, tell=reasons.append)
            if description is not None:
                return description
    if reasons:
        notices.append(f"no baselines and no notes on the data here ({reasons[0]}); the next hftk train makes them")
    return None
