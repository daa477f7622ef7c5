"""`hftk plan`: what a sweep will take, before anything of it is trained. Leaves plan.json, and nothing else."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hftk.errors import RecipeError
from hftk.recipe.places import lines, problem
from hftk.report.planned import PLAN, VERSION
from hftk.sweep.costs import RunCost, run_cost
from hftk.sweep.expansion import PlannedRun, SweepPlan
from hftk.sweep.ledger import Ledger
from hftk.sweep.proposals import proposals_for, pruning
from hftk.sweep.record import started_identity, write_json
from hftk.sweep.room import (
    Need,
    disk_needed,
    free_disk_bytes,
    free_memory_bytes,
    memory_needed,
    size,
)
from hftk.sweep.search import check_search
from hftk.sweep.shapes import shapes
from hftk.sweep.shared_work import SharedWork
from hftk.sweep.timers import Timers
from hftk.sweep.timing import SECONDS, Prepared, Timing, averaged, rounded


@dataclass(frozen=True)
class Forecast:
    path: Path
    """Of plan.json."""
    name: str
    """The sweep's."""
    jobs: int
    where: str
    runs: int
    """Of the sweep."""
    kept: int
    """Finished before."""
    to_come: int
    """Runs that the sweep will propose while it trains, each counted like the mean of those known."""
    costs: list[RunCost]
    """Of the runs to train."""
    timings: list[Timing]
    """One per shape."""
    shared: list[SharedWork]
    start: float
    """Seconds before the first run begins."""
    seconds: float
    """The whole, from the command to the last run's end."""
    memory: Need
    device_memory: Need | None
    disk: Need
    notices: list[str]


def forecast(plan: SweepPlan, *, jobs: int, seconds: float = SECONDS) -> Forecast:
    """Times a trial of each distinct shape and writes <folder>/plan.json.

    jobs: as of `hftk train`; 0 counts as 1. seconds: of timed steps, for each shape. Raises RecipeError or DataError,
    also where the sweep cannot fit in memory or on the disk; then nothing is left.
    """
    check_search(plan)
    jobs = max(jobs, 1)
    ledger = Ledger(plan.folder)
    memory_free = free_memory_bytes()
    with ExitStack() as stack:
        stack.enter_context(ledger.held())
        if (proposals := proposals_for(plan, ledger=ledger)) is not None:
            plan = proposals.plan
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".plan-", dir=plan.folder)))
        timers = stack.enter_context(Timers(plan, jobs=jobs))
        prepared, start = timers.prepare()
        identities = {name: work.identity for name, work in prepared.works.items()}
        kept = ledger.kept(identities, pruned_too=pruning(plan) is not None)
        wanted = [run for run in plan.runs if run.name not in kept]
        _check_some_steps(wanted, prepared)
        groups = shapes(wanted)
        if wanted:
            timers.more(runs=len(wanted))
        timed = [timers.time(group[0], folder=scratch, seconds=seconds) for group in groups]
    timings = [averaged([one.timing for one in each]) for each in timed]
    shared_memory = max((one.born for each in timed for one in each), default=0)
    costs = [
        run_cost(run, timing, shape=place, prepared=prepared)
        for place, (group, timing) in enumerate(zip(groups, timings, strict=True))
        for run in group
    ]
    order = [run.name for run in plan.runs]
    costs.sort(key=lambda cost: order.index(cost.name))
    to_come = plan.most_runs - len(plan.runs) if costs else 0
    each = [cost.seconds + cost.after for cost in costs]
    disks = [cost.disk for cost in costs]
    if to_come:
        each += to_come * [sum(each) / len(each)]
        disks += to_come * [max(disks, key=lambda disk: disk.kept)]
    side_by_side = min(jobs, len(costs))
    device = [timing.device_memory for timing in timings]
    made = Forecast(
        path=plan.folder / PLAN,
        name=plan.recipe.name,
        jobs=jobs,
        where=prepared.where,
        runs=len(plan.runs),
        kept=len(kept),
        to_come=to_come,
        costs=costs,
        timings=timings,
        shared=prepared.shared,
        start=start,
        seconds=start + makespan(each, jobs=jobs),
        memory=Need(
            needed=memory_needed([timing.memory for timing in timings], jobs=side_by_side, shared=shared_memory),
            free=memory_free,
        ),
        device_memory=prepared.device_free and Need(needed=int(max(device, default=0)), free=prepared.device_free),
        disk=Need(needed=disk_needed(disks, jobs=jobs), free=free_disk_bytes(_present(plan.folder))),
        notices=_notices(plan, wanted, prepared=prepared, costs=costs, timed=timed),
    )
    check_room(plan, made)
    plan.folder.mkdir(parents=True, exist_ok=True)
    write_json(made.path, _to_json(made, identities=identities, kept=kept))
    return made


