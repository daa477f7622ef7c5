"""What a sweep is about to train, in numbers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hftk.recipe.schema import Recipe
from hftk.sweep.expansion import PlannedRun, SweepPlan

if TYPE_CHECKING:
    from hftk.sweep.inputs import RunInputs


TO_PROPOSE = "to be proposed "
"""The runs whose names are not known yet are called so, and numbered."""


@dataclass(frozen=True)
class PlannedWork:
    """A run that is ready to be trained, in plain values: what one process tells another of it."""

    identity: str
    steps: int
    """Optimizer steps."""
    epochs: float
    rows: str
    """A line on rows, classes and what is too long."""
    notices: list[str]
    """What a person must be told."""


def planned_work(run: PlannedRun, inputs: "RunInputs", *, world_size: int) -> PlannedWork:
    rows = len(inputs.splits["train"])
    steps = total_steps(run.recipe, rows=rows, world_size=world_size)
    per_epoch = steps_per_epoch(run.recipe, rows=rows, world_size=world_size)
    return PlannedWork(
        identity=inputs.identity,
        steps=steps,
        epochs=round(steps / max(per_epoch, 1), 4),
        rows=_rows(inputs),
        notices=inputs.notices,
    )


def planned_steps(works: Mapping[str, PlannedWork], *, kept: set[str], to_propose: int = 0) -> dict[str, int]:
    """Optimizer steps of every run that will be trained, by its name.

    to_propose: runs whose setting is not known yet; each counts like the mean of the others.
    """
    mean = round(sum(work.steps for work in works.values()) / max(len(works), 1))
    known = {name: work.steps for name, work in works.items() if name not in kept}
    return known | {f"{TO_PROPOSE}{number}": mean for number in range(to_propose)}


def planned_lines(
    plan: SweepPlan, *, works: Mapping[str, PlannedWork], kept: set[str], notices: Sequence[str], where: str
) -> list[str]:
    """Runs, rows, steps and device, then every notice once. works: by run name. where: the device, in words."""
    steps = planned_steps(works, kept=kept)
    counted = (
        f"{len(steps)} of {len(plan.runs)} runs"
        if kept
        else f"{len(plan.runs)} {'run' if len(plan.runs) == 1 else 'runs'}"
    )
    lines = [f"{plan.recipe.name}: {counted} to train, {sum(steps.values()):,} steps in all, on {where}"]
    if kept:
        pruned_too = plan.recipe.sweep is not None and plan.recipe.sweep.method == "bayes"
        lines.append(f"{len(kept)} {'ended' if pruned_too else 'finished'} before and kept")
    if plan.to_propose:
        more = f"{plan.to_propose} further settings" if plan.to_propose > 1 else "1 further setting"
        lines.append(f"at most {more} will be proposed from the results of the earlier ones")
    lines += _distinct([works[run.name].rows for run in plan.runs])
    told = [notice for run in plan.runs for notice in works[run.name].notices]
    return lines + _distinct([*plan.notices, *told, *notices])


def total_steps(recipe: Recipe, *, rows: int, world_size: int) -> int:
    """Optimizer steps of a run over `rows` training rows."""
    training = recipe.training
    if training.get("max_steps", -1) > 0:
        return training["max_steps"]
    per_epoch = steps_per_epoch(recipe, rows=rows, world_size=world_size)
    return math.ceil(per_epoch * training.get("num_train_epochs", 3))


def steps_per_epoch(recipe: Recipe, *, rows: int, world_size: int) -> int:
    """Optimizer steps in which `rows` training rows are seen once."""
    training = recipe.training
    batch = training.get("per_device_train_batch_size", 8) * training.get("gradient_accumulation_steps", 1) * world_size
    return rows // batch if training.get("dataloader_drop_last") else math.ceil(rows / batch)


def _rows(inputs: "RunInputs") -> str:
    counts = ", ".join(f"{split} {len(rows):,}" for split, rows in inputs.data.splits.items())
    cut = {split: rows.truncated for split, rows in inputs.splits.items() if rows.truncated}
    told = f"rows: {counts}; {len(inputs.data.labels)} classes"
    if cut:
        rows = ", ".join(f"{count:,} rows of {split}" for split, count in cut.items())
        told += f"; longer than {inputs.max_length} tokens and {inputs.longer_are}: {rows}"
    return told


def _distinct(lines: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(lines))
