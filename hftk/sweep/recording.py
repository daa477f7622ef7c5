"""The folder of one run, from its start to its end."""

import json
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hftk.recipe.showing import to_yaml
from hftk.replacing import replace_text
from hftk.report.card import write_card
from hftk.sweep.expansion import PlannedRun, SweepPlan
from hftk.sweep.record import (
    environment,
    file_checks,
    mark_started,
    read_run,
    started_identity,
    write_epochs,
    write_json,
    write_predictions,
)

if TYPE_CHECKING:
    import pandas as pd

    from hftk.sweep.inputs import RunInputs
    from hftk.training.findings import Finding
    from hftk.training.fit import FittedRun
    from hftk.training.predictions import Predictions
    from hftk.training.processes import Processes

CUT_SHORT = "its process ended before the run did"
"""The reason in run.json while a run is trained: true if nothing can be written any more."""


def keep_run(folder: Path, *, plan: SweepPlan, run: PlannedRun) -> str:
    """A run found finished, or pruned, may have another name, swept keys or ranking now; its figures stay.

    folder: the run's. Returns its status.
    """
    record = read_run(folder)
    told = record | json.loads(json.dumps(_named(plan, run), default=str))
    if told != record:
        replace_text(folder / "recipe.yaml", to_yaml(run.recipe))
        write_json(folder / "run.json", told)
    if record["status"] == "pruned":  # it left no model
        return "pruned"
    if told != record or not (folder / "model" / "README.md").exists():
        write_card(folder, run.recipe)
    _remove_checkpoints(folder, run=run)
    return "finished"


def _remove_checkpoints(folder: Path, *, run: PlannedRun) -> None:
    """Of a finished run, where they were for going on only."""
    if run.recipe.training.get("save_strategy") not in ("steps", "epoch") and (folder / "checkpoints").exists():
        shutil.rmtree(folder / "checkpoints")


