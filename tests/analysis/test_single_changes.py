"""One key at a time: which settings stand beside each other, and that equal ones are seldom told apart."""

import numpy as np
import pytest

from hftk.analysis.outcomes import Outcomes
from hftk.analysis.pairwise import holm
from hftk.analysis.single_changes import lessons, single_changes
from hftk.analysis.statistics import compare


def made(right: np.ndarray) -> Outcomes:
    items = np.arange(len(right))
    labels = items % 2
    return Outcomes(
        labels=("no", "yes"),
        label_ids=labels,
        prediction_ids=np.where(right, labels, 1 - labels),
        probabilities=None,
        unit_ids=items,
        rows=items,
        sources=np.zeros(len(items), dtype=np.int8),
    )


def shares(*right: int, rows: int = 1000) -> list[Outcomes]:
    """One outcome per number: so many of the first rows are right."""
    return [made(np.arange(rows) < number) for number in right]


def ladders(swept: dict[str, dict], right: list[int], **kwargs):
    outcomes = {name: [one] for name, one in zip(swept, shares(*right), strict=True)}
    return single_changes(outcomes, swept=swept, metric="accuracy", goal="maximize", **kwargs)


LAYERS = {
    "gru 2": {"model.cell": "gru", "model.num_layers": 2},
    "gru 10": {"model.cell": "gru", "model.num_layers": 10},
    "gru 1": {"model.cell": "gru", "model.num_layers": 1},
    "rnn 1": {"model.cell": "rnn", "model.num_layers": 1},
    "rnn 10": {"model.cell": "rnn", "model.num_layers": 10},
}


def test_only_settings_that_differ_in_one_key_stand_beside_each_other_numbers_in_order():
    found = ladders(LAYERS, [900, 899, 850, 800, 700])
    told = {(one.key, one.setting): [(step.setting, step.verdict) for step in one.steps] for one in found}
    assert told == {
        ("model.cell", "gru 1"): [("rnn 1", "worse")],
        ("model.cell", "gru 10"): [("rnn 10", "worse")],
        ("model.num_layers", "gru 1"): [("gru 2", "better"), ("gru 10", "better")],
        ("model.num_layers", "rnn 1"): [("rnn 10", "worse")],
    }
    layers = next(one for one in found if one.setting == "rnn 1")
    assert (layers.value, layers.test, layers.held) == ("1", 0.8, {"model.cell": "rnn"})
    (step,) = layers.steps
    assert (step.value, step.test) == ("10", 0.7) and step.difference == pytest.approx(-0.1)
    assert step.low < -0.1 < step.high < 0


def test_lessons_say_where_a_value_is_better_and_where_worse():
    assert lessons(ladders(LAYERS, [900, 899, 850, 800, 700])) == [
        "model.cell: beside gru, rnn is worse in all of 2 comparisons.",
        "model.num_layers: beside 1, 2 is better; 10 is better with model.cell=gru, is worse with model.cell=rnn.",
    ]


def test_many_comparisons_are_counted():
    swept = {f"{seed} {cell}": {"data.seed": seed, "model.cell": cell} for cell in ("a", "b") for seed in range(5)}
    found = ladders(swept, [500] * 5 + [600, 600, 600, 500, 400])
    (told,) = [line for line in lessons(found) if line.startswith("model.cell")]
    assert (
        told == "model.cell: beside a, b is better in 3, is worse in 1, is not shown to differ in 1 of 5 comparisons."
    )


def test_keys_that_always_changed_together_are_one():
    swept = {
        "small": {"model.hidden_size": 20, "training.learning_rate": 1e-3, "training.optim": "adamw_torch"},
        "large": {"model.hidden_size": 64, "training.learning_rate": 1e-4, "training.optim": "adamw_torch"},
    }
    (one,) = ladders(swept, [800, 900])
    assert (one.key, one.together, one.held) == ("model.hidden_size", ("training.learning_rate",), {})
    assert lessons([one]) == ["model.hidden_size (and training.learning_rate): beside 20, 64 is better."]


def test_a_mapping_is_taken_apart_where_its_keys_are_swept_too():
    """As in a list of runs of which some name `model` whole."""
    swept = {
        "one": {"model": {"architecture": "rnn", "cell": "gru"}, "model.cell": "gru"},
        "two": {"model": {"architecture": "rnn", "cell": "lstm"}, "model.cell": "lstm"},
        "three": {"model": {"architecture": "transformer", "layers": 2}, "model.cell": None},
    }
    (one,) = ladders(swept, [800, 800, 700])
    assert (one.key, one.value, [step.value for step in one.steps]) == ("model.cell", "gru", ["lstm"])


def test_whole_mappings_are_named_by_what_tells_them():
    swept = {
        "one": {"embeddings": {"method": "word2vec", "vector_size": 100}},
        "two": {"embeddings": None},
        "three": {"embeddings": {"vector_size": 100, "window": 5}},
    }
    (one,) = ladders(swept, [800, 800, 700])
    assert [one.value, *(step.value for step in one.steps)] == ["word2vec", "none", '{"vector_size": 100, "window": 5}']


def test_a_difference_and_its_p_are_those_of_the_paired_test_corrected_over_the_rows():
    generator = np.random.default_rng(0)
    right = generator.random((3, 400)) < np.array([[0.8], [0.75], [0.7]])
    swept = {str(number): {"training.learning_rate": 10.0 ** -(3 + number)} for number in range(3)}
    outcomes = {name: [made(one)] for name, one in zip(swept, right, strict=True)}
    (ladder,) = single_changes(outcomes, swept=swept, metric="accuracy", goal="maximize")
    assert [ladder.value, *(step.value for step in ladder.steps)] == ["1e-5", "1e-4", "0.001"]
    beside = {row.setting: row for row in compare(outcomes, metric="accuracy", goal="maximize", reference="2")}
    assert [step.difference for step in ladder.steps] == [beside[name].difference for name in ("1", "0")]
    assert [step.p for step in ladder.steps] == list(holm(np.array([beside[name].p for name in ("1", "0")])))


def test_lower_is_better_where_the_goal_says_so():
    swept = {"a": {"model.cell": "gru"}, "b": {"model.cell": "rnn"}}
    outcomes = dict(zip(swept, [[one] for one in shares(900, 700)], strict=True))
    (one,) = single_changes(outcomes, swept=swept, metric="accuracy", goal="minimize")
    assert one.steps[0].verdict == "better"


def test_nothing_is_compared_where_no_two_settings_differ_in_one_key():
    swept = {"a": {"x": 1, "y": 1}, "b": {"x": 2, "y": 1}, "c": {"x": 1, "y": 2}, "d": {"x": 3, "y": 3}}
    assert ladders({"a": swept["a"]}, [800]) == []
    assert {(one.key, one.setting) for one in ladders(swept, [800] * 4)} == {("x", "a"), ("y", "a")}


def test_a_grid_of_equal_settings_has_a_row_called_in_at_most_one_of_twenty():
    """Without the correction nearly half of them have."""
    generator = np.random.default_rng(1)
    swept = {f"{a} {b}": {"a": a, "b": b} for a in range(3) for b in range(3)}
    called = 0
    for _ in range(100):
        ease = generator.normal(size=300)
        outcomes = {name: [made(ease + generator.normal(size=300) > -1)] for name in swept}
        found = single_changes(outcomes, swept=swept, metric="accuracy", goal="maximize")
        assert sum(len(one.steps) for one in found) == 12
        called += any(step.verdict != "tie" for one in found for step in one.steps)
    assert called <= 10  # of 100 with a chance of 0.05 each, more than 10 come in 1 % of the cases
