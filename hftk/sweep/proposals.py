"""The runs of a bayes sweep, which is not known whole before it is trained: each setting follows from results.

What was proposed stands in the ledger, so that a sweep that is cut short, and other commands that train in its folder,
go on with the same runs. With one run at a time a proposal is a pure function of the recipe and of what the runs before
it gave; with several side by side it also depends on which of them have ended by then.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from hftk.recipe.plan import resolved_recipe, with_proposed
from hftk.recipe.schema import EarlyTerminate, Sweep
from hftk.sweep.expansion import PlannedRun, SweepPlan
from hftk.sweep.ledger import Ledger
from hftk.sweep.results import run_result, trials
from hftk.sweep.search import propose

# sections, and keys of the sweep, that change no result and no proposal
_UNDECIDING = ("name", "output_dir", "tracking", "hub", "limits")
_UNDECIDING_SWEEP = ("run_cap",)


class Proposals:
    """Of one command. The folder of the ledger must be there."""

    def __init__(self, plan: SweepPlan, *, ledger: Ledger) -> None:
        """plan: of a bayes sweep, as its recipe was read. What the ledger tells of it is added at once."""
        self.plan = plan
        self.ledger = ledger
        self.exhausted = False
        """Did the space hold nothing new any more?"""
        self._sweep: Sweep = plan.recipe.sweep
        self._metric, self._goal = plan.ranking
        self._drawn = len(_settings(plan))
        self._space = _digest(plan)
        for values in ledger.proposed(self._space):
            self._add(values)

    def more(self, identities: Mapping[str, str]) -> list[PlannedRun]:
        """The next runs, of one or more settings, behind those of the plan; none where run_cap is reached, or the space
        holds nothing new.

        identities: by run name, of all those prepared. Raises RecipeError where a proposed setting makes no sense.
        """
        if self.exhausted or not self.plan.to_propose:
            return []
        before = len(self.plan.runs)

        def make(number: int) -> dict[str, Any] | None:
            told = trials(self.plan.runs, folder=self.plan.folder, identities=identities, metric=self._metric)
            return propose(self._sweep, goal=self._goal, number=self._drawn + number, trials=told)

        known = len(_settings(self.plan)) - self._drawn
        proposed = self.ledger.propose(self._space, known=known, make=make)
        self.exhausted = not proposed
        for values in proposed:
            self._add(values)
        return self.plan.runs[before:]

    def curves(self, identities: Mapping[str, str]) -> list[list[tuple[float, float]]]:
        """Of the runs that have ended well, or were pruned: what the next one is held against."""
        results = [
            run_result(self.plan.folder / run.name, identity=identities.get(run.name), metric=self._metric)
            for run in self.plan.runs
        ]
        return [result.curve for result in results if result is not None and result.status != "failed"]

    def _add(self, values: Mapping[str, Any]) -> None:
        if self.plan.to_propose:
            self.plan = with_proposed(self.plan, values)


def proposals_for(plan: SweepPlan, *, ledger: Ledger) -> Proposals | None:
    """None where all runs are known from the start."""
    sweep = plan.recipe.sweep
    return Proposals(plan, ledger=ledger) if sweep is not None and sweep.method == "bayes" else None


def pruning(plan: SweepPlan) -> EarlyTerminate | None:
    """The rule by which runs of the plan are stopped; None where they are not."""
    sweep = plan.recipe.sweep
    if sweep is None or sweep.method != "bayes":
        return None
    rule = sweep.early_terminate or EarlyTerminate()
    return None if rule.type == "none" else rule


def _settings(plan: SweepPlan) -> list[str]:
    return list(dict.fromkeys(run.setting for run in plan.runs))


def _digest(plan: SweepPlan) -> str:
    """Equal for two commands whose proposals may stand in one list."""
    content = resolved_recipe(plan.recipe)
    for key in _UNDECIDING:
        content.pop(key, None)
    for key in _UNDECIDING_SWEEP:
        content["sweep"].pop(key, None)
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]
