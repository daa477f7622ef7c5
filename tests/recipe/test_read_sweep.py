"""The first phase as a whole: the runs, quick and without the heavy libraries."""

import subprocess
import sys
from pathlib import Path

import pytest

from hftk.errors import RecipeError
from hftk.recipe import read_sweep

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
BASE = {"name": "news", "data": {"path": "me/data"}, "model": {"pretrained": "bert-base-uncased"}}


def test_one_recipe_is_one_run() -> None:
    plan = read_sweep(BASE)
    [run] = plan.runs
    assert (run.name, run.seed, run.setting, run.swept) == ("seed=0", 0, "", {})
    assert run.recipe == plan.recipe
    assert plan.swept_keys == [] and plan.notices == []


def test_a_grid_times_seeds() -> None:
    sweep = {"parameters": {"training.learning_rate": {"values": [1e-5, 2e-5]}, "keep": {"values": ["best", "last"]}}}
    plan = read_sweep({**BASE, "sweep": sweep, "seeds": [1, 2]})
    assert [run.name for run in plan.runs] == [
        f"learning_rate={rate},keep={keep},seed={seed}"
        for rate in ("1e-05", "2e-05")
        for keep in ("best", "last")
        for seed in (1, 2)
    ]
    assert plan.swept_keys == ["training.learning_rate", "keep"]
    last = plan.runs[-1]
    assert last.swept == {"training.learning_rate": 2e-5, "keep": "last"}
    assert last.setting == "learning_rate=2e-05,keep=last"
    assert last.recipe.sweep is None and last.recipe.seeds == [2] and last.recipe.keep == "last"
    assert last.recipe.training == {"learning_rate": 2e-5}
    assert last.document.data["seeds"] == [2] and "sweep" not in last.document.data
    assert plan.recipe.sweep is not None and plan.recipe.seeds == [1, 2] and plan.recipe.training == {}


def test_what_only_the_sweep_gives_may_be_missing_outside() -> None:
    sweep = {"method": "list", "runs": [{"model.pretrained": "a"}, {"model": {"pretrained": "b"}}]}
    with pytest.raises(RecipeError, match="model: missing"):
        read_sweep({key: value for key, value in BASE.items() if key != "model"})
    sweep = {"parameters": {"model.pretrained": {"values": ["a", "b"]}}}
    plan = read_sweep({**{key: value for key, value in BASE.items() if key != "model"}, "sweep": sweep})
    assert [run.recipe.model.pretrained for run in plan.runs] == ["a", "b"]


def test_a_broken_sweep_does_not_make_its_keys_missing() -> None:
    sweep = {"method": "grid", "run_cap": 2, "parameters": {"model.pretrained": {"values": ["a"]}}}
    with pytest.raises(RecipeError) as caught:
        read_sweep({**{key: value for key, value in BASE.items() if key != "model"}, "sweep": sweep})
    assert caught.value.problems == [
        "recipe: sweep.run_cap: has no effect with method grid; it is for method: random or bayes"
    ]
    sweep = {"method": "list", "run_cap": 2, "runs": [{"model.pretrained": "a"}]}
    with pytest.raises(RecipeError) as caught:
        read_sweep({**{key: value for key, value in BASE.items() if key != "model"}, "sweep": sweep})
    assert caught.value.problems == [
        "recipe: sweep.run_cap: has no effect with method list; it is for method: random or bayes"
    ]


def test_runs_of_a_list_may_name_different_keys() -> None:
    runs = [{"training.learning_rate": 1e-4}, {"data.limit": 5}, {}]
    plan = read_sweep({**BASE, "training": {"max_steps": 7}, "sweep": {"method": "list", "runs": runs}})
    assert [run.name for run in plan.runs] == ["learning_rate=0.0001", "limit=5", "seed=0"]
    assert [run.swept for run in plan.runs] == [
        {"training.learning_rate": 1e-4, "data.limit": None},
        {"training.learning_rate": 5e-5, "data.limit": 5},  # Trainer's default
        {"training.learning_rate": 5e-5, "data.limit": None},
    ]


def test_one_run_with_an_adapter_is_enough_for_hub_merged() -> None:
    runs = [{"peft": None}, {"peft": {"peft_type": "LORA"}}]
    plan = read_sweep({**BASE, "hub": {"merged": True}, "sweep": {"method": "list", "runs": runs}})
    assert [bool(run.recipe.peft) for run in plan.runs] == [False, True]


