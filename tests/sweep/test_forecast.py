"""`hftk plan` on real tiny recipes: what it says, what it leaves, what it refuses."""

import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

import hftk
from hftk.cli import main
from hftk.errors import RecipeError
from hftk.recipe import read_sweep
from hftk.report.planned import planned_against_actual
from hftk.sweep import forecast as forecast_module
from hftk.sweep.forecast import Forecast, check_room, forecast, makespan
from hftk.sweep.forecast_lines import forecast_lines
from hftk.sweep.room import Need
from hftk.sweep.timing import SECONDS

QUICK = 0.2  # seconds of timed steps: these tests look at what is counted, not at how long it takes
pytestmark = [
    pytest.mark.usefixtures("own_cache"),
    pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only: too slow elsewhere"),
]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def recipe(tiny_csv, tmp_path) -> dict:
    return {
        "name": "grid",
        "output_dir": str(tmp_path / "runs"),
        "data": {"path": str(tiny_csv)},
        "model": {"architecture": "rnn", "cell": "gru", "hidden_size": 8, "embedding_size": 8},
        "tokenizer": {"min_count": 1},
        "training": {"num_train_epochs": 2, "per_device_train_batch_size": 30},
        "sweep": {"parameters": {"training.learning_rate": {"values": [1e-3, 1e-2, 3e-2]}}},
    }


def test_what_it_says_and_leaves(recipe, tmp_path):
    lines = forecast_lines(forecast(read_sweep(recipe), jobs=1, seconds=QUICK))
    folder = tmp_path / "runs" / "grid"
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == [
        "runs",
        "runs/grid",
        "runs/grid/plan.json",
    ]
    assert lines[0] == "grid: 3 runs to train, 24 steps in all, on cpu"
    assert lines[2].split() == ["run", "steps", "epochs", "time", "memory", "disk"]
    assert [line.split()[:3] for line in lines[3:6]] == [
        [f"learning_rate={rate}", "8", "2"] for rate in ("0.001", "0.01", "0.03")
    ]
    text = "\n".join(lines)
    assert "in all, one after another: " in text and "memory: " in text and " when all is done, " in text
    assert "shared: data sets: 1 for 3 runs" in text and "shared: tokenised data sets: 1 for 3 runs" in text
    assert "warm steps of 1 shape;" in text and lines[-1] == str(folder / "plan.json")
    plan = json.loads((folder / "plan.json").read_text())
    assert plan["jobs"] == 1 and len(plan["shapes"]) == 1
    run = plan["runs"]["learning_rate=0.01"]
    assert run["steps"] == 8 and run["epochs"] == 2
    assert run["seconds"] == pytest.approx(run["fixed_seconds"] + 2 * run["seconds_per_epoch"], abs=0.01)
    assert plan["seconds"] > plan["start_seconds"] + 3 * run["seconds"] - 0.1
    shape = plan["shapes"][0]
    assert shape["steps_per_epoch"] == 4 and shape["steps_timed"] >= 4
    assert 50e6 < shape["memory"] < 20e9 and shape["device_memory"] == 0


@pytest.mark.slow
def test_the_sizes_are_those_of_the_files(recipe, tmp_path):
    """Against a real run: its model and predictions, and what Adam's checkpoint holds."""
    plan = forecast(read_sweep(recipe, {"sweep": None}), jobs=1, seconds=QUICK)
    hftk.run(recipe, {"sweep": None}, stream=open("/dev/null", "w"))
    [folder] = [path.parent for path in (tmp_path / "runs" / "grid").glob("*/run.json")]
    model = sum(path.stat().st_size for path in (folder / "model").rglob("*") if path.is_file())
    assert plan.timings[0].model_bytes == pytest.approx(model, abs=4000)  # the card is written later
    parameters = json.loads((folder / "run.json").read_text())["parameters"]
    assert plan.timings[0].parameters == parameters
    assert plan.timings[0].checkpoint_bytes == pytest.approx(3 * 4 * parameters, rel=0.02)
    assert 4 * parameters < plan.timings[0].best_bytes < 4 * parameters + 20_000  # and a manifest