def makespan(seconds: Sequence[float], *, jobs: int) -> float:
    """Seconds until all runs are done, each given in turn to the worker that is free first."""
    free = [0.0] * jobs
    for each in seconds:
        free.sort()
        free[0] += each
    return max(free)


def check_room(plan: SweepPlan, made: Forecast) -> None:
    """Raises RecipeError where the memory or the disk is too small, with the keys to change."""
    problems = []
    if not made.memory.fits:
        side_by_side = "" if made.jobs == 1 else f" with {made.jobs} runs side by side"
        fewer = "" if made.jobs == 1 else "fewer --jobs, "
        problems.append(
            (
                ("training", "per_device_train_batch_size"),
                f"{size(made.memory.needed)} of memory are needed{side_by_side} and {size(made.memory.free)} are free; "
                f"write {fewer}a smaller batch with as many more training.gradient_accumulation_steps (which gives the "
                "same result), or a smaller data.max_length",
            )
        )
    if not made.disk.fits:
        problems.append(
            (
                ("output_dir",),
                f"{size(made.disk.needed)} are needed at most and {size(made.disk.free)} are free there; free some "
                "space, write another output_dir, a smaller training.save_total_limit, or fewer runs in `sweep`",
            )
        )
    if problems:
        raise RecipeError(lines([problem(plan.document, path, text) for path, text in problems]))


def _check_some_steps(wanted: Sequence[PlannedRun], prepared: Prepared) -> None:
    empty = [run for run in wanted if prepared.works[run.name].steps == 0]
    if empty:
        raise RecipeError(
            lines(
                [
                    problem(
                        run.document,
                        ("training", "dataloader_drop_last"),
                        "the rows of train do not fill one batch, so nothing would be trained",
                    )
                    for run in empty
                ]
            )
        )


def _notices(
    plan: SweepPlan,
    wanted: Sequence[PlannedRun],
    *,
    prepared: Prepared,
    costs: Sequence[RunCost],
    timed: Sequence[Sequence[Any]],
) -> list[str]:
    told = list(plan.notices)
    told += [notice for run in plan.runs for notice in prepared.works[run.name].notices]
    told += [notice for each in timed for one in each for notice in one.notices]
    if any(run.recipe.early_stopping is not None for run in wanted):
        told.append("with early stopping a run may take less than planned")
    going_on = [
        run.name for run in wanted if started_identity(plan.folder / run.name) == prepared.works[run.name].identity
    ]
    if going_on:
        told.append(f"go on from a checkpoint, and take less than planned: {', '.join(going_on)}")
    most = plan.recipe.limits.minutes_per_run
    told += [
        f"{cost.name}: planned {cost.seconds / 60:.1f} minutes, and limits.minutes_per_run gives it up after {most:g}"
        for cost in costs
        if most is not None and cost.seconds > 60 * most
    ]
    return list(dict.fromkeys(told))


def _present(folder: Path) -> Path:
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())


def _to_json(made: Forecast, *, identities: Mapping[str, str], kept: set[str]) -> dict[str, Any]:
    needs = {"memory": made.memory, "device_memory": made.device_memory, "disk": made.disk}
    return {
        "version": VERSION,
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "jobs": made.jobs,
        "where": made.where,
        "seconds": round(made.seconds, 3),
        "start_seconds": round(made.start, 3),
        "kept": sorted(kept),
        "runs": {
            cost.name: {
                "identity": identities[cost.name],
                "seconds": round(cost.seconds, 3),
                "fixed_seconds": round(cost.fixed, 3),
                "seconds_per_epoch": round(cost.per_epoch, 3),
                "epochs": cost.epochs,
                "steps": cost.steps,
                "bytes_kept": cost.disk.kept,
                "bytes_more": cost.disk.more,
                "shape": cost.shape,
            }
            for cost in made.costs
        },
        **{name: need and {"needed": need.needed, "free": need.free} for name, need in needs.items()},
        "shapes": [rounded(timing) for timing in made.timings],
        "shared": [vars(one) for one in made.shared],
    }