def record_lost(folder: Path, *, plan: SweepPlan, run: PlannedRun, identity: str, status: str, reason: str) -> None:
    """What a process that is gone could not write itself. folder: the run's."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "recipe.yaml").exists():
        replace_text(folder / "recipe.yaml", to_yaml(run.recipe))
    known = {**_named(plan, run), "identity": identity, "metrics": {}, "findings": [], "keep": run.recipe.keep}
    ended = {"status": status, "reason": reason, "finished": _iso(time.time())}
    write_json(folder / "run.json", known | (read_run(folder) or {}) | ended)


class RunRecord:
    """The folder of one run, from its start to its end; written by the main process only."""

    def __init__(
        self, plan: SweepPlan, *, run: PlannedRun, inputs: "RunInputs", folder: Path, processes: "Processes"
    ) -> None:
        """folder: the run's."""
        self.plan = plan
        self.run = run
        self.inputs = inputs
        self.processes = processes
        self.folder = folder
        self.started = time.time()
        self.resumed = False
        """Was it begun before? Known from `start` on, in the main process."""
        self._findings: list[Finding] = []

    def start(self) -> None:
        if self.processes.main:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.resumed = started_identity(self.folder) == self.inputs.identity
            replace_text(self.folder / "recipe.yaml", to_yaml(self.run.recipe))
            write_json(self.folder / "run.json", self._summary(status="interrupted", reason=CUT_SHORT, fitted=None))
            mark_started(self.folder, identity=self.inputs.identity)

    def found(self, finding: "Finding") -> None:
        self._findings.append(finding)

    def epochs(self, rows: list[dict[str, float]]) -> None:
        if self.processes.main:
            write_epochs(self.folder, rows)

    def end(self, *, status: str, reason: str | None, fitted: "FittedRun | None") -> None:
        """Raises RunError or OSError where the disk refuses; run.json is then as before."""
        if not self.processes.main:
            return
        checked = {}
        if status == "finished":
            write_predictions(
                self.folder, [self._frame(split, fitted.predictions[split]) for split in fitted.predictions]
            )
            if fitted.reference is not None:
                replace_text(self.folder / "reference.json", fitted.reference)
        if status == "finished":
            checked = {"files": file_checks(self.folder)}
        write_json(self.folder / "run.json", self._summary(status=status, reason=reason, fitted=fitted) | checked)

    def remove_checkpoints(self) -> None:
        """Of a run that is not gone on with. Raises OSError where the disk refuses."""
        if self.processes.main:
            shutil.rmtree(self.folder / "checkpoints")

    def tidy(self) -> None:
        """What a finished run's folder has, or no longer has, besides. Raises OSError where the disk refuses."""
        if self.processes.main:
            write_card(self.folder, self.run.recipe)
            _remove_checkpoints(self.folder, run=self.run)

    def _summary(self, *, status: str, reason: str | None, fitted: "FittedRun | None") -> dict[str, Any]:
        run, data = self.run, self.inputs.data
        return {
            **_named(self.plan, run),
            "identity": self.inputs.identity,
            "status": status,
            "reason": reason,
            "metrics": fitted.metrics if fitted else {},
            "findings": [finding.to_json() for finding in self._findings],
            "keep": run.recipe.keep,
            "epochs": fitted.epochs if fitted else None,
            "best_epoch": fitted.best_epoch if fitted else None,
            "seconds": fitted.seconds if fitted else round(time.time() - self.started, 3),
            "parameters": fitted.parameters if fitted else None,
            "trainable_parameters": fitted.trainable_parameters if fitted else None,
            "attention": [text.to_json() for text in fitted.attended] if fitted else [],
            "data": {
                "path": run.recipe.data.path,
                "commit": data.commit,
                "fingerprint": data.fingerprint,
                "split_fingerprints": data.split_fingerprints,
                "labels": data.labels,
                "rows": {split: len(rows) for split, rows in data.splits.items()},
                "rows_before": data.rows_before,
                "max_length": self.inputs.max_length,
                "truncated": {split: rows.truncated for split, rows in self.inputs.splits.items()},
                "longer_are": self.inputs.longer_are,
                "relabelled": data.relabelled,
            },
            "pretrained": self._pretrained(),
            "embeddings": self._embeddings(fitted),
            "notices": self.inputs.notices,
            "world_size": self.processes.world_size,
            "device": self.processes.device,
            **environment(),
            "started": _iso(self.started),
            "finished": _iso(time.time()),
        }

    def _pretrained(self) -> dict[str, str | None] | None:
        """Which weights it began with, so that the same ones are found again; None for a model from scratch."""
        name, fingerprint = self.run.recipe.model.pretrained, self.inputs.model_fingerprint
        if name is None:
            return None
        commit = fingerprint if re.fullmatch("[0-9a-f]{40}", fingerprint) else None
        return {"name": name, "commit": commit, "fingerprint": fingerprint}

    def _embeddings(self, fitted: "FittedRun | None") -> dict[str, Any] | None:
        """How much of train has a vector, and which vectors do nothing; None for pretrained models and images."""
        from hftk.embeddings.coverage import coverage_figures

        found = [figures for line in self.inputs.notices if (figures := coverage_figures(line))]
        use = fitted.embedding_use if fitted else None
        if not found and use is None:
            return None
        settings = self.run.recipe.embeddings
        return {"method": settings.method if settings else None, **(found[0] if found else {})} | (
            use.to_json() if use else {}
        )

    def _frame(self, split: str, predictions: "Predictions") -> "pd.DataFrame":
        """Rows of predictions.parquet: row and source as in the data, labels by name; of a tagged sentence a row per
        word. tokens: the length of the text or sentence before it was cut; images have none."""
        import numpy as np
        import pandas as pd

        from hftk.data.encoded import TokenRows

        rows, names = self.inputs.data.splits[split], np.array(self.inputs.data.labels, dtype=object)
        columns = {"row": np.array(rows["row"][:]), "source": np.array(rows["source"][:], dtype=object)}
        if "tokens" in rows.column_names:
            words = [len(tokens) for tokens in rows["tokens"]]
            columns = {name: np.repeat(values, words) for name, values in columns.items()}
            columns["word"] = np.concatenate([np.arange(count) for count in words])
        encoded = self.inputs.splits[split]
        lengths = {"tokens": encoded.item_lengths()} if isinstance(encoded, TokenRows) else {}
        return pd.DataFrame(
            {
                **columns,
                "split": split,
                "label": names[predictions.label_ids],
                "prediction": names[predictions.probabilities.argmax(axis=-1)],
                "probabilities": list(predictions.probabilities),
                **lengths,
            }
        )


def _named(plan: SweepPlan, run: PlannedRun) -> dict[str, Any]:
    """What the sweep, not the run's own recipe, says of the run."""
    metric, goal = plan.ranking
    return {
        "run": run.name,
        "setting": run.setting,
        "seed": run.seed,
        "swept": run.swept,
        "ranking": {"metric": metric, "goal": goal},
    }


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
