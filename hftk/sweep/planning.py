"""What a sweep is about to train, in numbers."""

from collections.abc import Mapping, Sequence

from hftk.sweep.expansion import SweepPlan
from hftk.sweep.inputs import RunInputs
from hftk.sweep.runners import total_steps
from hftk.training.processes import Processes


def planned_steps(
    plan: SweepPlan, *, inputs: Mapping[str, RunInputs], kept: set[str], world_size: int
) -> dict[str, int]:
    """Optimizer steps of every run that will be trained, by its name."""
    return {
        run.name: total_steps(run.recipe, rows=len(inputs[run.name].splits["train"]), world_size=world_size)
        for run in plan.runs
        if run.name not in kept
    }


def planned_lines(
    plan: SweepPlan,
    *,
    inputs: Mapping[str, RunInputs],
    kept: set[str],
    notices: Sequence[str],
    processes: Processes,
) -> list[str]:
    """Runs, rows, steps and device, then every notice once."""
    steps = planned_steps(plan, inputs=inputs, kept=kept, world_size=processes.world_size)
    where = processes.device if processes.world_size == 1 else f"{processes.world_size} processes on {processes.device}"
    counted = (
        f"{len(steps)} of {len(plan.runs)} runs"
        if kept
        else f"{len(plan.runs)} {'run' if len(plan.runs) == 1 else 'runs'}"
    )
    lines = [f"{plan.recipe.name}: {counted} to train, {sum(steps.values()):,} steps in all, on {where}"]
    if kept:
        lines.append(f"{len(kept)} finished before and kept")
    for rows in _distinct(_rows(inputs[run.name]) for run in plan.runs):
        lines.append(rows)
    told = [notice for run in plan.runs for notice in inputs[run.name].notices]
    return lines + _distinct([*plan.notices, *told, *notices])


def _rows(inputs: RunInputs) -> str:
    counts = ", ".join(f"{split} {len(rows):,}" for split, rows in inputs.data.splits.items())
    cut = {split: rows.truncated for split, rows in inputs.splits.items() if rows.truncated}
    told = f"rows: {counts}; {len(inputs.data.labels)} classes"
    if cut:
        rows = ", ".join(f"{count:,} rows of {split}" for split, count in cut.items())
        told += f"; longer than {inputs.max_length} tokens and {inputs.longer_are}: {rows}"
    return told


def _distinct(lines: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(lines))
