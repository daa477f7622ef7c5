"""Trains the runs of a sweep one after another in the launched processes, and records each."""

import json
import logging
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hftk.errors import HftkError, RunError
from hftk.recipe.schema import Recipe
from hftk.recipe.showing import to_yaml
from hftk.report.card import write_card
from hftk.sweep.expansion import PlannedRun, SweepPlan
from hftk.sweep.inputs import RunInputs
from hftk.sweep.ledger import Ledger
from hftk.sweep.progress import Progress, RunObserver
from hftk.sweep.record import environment, read_run, write_atomically, write_epochs, write_json, write_predictions
from hftk.tracking import end_run, start_run
from hftk.training.fit import FittedRun, Predictions, fit, free_memory
from hftk.training.processes import Processes, agree

log = logging.getLogger(__name__)


def train_runs(
    plan: SweepPlan,
    *,
    inputs: Mapping[str, RunInputs],
    kept: set[str],
    ledger: Ledger,
    processes: Processes,
    progress: Progress,
) -> dict[str, str]:
    """Trains every run of the plan that is not in `kept`. Returns run name → status.

    A run that fails is recorded with its reason, and the next one starts. KeyboardInterrupt is recorded as
    `interrupted` and passed on.
    """
    statuses = {}
    for index, run in enumerate(plan.runs, start=1):
        record = _RunRecord(plan, run=run, inputs=inputs[run.name], ledger=ledger, processes=processes)
        if run.name in kept:
            record.keep()
            progress.run_kept(run.name)
            statuses[run.name] = "finished"
            continue
        rows = len(inputs[run.name].splits["train"])
        steps = total_steps(run.recipe, rows=rows, world_size=processes.world_size)
        per_epoch = steps_per_epoch(run.recipe, rows=rows, world_size=processes.world_size)
        progress.run_started(index, run.name, steps, round(steps / max(per_epoch, 1), 4))
        record.start()
        try:
            fitted, reason = _fit(record, progress=progress), None
        except KeyboardInterrupt:
            record.end(status="interrupted", reason="interrupted by the user", fitted=None)
            progress.run_ended(run.name, "interrupted", "interrupted by the user", {})
            raise
        except Exception as error:  # whatever it was costs this run only
            log.debug("run %s failed", run.name, exc_info=True)
            fitted, reason = None, _reason(error)
        finally:
            end_run(run.recipe.tracking)
        free_memory()
        reason = agree(reason)
        statuses[run.name] = "finished" if reason is None else "failed"
        record.end(status=statuses[run.name], reason=reason, fitted=fitted)
        progress.run_ended(run.name, statuses[run.name], reason, fitted.metrics if fitted else {})
    return statuses


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


