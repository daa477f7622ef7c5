"""What swept keys did: against closed forms, and where nothing may be said."""

import itertools

import numpy as np
import pytest
from scipy import stats

from hftk.analysis.effects import effects
from hftk.analysis.short_values import word

RATE, CELL = "training.learning_rate", "model.cell"


def told(swept, scores, *, metric="validation accuracy", goal="maximize"):
    return effects(swept, scores=scores, metric=metric, goal=goal)


def grid(**values) -> list[dict]:
    return [dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())]


def test_two_values_with_five_seeds_each_are_the_t_test():
    generator = np.random.default_rng(0)
    swept = [{RATE: rate} for rate in (1e-5, 1e-4) for _ in range(5)]
    scores = [0.6 + 0.21 * (run[RATE] == 1e-4) + 0.02 * generator.normal() for run in swept]
    found = told(swept, scores)
    low, high = scores[:5], scores[5:]
    expected = stats.ttest_ind(high, low).confidence_interval(0.95)
    (effect,) = found.effects
    assert effect.difference == pytest.approx(np.mean(high) - np.mean(low))
    assert (effect.low, effect.high) == pytest.approx((expected.low, expected.high))
    assert (effect.factor, effect.value, effect.against, effect.runs, effect.shown) == (RATE, "1e-4", "1e-5", 10, True)
    assert effect.sentence == (
        f"training.learning_rate: 1e-4 against 1e-5 {effect.difference:+.2f} validation accuracy "
        f"(95 %: {effect.low:+.2f} to {effect.high:+.2f}, n=10 runs)."
    )
    assert found.notes == [
        "training.learning_rate: the largest value tried, 1e-4, did best; larger ones were not tried."
    ]


def test_a_grid_without_seeds_gives_main_effects_and_what_is_left_is_their_error():
    swept = grid(cell=["rnn", "lstm", "gru"], vectors=["word2vec", "glove", "none"], rate=[1e-3, 1e-2])
    generator = np.random.default_rng(1)
    gain = {"rnn": 0, "lstm": 0.1, "gru": 0.12}
    scores = [0.5 + gain[run["cell"]] + 0.01 * generator.normal() for run in swept]
    found = told(swept, scores)
    by_name = {(each.factor, each.value): each for each in found.effects}
    assert list(by_name) == [
        ("cell", "lstm"),
        ("cell", "gru"),
        ("vectors", "glove"),
        ("vectors", "none"),
        ("rate", "0.01"),
    ]
    means = {cell: np.mean([s for run, s in zip(swept, scores, strict=True) if run["cell"] == cell]) for cell in gain}
    assert by_name["cell", "gru"].difference == pytest.approx(means["gru"] - means["rnn"])
    assert by_name["cell", "gru"].shown and by_name["cell", "lstm"].shown
    assert not by_name["rate", "0.01"].shown
    assert by_name["rate", "0.01"].sentence.endswith("n=18 runs): no effect is shown.")
    assert found.notes == []


def test_the_interval_holds_the_truth_in_95_of_100_sweeps():
    generator = np.random.default_rng(2)
    swept = grid(a=[1, 2], b=["x", "y"], c=[True, False])
    held = 0
    for _ in range(400):
        scores = [0.05 * (run["a"] == 2) + 0.02 * generator.normal() for run in swept]
        effect = told(swept, scores).effects[0]
        held += effect.low <= 0.05 <= effect.high
    assert 0.92 <= held / 400 <= 0.98


def test_of_a_loss_less_is_better():
    swept = [{RATE: rate} for rate in (1e-5, 1e-4) for _ in range(4)]
    scores = [0.5 - 0.2 * (run[RATE] == 1e-4) + 0.01 * (seed % 2) for seed, run in enumerate(swept)]
    found = told(swept, scores, metric="validation loss", goal="minimize")
    assert "1e-4 against 1e-5 -0.200 validation loss (95 %: " in found.effects[0].sentence
    assert "n=8 runs, lower is better)." in found.effects[0].sentence
    assert "the largest value tried, 1e-4, did best" in found.notes[0]


def test_a_best_value_inside_has_no_edge():
    swept = [{RATE: rate} for rate in (1e-5, 1e-4, 1e-3) for _ in range(3)]
    scores = [{1e-5: 0.5, 1e-4: 0.9, 1e-3: 0.6}[run[RATE]] + 0.01 * (seed % 3) for seed, run in enumerate(swept)]
    found = told(swept, scores)
    assert [each.shown for each in found.effects] == [True, True] and found.notes == []


def test_many_values_are_a_line_over_the_logarithm():
    generator = np.random.default_rng(3)
    rates = 10 ** generator.uniform(-5, -2, size=12)
    swept = [{RATE: float(rate), "model.dropout": float(generator.uniform(0, 0.5))} for rate in rates]
    scores = [0.5 + 0.1 * np.log10(run[RATE] / 1e-5) + 0.005 * generator.normal() for run in swept]
    found = told(swept, scores)
    first, second = found.effects
    assert first.difference == pytest.approx(0.1 * np.log10(rates.max() / rates.min()), abs=0.02)
    assert ", by a straight line over its logarithm +" in first.sentence
    assert ", by a straight line over it " in second.sentence and not second.shown
    assert found.notes[0].startswith(f"{RATE}: the largest value tried, {word(float(rates.max()))}, did best")


