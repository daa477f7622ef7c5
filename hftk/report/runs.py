"""Run folders as plain values: what every table, curve and sentence of a report is made from."""

import csv
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hftk.errors import RunError

NOT_RUNS = {"superseded", "baselines"}
Status = Literal["finished", "failed", "interrupted", "pruned"]


class Ranking(BaseModel):
    model_config = ConfigDict(frozen=True)

    metric: str
    """A key of `metrics`: validation_<metric>."""
    goal: Literal["maximize", "minimize"]


class RunData(BaseModel):
    """The data that a run saw."""

    model_config = ConfigDict(frozen=True)

    path: str | None = None
    commit: str | None = None
    """Of a data set of the Hub; `commit` is in model_fields_set where the record tells whether it was one."""
    fingerprint: str | None = None
    split_fingerprints: dict[str, str] = {}
    """Per split, where the record tells it."""
    labels: list[str] = []
    rows: dict[str, int] = {}
    """Per split, the rows used."""
    rows_before: dict[str, int] = {}
    """Per split, the rows before bad ones were skipped and a limit was applied."""
    truncated: dict[str, int] = {}
    """Per split, the rows that were longer than the maximum length."""
    max_length: int | None = None
    """Tokens; None for images."""
    longer_are: str = "cut"
    """What was done with rows that are longer."""
    relabelled: dict[str, float] = {}
    """Per split, the share of labels that `data.relabel` changed."""


class Run(BaseModel):
    """A run folder. Keys that a run of an unfortunate end never reached are empty, not absent."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    name: str = Field(alias="run")
    status: Status
    reason: str | None = None
    seed: int
    setting: str = ""
    """The run's name without its seed."""
    swept: dict[str, Any] = {}
    ranking: Ranking
    metrics: dict[str, float | None] = {}
    keep: Literal["best", "last"] = "best"
    epochs: float | None = None
    best_epoch: float | None = None
    seconds: float | None = None
    parameters: int | None = None
    trainable_parameters: int | None = None
    data: RunData = RunData()
    pretrained: dict[str, Any] = {}
    """name, commit (of a model of the Hub) and fingerprint of the weights that it began with."""
    embeddings: dict[str, Any] = {}
    """How much of train has a word vector."""
    findings: list[dict[str, Any]] = []
    """Entries of hftk/training/findings.py, as JSON."""
    attention: list[dict[str, Any]] = []
    """Entries of hftk/training/attention.py, as JSON."""
    notices: list[str] = []
    versions: dict[str, Any] = {}
    device: str | None = None
    hardware: dict[str, Any] = {}
    world_size: int | None = None
    git_commit: str | None = None
    command: str | None = None
    started: str | None = None
    finished: str | None = None
    curve: list[dict[str, float | None]] = []
    """The rows of epochs.csv; an empty cell is None, `nan` is NaN."""
    folder: Path = Path()
    """Where all this stands."""

    @property
    def kept_epoch(self) -> float | None:
        """The epoch whose weights, and so whose metrics, the run kept; None for one that did not finish."""
        if self.status != "finished":
            return None
        return self.best_epoch if self.keep == "best" and self.best_epoch is not None else self.epochs

    @property
    def reached(self) -> float | None:
        """Epochs trained; of a run that did not finish, those that its curve knows of."""
        return self.curve[-1]["epoch"] if self.epochs is None and self.curve else self.epochs

    @property
    def steps(self) -> int | None:
        """Optimizer steps trained."""
        step = self.curve[-1].get("step") if self.curve else None
        return None if step is None else int(step)

    @property
    def score(self) -> float | None:
        """The ranking metric's value; None where there is none, or none that is a number."""
        value = self.metrics.get(self.ranking.metric)
        return None if value is None or math.isnan(value) else value


def read_runs(folder: Path) -> list[Run]:
    """Every run under `folder`, ranked (see `ranked`).

    Raises RunError when there is none, when two folders hold the same run, or when a run.json or epochs.csv is broken.
    """
    runs: dict[str, tuple[Path, Run]] = {}
    for path in _run_folders(folder):
        if not (path / "run.json").is_file():
            continue
        run = read_run(path)
        if run.name in runs:
            raise RunError(
                f"{folder}: two folders hold the run {run.name!r}: {runs[run.name][0].name} and {path.name}. "
                "Move one of them away."
            )
        runs[run.name] = (path, run)
    if not runs:
        raise RunError(f"{folder}: no runs found. Expected {folder}/<run>/run.json, as `hftk train` leaves it.")
    return ranked([run for _, run in runs.values()])


def unfinished_folders(folder: Path) -> list[str]:
    """Names of the run folders (they hold a recipe.yaml) that no run.json was written into."""
    return [
        path.name
        for path in _run_folders(folder)
        if (path / "recipe.yaml").is_file() and not (path / "run.json").is_file()
    ]


def _run_folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_dir() and not path.name.startswith((".", "_")) and path.name not in NOT_RUNS
    )


def read_run(folder: Path) -> Run:
    """One run folder. Raises RunError that names the file which is broken."""
    path = folder / "run.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RunError(f"{path}: not valid JSON ({error}). Remove the run's folder to train it again.") from error
    if not isinstance(record, dict):
        raise RunError(f"{path}: expected a mapping, found {type(record).__name__}.")
    known = {key: value for key, value in record.items() if value is not None}
    try:
        return Run.model_validate(known | {"curve": _read_curve(folder / "epochs.csv"), "folder": folder})
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg'].lower()}" for problem in error.errors()
        )
        raise RunError(f"{path}: not a run's record: {problems}. Remove the run's folder to train it again.") from error


def _read_curve(path: Path) -> list[dict[str, float | None]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = []
        for row in reader:
            try:
                rows.append({column: float(cell) if cell else None for column, cell in row.items()})
            except (TypeError, ValueError) as error:
                raise RunError(f"{path}:{reader.line_num}: a cell is not a number ({error}).") from error
            if rows[-1].get("epoch") is None:
                raise RunError(f"{path}:{reader.line_num}: no epoch; found the columns {', '.join(map(str, row))}.")
    return rows


def ranked(runs: list[Run]) -> list[Run]:
    """Finished runs, best first by the ranking metric on validation, those without a figure last; then all others.

    Ties and the others stand in the order of their names.
    """
    ranking = common_ranking(runs)

    def place(run: Run) -> tuple[bool, bool, float, str]:
        if run.status != "finished":
            return True, True, 0.0, run.name
        score = run.score if run.ranking == ranking else None
        if score is None:
            return False, True, 0.0, run.name
        return False, False, -score if ranking.goal == "maximize" else score, run.name

    return sorted(runs, key=place)


def common_ranking(runs: list[Run]) -> Ranking:
    """What most of the runs are ranked by; the first in the order of names where two are equally common."""
    counts = Counter(run.ranking for run in sorted(runs, key=lambda run: run.name))
    return counts.most_common(1)[0][0]


def worth(value: float | None, ranking: Ranking) -> float:
    """Larger is better, whatever the goal; a missing figure is the worst."""
    if value is None:
        return -math.inf
    return value if ranking.goal == "maximize" else -value


def finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
