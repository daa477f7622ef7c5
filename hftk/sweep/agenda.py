"""Which run of a sweep is trained next, when several commands may train in its folder, and how each one ended."""

from collections.abc import Mapping
from pathlib import Path

from hftk.sweep.claims import Claim
from hftk.sweep.expansion import SweepPlan
from hftk.sweep.ledger import Ledger
from hftk.sweep.messages import Order
from hftk.sweep.planning import PlannedWork
from hftk.sweep.progress import Progress
from hftk.sweep.proposals import Proposals, pruning
from hftk.sweep.record import read_run


class Agenda:
    """The runs that this command has to see ended, by training them or by waiting for who does.

    A run that another command has finished, or has seen fail, while this one was at work is not trained again here.
    """

    def __init__(
        self,
        plan: SweepPlan,
        *,
        works: Mapping[str, PlannedWork],
        kept: set[str],
        ledger: Ledger,
        progress: Progress,
        proposals: Proposals | None = None,
    ) -> None:
        """works: by run name. kept: runs that are finished, or were pruned. proposals: where more runs come from."""
        self.folder: Path = ledger.folder
        self.ledger = ledger
        self.progress = progress
        self.works = dict(works)
        self.runs = {run.name: run for run in plan.runs}
        self.statuses = {name: _kept_status(self.folder / name) for name in self.runs if name in kept}
        self._proposals = proposals
        self._prunes = pruning(plan) is not None
        self._open = [name for name in self.runs if name not in kept]
        self._claimed: dict[str, Claim] = {}
        self._preparing: set[str] = set()

    def next(self) -> Order | None:
        """A run to train now, claimed for this command, or one to prepare first; None if there is none, or not now (see
        `waiting`).
        """
        for name in list(self._open):
            if name in self._claimed or name not in self.works:
                continue
            taken = self.ledger.claims.take(name, identity=self.works[name].identity)
            if not isinstance(taken, Claim):
                continue
            self._claimed[name] = taken  # at once: whatever fails now, `close` lets go of it
            if self._ended_elsewhere(name):
                self._claimed.pop(name).release()
                continue
            if taken.taken_over:
                self.progress.notice(f"{name}: taken over from {taken.taken_over}")
            self._append("started", name)
            return Order(self.runs[name], curves=self._curves())
        return self._next_to_prepare()

    def _next_to_prepare(self) -> Order | None:
        """A proposed run whose identity is not known yet."""
        if not self._unprepared and self._proposals is not None:
            self._propose()
        name = next(iter(self._unprepared), None)
        if name is None:
            return None
        self._preparing.add(name)
        return Order(self.runs[name], train=False)

    def _propose(self) -> None:
        exhausted = self._proposals.exhausted
        for run in self._proposals.more(self._identities):
            self.runs[run.name] = run
            self._open.append(run.name)
        if self._proposals.exhausted and not exhausted:
            self.progress.notice(
                f"sweep.run_cap: not reached, as the parameters hold no further setting; {len(self.runs)} runs in all"
            )

    def prepared(self, works: Mapping[str, PlannedWork]) -> None:
        """Of runs that `next` gave to prepare."""
        self.works |= works
        self._preparing -= works.keys()

    def started(self, name: str) -> None:
        work = self.works[name]
        self.progress.run_started(list(self.runs).index(name) + 1, name, work.steps, work.epochs)

    def ended(self, name: str, *, status: str, reason: str | None, metrics: Mapping[str, float]) -> None:
        """Of a run that `next` gave."""
        if not self._claimed[name].confirm():
            self.give_up(name)
            return
        self._open.remove(name)
        self.statuses[name] = status
        self._append(status, name, reason=reason)
        self._claimed.pop(name).release()
        self.progress.run_ended(name, status, reason, metrics)

    @property
    def waiting(self) -> set[str]:
        """Runs that another command is training."""
        return set(self._open) - self._claimed.keys()

    def wait(self) -> None:
        """Until another command has let go of one of the runs that it trains."""
        self.ledger.claims.wait(self.waiting)

    @property
    def lost(self) -> list[str]:
        """Runs that were this command's and have been taken over: nothing may be written there any more."""
        return [name for name, claim in self._claimed.items() if claim.lost.is_set()]

    def give_up(self, name: str) -> None:
        """Of a run that was lost: another command trains it."""
        self.progress.run_ended(name, "interrupted", "taken over by another process", {})
        self._claimed.pop(name).release()

    def close(self) -> None:
        for claim in self._claimed.values():
            claim.release()

    @property
    def _unprepared(self) -> list[str]:
        return [name for name in self._open if name not in self.works and name not in self._preparing]

    @property
    def _identities(self) -> dict[str, str]:
        return {name: work.identity for name, work in self.works.items()}

    def _curves(self) -> list[list[tuple[float, float]]] | None:
        return self._proposals.curves(self._identities) if self._proposals is not None and self._prunes else None

    def _append(self, event: str, name: str, **details: str | None) -> None:
        claim = self._claimed[name]
        self.ledger.append(event, run=name, identity=self.works[name].identity, claim=claim.id, **details)

    def _ended_elsewhere(self, name: str) -> bool:
        outcome = self.ledger.outcome(name, identity=self.works[name].identity, since=self.ledger.settled_at)
        if outcome is None:
            return False
        self._open.remove(name)
        self.statuses[name], reason = outcome
        if reason is None:
            self.progress.run_kept(name)
        else:
            self.progress.notice(f"{name}: {outcome[0]} in another process: {reason}")
        return True


def _kept_status(folder: Path) -> str:
    return (read_run(folder) or {}).get("status", "finished")
