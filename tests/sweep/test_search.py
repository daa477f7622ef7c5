"""What Optuna is asked, and what it proposes."""

import math

import pytest

from hftk.errors import RecipeError
from hftk.recipe import read_sweep
from hftk.recipe.schema import Sweep
from hftk.sweep import search
from hftk.sweep.draws import draw
from hftk.sweep.search import Trial, check_search, propose

pytest.importorskip("optuna")

SWEEP = Sweep.model_validate(
    {
        "method": "bayes",
        "run_cap": 40,
        "parameters": {
            "training.learning_rate": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1e-1},
            "model.num_layers": {"distribution": "int_uniform", "min": 1, "max": 4},
            "model.dropout": {"distribution": "uniform", "min": 0, "max": 0.5},
            "embeddings": {"values": [None, {"method": "word2vec"}, {"method": "fasttext"}]},
            "training.optim": {"value": "adamw_torch"},
        },
    }
)


def quality(values: dict) -> float:
    """Best at a learning rate of 1e-3, four layers and fasttext."""
    kind = [None, {"method": "word2vec"}, {"method": "fasttext"}].index(values["embeddings"])
    return kind + values["model.num_layers"] / 4 - abs(math.log10(values["training.learning_rate"]) + 3)


def drawn(count: int) -> list[dict]:
    parameters = SWEEP.parameters.items()
    return [{key: draw(one, seed=0, index=index, key=key) for key, one in parameters} for index in range(count)]


def searched(count: int, sweep: Sweep = SWEEP, goal: str = "maximize") -> list[Trial]:
    sign = 1 if goal == "maximize" else -1
    trials = [Trial(values, "finished", value=sign * quality(values)) for values in drawn(5)]
    while len(trials) < count:
        values = propose(sweep, goal=goal, number=len(trials), trials=trials)
        trials.append(Trial(values, "finished", value=sign * quality(values)))
    return trials


def test_values_are_of_the_kind_and_within_the_bounds_that_the_recipe_gives():
    for trial in searched(20):
        values = trial.values
        assert 1e-5 <= values["training.learning_rate"] <= 1e-1
        assert values["training.learning_rate"] == float(f"{values['training.learning_rate']:.4g}")
        assert type(values["model.num_layers"]) is int and 1 <= values["model.num_layers"] <= 4
        assert 0 <= values["model.dropout"] <= 0.5
        assert values["embeddings"] in (None, {"method": "word2vec"}, {"method": "fasttext"})
        assert values["training.optim"] == "adamw_torch"
        assert list(values) == list(SWEEP.parameters)


@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_it_learns_from_results_and_beats_random_draws(goal):
    found = [quality(trial.values) for trial in searched(30, goal=goal)[5:]]
    chance = [quality(values) for values in drawn(30)[5:]]
    assert sum(found) / len(found) > sum(chance) / len(chance) + 0.5


def test_a_proposal_is_a_pure_function_of_seed_number_and_results():
    trials = searched(8)
    again = propose(SWEEP, goal="maximize", number=8, trials=trials)
    assert again == propose(SWEEP, goal="maximize", number=8, trials=list(trials))
    others = [
        propose(SWEEP.model_copy(update={"seed": 1}), goal="maximize", number=8, trials=trials),
        propose(SWEEP, goal="maximize", number=9, trials=trials),
        propose(SWEEP, goal="minimize", number=8, trials=trials),
    ]
    assert again not in others


def test_pruned_failed_and_open_settings_are_told_too():
    trials = searched(6)
    ends = [
        Trial(drawn(7)[6], "pruned", curve={1: 0.1, 2: 0.2}),
        Trial(drawn(8)[7], "failed"),
        Trial(drawn(9)[8], "open"),
    ]
    proposed = propose(SWEEP, goal="maximize", number=9, trials=[*trials, *ends])
    assert set(proposed) == set(SWEEP.parameters)


def test_before_anything_has_a_result_it_draws():
    failed = [Trial(values, "failed") for values in drawn(5)]
    assert set(propose(SWEEP, goal="maximize", number=5, trials=failed)) == set(SWEEP.parameters)


def test_nothing_is_proposed_twice_and_a_small_space_runs_out():
    sweep = Sweep.model_validate(
        {"method": "bayes", "run_cap": 9, "parameters": {"a": {"values": [1, 2]}, "b": {"values": [True, 1, "1"]}}}
    )
    trials: list[Trial] = []
    while (values := propose(sweep, goal="maximize", number=len(trials), trials=trials)) is not None:
        trials.append(Trial(values, "finished", value=float(values["a"])))
    assert len(trials) == 6
    assert len({(one.values["a"], repr(one.values["b"])) for one in trials}) == 6


def test_without_optuna_the_install_line_is_told_first(tmp_path, monkeypatch):
    (tmp_path / "x.csv").write_text("text,label\n")
    rate = {"distribution": "uniform", "min": 0.1, "max": 0.2}
    path = tmp_path / "r.yaml"
    path.write_text(
        f"name: x\ndata: {{path: {tmp_path / 'x.csv'}}}\nmodel: {{architecture: rnn}}\n"
        f"sweep:\n  method: bayes\n  run_cap: 3\n  parameters: {{training.learning_rate: {rate}}}\n"
    )
    plan = read_sweep(path)
    check_search(plan)
    monkeypatch.setattr(search.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RecipeError) as told:
        check_search(plan)
    assert str(told.value) == (
        f'{path}:5: sweep.method: bayes needs Optuna, which is not installed; pip install "hftk[optuna]", or write '
        "method: random"
    )
    check_search(read_sweep(path, ["sweep=null"]))
