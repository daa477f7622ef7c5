"""The main job from recipe to report: what it leaves, what it keeps, what it does when a run goes wrong."""

import csv
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

import hftk
from hftk.errors import DataError, RecipeError, RunError
from hftk.sweep import runners

pytestmark = pytest.mark.usefixtures("own_cache")
RUNS = [f"learning_rate={rate},seed={seed}" for rate in ("0.001", "0.01") for seed in (1, 2)]
SWEEP_FILES = {"results.csv", "report.md", "report.html", "curves.png", "ledger.jsonl"}
DATA_FILES = {"baselines.json", "data.json", "examples.parquet", "predictions.parquet"}
RUN_FILES = {
    "recipe.yaml",
    "run.json",
    "epochs.csv",
    "gradients.csv",
    "trace.csv",
    "predictions.parquet",
    "reference.json",
    "model/README.md",
    "model/config.json",
    "model/model.safetensors",
    "model/tokenizer.json",
    "model/tokenizer_config.json",
}


@pytest.fixture(scope="module")
def recipe(tiny_bert, tiny_csv) -> dict:
    """Two learning rates times two seeds."""
    return {
        "name": "grid",
        "data": {"path": str(tiny_csv), "max_length": 32},
        "model": {"pretrained": str(tiny_bert)},
        "training": {"num_train_epochs": 2, "per_device_train_batch_size": 32, "use_cpu": True},
        "metrics": ["accuracy", "f1_macro"],
        "seeds": [1, 2],
        "sweep": {"parameters": {"training.learning_rate": {"values": [1e-3, 1e-2]}}},
    }


@pytest.fixture(scope="module")
def trained(recipe, tmp_path_factory):
    """The sweep trained once: its output_dir and what hftk.run returned and said."""
    output_dir, stream = tmp_path_factory.mktemp("runs"), io.StringIO()
    result = hftk.run(recipe, {"output_dir": str(output_dir)}, stream=stream)
    return output_dir, result, stream.getvalue()


@pytest.fixture
def again(recipe, trained, tmp_path):
    """Runs the recipe, with overrides, over a copy of the trained sweep; returns (result, what it said)."""
    shutil.copytree(trained[0], tmp_path, dirs_exist_ok=True)

    def run(overrides=None, *, jobs=1):
        stream = io.StringIO()
        result = hftk.run(recipe, {"output_dir": str(tmp_path), **(overrides or {})}, jobs=jobs, stream=stream)
        return result, stream.getvalue()

    return run


@pytest.fixture
def single(recipe, tmp_path):
    """Runs the recipe without its sweep, at one seed, with overrides; returns the folder of the one run."""

    def run(overrides=None):
        alone = {key: value for key, value in recipe.items() if key != "sweep"}
        given = {"output_dir": str(tmp_path), "seeds": [1], "training.learning_rate": 1e-3, **(overrides or {})}
        result = hftk.run(alone, given, stream=io.StringIO())
        assert result.exit_code == 0, result.results["reason"].tolist()
        return result.folder / result.results["run"][0]

    return run


def files(folder: Path) -> set[str]:
    """But for .claims: who trains what, for other commands to see."""
    found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return {path.as_posix() for path in found if path.parts[0] != ".claims"}