def test_equal_runs_are_merged_and_it_is_said() -> None:
    runs = [
        {"training.weight_decay": 0.0},
        {"training.weight_decay": 0.1},
        {"training.weight_decay": 0},
        {"keep": "best"},
    ]
    plan = read_sweep({**BASE, "sweep": {"method": "list", "runs": runs}, "seeds": [1, 2]})
    assert [run.name for run in plan.runs] == [
        f"weight_decay={decay},seed={seed}" for decay in (0, 0.1) for seed in (1, 2)
    ]
    assert plan.notices == ["4 runs became 2 distinct ones (times 2 seeds), because some are equal: weight_decay=0 ×3"]


def test_an_override_can_make_all_runs_equal() -> None:
    runs = [{"model.pretrained": "a"}, {"model.pretrained": "b"}]
    plan = read_sweep({**BASE, "sweep": {"method": "list", "runs": runs}}, ["model.pretrained=c"])
    assert [run.name for run in plan.runs] == ["seed=0"]
    assert plan.swept_keys == []
    assert plan.notices == [
        "model.pretrained is overridden, so it is not swept",
        "2 runs became 1 distinct one, because some are equal: the recipe itself ×2",
    ]


def test_a_run_knows_where_its_values_were_written(tmp_path: Path) -> None:
    text = (
        "name: news\ndata: {path: me/data}\nmodel:\n  pretrained: a\n  hidden_dropout_prob: 0.0\n"
        "sweep:\n  parameters:\n    model.pretrained:\n      values:\n      - a\n      - b\n"
        "    peft:\n      values:\n      - {peft_type: LORA,\n         r: 8}\n"
    )
    (tmp_path / "r.yaml").write_text(text)
    run = read_sweep(tmp_path / "r.yaml").runs[1]
    lines = {path: run.document.place(path).line for path in [("model", "pretrained"), ("peft", "r"), ("model", "x")]}
    assert lines == {("model", "pretrained"): 11, ("peft", "r"): 15, ("model", "x"): 3}
    assert run.document.place(("model", "hidden_dropout_prob")).line == 5


def test_problems_of_every_kind_with_a_broken_sweep() -> None:
    with pytest.raises(RecipeError) as caught:
        read_sweep(
            {**BASE, "metrics": ["f"], "sweep": {"method": "random", "parameters": {"keep": {"values": ["last"]}}}}
        )
    assert [line.split(": ")[1] for line in caught.value.problems] == ["sweep", "metrics.0"]


def test_sections_without_a_problem_are_checked_beside_those_with_one() -> None:
    with pytest.raises(RecipeError) as caught:
        read_sweep({"nmae": "x", "data": {"splits": {"train": 3}}, "metrics": ["loss"], "hub": {"model_id": "x"}})
    keys = {line.split(": ")[1] for line in caught.value.problems}
    assert keys == {"name", "nmae", "data.path", "data.splits.train", "model", "metrics.0", "hub.model_id"}


def test_a_thousand_draws_are_a_thousand_runs() -> None:
    parameters = {"training.learning_rate": {"distribution": "log_uniform_values", "min": 1e-6, "max": 1e-2}}
    plan = read_sweep({**BASE, "sweep": {"method": "random", "run_cap": 1000, "parameters": parameters}})
    assert len({run.name for run in plan.runs}) == len(plan.runs) > 900


def test_no_heavy_library_is_imported(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(
        "name: n\ndata: {path: me/data}\nmodel: {pretrained: b}\npeft: {peft_type: LORA}\n"
    )
    (tmp_path / "bad.yaml").write_text(
        "name: n\ndata: {path: me/data}\nmodel: {pretrained: b}\ntraining: {learning_rat: 1}\n"
    )
    code = (
        "import sys, hftk\n"
        "assert 'pydantic' not in sys.modules and 'ruamel' not in sys.modules\n"
        "from hftk.recipe import read_sweep\n"
        "from hftk.errors import RecipeError\n"
        "read_sweep('good.yaml')\n"
        "try: read_sweep('bad.yaml')\n"
        "except RecipeError as error: print(error)\n"
        "heavy = ('torch', 'transformers', 'datasets', 'pandas', 'numpy', 'peft')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(RECIPES.parent)},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert done.stdout == "bad.yaml:4: training.learning_rat: unknown key; did you mean learning_rate?\n[]\n"


def test_every_recipe_of_the_project_is_sound(workplace: Path) -> None:
    recipes = sorted(RECIPES.glob("*.yaml"))
    assert recipes
    for recipe in recipes:
        plan = read_sweep(recipe)
        assert plan.runs
        assert plan.recipe.name == recipe.stem.replace("_", "-")


def test_bert_sweep_with_one_model_has_six_runs() -> None:
    recipe = RECIPES / "bert_sweep.yaml"
    assert len(read_sweep(recipe).runs) == 8
    plan = read_sweep(recipe, ["model.pretrained=other-model"])
    assert len(plan.runs) == 6
    assert plan.notices[1].startswith("8 runs became 6 distinct ones, because some are equal: ")
