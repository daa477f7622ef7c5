"""From a few timed steps to a whole run: against plain loops."""

import dataclasses

import numpy as np
import pytest

from hftk.recipe.schema import Recipe
from hftk.sweep.timing import KNOTS, Timing, averaged, evaluations_of, integrated, knots, padded_tokens, rounded

TIMING = Timing(
    setup=2.0,
    epoch=30.0,
    steps_per_epoch=10,
    evaluation=3.0,
    best=0.5,
    finish=4.0,
    after=0.25,
    memory=1e9,
    device_memory=0,
    model_bytes=100.0,
    best_bytes=100.0,
    checkpoint_bytes=300.0,
    parameters=25,
    steps_timed=20,
)


def test_a_run_takes_what_its_parts_take():
    assert TIMING.save == 1.5
    assert TIMING.seconds(steps=25, epochs=2.5, evaluations=3, saves=2) == 2 + 2.5 * 30 + 3 * 3.5 + 2 * 1.5 + 4


def test_a_run_that_keeps_no_best_weights_has_no_pace_of_writing():
    assert dataclasses.replace(TIMING, best_bytes=0.0).save == 0


def test_side_by_side_the_mean_counts_and_the_most_memory():
    slower = dataclasses.replace(TIMING, epoch=50.0, memory=2e9)
    both = averaged([TIMING, slower])
    assert (both.epoch, both.memory, both.setup) == (40.0, 2e9, 2.0)


@pytest.mark.parametrize(
    ("training", "steps", "epochs", "expected"),
    [
        ({}, 30, 3.0, 3),
        ({}, 25, 2.5, 3),
        ({"eval_steps": 10}, 30, 3.0, 3),
        ({"eval_steps": 10}, 35, 3.5, 4),
        ({"eval_steps": 0.25}, 40, 4.0, 4),
        ({"eval_steps": 100}, 40, 4.0, 1),
    ],
)
def test_evaluations(training, steps, epochs, expected):
    recipe = Recipe(name="x", data={"path": "x.csv"}, model={"architecture": "rnn"}, training=training)
    assert evaluations_of(recipe, steps=steps, epochs=epochs) == expected


def test_tokens_are_counted_as_padded_and_ignored_rows_as_rows():
    lengths = np.array([3, 5, 0])
    assert padded_tokens(lengths, [0, 1]) == 10
    assert padded_tokens(lengths, [2]) == 1
    assert padded_tokens(lengths, [0 + len(lengths)]) == 3  # row 0 with its labels ignored, as a ragged share has it


def test_knots_are_the_shortest_the_longest_and_some_between():
    tokens = np.random.default_rng(0).permutation(np.arange(101))
    chosen = tokens[knots(tokens)]
    assert chosen.tolist() == [0, 25, 50, 75, 100] and len(chosen) == KNOTS
    assert tokens[knots(np.full(7, 4))].size == 1
    assert len(knots(np.array([9]))) == 1


def test_integration_over_an_epoch_is_the_sum_over_its_steps():
    """Against a loop; a cost that bends upwards, as attention's does, is met within a few percent."""
    rng = np.random.default_rng(0)
    tokens = np.sort(rng.lognormal(6, 0.5, size=400)).astype(int)

    def cost(count):
        return 1e-3 * count + 1e-7 * count**2

    at = tokens[knots(tokens)]
    found = integrated(tokens, knots=at.tolist(), seconds=[cost(one) for one in at])
    loop = 0.0
    for count in tokens:
        after = int(np.searchsorted(at, count))
        low, high = at[max(after - 1, 0)], at[after]
        share = (count - low) / (high - low) if high > low else 0.0
        loop += cost(low) + share * (cost(high) - cost(low))
    assert found == pytest.approx(loop)
    assert found == pytest.approx(sum(cost(count) for count in tokens), rel=0.05)
    mean = cost(float(tokens.mean())) * len(tokens)
    assert abs(found - sum(map(cost, tokens))) < 2 * abs(mean - sum(map(cost, tokens)))


def test_in_json_counts_are_whole():
    told = rounded(dataclasses.replace(TIMING, epoch=1 / 3))
    assert told["memory"] == 1_000_000_000 and isinstance(told["memory"], int)
    assert told["epoch"] == 0.333333