def run_json(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def events(folder: Path) -> list[tuple[str, str]]:
    lines = (folder / "ledger.jsonl").read_text(encoding="utf-8").splitlines()
    return [(line["event"], line["run"]) for line in map(json.loads, lines)]


def weights(folder: Path) -> dict[str, int]:
    """Run → when its weights were written."""
    return {path.parent.parent.name: path.stat().st_mtime_ns for path in folder.glob("*/model/model.safetensors")}


def header(path: Path) -> list[str]:
    with open(path, encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


# what is left


def test_exactly_these_files_are_left(trained):
    folder = trained[0] / "grid"
    [described] = folder.glob("baselines/*")
    assert files(folder) == (
        SWEEP_FILES
        | {f"baselines/{described.name}/{file}" for file in DATA_FILES}
        | {f"{run}/{file}" for run in RUNS for file in RUN_FILES}
    )
    assert [path.name for path in trained[0].iterdir()] == ["grid"]


def test_the_result_names_what_was_left(trained):
    output_dir, result, _ = trained
    assert result.exit_code == 0
    assert result.folder == output_dir / "grid"
    assert result.statuses == dict.fromkeys(result.results["run"], "finished")
    assert sorted(result.statuses) == sorted(RUNS)


def test_columns(trained):
    folder = trained[0] / "grid"
    figures = ["accuracy", "f1_macro", "loss"]
    assert header(folder / "results.csv") == [
        *("run", "training.learning_rate", "seed", "status", "reason", "epochs", "best_epoch", "seconds", "parameters"),
        *(f"validation_{name}" for name in figures),
        *(f"test_{name}" for name in figures),
        *("test_brier", "test_ece", "over_baseline", "verdict"),
    ]
    for run in RUNS:
        assert header(folder / run / "epochs.csv") == [
            *("epoch", "train_loss", "validation_loss", "validation_accuracy", "validation_f1_macro"),
            *("learning_rate", "grad_norm", "seconds"),
        ]
        epochs = pd.read_csv(folder / run / "epochs.csv")
        assert epochs["epoch"].tolist() == [1.0, 2.0]
        assert np.isfinite(epochs.to_numpy()).all()


def test_results_and_run_json_agree(trained):
    folder = trained[0] / "grid"
    for _, row in trained[1].results.iterrows():
        record = run_json(folder / row["run"])
        assert record["swept"] == {"training.learning_rate": row["training.learning_rate"]}
        assert (record["seed"], record["status"], record["reason"]) == (row["seed"], "finished", None)
        for name, value in record["metrics"].items():
            assert row[name] == pytest.approx(value, abs=1e-12), name
        assert record["data"]["rows"] == {"train": 120, "validation": 15, "test": 15}
        assert record["data"]["labels"] == ["neg", "pos"]


def test_the_kept_epoch_gave_the_figures(trained):
    for _, row in trained[1].results.iterrows():
        epochs = pd.read_csv(trained[0] / "grid" / row["run"] / "epochs.csv").set_index("epoch")
        assert row["best_epoch"] == epochs["validation_accuracy"].idxmax()  # the first of equals
        for name in ("validation_accuracy", "validation_f1_macro", "validation_loss"):
            assert row[name] == pytest.approx(epochs.loc[row["best_epoch"], name], abs=1e-5), name


def test_predictions_give_the_figures(trained):
    for _, row in trained[1].results.iterrows():
        predictions = pd.read_parquet(trained[0] / "grid" / row["run"] / "predictions.parquet")
        assert list(predictions) == ["row", "source", "split", "label", "prediction", "probabilities", "tokens"]
        assert predictions["split"].value_counts().to_dict() == {"validation": 15, "test": 15}
        for split, part in predictions.groupby("split"):
            assert row[f"{split}_accuracy"] == pytest.approx(accuracy_score(part["label"], part["prediction"]))
            f1 = f1_score(part["label"], part["prediction"], average="macro", zero_division=0)
            assert row[f"{split}_f1_macro"] == pytest.approx(f1)
            chances = np.stack(part["probabilities"])
            assert chances.sum(axis=1) == pytest.approx(1, abs=1e-6)
            label_ids = (part["label"] == "pos").to_numpy(int)
            assert row[f"{split}_loss"] == pytest.approx(-np.log(chances[np.arange(15), label_ids]).mean(), abs=1e-5)


def test_the_model_reproduces_its_predictions_and_names_its_labels(trained, tiny_csv):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    texts = pd.read_csv(tiny_csv)
    folder = trained[0] / "grid" / RUNS[-1]
    predictions = pd.read_parquet(folder / "predictions.parquet")
    rows = texts.iloc[predictions["row"]]
    assert rows["label"].tolist() == predictions["label"].tolist(), "row ids point at rows of the file"
    assert predictions["row"].is_unique

    model = AutoModelForSequenceClassification.from_pretrained(folder / "model").eval()
    assert model.config.id2label == {0: "neg", 1: "pos"}
    assert model.config.label2id == {"neg": 0, "pos": 1}
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    inputs = tokenizer(rows["text"].tolist(), truncation=True, max_length=32, padding=True, return_tensors="pt")
    with torch.no_grad():
        chances = model(**inputs).logits.softmax(-1).numpy()
    assert chances == pytest.approx(np.stack(predictions["probabilities"]), abs=1e-5)

    classify = pipeline("text-classification", str(folder / "model"), device="cpu")
    said = [one["label"] for one in classify(rows["text"].tolist()[:5])]
    assert said == predictions["prediction"].tolist()[:5]


def test_what_was_said(trained):
    said = trained[2].splitlines()
    assert said[0] == "grid: 4 runs to train, 32 steps in all, on cpu"
    assert said[1] == "rows: train 120, validation 15, test 15; 2 classes"
    assert f"[1/4] {RUNS[0]}: 8 steps, 2 epochs" in said
    assert said[-1] == f"Report: {trained[0] / 'grid' / 'report.html'}"


def test_each_run_has_its_table_of_epochs(trained):
    report = trained[1].report.read_text(encoding="utf-8")
    assert report.count("| epoch | training loss | validation accuracy | validation loss | test accuracy |") == 4


def test_the_ledger_tells_the_story(trained):
    assert events(trained[0] / "grid") == [(event, run) for run in RUNS for event in ("started", "finished")]


# the same command, and changed ones


def test_the_same_command_trains_nothing(again, tmp_path):
    folder = tmp_path / "grid"
    before, told = weights(folder), events(folder)
    records = {run: (folder / run / "run.json").read_bytes() for run in RUNS}
    result, said = again()
    assert result.exit_code == 0
    assert weights(folder) == before and len(before) == 4
    assert events(folder) == told
    assert {run: (folder / run / "run.json").read_bytes() for run in RUNS} == records
    assert said.startswith("grid: 0 of 4 runs to train, 0 steps in all, on cpu\n4 finished before and kept\n")
    for run in RUNS:
        assert f"kept, finished before: {run}\n" in said


def test_a_changed_value_retrains_only_its_runs_and_going_back_trains_none(again, tmp_path):
    folder = tmp_path / "grid"
    before = weights(folder)
    changed = {"sweep.parameters": {"training.learning_rate": {"values": [1e-3, 5e-3]}}}
    result, said = again(changed)
    assert sorted(result.statuses) == ["learning_rate=0.001,seed=1", "learning_rate=0.001,seed=2"] + [
        "learning_rate=0.005,seed=1",
        "learning_rate=0.005,seed=2",
    ]
    after = weights(folder)
    assert {run: after[run] for run in RUNS[:2]} == {run: before[run] for run in RUNS[:2]}
    assert sorted(run for run, _ in superseded(folder)) == RUNS[2:]
    assert all(run_json(path)["run"] == run for run, path in superseded(folder))
    assert f"{RUNS[2]}: not a run of this recipe any more; kept in superseded/{RUNS[2]}-" in said

    told = len(events(folder))
    result, _ = again()
    assert weights(folder) == before, "fetched back, not trained"
    assert len(events(folder)) == told
    assert sorted(result.statuses) == sorted(RUNS)
    assert sorted(run for run, _ in superseded(folder)) == ["learning_rate=0.005,seed=1", "learning_rate=0.005,seed=2"]


def superseded(folder: Path) -> list[tuple[str, Path]]:
    return [(path.name.rpartition("-")[0], path) for path in (folder / "superseded").iterdir()]


def test_taking_away_and_adding_a_seed_keeps_and_renames_what_is_finished(again, tmp_path):
    folder = tmp_path / "grid"
    before = weights(folder)
    result, _ = again({"seeds": [2]})
    names = ["learning_rate=0.001", "learning_rate=0.01"]
    assert sorted(result.statuses) == names, "the report has the new names"
    assert weights(folder) == {"learning_rate=0.001": before[RUNS[1]], "learning_rate=0.01": before[RUNS[3]]}
    assert [run_json(folder / name)["run"] for name in names] == names
    card = (folder / names[0] / "model" / "README.md").read_text(encoding="utf-8")
    assert "learning_rate=0.001" in card and "learning_rate=0.001,seed=2" not in card

    result, _ = again({"seeds": [2, 3]})
    after = weights(folder)
    assert sorted(after) == [f"{name},seed={seed}" for name in names for seed in (2, 3)]
    assert {run: after[run] for run in (RUNS[1], RUNS[3])} == {run: before[run] for run in (RUNS[1], RUNS[3])}
    assert sorted(result.results["run"]) == sorted(after)
    # setting and seed of the renamed runs are told with the others: a mean over both seeds
    report = result.report.read_text(encoding="utf-8")
    assert "## Settings over seeds" in report
    assert {run_json(folder / run)["setting"] for run in after} == set(names)


def test_another_ranking_metric_ranks_the_finished_runs(again):
    lowest = {"sweep.metric": {"name": "validation_loss", "goal": "minimize"}}
    result, _ = again(lowest)
    assert result.results["validation_loss"].is_monotonic_increasing
    assert "Ranked by validation loss (lower is better)." in result.report.read_text(encoding="utf-8")


def test_a_run_folder_that_was_killed_makes_room(again, tmp_path):
    killed = tmp_path / "grid" / RUNS[0]
    (killed / "run.json").unlink()
    (killed / "left.txt").write_text("from before")
    result, said = again()
    assert result.exit_code == 0
    assert said.startswith("grid: 1 of 4 runs to train, 8 steps")
    assert files(killed) == RUN_FILES


def test_what_a_kill_after_the_end_of_a_run_left_is_put_in_order(again, tmp_path):
    folder = tmp_path / "grid"
    (folder / RUNS[0] / "model" / "README.md").unlink()
    (folder / RUNS[1] / "checkpoints" / "step-8").mkdir(parents=True)
    (folder / ".curves.png.123").write_text("half of it")
    before = weights(folder)
    result, said = again()
    assert result.exit_code == 0 and "4 finished before and kept" in said
    [described] = folder.glob("baselines/*")
    assert files(folder) == (
        SWEEP_FILES
        | {f"baselines/{described.name}/{file}" for file in DATA_FILES}
        | {f"{run}/{file}" for run in RUNS for file in RUN_FILES}
    )
    assert weights(folder) == before


def test_the_recipe_of_a_run_gives_the_same_figures_again(trained, tmp_path):
    folder = trained[0] / "grid" / RUNS[3]
    result = hftk.run(folder / "recipe.yaml", [f"output_dir={tmp_path}"], stream=io.StringIO())
    (name,) = result.statuses
    old, new = run_json(folder), run_json(result.folder / name)
    assert new["metrics"] == pytest.approx(old["metrics"], abs=1e-6)
    assert new["identity"] == old["identity"]
    assert (folder / "run.json").exists(), "the sweep is left alone"


# when a run goes wrong


def test_a_run_that_fails_is_recorded_and_the_others_finish(recipe, tmp_path):
    stream = io.StringIO()
    rates = {"sweep.parameters": {"training.learning_rate": {"values": [1e30, 1e-3]}}}
    result = hftk.run(recipe, {"output_dir": str(tmp_path), "seeds": [1], **rates}, stream=stream)
    assert result.exit_code == 1
    assert result.statuses == {"learning_rate=0.001": "finished", "learning_rate=1e+30": "failed"}
    failed = result.results.set_index("run").loc["learning_rate=1e+30"]
    assert failed["reason"] == (
        "non-finite: the training loss is nan at step 2 (epoch 0.25); lower training.learning_rate (now 1e+30), to "
        "1e+29 for example"
    )
    assert np.isnan(failed["test_accuracy"])
    folder = result.folder / "learning_rate=1e+30"
    assert not (folder / "model").exists(), "no model of a run that went wrong"
    assert run_json(folder)["reason"] == failed["reason"]
    (finding,) = run_json(folder)["findings"]
    assert (finding["kind"], finding["suggestion"]["key"]) == ("non-finite", "training.learning_rate")
    assert ("failed", "learning_rate=1e+30") in events(result.folder)
    assert failed["reason"] in result.report.read_text(encoding="utf-8")
    assert "[1/2] failed after" in stream.getvalue()


def test_a_failed_run_is_tried_again_and_takes_nothing_with_it(again, tmp_path, monkeypatch):
    folder = tmp_path / "grid"
    shutil.rmtree(folder / RUNS[1])
    before = weights(folder)
    real = runners.fit
    monkeypatch.setattr(
        runners, "fit", raising(RuntimeError("CUDA error: device-side assert.\n  Compile with more"), RUNS[1])
    )
    result, _ = again(jobs=0)
    assert (result.exit_code, result.statuses[RUNS[1]]) == (1, "failed")
    assert run_json(folder / RUNS[1])["reason"] == "RuntimeError: CUDA error: device-side assert. Compile with more"
    monkeypatch.setattr(runners, "fit", real)
    result, said = again()
    assert (result.exit_code, result.statuses[RUNS[1]]) == (0, "finished")
    assert said.startswith("grid: 1 of 4 runs to train")
    assert files(folder / RUNS[1]) == RUN_FILES
    assert {run: when for run, when in weights(folder).items() if run != RUNS[1]} == before


def test_an_interrupted_run_is_recorded_reported_and_passed_on(again, tmp_path, monkeypatch):
    folder = tmp_path / "grid"
    shutil.rmtree(folder / RUNS[1])
    monkeypatch.setattr(runners, "fit", raising(KeyboardInterrupt(), RUNS[1]))
    (folder / "report.md").unlink()
    with pytest.raises(KeyboardInterrupt):
        again(jobs=0)
    record = run_json(folder / RUNS[1])
    assert (record["status"], record["reason"]) == ("interrupted", "interrupted by the user")
    assert "interrupted by the user" in (folder / "report.md").read_text(encoding="utf-8")
    statuses = pd.read_csv(folder / "results.csv").set_index("run")["status"].to_dict()
    assert statuses == {run: "interrupted" if run == RUNS[1] else "finished" for run in RUNS}
    monkeypatch.undo()


def test_the_report_compares_with_baselines(trained):
    page = trained[1].report.read_text(encoding="utf-8")
    assert "| – | baseline: TF-IDF and linear SVM |" in page and "| – | baseline: majority class |" in page
    assert "The best baseline, TF-IDF and linear SVM, has validation accuracy" in page
    assert "baseline: majority class" in trained[2], "a terminal shows them too"


def test_what_is_found_when_all_have_ended_stands_in_each_run(recipe, tmp_path):
    slow = {"output_dir": str(tmp_path), "seeds": [1], "training.learning_rate": 1e-7}
    alone = {key: value for key, value in recipe.items() if key != "sweep"}
    result = hftk.run(alone, slow, stream=io.StringIO())
    (finding,) = run_json(result.folder / result.results["run"][0])["findings"]
    assert (finding["kind"], finding["suggestion"]["key"]) == ("learning-rate-too-low", "training.learning_rate")
    assert finding["message"] in result.report.read_text(encoding="utf-8")


def test_runs_that_cannot_be_diagnosed_are_compared_all_the_same(again, monkeypatch):
    def fail(folder):
        raise RunError("a file is broken")

    monkeypatch.setattr("hftk.sweep.diagnosing.record_findings", fail)
    result, said = again()
    assert "the runs are not diagnosed: a file is broken" in said
    assert result.report.is_file() and result.exit_code == 0


def raising(error: BaseException, run: str):
    """fit as it is, except for one run."""
    real = runners.fit

    def fit(*args, run_name: str, **kwargs):
        if run_name == run:
            raise error
        return real(*args, run_name=run_name, **kwargs)

    return fit


def test_bad_data_and_recipes_leave_nothing(recipe, tmp_path):
    given = {"output_dir": str(tmp_path / "runs")}
    with pytest.raises(DataError, match="data.columns.text: no column body in reviews.csv"):
        hftk.run(recipe, {**given, "data.columns": {"text": "body"}}, stream=io.StringIO())
    with pytest.raises(RecipeError, match="recipe: training.learning_rat: unknown key; did you mean learning_rate"):
        hftk.run({**recipe, "training": {"learning_rat": 1}}, given, stream=io.StringIO())
    with pytest.raises(RecipeError, match="data.max_length: 4096 is more than .* takes; at most 64"):
        hftk.run(recipe, {**given, "data.max_length": 4096}, stream=io.StringIO())
    assert not (tmp_path / "runs").exists()


# different data in one folder


def test_runs_of_another_limit_never_share_a_table_unnoticed(recipe, tmp_path):
    swept = {"sweep.parameters": {"data.limit": {"values": [40, 60]}}, "training.num_train_epochs": 1}
    result = hftk.run(recipe, {"output_dir": str(tmp_path), "seeds": [1], **swept}, stream=io.StringIO())
    report = result.report.read_text(encoding="utf-8")
    assert "did not see the same data" not in report, "validation and test, which figures are of, are the same"
    assert re.search(r"^\[1\] Trained on other data: [46]0 rows \(.*\), elsewhere [46]0 rows \(", report, re.MULTILINE)
    assert "limited to 40 of 120 rows of train" in report
    assert header(result.paths.results)[1] == "data.limit"

    only = {"data.limit": 40, "training.num_train_epochs": 1, "output_dir": str(tmp_path), "seeds": [1]}
    alone = {key: value for key, value in recipe.items() if key != "sweep"}
    result = hftk.run(alone, only, stream=io.StringIO())
    assert len(result.statuses) == 1, "the run of the other limit was set aside"
    report = result.report.read_text(encoding="utf-8")
    assert "did not see the same data" not in report
    assert "train 40 of 120" in report


def test_a_test_set_made_smaller_shows_its_n_beside_the_figure(single, tmp_path, tiny_csv):
    lines = tiny_csv.read_text(encoding="utf-8").splitlines()
    spoilt = tmp_path / "spoilt.csv"
    spoilt.write_text("\n".join(lines[:1] + [line if i % 10 else ",pos" for i, line in enumerate(lines[1:])]) + "\n")
    folder = single({"data.path": str(spoilt), "data.on_bad_rows": "skip", "training.num_train_epochs": 1})
    rows, before = (run_json(folder)["data"][key]["test"] for key in ("rows", "rows_before"))
    assert rows < before
    report = (folder.parent / "report.md").read_text(encoding="utf-8")
    assert report.count(f"(n={rows} of {before})") >= 4, "summary, table of runs (accuracy, f1, loss), table of epochs"


# how long, and which weights


def test_keep_last(trained, recipe, tmp_path):
    rates = {"training.learning_rate": 1e-2, "seeds": [1], "keep": "last", "output_dir": str(tmp_path)}
    result = hftk.run(recipe, rates, stream=io.StringIO())
    row = result.results.iloc[0]
    assert (row["epochs"], np.isnan(row["best_epoch"])) == (2.0, True)
    last = pd.read_csv(result.folder / row["run"] / "epochs.csv").iloc[-1]
    assert row["validation_loss"] == pytest.approx(last["validation_loss"], abs=1e-5)
    record = run_json(result.folder / row["run"])
    assert (record["keep"], record["best_epoch"]) == ("last", None)
    report = result.report.read_text(encoding="utf-8")
    assert "weights kept: last epoch" in report
    assert f"test accuracy {row['test_accuracy']:.4f} (n=15)" in report, "the rows behind the figure"
    assert record["identity"] != run_json(trained[0] / "grid" / RUNS[2])["identity"]


def test_early_stopping_ends_the_run_and_keeps_its_best_epoch(single):
    # a step of 3.0 in the loss is never made: the second evaluation already waits
    stopping = {"early_stopping": {"metric": "loss", "patience": 2, "min_delta": 3.0}, "training.num_train_epochs": 6}
    folder = single(stopping)
    epochs = pd.read_csv(folder / "epochs.csv")
    record = run_json(folder)
    assert epochs["epoch"].tolist() == [1.0, 2.0, 3.0]
    assert record["epochs"] == 3.0
    best = epochs["validation_loss"].idxmin()
    assert record["best_epoch"] == epochs["epoch"][best], "best of all, also by less than min_delta"
    assert record["metrics"]["validation_loss"] == pytest.approx(epochs["validation_loss"][best], abs=1e-5)


def test_eval_steps_give_a_row_each_and_the_end_its_own(single):
    folder = single({"training.eval_steps": 3, "training.num_train_epochs": 2})  # 8 steps of 4 per epoch
    epochs = pd.read_csv(folder / "epochs.csv")
    assert epochs["epoch"].tolist() == [0.75, 1.5, 2.0]
    assert run_json(folder)["epochs"] == 2.0


def test_max_steps(recipe, tmp_path):
    stream = io.StringIO()
    given = {"output_dir": str(tmp_path), "seeds": [1]}
    training = {"max_steps": 5, "per_device_train_batch_size": 32, "use_cpu": True}
    result = hftk.run({**recipe, "training": training}, {**given, "training.learning_rate": 1e-3}, stream=stream)
    folder = result.folder / result.results["run"][0]
    assert pd.read_csv(folder / "epochs.csv")["epoch"].tolist() == [1.0, 1.25]
    assert run_json(folder)["epochs"] == 1.25
    assert "5 steps, 1.25 epochs" in stream.getvalue()


def test_checkpoints_stay_only_where_they_are_asked_for(single):
    folder = single({"training.save_strategy": "epoch", "training.num_train_epochs": 1})
    left = files(folder) - RUN_FILES
    assert {Path(name).parts[1] for name in left} == {"step-4", "best-4", "started.json"}, left
