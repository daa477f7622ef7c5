"""All that the diagnosis of a run rests on, read from its folder and from the runs beside it."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hftk.analysis.cutting import Cutting
from hftk.embeddings.coverage import coverage_figures
from hftk.errors import RunError
from hftk.report.runs import Run, read_run


@dataclass(frozen=True, eq=False)
class Judged:
    """The validation split as the kept model sees it. An item is a row, or a word of a tagged sentence."""

    label_ids: np.ndarray
    """(items,) int."""
    probabilities: np.ndarray
    """(items, labels)."""
    tokens: np.ndarray | None = None
    """(items,) length of the item's text before it was cut; None for images and in older records."""

    @cached_property
    def prediction_ids(self) -> np.ndarray:
        return self.probabilities.argmax(axis=1)

    @cached_property
    def right(self) -> np.ndarray:
        """(items,) bool."""
        return self.prediction_ids == self.label_ids

    @property
    def accuracy(self) -> float:
        return float(self.right.mean())

    @cached_property
    def label_shares(self) -> np.ndarray:
        """(labels,) summing to 1."""
        return np.bincount(self.label_ids, minlength=self.probabilities.shape[1]) / len(self.label_ids)

    @cached_property
    def prediction_shares(self) -> np.ndarray:
        """(labels,) summing to 1."""
        return np.bincount(self.prediction_ids, minlength=self.probabilities.shape[1]) / len(self.label_ids)

    @property
    def entropy(self) -> float:
        """Of the predicted classes, as a share of that of the labels: 0 where one class is all that is predicted."""
        return _entropy(self.prediction_shares) / max(_entropy(self.label_shares), 1e-12)

    @property
    def standard_error(self) -> float:
        """Of the accuracy, were the items drawn one by one."""
        return float(np.sqrt(max(self.accuracy * (1 - self.accuracy), 1e-12) / len(self.label_ids)))


@dataclass(frozen=True, eq=False)
class RunEvidence:
    run: Run
    recipe: Mapping[str, Any]
    """The run's own, with its defaults; empty where recipe.yaml is not there."""
    trace: Sequence[Mapping[str, float]] = ()
    """The rows of trace.csv."""
    gradients: Sequence[Mapping[str, float]] = ()
    """The rows of gradients.csv."""
    validation: Judged | None = None
    embeddings: Mapping[str, Any] | None = None
    """As run.json has it; None for pretrained models, images, and random vectors in older records."""
    siblings: Sequence[Run] = ()
    """Finished runs of the same setting and data with other seeds."""
    baseline: float | None = None
    """Validation accuracy of the best simple baseline that learns from the input."""
    cutting: Cutting | None = None
    """What is lost where texts are cut as this run's are; None where few are, and in older folders."""

    def setting(self, *keys: str, default: Any = None) -> Any:
        """A value of the recipe; `default` where it is absent or null."""
        value: Any = self.recipe
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        return default if value is None else value

    @property
    def training(self) -> Mapping[str, Any]:
        """The recipe's section with TrainingArguments' defaults of what the rules read."""
        return _DEFAULTS | self.setting("training", default={})

    @property
    def classes(self) -> int:
        return max(len(self.run.data.labels), 2)

    @property
    def even_loss(self) -> float:
        """Of a model that gives every class the same probability."""
        return float(np.log(self.classes))

    @property
    def constant_loss(self) -> float:
        """Of the best model that does not look at its input; `even_loss` where the labels' shares are not known."""
        return _entropy(self.validation.label_shares) if self.validation else self.even_loss

    def column(self, name: str) -> np.ndarray:
        """(rows,) of epochs.csv, NaN where there is no figure."""
        values = [row.get(name) for row in self.run.curve]
        return np.array([np.nan if value is None else value for value in values], dtype=float)

    @property
    def epochs(self) -> np.ndarray:
        return self.column("epoch")

    @property
    def train_loss(self) -> np.ndarray:
        return self.column("train_loss")

    @property
    def validation_loss(self) -> np.ndarray:
        return self.column("validation_loss")

    @property
    def reachable(self) -> float | None:
        """Validation accuracy of a simple baseline that is given no more of the texts than this run; None without."""
        if self.baseline is not None and self.cutting is not None and self.cutting.hurts:
            return self.cutting.cut_accuracy
        return self.baseline

    @property
    def ended_early(self) -> bool:
        """Did early stopping end it?"""
        planned = self.training["num_train_epochs"]
        return bool(self.setting("early_stopping")) and (self.run.epochs or 0) < planned - 0.5


# TrainingArguments', transformers 5.23
_DEFAULTS = {
    "num_train_epochs": 3.0,
    "learning_rate": 5e-5,
    "max_grad_norm": 1.0,
    "weight_decay": 0.0,
    "warmup_steps": 0,
    "optim": "adamw_torch_fused",
    "label_smoothing_factor": 0.0,
}


def read_evidence(folder: Path, *, runs: Sequence[Run] = (), baseline: float | None = None) -> RunEvidence:
    """folder: a run's. runs: those of its sweep, itself among them or not. baseline: see `RunEvidence`.

    What is not there, as in the folder of a failed run or in an older record, is empty. Raises RunError for a file that
    is broken.
    """
    run = read_run(folder)
    told = _record(folder)
    return RunEvidence(
        run=run,
        recipe=_recipe(folder / "recipe.yaml"),
        trace=_table(folder / "trace.csv"),
        gradients=_table(folder / "gradients.csv"),
        validation=_judged(folder / "predictions.parquet", run.data.labels) if run.status == "finished" else None,
        embeddings=told.get("embeddings") or _embeddings(run),
        siblings=[one for one in runs if _same_setting(one, run)],
        baseline=baseline,
    )


def _same_setting(one: Run, run: Run) -> bool:
    same = one.setting == run.setting and one.data.fingerprint == run.data.fingerprint
    return same and one.name != run.name and one.status == "finished"


def _record(folder: Path) -> Mapping[str, Any]:
    import json

    return json.loads((folder / "run.json").read_text(encoding="utf-8"))  # read before, so it is whole


def _recipe(path: Path) -> Mapping[str, Any]:
    from hftk.recipe.reading import read_document

    return read_document(path).data if path.is_file() else {}


def _embeddings(run: Run) -> Mapping[str, Any] | None:
    """From the notices of an older record."""
    found = [figures for line in run.notices if (figures := coverage_figures(line))]
    return found[0] if found else None


def _table(path: Path) -> list[dict[str, float]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        try:
            return [{name: float(cell) for name, cell in row.items() if cell} for row in reader]
        except (TypeError, ValueError) as error:
            raise RunError(f"{path}:{reader.line_num}: a cell is not a number ({error}).") from error


def _judged(path: Path, labels: list[str]) -> Judged | None:
    """None where there is no file, or no row of validation."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        return None
    try:
        table = pq.read_table(path, filters=[("split", "==", "validation")])
        if not table.num_rows:
            return None
        ids = {label: number for number, label in enumerate(labels)}
        label_ids = np.array([ids[str(label)] for label in table["label"].to_pylist()])
        probabilities = np.array(table["probabilities"].to_pylist(), dtype=float)
    except (OSError, pa.ArrowException, KeyError) as error:
        raise RunError(f"{path}: cannot be read ({error}). Remove the run's folder to train it again.") from error
    tokens = table["tokens"].to_numpy() if "tokens" in table.column_names else None
    return Judged(label_ids=label_ids, probabilities=probabilities, tokens=tokens)


def _entropy(shares: np.ndarray) -> float:
    """In nats."""
    present = shares[shares > 0]
    return abs(float((present * np.log(present)).sum()))
