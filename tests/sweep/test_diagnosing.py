"""What the end of a sweep writes into its runs."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from hftk.analysis.cutting import Cutting, cutting_file, write_cutting
from hftk.errors import RunError
from hftk.recipe.reading import read_document
from hftk.report.runs import read_run
from hftk.sweep.diagnosing import best_baseline, record_findings

LABELS = ["no", "yes"]
MEMORY = {"kind": "out-of-memory", "message": "m", "numbers": {}, "epoch": None, "suggestion": None}


def write_run(sweep, *, seed=0, accuracy=0.9, rising=False, status="finished", findings=(), n=200):
    folder = sweep / f"seed={seed}"
    folder.mkdir(parents=True)
    labels = np.arange(n) % 2
    said = np.where(np.arange(n) < accuracy * n, labels, 1 - labels)
    sureness = np.linspace(0.95, 0.55, n)
    probabilities = np.where(said[:, None] == [0, 1], sureness[:, None], 1 - sureness[:, None])
    names = np.array(LABELS)
    frame = {
        "row": np.arange(n),
        "source": "t",
        "split": "validation",
        "label": names[labels],
        "prediction": names[said],
    }
    pd.DataFrame(frame | {"probabilities": list(probabilities)}).to_parquet(folder / "predictions.parquet")
    valid = [0.5, 0.4, 0.45, 0.6] if rising else [0.5, 0.4, 0.38, 0.38]
    lines = ["epoch,train_loss,validation_loss,validation_accuracy"]
    lines += [f"{number},{0.6 - number / 10},{loss},{accuracy}" for number, loss in enumerate(valid, start=1)]
    (folder / "epochs.csv").write_text("\n".join(lines) + "\n")
    (folder / "recipe.yaml").write_text(
        "name: x\ndata: {path: builtin:docstrings}\nmodel: {architecture: rnn}\ntraining: {num_train_epochs: 4}\n"
        "keep: last\n"
    )
    record = {
        "run": f"seed={seed}", "setting": "", "seed": seed, "status": status, "keep": "last", "epochs": 4.0,
        "ranking": {"metric": "validation_accuracy", "goal": "maximize"}, "notices": [],
        "metrics": {"validation_accuracy": accuracy} if status == "finished" else {},
        "data": {"labels": LABELS, "fingerprint": "f" * 64}, "findings": list(findings),
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(record))
    return folder


def write_baselines(sweep, **accuracies):
    folder = sweep / "baselines" / ("f" * 16)
    folder.mkdir(parents=True)
    rows = np.arange(100)
    labels = np.array(LABELS)[rows % 2]
    columns = {
        name.replace("_", " "): np.where(rows < 100 * share, labels, "none") for name, share in accuracies.items()
    }
    frame = pd.DataFrame({"split": "validation", "row": rows, "source": "t", "label": labels, **columns})
    told = [{"name": name, "seconds": 0.1, "fitted_rows": 9, "note": None} for name in columns]
    (folder / "baselines.json").write_text(json.dumps({"version": 1, "baselines": told}))
    pd.concat([frame, frame.assign(split="test", label="never")]).to_parquet(folder / "predictions.parquet")


def kinds(folder):
    return [one["kind"] for one in json.loads((folder / "run.json").read_text())["findings"]]


def test_what_was_found_in_training_stays_and_a_second_call_changes_nothing(tmp_path):
    folder = write_run(tmp_path, rising=True, findings=[MEMORY])
    assert [one.kind for one in record_findings(tmp_path)["seed=0"]] == ["overfitting"]
    assert kinds(folder) == ["out-of-memory", "overfitting"]
    before = (folder / "run.json").read_bytes()
    record_findings(tmp_path)
    assert (folder / "run.json").read_bytes() == before
    (folder / "epochs.csv").write_text("epoch,train_loss,validation_loss\n1,0.5,0.4\n2,0.4,0.39\n3,0.38,0.38\n")
    record_findings(tmp_path)
    assert kinds(folder) == ["out-of-memory"], "what is not found any more goes"


def test_siblings_and_baselines_are_looked_at(tmp_path):
    folders = [write_run(tmp_path, seed=seed, accuracy=0.9) for seed in range(4)]
    bad = write_run(tmp_path, seed=4, accuracy=0.6)
    write_baselines(tmp_path, majority_class=0.99, tf_idf=0.7, nearest=0.95)
    record_findings(tmp_path)
    assert kinds(bad) == ["bad-seed"]
    assert all(kinds(folder) == ["below-baseline"] for folder in folders)


def test_texts_that_are_cut_too_short(tmp_path):
    folder = write_run(tmp_path, accuracy=0.9)
    write_baselines(tmp_path, tf_idf=0.8)
    recipe = read_document(folder / "recipe.yaml").data
    lost = Cutting(60, 0.73, 563, 0.92, 0.87, 0.03, 0.08, 240, 0.92)
    write_cutting(lost, folder=tmp_path, fingerprint="f" * 64, recipe=recipe)
    record_findings(tmp_path)
    [finding] = json.loads((folder / "run.json").read_text())["findings"]
    assert finding["kind"] == "truncation-hurts" and finding["numbers"]["enough_tokens"] == 240
    cutting_file(tmp_path, "f" * 64, recipe).write_text("{")
    with pytest.raises(RunError, match=r"cut-\w+\.json: cannot be read"):
        record_findings(tmp_path)


def test_runs_that_did_not_end_by_themselves_are_left_alone(tmp_path):
    folder = write_run(tmp_path, rising=True, status="interrupted")
    assert record_findings(tmp_path) == {} and kinds(folder) == []


def test_a_failed_run_is_judged_by_what_it_left(tmp_path):
    folder = write_run(tmp_path, rising=True, status="failed")
    (folder / "predictions.parquet").unlink()
    assert [one.kind for one in record_findings(tmp_path)["seed=0"]] == ["overfitting"]


def test_the_best_baseline_that_looks_at_the_input(tmp_path):
    run = read_run(write_run(tmp_path))
    assert best_baseline(tmp_path, run) is None
    write_baselines(tmp_path, majority_class=0.99, tf_idf=0.7, nearest=0.65)
    assert best_baseline(tmp_path, run) == pytest.approx(0.7)
    shutil.rmtree(tmp_path / "baselines")
    write_baselines(tmp_path, majority_class=0.99)
    assert best_baseline(tmp_path, run) is None


def test_broken_files_are_named(tmp_path):
    folder = write_run(tmp_path)
    write_baselines(tmp_path, tf_idf=0.7)
    path = tmp_path / "baselines" / ("f" * 16) / "predictions.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(RunError, match=r"predictions\.parquet: cannot be read .* Remove .*ffff to have it made again"):
        record_findings(tmp_path)
    path.unlink()
    (folder / "trace.csv").write_text("step,loss\n1,x\n")
    with pytest.raises(RunError, match=r"trace\.csv:2: a cell is not a number"):
        record_findings(tmp_path)
    (folder / "trace.csv").unlink()
    (folder / "predictions.parquet").write_bytes(b"")
    with pytest.raises(RunError, match=r"predictions\.parquet: cannot be read .* Remove the run's folder"):
        record_findings(tmp_path)
