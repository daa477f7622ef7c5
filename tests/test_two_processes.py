"""A sweep in two launched processes gives what one process gives with the same global batch."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
LAUNCH = [sys.executable, "-m", "accelerate.commands.launch"]
TWO = ["--config_file", "accelerate_config.yaml", "--num_processes", "2"]


def launch(launcher: list[str], *words: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*LAUNCH, *launcher, "hftk/train.py", *words],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def recipe(tiny_bert, tiny_csv, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("recipe") / "two.yaml"
    path.write_text(
        f"""
name: two
data: {{path: {tiny_csv}}}
model: {{pretrained: {tiny_bert}}}
training: {{num_train_epochs: 2, label_smoothing_factor: 0.1, lr_scheduler_type: constant}}
class_weights: balanced
metrics: [accuracy, f1]
sweep: {{parameters: {{training.learning_rate: {{values: [1e-3, 3e-3]}}}}}}
"""
    )
    return str(path)


@pytest.fixture(scope="module")
def results(recipe, tmp_path_factory) -> dict[str, pd.DataFrame]:
    found = {}
    for name, launcher, batch in (("one", [], 16), ("two", TWO, 8)):
        folder = tmp_path_factory.mktemp(name)
        done = launch(launcher, recipe, f"output_dir={folder}", f"training.per_device_train_batch_size={batch}")
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        found[name] = pd.read_csv(folder / "two" / "results.csv").sort_values("run", ignore_index=True)
        found[name].attrs["out"] = done.stdout
        found[name].attrs["folder"] = folder / "two"
    return found


def test_the_sweep_s_figures_are_equal(results):
    one, two = results["one"], results["two"]
    assert list(one["run"]) == list(two["run"])
    assert len(one) == 2
    for column in ("validation_loss", "validation_accuracy", "validation_f1", "test_loss", "test_accuracy"):
        assert two[column].to_numpy() == pytest.approx(one[column].to_numpy(), abs=1e-3), column
    for run in one["run"]:
        epochs = [pd.read_csv(results[name].attrs["folder"] / run / "epochs.csv") for name in ("one", "two")]
        for column in ("train_loss", "validation_loss", "grad_norm"):
            assert epochs[1][column].to_numpy() == pytest.approx(epochs[0][column].to_numpy(), abs=1e-3), column


@pytest.fixture(scope="module")
def tagged(tmp_path_factory) -> str:
    """A tagger over sentences of 1 to 9 words, one of them longer than max_length: its batches hold unequal words."""
    folder, rng = tmp_path_factory.mktemp("tagged"), random.Random(0)
    for name, lengths in {"train": [1, 9, 3, 40] * 9, "dev": [2, 5, 11] * 3}.items():
        words = [[rng.choice("abcdef") for _ in range(length)] for length in lengths]
        blocks = ["\n".join(f"{word}\t{'XY'[word in 'abc']}" for word in each) for each in words]
        (folder / f"{name}.conll").write_text("\n\n".join(blocks) + "\n")
    path = folder / "tags.yaml"
    path.write_text(
        f"""
name: tags
task: token-classification
data:
  path: {folder}
  columns: {{tokens: 0, tags: 1}}
  splits: {{train: train.conll, validation: dev.conll}}
  max_length: 16
