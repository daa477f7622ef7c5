"""Real bayes sweeps: what they leave, what a kill changes (nothing), pruned rows, several at a time."""

import io
import json
import signal
import sys
import time
from multiprocessing import forkserver
from pathlib import Path

import pandas as pd
import pytest

import hftk
from hftk.cli import main
from hftk.errors import RecipeError
from hftk.recipe import read_sweep
from hftk.recipe.plan import with_proposed
from hftk.report.planned import planned_against_actual
from hftk.sweep import runners
from hftk.sweep.expansion import DRAWN_FIRST
from hftk.sweep.forecast import forecast
from hftk.sweep.forecast_lines import forecast_lines
from hftk.sweep.ledger import Ledger
from hftk.sweep.proposals import Proposals, pruning

pytest.importorskip("optuna")
RATE, CELL = "training.learning_rate", "model.cell"
RUNS, EPOCHS = 8, 3
pytestmark = pytest.mark.usefixtures("own_cache")
PROPOSED = list(range(RUNS - DRAWN_FIRST))


@pytest.fixture(scope="module")
def recipe(tiny_csv) -> dict:
    return {
        "name": "bayes",
        "data": {"path": str(tiny_csv)},
        "model": {"architecture": "rnn", "hidden_size": 8, "embedding_size": 8},
        "tokenizer": {"min_count": 1},
        "training": {"num_train_epochs": EPOCHS, "per_device_train_batch_size": 30, "use_cpu": True},
        "sweep": {
            "method": "bayes",
            "run_cap": RUNS,
            "early_terminate": {"min_iter": 1, "min_runs": 3},
            "parameters": {
                RATE: {"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-1},
                CELL: {"values": ["gru", "rnn"]},
            },
        },
    }


def train(recipe: dict, output_dir: Path, overrides: dict | None = None, *, jobs: int = 0) -> tuple:
    said = io.StringIO()
    result = hftk.run(recipe, {"output_dir": str(output_dir), **(overrides or {})}, jobs=jobs, stream=said)
    return result, said.getvalue()


def records(output_dir: Path) -> dict[str, dict]:
    return {path.parent.name: json.loads(path.read_text()) for path in (output_dir / "bayes").glob("*/run.json")}


def ends(output_dir: Path) -> dict[str, tuple]:
    return {name: (one["status"], one["reason"], one["metrics"]) for name, one in records(output_dir).items()}


def events(output_dir: Path, kind: str) -> list[dict]:
    lines = (output_dir / "bayes" / "ledger.jsonl").read_text(encoding="utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


@pytest.fixture(scope="module")
def trained(recipe, tmp_path_factory):
    """The sweep undisturbed, in this process: its output_dir, the result, and what it said."""
    output_dir = tmp_path_factory.mktemp("trained")
    return output_dir, *train(recipe, output_dir)


def test_it_trains_run_cap_settings_and_ends_well(trained):
    output_dir, result, said = trained
    assert result.exit_code == 0
    assert len(records(output_dir)) == RUNS
    assert "bayes: 5 runs to train" in said
    assert f"at most {len(PROPOSED)} further settings will be proposed from the results of the earlier ones" in said
    assert f"[{RUNS}/{RUNS}] " in said
    rates = [one["swept"][RATE] for one in records(output_dir).values()]
    assert all(rate == float(f"{rate:.4g}") and 1e-4 <= rate <= 1e-1 for rate in rates)
    assert len(set(records(output_dir))) == RUNS
    assert [event["number"] for event in events(output_dir, "proposed")] == PROPOSED


def test_the_first_settings_are_those_of_random_search(trained, recipe):
    started = [event["run"] for event in events(trained[0], "started")]
    random = {key: value for key, value in recipe["sweep"].items() if key != "early_terminate"} | {"method": "random"}
    assert started[:DRAWN_FIRST] == [run.name for run in read_sweep(recipe | {"sweep": random}).runs][:DRAWN_FIRST]


def test_pruned_runs_stay_as_rows_with_the_reason(trained):
    output_dir, result, said = trained
    pruned = {name: one for name, one in records(output_dir).items() if one["status"] == "pruned"}
    assert pruned, "the recipe is chosen so that some are"
    for name, one in pruned.items():
        epochs = pd.read_csv(output_dir / "bayes" / name / "epochs.csv")
        last = epochs.iloc[-1]
        assert (
            f"validation accuracy {last['validation_accuracy']:.4f} at epoch {last['epoch']:g} is below"
            in one["reason"]
        )
        assert len(epochs) < EPOCHS
        left = {path.name for path in (output_dir / "bayes" / name).iterdir()}
        assert not {"model", "checkpoints", "predictions.parquet"} & left
        assert "pruned after" in said
    rows = pd.read_csv(output_dir / "bayes" / "results.csv").set_index("run")
    assert rows["status"].to_dict() == {name: one["status"] for name, one in records(output_dir).items()}
    assert all(rows.loc[name, "reason"] == one["reason"] for name, one in pruned.items())
    report = (output_dir / "bayes" / "report.md").read_text(encoding="utf-8")
    assert all(one["reason"] in report for one in pruned.values())


def test_the_rule_is_that_of_the_figures(trained):
    """Each run against the curves of those before it, read anew from the folders."""
    output_dir = trained[0]
    order = [event["run"] for event in events(output_dir, "started")]
    before: list[dict[float, float]] = []
    for name in order:
        rows = pd.read_csv(output_dir / "bayes" / name / "epochs.csv")
        curve = dict(zip(rows["epoch"], rows["validation_accuracy"], strict=True))
        behind = []
        for epoch, value in curve.items():
            there = [other[epoch] for other in before if epoch in other]
            behind.append(len(there) >= 3 and value < pd.Series(there).median() and epoch < EPOCHS)
        status = records(output_dir)[name]["status"]
        assert (status == "pruned") == any(behind), (name, curve)
        assert not any(behind[:-1])
        before.append(curve)


def test_the_same_command_trains_nothing_again(trained, recipe):
    before = ends(trained[0])
    result, said = train(recipe, trained[0])
    assert result.exit_code == 0 and ends(trained[0]) == before
    assert f"0 of {RUNS} runs to train" in said and f"{RUNS} ended before and kept" in said
    assert "kept, pruned before: " in said and "kept, finished before: " in said
    assert len(events(trained[0], "started")) == RUNS


@pytest.mark.parametrize("kept", [pytest.param(5, marks=pytest.mark.slow), 7])
def test_a_sweep_that_is_cut_short_goes_on_with_the_same_settings(trained, recipe, tmp_path, kept, monkeypatch):
    """Interrupted after so many runs, its ledger lost or not: the same runs with the same ends."""
    real, count = runners.fit, iter(range(1000))

    def fit(*args, **kwargs):
        if next(count) == kept:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(runners, "fit", fit)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path)
    monkeypatch.setattr(runners, "fit", real)
    assert len(records(tmp_path)) == kept + 1
    if kept == 7:
        (tmp_path / "bayes" / "ledger.jsonl").unlink()
    result, _ = train(recipe, tmp_path)
    assert result.exit_code == 0
    assert ends(tmp_path) == ends(trained[0])
    assert not (tmp_path / "bayes" / "superseded").exists() or kept == 7


@pytest.mark.slow
def test_more_runs_continue_what_there_is(trained, recipe, tmp_path):
    few, _ = train(recipe, tmp_path, {"sweep.run_cap": 6})
    assert len(records(tmp_path)) == 6
    train(recipe, tmp_path)
    assert ends(tmp_path) == ends(trained[0])


@pytest.mark.slow
def test_without_the_rule_every_run_is_trained_to_its_end(recipe, tmp_path):
    result, _ = train(recipe, tmp_path, {"sweep.early_terminate": {"type": "none"}, "sweep.run_cap": 6})
    assert {one["status"] for one in records(tmp_path).values()} == {"finished"}
    assert {one["epochs"] for one in records(tmp_path).values()} == {EPOCHS}


@pytest.mark.slow
def test_a_failed_run_is_told_as_failed_and_the_search_goes_on(recipe, tmp_path, monkeypatch):
    real, count = runners.fit, iter(range(1000))

    def fit(*args, **kwargs):
        if next(count) in (1, 5):
            raise RuntimeError("something broke")
        return real(*args, **kwargs)

    monkeypatch.setattr(runners, "fit", fit)
    result, _ = train(recipe, tmp_path, {"sweep.run_cap": 7, "training.num_train_epochs": 1})
    assert result.exit_code == 1
    statuses = [one["status"] for one in records(tmp_path).values()]
    assert len(statuses) == 7 and statuses.count("failed") == 2


@pytest.mark.slow
def test_several_seeds_are_one_setting(recipe, tmp_path):
    result, said = train(recipe, tmp_path, {"seeds": [1, 2], "sweep.run_cap": 6, "training.num_train_epochs": 1})
    found = records(tmp_path)
    assert len(found) == 12 and len({one["setting"] for one in found.values()}) == 6
    assert len(events(tmp_path, "proposed")) == 1
    assert "[12/12] " in said


def test_a_space_that_runs_out_ends_the_sweep(recipe, tmp_path):
    sweep = {"method": "bayes", "run_cap": 9, "parameters": {CELL: {"values": ["gru", "rnn", "lstm"]}}}
    result, said = train(recipe, tmp_path, {"sweep": sweep, "training.num_train_epochs": 1})
    assert len(records(tmp_path)) == 3 and result.exit_code == 0
    assert "sweep.run_cap: not reached, as the parameters hold no further setting; 3 runs in all" in said


def test_a_changed_recipe_makes_proposals_of_its_own(trained, recipe, tmp_path):
    plan = read_sweep(recipe, {"output_dir": str(trained[0])})
    same = Proposals(plan, ledger=Ledger(plan.folder)).plan
    assert [run.name for run in same.runs] == [event["run"] for event in events(trained[0], "started")]
    assert not same.to_propose
    longer = read_sweep(recipe, {"output_dir": str(trained[0]), "training.num_train_epochs": 5})
    assert Proposals(longer, ledger=Ledger(plan.folder)).plan.to_propose == len(PROPOSED)
    more = read_sweep(recipe, {"output_dir": str(trained[0]), "sweep.run_cap": RUNS + 2})
    assert Proposals(more, ledger=Ledger(plan.folder)).plan.to_propose == 2


def test_names_of_earlier_runs_stay_when_settings_are_added(recipe):
    plan = read_sweep(recipe)
    names = [run.name for run in plan.runs]
    value = plan.runs[0].swept
    added = with_proposed(with_proposed(plan, {RATE: 0.05, CELL: "gru"}), dict(value))
    assert [run.name for run in added.runs][: len(names)] == names
    assert len({run.name.casefold() for run in added.runs}) == len(names) + 2


def test_a_proposal_that_makes_no_sense_is_told_with_its_place(recipe):
    with pytest.raises(RecipeError, match="training.learning_rate: must be greater than 0, not -1"):
        with_proposed(read_sweep(recipe), {RATE: -1, CELL: "gru"})


def test_every_value_of_the_recipe_is_checked_before_any_training(recipe, tmp_path):
    values = {"values": ["gru", "rnn", "lstmm"]}
    with pytest.raises(RecipeError, match='model.cell: "lstmm" is none of its values; did you mean lstm'):
        train(recipe, tmp_path, {"sweep.parameters": {RATE: {"value": 0.1}, CELL: values}})
    with pytest.raises(RecipeError, match="data.max_length: 3000 is more than model.max_position_embeddings 20"):
        sweep = {"method": "bayes", "run_cap": 3, "parameters": {"data.max_length": {"values": [10, 11, 12, 13, 3000]}}}
        train(
            recipe, tmp_path, {"sweep": sweep, "model": {"architecture": "transformer", "max_position_embeddings": 20}}
        )
    assert not list(tmp_path.glob("*/*/run.json"))


def test_pruning_belongs_to_bayes(recipe):
    assert pruning(read_sweep(recipe)).min_runs == 3
    plain = {key: value for key, value in recipe["sweep"].items() if key != "early_terminate"}
    assert pruning(read_sweep(recipe | {"sweep": plain})).min_iter == 2
    assert pruning(read_sweep(recipe | {"sweep": plain | {"method": "random"}})) is None
    assert pruning(read_sweep(recipe | {"sweep": plain | {"early_terminate": {"type": "none"}}})) is None


workers = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only: too slow elsewhere")


@workers
@pytest.mark.slow
def test_in_workers_it_is_the_same_and_a_plan_counts_what_is_to_come(trained, recipe, tmp_path):
    overrides = {"output_dir": str(tmp_path)}
    lines = forecast_lines(forecast(read_sweep(recipe, overrides), jobs=1, seconds=0.2))
    assert lines[0].startswith("bayes: 5 runs to train")
    assert lines[1].startswith(f"at most {len(PROPOSED)} further runs will be proposed while it trains")
    train(recipe, tmp_path, jobs=1)
    assert ends(tmp_path) == ends(trained[0])
    assert len(planned_against_actual(tmp_path / "bayes").runs) >= 3


@workers
@pytest.mark.slow
def test_side_by_side_all_settings_are_trained_once(recipe, tmp_path):
    result, _ = train(recipe, tmp_path, None, jobs=2)
    assert result.exit_code == 0 and len(records(tmp_path)) == RUNS
    started = [event["run"] for event in events(tmp_path, "started")]
    assert len(started) == len(set(started)) == RUNS
    assert [event["number"] for event in events(tmp_path, "proposed")] == PROPOSED


@pytest.fixture
def command(recipe, fork, tmp_path):
    """Starts `hftk train` in a process of its own, which shares the server of this one."""
    path = tmp_path / "recipe.yaml"
    path.write_text(json.dumps(recipe | {"output_dir": str(tmp_path)}))
    train(recipe, tmp_path / "first", {"training.num_train_epochs": 1, "sweep": None}, jobs=1)

    def command(*words: str):
        def work(child):
            forkserver._forkserver.ensure_running = lambda: None
            sys.stdout = sys.stderr = open(tmp_path / "said", "a", encoding="utf-8", buffering=1)
            import os

            os.setsid()
            code = main(["train", str(path), *words])
            os._exit(code)

        return fork(work)

    return command


@workers
@pytest.mark.slow
def test_killed_twice_it_ends_with_the_same_runs(trained, command, tmp_path):
    for wanted in (3, 6):
        going, end = command(), time.monotonic() + 120
        while len(records(tmp_path)) < wanted:
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.05)
        time.sleep(0.3)
        going.send(signal.SIGKILL)
        going.wait()
    assert command().wait() == 0
    assert ends(tmp_path) == ends(trained[0])


@workers
@pytest.mark.slow
def test_two_commands_share_one_search(command, tmp_path):
    both = [command(), command()]
    assert [one.wait() for one in both] == [0, 0]
    assert len(records(tmp_path)) == RUNS
    assert {one["status"] for one in records(tmp_path).values()} <= {"finished", "pruned"}
    started = [event["run"] for event in events(tmp_path, "started")]
    assert len(started) == len(set(started)) == RUNS
    assert [event["number"] for event in events(tmp_path, "proposed")] == PROPOSED
