"""A forecast in words."""

from typing import TYPE_CHECKING

from hftk.report.table import Table
from hftk.report.wording import count, duration, epoch, plural
from hftk.sweep.progress_plain import aligned
from hftk.sweep.room import size

if TYPE_CHECKING:
    from hftk.sweep.forecast import Forecast

_SHOWN = 30  # runs; of a longer sweep those that take longest


def forecast_lines(made: "Forecast") -> list[str]:
    """Runs, time, memory, disk, then what was measured and every notice once."""
    steps = sum(cost.steps for cost in made.costs)
    counted = plural(len(made.costs), "run") if not made.kept else f"{len(made.costs)} of {made.runs} runs"
    told = [f"{made.name}: {counted} to train, {count(steps)} steps in all, on {made.where}"]
    if made.kept:
        told.append(f"{made.kept} finished before and kept")
    if not made.costs:
        return told
    if made.to_come:
        told.append(
            f"at most {plural(made.to_come, 'further run')} will be proposed while it trains; each counts like the "
            "mean of these, and one that is pruned takes less"
        )
    told += ["", *_table(made), ""]
    told.append(f"time: {_total(made)}")
    told.append(f"memory: {size(made.memory.needed)} at most, {size(made.memory.free)} free")
    if made.device_memory is not None:
        told.append(
            f"memory of the device: {size(made.device_memory.needed)} a run at most, "
            f"{size(made.device_memory.free)} free"
        )
    left = sum(cost.disk.kept for cost in made.costs)
    told.append(f"disk: {size(left)} when all is done, {size(made.disk.needed)} at most, {size(made.disk.free)} free")
    told += [f"shared: {one.line()}" for one in made.shared]
    told.append(f"measured: {_measured(made)}")
    return [*told, *(f"note: {notice}" for notice in made.notices), str(made.path)]


def _table(made: "Forecast") -> list[str]:
    costs = made.costs
    if len(costs) > _SHOWN:
        longest = sorted(costs, key=lambda cost: -cost.seconds)[:_SHOWN]
        costs = [cost for cost in costs if cost in longest]
    rows = []
    for cost in costs:
        memory = made.timings[cost.shape].device_memory or made.timings[cost.shape].memory
        figures = [count(cost.steps), epoch(cost.epochs), duration(cost.seconds), size(memory), size(cost.disk.kept)]
        rows.append([cost.name, *figures])
    told = aligned(Table(["run", "steps", "epochs", "time", "memory", "disk"], rows))
    left_out = len(made.costs) - len(costs)
    return told + ([f"… and {plural(left_out, 'run')} that take less"] if left_out else [])


def _total(made: "Forecast") -> str:
    side = "one after another" if made.jobs == 1 else f"{made.jobs} side by side"
    runs = sum(cost.seconds for cost in made.costs)
    return f"{duration(made.seconds)} in all, {side}: {duration(made.start)} to begin, {duration(runs)} in runs"


def _measured(made: "Forecast") -> str:
    steps = sum(timing.steps_timed for timing in made.timings)
    shapes = plural(len(made.timings), "shape")
    others = "" if made.jobs == 1 else f", {made.jobs} processes at once"
    return f"{count(round(steps))} warm steps of {shapes}{others}; another load of this machine gives other times"