model: {{architecture: rnn, cell: gru, hidden_size: 8}}
tokenizer: {{min_count: 1}}
embeddings: {{method: word2vec, vector_size: 4, epochs: 2}}
training: {{num_train_epochs: 2, learning_rate: 1e-2, lr_scheduler_type: constant}}
class_weights: balanced
metrics: [accuracy, f1_macro]
"""
    )
    return str(path)


@pytest.mark.slow
def test_a_tagger_s_figures_are_equal(tagged, tmp_path):
    """The vocabulary, the vectors and the loss over words do not depend on how many processes share a batch."""
    figures = []
    for name, launcher, batch in (("one", [], 8), ("two", TWO, 4)):
        words = [f"output_dir={tmp_path / name}", f"training.per_device_train_batch_size={batch}"]
        done = launch(launcher, tagged, *words, HFTK_CACHE=str(tmp_path / f"{name}-cache"))
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
        [run] = (tmp_path / name / "tags").glob("*/run.json")
        figures.append(
            {
                "metrics": json.loads(run.read_text())["metrics"],
                "identity": json.loads(run.read_text())["identity"],
                "epochs": pd.read_csv(run.parent / "epochs.csv"),
                "predictions": pd.read_parquet(run.parent / "predictions.parquet"),
            }
        )
    one, two = figures
    assert two["identity"] == one["identity"], "the global batch is the same, so the run is"
    assert two["metrics"] == pytest.approx(one["metrics"], abs=1e-4)
    for column in ("train_loss", "validation_loss", "grad_norm"):
        assert two["epochs"][column].to_numpy() == pytest.approx(one["epochs"][column].to_numpy(), abs=1e-4), column
    assert two["predictions"]["label"].tolist() == one["predictions"]["label"].tolist()
    chances = [np.stack(each["predictions"]["probabilities"]) for each in figures]
    assert chances[1] == pytest.approx(chances[0], abs=1e-4)


def test_only_the_main_process_speaks(results):
    out = results["two"].attrs["out"]
    assert out.count("2 runs to train") == 1
    assert "on 2 processes" in out
    assert out.count("Report: ") == 1


@pytest.mark.slow
def test_one_process_goes_on_with_what_two_have_finished(recipe, results):
    """The global batch is the same, so the runs are."""
    folder = results["two"].attrs["folder"]
    done = launch([], recipe, f"output_dir={folder.parent}", "training.per_device_train_batch_size=16")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "0 of 2 runs to train" in done.stdout


@pytest.mark.slow
def test_processes_that_would_train_alone_are_refused(recipe, tmp_path):
    """As where a cluster sets WORLD_SIZE, but no launcher gave the processes a LOCAL_RANK."""
    done = launch([], recipe, f"output_dir={tmp_path}", WORLD_SIZE="2")
    assert done.returncode != 0
    assert "2 processes were launched but 1 train together" in done.stderr
    assert not (tmp_path / "two").exists()


@pytest.mark.slow
def test_a_launcher_s_mixed_precision_is_refused(recipe, tmp_path):
    done = launch(["--mixed_precision", "bf16"], recipe, f"output_dir={tmp_path}")
    assert done.returncode != 0
    assert "accelerate launch sets mixed_precision: bf16, which belongs to the recipe" in done.stderr


def test_bad_data_are_told_by_the_main_process_alone(recipe, tmp_path):
    done = launch(TWO, recipe, f"output_dir={tmp_path}", "data.columns.text=review")
    assert done.returncode != 0
    assert done.stderr.count("data.columns.text: no column review") == 1
    assert "rank1" not in done.stderr
    assert 'File "' + str(ROOT / "hftk") not in done.stderr, "no traceback of ours"


FAILS_ON_ONE = """
import os, sys
sys.path.insert(0, sys.argv.pop(1))
from hftk.training.trainer import SweepTrainer

where, real, steps = sys.argv.pop(1), SweepTrainer.training_step, []

def training_step(self, *arguments, **settings):
    steps.append(1)
    if len(steps) == 3 and os.environ["RANK"] == where:
        raise ValueError("a row that only this process sees")
    return real(self, *arguments, **settings)

SweepTrainer.training_step = training_step
from hftk.cli import main
from hftk.launcher import leave
leave(main(["train", *sys.argv[1:]]))
"""


@pytest.mark.parametrize("rank", [pytest.param("0", marks=pytest.mark.slow), "1"])
def test_an_exception_on_one_rank_ends_the_run_on_all_and_the_next_one_starts(rank, recipe, tmp_path):
    (tmp_path / "script.py").write_text(FAILS_ON_ONE)
    done = subprocess.run(
        [*LAUNCH, *TWO, tmp_path / "script.py", ROOT, rank, recipe, f"output_dir={tmp_path}"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    results = pd.read_csv(tmp_path / "two" / "results.csv").set_index("run")
    assert results["status"].to_dict() == {"learning_rate=0.001": "failed", "learning_rate=0.003": "finished"}, (
        done.stderr
    )
    assert results["reason"]["learning_rate=0.001"] == "ValueError: a row that only this process sees"
