"""Run folders as a sweep leaves them, with chosen figures."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EPOCHS = [
    # epoch, train_loss, validation_loss, validation_accuracy
    (1.0, 0.57, 0.48, 0.80),
    (2.0, 0.31, 0.44, 0.8123),
    (3.0, 0.07, 0.71, 0.8123),
]


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    """Writes tmp_path/grid/<name>/ and returns tmp_path/grid. `accuracy` is both splits'; keywords replace keys."""

    def write(name: str, *, accuracy: float | None = 0.8123, epochs: Any = EPOCHS, **changes: Any) -> Path:
        folder = tmp_path / "grid" / name
        folder.mkdir(parents=True)
        if epochs is not None:
            lines = ["epoch,train_loss,validation_loss,validation_accuracy,learning_rate,grad_norm,seconds"]
            lines += [",".join("" if cell is None else str(cell) for cell in row) + ",1e-05,1.0,9.5" for row in epochs]
            (folder / "epochs.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        record = {
            "run": name,
            "identity": "ab" * 32,
            "status": "finished",
            "reason": None,
            "seed": 0,
            "setting": name,
            "swept": {"training.learning_rate": 1e-5},
            "ranking": {"metric": "validation_accuracy", "goal": "maximize"},
            "metrics": {
                "validation_accuracy": accuracy,
                "validation_loss": 0.44,
                "test_accuracy": accuracy,
                "test_loss": 0.5,
            },
            "findings": [],
            "epochs": 3.0,
            "best_epoch": 2.0,
            "keep": "best",
            "seconds": 65.2,
            "parameters": 22713602,
            "trainable_parameters": 22713602,
            "data": {
                "fingerprint": "0f" * 32,
                "labels": ["unacceptable", "acceptable"],
                "rows": {"train": 7696, "validation": 855, "test": 1043},
                "rows_before": {"train": 7696, "validation": 855, "test": 1043},
                "path": "nyu-mll/glue",
                "truncated": {"train": 0, "validation": 0, "test": 0},
            },
            "notices": [],
            "versions": {"torch": "2.13.0", "transformers": "5.23.0"},
            "device": "cpu",
            "hardware": {"cpus": 2, "gpus": []},
            "world_size": 1,
            "git_commit": "abc123",
            "command": "hftk train recipes/grid.yaml",
            "started": "2026-01-02T03:04:05+00:00",
            "finished": "2026-01-02T03:05:10+00:00",
        }
        (folder / "run.json").write_text(json.dumps(record | changes, ensure_ascii=False), encoding="utf-8")
        return folder.parent

    return write


@pytest.fixture
def data() -> Callable[..., dict[str, Any]]:
    """A run.json's `data`, changed."""

    def make(**changes: Any) -> dict[str, Any]:
        rows = {"train": 7696, "validation": 855, "test": 1043}
        plain = {"fingerprint": "0f" * 32, "labels": ["unacceptable", "acceptable"], "path": "nyu-mll/glue"}
        return plain | {"rows": rows, "rows_before": rows, "truncated": {}} | changes

    return make


@pytest.fixture
def write_judged(write_run, data) -> Callable[..., Path]:
    """Like `write_run`, with predictions.parquet: right on the first share `right` of 200 test and 100 validation rows.

    Its figures are those of its predictions. noise: the first rows that it has wrong after all, so that runs differ.
    """
    import numpy as np
    import pandas as pd

    labels = ["negative", "positive"]
    sizes = {"validation": 100, "test": 200}

    def write(name: str, *, right: float, noise: int = 0, labels: list[str] = labels, **changes: Any) -> Path:
        frames, metrics = [], {}
        for split, size in sizes.items():
            label_ids = np.arange(size) % len(labels)
            wrong = (np.arange(size) >= right * size) ^ (np.arange(size) < noise)
            said = np.where(wrong, (label_ids + 1) % len(labels), label_ids)
            probabilities = np.full((size, len(labels)), 0.2 / (len(labels) - 1), dtype=np.float32)
            probabilities[np.arange(size), said] = 0.8
            given = probabilities[np.arange(size), label_ids]
            metrics |= {f"{split}_accuracy": float((~wrong).mean()), f"{split}_loss": float(-np.log(given).mean())}
            names = np.array(labels, dtype=object)
            frames.append(
                pd.DataFrame(
                    {
                        "row": np.arange(size),
                        "source": f"{split}.csv",
                        "split": split,
                        "label": names[label_ids],
                        "prediction": names[said],
                        "probabilities": list(probabilities),
                    }
                )
            )
        seen = data(labels=labels, rows={"train": 800, **sizes}, rows_before={"train": 800, **sizes})
        folder = write_run(name, **({"metrics": metrics, "data": seen} | changes))
        pd.concat(frames).to_parquet(folder / name / "predictions.parquet")
        return folder

    return write