def test_keys_that_always_changed_together_are_one():
    swept = [
        {"model.cell": cell, "model.pooling": {"rnn": "flatten", "gru": "last"}[cell], "model.num_layers": layers}
        for cell in ("rnn", "gru")
        for layers in (1, 2, 4)
    ]
    found = told(swept, [0.87, 0.87, 0.88, 0.9, 0.9, 0.91])
    assert found.effects[0].sentence.startswith(
        "model.cell (always together with model.pooling): gru against rnn +0.030"
    )
    assert [each.factor for each in found.effects[1:]] == ["model.num_layers"] * 2


def test_a_key_that_follows_from_others_has_no_effect_given():
    swept = [{"a": a, "b": b, "sum": a + b} for a in (0, 1, 2) for b in (0, 1, 2)] * 2
    generator = np.random.default_rng(4)
    found = told(swept, list(generator.normal(size=18)))
    # nine sums of levels; what of them can be told from a and b is not asked for
    assert all(effect.factor != "sum" for effect in found.effects)
    assert "sum: no effect is given, since it was hardly varied without the other swept keys." in found.notes


def test_a_key_hardly_varied_by_itself_has_no_effect_given():
    swept = [
        {"size": size, "rate": rate} for size, rate in [("base", 1), ("large", 2)] * 19 + [("base", 2), ("large", 1)]
    ]
    found = told(swept, list(np.random.default_rng(5).normal(size=40)))
    assert found.effects == []
    assert [note.partition(":")[0] for note in found.notes] == ["size", "rate"]


def test_too_few_runs_say_nothing():
    found = told(grid(a=[1, 2], b=[1, 2]), [0.1, 0.2, 0.3, 0.5])
    assert found.effects == []
    assert found.notes == [
        "No effects are given: 4 runs of 4 settings leave too little to tell what a key did from chance. More "
        "seeds, or fewer keys swept at once, would."
    ]


def test_keys_whose_effects_depend_on_each_other_have_none():
    """An exclusive or, with seeds that show that it is no chance."""
    swept = grid(a=[1, 2], b=[1, 2]) * 4
    scores = [0.5 + 0.3 * ((run["a"] == 2) != (run["b"] == 2)) + 0.01 * (n % 3) for n, run in enumerate(swept)]
    found = told(swept, scores)
    assert found.effects == []
    assert found.notes == [
        "No effects are given: what one swept key does depends on the others by more than the seeds explain, so none "
        "has one effect."
    ]


def test_where_effects_depend_on_each_other_the_seeds_do_not_make_them_certain():
    generator = np.random.default_rng(6)
    settings = grid(a=[1, 2, 3], b=["x", "y", "z"])
    level = generator.normal(size=9)
    swept, scores = settings * 20, [level[n % 9] + 0.001 * generator.normal() for n in range(180)]
    alone = told(settings, list(level))
    seeded = told(swept, scores)
    for one, other in zip(alone.effects, seeded.effects, strict=True):
        assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=0.01)


def test_runs_without_a_figure_are_left_out_and_counted():
    swept = [{RATE: rate} for rate in (1e-5, 1e-4) for _ in range(4)]
    found = told(swept, [0.5, 0.51, 0.52, None, 0.7, 0.71, 0.72, float("nan")])
    assert found.notes[0] == "2 of 8 runs have no validation accuracy and are left out of the effects."
    assert found.effects[0].runs == 6


def test_nothing_swept_or_nothing_left_is_nothing_said():
    assert told([{}, {}], [0.5, 0.6]).effects == []
    assert told([{"a": 1}, {"a": 1}], [0.5, 0.6]).notes == []
    assert told([{"a": 1}], [None]).notes == [
        "1 of 1 runs have no validation accuracy and are left out of the effects."
    ]


def test_a_key_that_some_runs_lack_has_not_set_as_a_value():
    swept = [{"peft.r": 8}] * 3 + [{}] * 3
    found = told(swept, [0.8, 0.81, 0.82, 0.7, 0.71, 0.72])
    assert (found.effects[0].value, found.effects[0].against) == ("not set", "8")


def test_a_whole_mapping_is_named_by_what_it_is():
    vectors = [{"method": "word2vec", "vector_size": 100}, {"method": "fasttext", "vector_size": 100}]
    swept = [{"embeddings": vectors[place % 2]} for place in range(6)]
    (effect,) = told(swept, [0.5, 0.7, 0.51, 0.69, 0.5, 0.71]).effects
    assert effect.sentence.startswith("embeddings: fasttext against word2vec +0.197 ")


def test_of_a_figure_that_is_neither_good_nor_bad_no_value_did_best():
    swept = [{RATE: rate} for rate in (1e-4, 1e-3) for _ in range(3)]
    found = told(swept, [0.5, 0.51, 0.49, 0.2, 0.21, 0.19], metric="training loss", goal=None)
    assert [effect.difference for effect in found.effects] == [pytest.approx(-0.3)]
    assert "is better" not in found.effects[0].sentence and found.notes == []
