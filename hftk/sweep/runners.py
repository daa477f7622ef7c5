"""Trains one run in this process, or in all that were launched together, and records it."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from hftk.errors import HftkError, RunError
from hftk.interruption import Interruption
from hftk.recipe.credentials import redacted
from hftk.sweep.expansion import PlannedRun, SweepPlan
from hftk.sweep.inputs import RunInputs
from hftk.sweep.messages import INTERRUPTED, Ended
from hftk.sweep.planning import steps_per_epoch
from hftk.sweep.progress import Progress, RunObserver
from hftk.sweep.proposals import pruning
from hftk.sweep.record import read_run
from hftk.sweep.recording import RunRecord
from hftk.tracking.examples import Examples, examples
from hftk.tracking.told import about, ending
from hftk.tracking.trackers import Trackers
from hftk.training.findings import Finding, FindingError
from hftk.training.fit import FittedRun, fit
from hftk.training.group import Group
from hftk.training.memory import free_memory, smaller_batches
from hftk.training.processes import Processes
from hftk.training.pruning import Bar, PruneByMedian, Pruned
from hftk.training.reference import reference_inputs
from hftk.training.space import told_when_full

log = logging.getLogger(__name__)


def train_run(
    plan: SweepPlan,
    *,
    run: PlannedRun,
    inputs: RunInputs,
    processes: Processes,
    group: Group,
    progress: Progress,
    interruption: Interruption,
    curves: Sequence[Sequence[tuple[float, float]]] | None = None,
) -> Ended:
    """A run that fails, is interrupted or pruned is recorded with its reason, and what it found.

    curves: the earlier runs that it is held against, each as (epoch, ranking metric); None: it is not pruned.
    """
    record = RunRecord(plan, run=run, inputs=inputs, folder=plan.folder / run.name, processes=processes)
    trackers = Trackers(tell=lambda text: progress.notice(f"{run.name}: {text}"))
    fitted, reason, interrupted, pruned = None, None, False, False
    try:
        with interruption.soft(), told_when_full(record.folder):
            record.start()
            fitted = _fit(
                record, progress=progress, interruption=interruption, trackers=trackers, bar=_bar(plan, curves)
            )
    except KeyboardInterrupt:
        if fitted is None:  # else it came when all was done: what is finished is recorded first
            interrupted, reason = True, INTERRUPTED
    except Exception as error:  # whatever it was costs this run only
        log.debug("run %s failed", run.name, exc_info=True)
        if isinstance(error, FindingError):
            record.found(error.finding)
        pruned = isinstance(error, Pruned)
        reason = _reason(error)
    free_memory()
    if not interrupted:
        reason = group.agree(reason)
    status = "interrupted" if interrupted else "finished" if reason is None else "pruned" if pruned else "failed"
    status, reason = _record_end(record, status=status, reason=reason, fitted=fitted)
    shown = _examples(record, fitted) if status == "finished" and trackers.callbacks else None
    trackers.end(ending(status, reason, record=read_run(record.folder) or {}, examples=shown))
    if status == "finished":
        try:
            record.tidy()
        except OSError as error:
            progress.notice(f"{run.name}: finished; left as it is, as the disk refuses more: {error}")
    elif status == "pruned":
        try:
            record.remove_checkpoints()
        except OSError as error:
            progress.notice(f"{run.name}: pruned; its checkpoints cannot be removed: {error}")
    return Ended(run.name, status=status, reason=reason, metrics=fitted.metrics if status == "finished" else {})


def _record_end(
    record: RunRecord, *, status: str, reason: str | None, fitted: FittedRun | None
) -> tuple[str, str | None]:
    """How it ended after all: what cannot be recorded has not finished."""
    try:
        with told_when_full(record.folder):
            record.end(status=status, reason=reason, fitted=fitted)
        return status, reason
    except (HftkError, OSError) as error:
        if status != "finished":
            return status, reason  # run.json has said so since the start, less its reason
        reason = _reason(error)
    with suppress(HftkError, OSError):  # likewise
        record.end(status="failed", reason=reason, fitted=None)
    return "failed", reason


def _bar(plan: SweepPlan, curves: Sequence[Sequence[tuple[float, float]]] | None) -> Bar | None:
    if curves is None or (rule := pruning(plan)) is None:
        return None
    metric, goal = plan.ranking
    return Bar(metric=metric, goal=goal, curves=curves, min_epochs=rule.min_iter, min_runs=rule.min_runs)


def _examples(record: RunRecord, fitted: FittedRun) -> Examples | None:
    return examples(fitted.predictions, record.inputs.data.splits, labels=record.inputs.data.labels)


def _fit(
    record: RunRecord, *, progress: Progress, interruption: Interruption, trackers: Trackers, bar: Bar | None
) -> FittedRun:
    inputs, run, processes = record.inputs, record.run, record.processes
    if steps_per_epoch(run.recipe, rows=len(inputs.splits["train"]), world_size=processes.world_size) == 0:
        raise RunError(
            "training.dataloader_drop_last: the rows of train do not fill one batch, so nothing would be trained"
        )

    def tell(text: str) -> None:
        progress.notice(f"{run.name}: {text}")

    def found(finding: Finding) -> None:
        record.found(finding)
        tell(finding.message)

    if processes.main:
        told = about(
            run.recipe,
            group=record.plan.recipe.name,
            run=run.name,
            swept=run.swept,
            record=read_run(record.folder) or {},
        )
        trackers.open(run.recipe.tracking, told, folder=record.folder.parent, resumed=record.resumed)

    reference = reference_inputs(inputs.data, task=run.recipe.task, max_length=inputs.max_length)

    def attempt(training: Mapping[str, Any]) -> FittedRun:
        return fit(
            run.recipe.model_copy(update={"training": dict(training)}),
            load_model=inputs.load_model,
            splits=inputs.splits,
            processor=inputs.processor,
            labels=inputs.data.labels,
            class_weights=inputs.class_weights,
            folder=record.folder,
            run_name=run.name,
            observer=RunObserver(progress, run.name),
            on_row=record.epochs,
            fingerprint=inputs.identity,
            tell=tell,
            found=found,
            interruption=interruption,
            callbacks=[*trackers.callbacks, *([] if bar is None else [PruneByMedian(bar)])],
            reference=reference,
        )

    return smaller_batches(run.recipe.training, attempt, world_size=processes.world_size, tell=found)


def _reason(error: Exception) -> str:
    """One line without tokens: our own errors speak for themselves, others carry their class."""
    text = redacted(" ".join(str(error).split()))
    text = text if len(text) <= 500 else text[:500] + "…"
    return text if isinstance(error, HftkError) else f"{type(error).__name__}: {text}"
