"""A sweep in two launched processes gives what one process gives with the same global batch."""

import os
import subprocess
import sys
from pathlib import Path

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


def test_only_the_main_process_speaks(results):
    out = results["two"].attrs["out"]
    assert out.count("2 runs to train") == 1
    assert "on 2 processes" in out
    assert out.count("Report: ") == 1


def test_one_process_goes_on_with_what_two_have_finished(recipe, results):
    """The global batch is the same, so the runs are."""
    folder = results["two"].attrs["folder"]
    done = launch([], recipe, f"output_dir={folder.parent}", "training.per_device_train_batch_size=16")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "0 of 2 runs to train" in done.stdout


def test_processes_that_would_train_alone_are_refused(recipe, tmp_path):
    """As where a cluster sets WORLD_SIZE, but no launcher gave the processes a LOCAL_RANK."""
    done = launch([], recipe, f"output_dir={tmp_path}", WORLD_SIZE="2")
    assert done.returncode != 0
    assert "2 processes were launched but 1 train together" in done.stderr
    assert not (tmp_path / "two").exists()


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