def test_finished_runs_are_kept_and_shapes_are_timed_once(recipe, tmp_path):
    one = {"sweep": {"parameters": {"training.learning_rate": {"values": [1e-2]}}}}
    hftk.run(recipe, one, stream=open("/dev/null", "w"))
    both = {"sweep": {"parameters": {"training.learning_rate": {"values": [1e-2, 2e-2]}}}}
    made = forecast(read_sweep(recipe, both), jobs=1, seconds=QUICK)
    assert (made.runs, made.kept, [cost.name for cost in made.costs]) == (2, 1, ["learning_rate=0.02"])
    done = forecast_lines(forecast(read_sweep(recipe, one), jobs=1, seconds=QUICK))
    assert done[:2] == ["grid: 0 of 1 runs to train, 0 steps in all, on cpu", "1 finished before and kept"]


@pytest.mark.slow
def test_side_by_side_is_timed_side_by_side(recipe):
    made = forecast(read_sweep(recipe), jobs=2, seconds=QUICK)
    assert made.jobs == 2 and len(made.costs) == 3
    each = [cost.seconds + cost.after for cost in made.costs]
    assert made.seconds == pytest.approx(made.start + makespan(each, jobs=2))
    assert made.memory.needed > made.timings[0].memory  # two of them, less what they share


def test_the_next_free_worker_takes_the_next_run():
    assert makespan([3, 1, 1, 1], jobs=2) == 3
    assert makespan([1, 1, 3], jobs=2) == 4
    assert makespan([2, 2], jobs=1) == 4
    assert makespan([], jobs=3) == 0