class _RunRecord:
    """The folder of one run, from its start to its end; written by the main process only."""

    def __init__(
        self, plan: SweepPlan, *, run: PlannedRun, inputs: RunInputs, ledger: Ledger, processes: Processes
    ) -> None:
        self.plan = plan
        self.run = run
        self.inputs = inputs
        self.ledger = ledger
        self.processes = processes
        self.folder = ledger.folder / run.name
        self.started = time.time()

    def start(self) -> None:
        if self.processes.main:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self.folder / "recipe.yaml", to_yaml(self.run.recipe))
            self.ledger.append("started", run=self.run.name, identity=self.inputs.identity)

    def keep(self) -> None:
        """A run found finished may have another name, swept keys or ranking now; its figures stay."""
        if not self.processes.main:
            return
        record = read_run(self.folder)
        told = record | json.loads(json.dumps(self._name(), default=str))
        if told != record:
            write_atomically(self.folder / "recipe.yaml", to_yaml(self.run.recipe))
            write_json(self.folder / "run.json", told)
            write_card(self.folder, self.run.recipe)

    def epochs(self, rows: list[dict[str, float]]) -> None:
        if self.processes.main:
            write_epochs(self.folder, rows)

    def end(self, *, status: str, reason: str | None, fitted: FittedRun | None) -> None:
        if not self.processes.main:
            return
        if fitted is not None and status == "finished":
            write_predictions(
                self.folder, [self._frame(split, fitted.predictions[split]) for split in fitted.predictions]
            )
            if self.run.recipe.training.get("save_strategy", "no") == "no":
                _remove(self.folder / "checkpoints")
            else:
                (self.folder / "checkpoints" / "best.safetensors").unlink(missing_ok=True)
        write_json(self.folder / "run.json", self._summary(status=status, reason=reason, fitted=fitted))
        if status == "finished":
            write_card(self.folder, self.run.recipe)
        self.ledger.append(status, run=self.run.name, identity=self.inputs.identity, reason=reason)

    def _summary(self, *, status: str, reason: str | None, fitted: FittedRun | None) -> dict[str, Any]:
        run, data = self.run, self.inputs.data
        return {
            **self._name(),
            "identity": self.inputs.identity,
            "status": status,
            "reason": reason,
            "metrics": fitted.metrics if fitted else {},
            "findings": [],
            "keep": run.recipe.keep,
            "epochs": fitted.epochs if fitted else None,
            "best_epoch": fitted.best_epoch if fitted else None,
            "seconds": fitted.seconds if fitted else round(time.time() - self.started, 3),
            "parameters": fitted.parameters if fitted else None,
            "trainable_parameters": fitted.trainable_parameters if fitted else None,
            "data": {
                "path": run.recipe.data.path,
                "fingerprint": data.fingerprint,
                "labels": data.labels,
                "rows": {split: len(rows) for split, rows in data.splits.items()},
                "rows_before": data.rows_before,
                "max_length": self.inputs.max_length,
                "truncated": {split: rows.truncated for split, rows in self.inputs.splits.items()},
                "longer_are": self.inputs.longer_are,
                "relabelled": data.relabelled,
            },
            "notices": self.inputs.notices,
            "world_size": self.processes.world_size,
            "device": self.processes.device,
            **environment(),
            "started": _iso(self.started),
            "finished": _iso(time.time()),
        }

    def _name(self) -> dict[str, Any]:
        """What the sweep, not the run's own recipe, says of the run."""
        run, ranking = self.run, self.plan.recipe.sweep and self.plan.recipe.sweep.metric
        return {
            "run": run.name,
            "setting": run.setting,
            "seed": run.seed,
            "swept": run.swept,
            "ranking": {
                "metric": ranking.name if ranking else f"validation_{run.recipe.metrics[0]}",
                "goal": ranking.goal if ranking else "maximize",
            },
        }

    def _frame(self, split: str, predictions: Predictions) -> pd.DataFrame:
        """Rows of predictions.parquet: row and source as in the data, labels by name; of a tagged sentence a row per
        word."""
        rows, names = self.inputs.data.splits[split], np.array(self.inputs.data.labels, dtype=object)
        columns = {"row": np.array(rows["row"][:]), "source": np.array(rows["source"][:], dtype=object)}
        if "tokens" in rows.column_names:
            words = [len(tokens) for tokens in rows["tokens"]]
            columns = {name: np.repeat(values, words) for name, values in columns.items()}
            columns["word"] = np.concatenate([np.arange(count) for count in words])
        return pd.DataFrame(
            {
                **columns,
                "split": split,
                "label": names[predictions.label_ids],
                "prediction": names[predictions.probabilities.argmax(axis=-1)],
                "probabilities": list(predictions.probabilities),
            }
        )


def _fit(record: _RunRecord, *, progress: Progress) -> FittedRun:
    inputs, run = record.inputs, record.run
    if steps_per_epoch(run.recipe, rows=len(inputs.splits["train"]), world_size=record.processes.world_size) == 0:
        raise RunError(
            "training.dataloader_drop_last: the rows of train do not fill one batch, so nothing would be trained"
        )
    if record.processes.main:
        for notice in start_run(
            run.recipe.tracking, group=record.plan.recipe.name, run=run.name, folder=record.ledger.folder
        ):
            progress.notice(notice)
    return fit(
        run.recipe,
        load_model=inputs.load_model,
        splits=inputs.splits,
        processor=inputs.processor,
        labels=inputs.data.labels,
        class_weights=inputs.class_weights,
        folder=record.folder,
        run_name=run.name,
        report_to=list(run.recipe.tracking.report_to),
        observer=RunObserver(progress, run.name),
        on_row=record.epochs,
    )


def _reason(error: Exception) -> str:
    """One line: our own errors speak for themselves, others carry their class."""
    text = " ".join(str(error).split())
    text = text if len(text) <= 500 else text[:500] + "…"
    return text if isinstance(error, HftkError) else f"{type(error).__name__}: {text}"


def _remove(folder: Path) -> None:
    import shutil

    if folder.exists():
        shutil.rmtree(folder)


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