def test_what_does_not_fit_is_refused_with_the_key_to_change(recipe, tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(json.dumps(recipe, indent=1))
    plan = read_sweep(path)
    small = Need(needed=3_000_000_000, free=2_000_000_000)
    nothing = dict.fromkeys((field.name for field in dataclasses.fields(Forecast)), None)
    with pytest.raises(RecipeError) as told:
        check_room(plan, Forecast(**nothing | {"jobs": 2, "memory": small, "disk": small}))
    disk, memory = told.value.problems  # as they stand in the file
    assert memory.startswith(f"{path}:") and disk.startswith(f"{path}:")
    assert (
        "training.per_device_train_batch_size: 3 GB of memory are needed with 2 runs side by side and 2 GB are"
        in memory
    )
    assert "write fewer --jobs, a smaller batch with as many more training.gradient_accumulation_steps" in memory
    assert "output_dir: 3 GB are needed at most and 2 GB are free there; free some space" in disk
    assert told.value.exit_code == 2


def test_a_full_disk_is_told_before_anything_is_trained(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(forecast_module, "free_disk_bytes", lambda folder: 1000)
    with pytest.raises(RecipeError, match="output_dir: .* are needed at most and 1 kB are free there"):
        forecast(read_sweep(recipe), jobs=1, seconds=QUICK)
    assert not (tmp_path / "runs").exists()


def test_a_model_beyond_the_memory_is_refused(recipe, tmp_path):
    """Two thousand billion weights: the allocation fails at once, and nothing else does."""
    with pytest.raises(RecipeError, match="cannot be trained here: out of memory with batches of one row"):
        forecast(read_sweep(recipe, {"sweep": None, "model.hidden_size": 700_000}), jobs=1, seconds=QUICK)
    assert not (tmp_path / "runs").exists()


def test_train_that_fills_no_batch_is_told_with_its_place(recipe):
    overrides = {"training.dataloader_drop_last": True, "training.per_device_train_batch_size": 500, "sweep": None}
    with pytest.raises(RecipeError, match="training.dataloader_drop_last: the rows of train do not fill one batch"):
        forecast(read_sweep(recipe, overrides), jobs=1, seconds=QUICK)


@pytest.mark.slow
def test_limits_and_early_stopping_are_told(recipe):
    overrides = {"sweep": None, "early_stopping": {"patience": 1}, "limits.minutes_per_run": 1e-4}
    told = forecast(read_sweep(recipe, overrides), jobs=1, seconds=QUICK).notices
    assert "with early stopping a run may take less than planned" in told
    assert any("and limits.minutes_per_run gives it up after 0.0001" in notice for notice in told)


@pytest.mark.slow
@pytest.mark.parametrize(
    "overrides",
    [
        {"training.gradient_accumulation_steps": 2, "training.per_device_train_batch_size": 10},
        {"training": {"max_steps": 7, "eval_steps": 3, "per_device_train_batch_size": 30}},
        {"training.per_device_train_batch_size": 500},
        {"training.save_strategy": "epoch", "keep": "last"},
        {
            "training.train_sampling_strategy": "random",
            "model": {"architecture": "rnn"},
            "embeddings": {"method": "word2vec", "vector_size": 8},
        },
        {
            "task": "image-classification",
            "data": {"path": "builtin:digits"},
            "model": {"architecture": "rnn"},
            "tokenizer": None,
        },
    ],
    ids=["accumulated", "steps", "one ragged batch", "saved", "word vectors", "images"],
)
def test_every_way_to_train_can_be_planned(recipe, overrides):
    [cost] = forecast(read_sweep(recipe, {"sweep": None, **overrides}), jobs=1, seconds=QUICK).costs
    assert cost.seconds > 0 and cost.steps >= 2


@pytest.mark.slow
def test_planned_and_actual_are_near_each_other(recipe, tiny_bert):
    """Loose: this machine may be busy with something else in one of the two."""
    bert = {"model": {"pretrained": str(tiny_bert)}, "data": {**recipe["data"], "max_length": 32}}
    bert |= {"training": recipe["training"] | {"num_train_epochs": 30}}
    recipe = {key: value for key, value in recipe.items() if key != "tokenizer"} | bert
    forecast(read_sweep(recipe), jobs=1)
    result = hftk.run(recipe, stream=open("/dev/null", "w"))
    found = planned_against_actual(result.folder)
    assert len(found.runs) == 3
    assert 0.4 < found.ratio < 2.5, found.sentence


@pytest.mark.slow
def test_a_plan_of_ten_runs_of_one_shape_takes_a_minute_at_most(recipe):
    rates = [round(1e-3 * place, 4) for place in range(1, 11)]
    began = time.monotonic()
    made = forecast(
        read_sweep(recipe, {"sweep": {"parameters": {"training.learning_rate": {"values": rates}}}}), jobs=1
    )
    assert len(made.costs) == 10 and len(made.timings) == 1
    assert time.monotonic() - began < 60 and SECONDS < 10


# the verb


def test_help_is_told_at_once():
    began = time.monotonic()
    told = subprocess.run(
        [sys.executable, "-m", "hftk.cli", "plan", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert told.returncode == 0 and "--jobs N" in told.stdout and "train nothing" in " ".join(told.stdout.split())
    assert time.monotonic() - began < 10  # 0.1 s on an idle machine


def test_a_misspelt_recipe_is_told_before_anything_heavy_is_imported(recipe, tmp_path, capsys):
    path = tmp_path / "recipe.json.yaml"
    path.write_text(json.dumps(recipe).replace("hidden_size", "hiden_size"))
    code = (
        "import sys; from hftk.cli import main; code = main(['plan', sys.argv[1]]); "
        "print(code, bool({'torch', 'transformers', 'pandas'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert told.stdout.split() == ["2", "False"]
    assert "did you mean hidden_size?" in told.stderr and not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_the_verb_prints_the_lines(recipe, tmp_path, capsys):
    path = tmp_path / "recipe.yaml"
    path.write_text(json.dumps(recipe))
    assert main(["plan", str(path), "--jobs", "2", "sweep=null"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("grid: 1 run to train, 8 steps in all, on cpu")
    assert said[-1] == str(tmp_path / "runs" / "grid" / "plan.json")
