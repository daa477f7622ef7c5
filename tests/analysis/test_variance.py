"""Variances of means and differences, against the analysis of variance of a crossed design."""

import numpy as np
import pytest

from hftk.analysis.variance import variances

UNITS, DRAWS = 300, 8_000


def replicates(values: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """The mean of each run's (runs, units) values on drawn sets of units."""
    weights = np.random.default_rng(seed).multinomial(UNITS, np.full(UNITS, 1 / UNITS), size=DRAWS)
    return values @ weights.T / UNITS


def crossed(settings: int, seeds: int, *, seed_sd: float, seed: int = 1) -> np.ndarray:
    """(settings, seeds, units): what units add to all, what a seed adds to its units, and the rest."""
    generator = np.random.default_rng(seed)
    return (
        generator.normal(size=UNITS)
        + seed_sd * generator.normal(size=(settings, seeds, 1))
        + 0.7 * generator.normal(size=(settings, seeds, UNITS))
    )


def found_of(values: np.ndarray, owner: list[int] | None = None, seedless: list[bool] | None = None):
    runs = values.reshape(-1, UNITS)
    owner = np.repeat(np.arange(values.shape[0]), values.shape[1]) if owner is None else np.array(owner)
    differing = np.full((owner.max() + 1,) * 2, UNITS)
    return variances(
        runs.mean(axis=1),
        replicates=replicates(runs),
        differing=differing,
        owner=owner,
        units=UNITS,
        seedless=None if seedless is None else np.array(seedless),
    )


def mean_squares(values: np.ndarray) -> tuple[float, float, float]:
    """Of seeds, units and the rest, for one setting's (seeds, units) values."""
    seeds, units = values.shape
    by_seed, by_unit, mean = values.mean(axis=1), values.mean(axis=0), values.mean()
    rest = values - by_seed[:, None] - by_unit + mean
    return (
        units * by_seed.var(ddof=1),
        seeds * by_unit.var(ddof=1),
        float((rest**2).sum() / ((seeds - 1) * (units - 1))),
    )


def test_one_setting_is_the_crossed_analysis_of_variance():
    values = crossed(1, 3, seed_sd=1.0)
    of_seeds, of_units, of_rest = mean_squares(values[0])
    found = found_of(values)
    variance = (of_seeds + of_units - of_rest) / (3 * UNITS)
    assert found.of_means[0] == pytest.approx(variance, rel=0.06)
    examples = of_units / (3 * UNITS)
    seeds = of_seeds / (3 * UNITS)
    df = variance**2 / (examples**2 / (UNITS - 1) + seeds**2 / 2)
    assert found.df_of_means[0] == pytest.approx(df, rel=0.05)


def test_a_difference_pools_the_seeds_of_all_settings():
    values = crossed(4, 3, seed_sd=0.3)
    squares = np.array([mean_squares(each) for each in values])
    found = found_of(values)
    seeds, noise = squares[:, 0] / UNITS, squares[:, 2] / UNITS
    pool = (seeds - noise).mean()
    part = np.maximum(pool, seeds - noise) / 3
    between = (values[0].mean(axis=0) - values[1].mean(axis=0)).var(ddof=1) / UNITS
    assert found.of_differences[0, 1] == pytest.approx(between + part[0] + part[1], rel=0.06)
    measured = part[:2] + noise[:2] / 3
    df = (between + part[0] + part[1]) ** 2 / (between**2 / (UNITS - 1) + measured.sum() ** 2 / 8)
    assert found.df_of_differences[0, 1] == pytest.approx(df, rel=0.05)
    assert found.df_of_differences[0, 1] > 7.5, "four settings of three seeds are eight degrees of freedom, not two"
    assert np.allclose(found.of_differences, found.of_differences.T)


def test_seeds_that_differ_by_noise_alone_add_nothing():
    values = crossed(40, 3, seed_sd=0.0)
    found = found_of(values)
    examples = values.mean(axis=1).var(axis=1, ddof=1) / UNITS
    assert np.median(found.of_means / examples) < 1.1
    # on the way from one seed to many, what they do differently is divided by their number
    assert (found.of_means >= examples * 0.97).all()


def test_the_estimate_is_right_in_the_mean():
    """2,000 differences of equal settings of two seeds: their variance is what is said of it, or a little less."""
    said, seen = [], []
    for seed in range(60):
        values = crossed(8, 2, seed_sd=0.1, seed=seed)
        runs = values.reshape(-1, UNITS)
        drawn = np.random.default_rng(seed).multinomial(UNITS, np.full(UNITS, 1 / UNITS), size=400)
        found = variances(
            runs.mean(axis=1),
            replicates=runs @ drawn.T / UNITS,
            differing=np.full((8, 8), UNITS),
            owner=np.repeat(np.arange(8), 2),
            units=UNITS,
        )
        means = values.mean(axis=(1, 2))
        above = np.triu_indices(8, k=1)
        said.append(found.of_differences[above].mean())
        seen.append(((means[:, None] - means) ** 2)[above].mean())
    assert 0.9 < np.mean(said) / np.mean(seen) < 1.5


def test_one_seed_each_speaks_of_examples_only():
    values = crossed(3, 1, seed_sd=0.5)
    found = found_of(values)
    assert found.of_means == pytest.approx(values[:, 0].var(axis=1, ddof=1) / UNITS, rel=0.06)
    difference = values[0, 0] - values[2, 0]
    assert found.of_differences[0, 2] == pytest.approx(difference.var(ddof=1) / UNITS, rel=0.06)
    assert (found.df_of_means == UNITS - 1).all() and (found.df_of_differences == UNITS - 1).all()


def test_a_setting_far_out_of_line_has_its_own_variance():
    values = crossed(6, 3, seed_sd=0.1)
    before = found_of(values)
    values[2, 0] -= 6
    after = found_of(values)
    others = [0, 1, 3, 4, 5]
    assert after.of_means[others] == pytest.approx(before.of_means[others], rel=0.2)
    assert after.of_means[2] > 30 * after.of_means[0]
    assert after.df_of_means[2] == pytest.approx(2, abs=0.1)


def test_seeds_that_came_out_equal_do_not_make_the_others_strange():
    """As the accuracies of two seeds on a small test set often do: their variance is 0, that of the others is not."""
    values = crossed(2, 2, seed_sd=0.0)
    values -= values.mean(axis=2, keepdims=True)
    values[1, 1] += 0.5
    found = found_of(values)
    examples = values[0].mean(axis=0).var(ddof=1) / UNITS
    assert found.of_means[0] > 1.5 * examples, "pooled with the other setting"


def test_one_seed_beside_several_has_the_pool():
    values = crossed(3, 3, seed_sd=0.3)
    runs = values.reshape(-1, UNITS)[:7]
    owner = np.array([0, 0, 0, 1, 1, 1, 2])
    found = variances(
        runs.mean(axis=1), replicates=replicates(runs), differing=np.full((3, 3), UNITS), owner=owner, units=UNITS
    )
    squares = np.array([mean_squares(each) for each in values[:2]])
    pool = ((squares[:, 0] - squares[:, 2]) / UNITS).mean()
    assert found.of_means[2] == pytest.approx(runs[6].var(ddof=1) / UNITS + pool, rel=0.06)


def test_a_setting_without_a_seed_varies_by_the_examples_only():
    """A baseline of counts beside settings of three seeds: its mean is as uncertain as alone, its difference to a
    setting by that setting's seeds only."""
    values = crossed(3, 3, seed_sd=1.0).reshape(-1, UNITS)[:7]
    owner = [0, 0, 0, 1, 1, 1, 2]
    alike = found_of(values, owner)
    found = found_of(values, owner, seedless=[False, False, True])
    alone = found_of(values[-1:], [0])
    assert found.of_means[2] == pytest.approx(alone.of_means[0]) and found.of_means[2] < alike.of_means[2]
    assert found.df_of_means[2] == pytest.approx(UNITS - 1)
    np.testing.assert_array_equal(found.of_means[:2], alike.of_means[:2])
    np.testing.assert_array_equal(found.of_differences[:2, :2], alike.of_differences[:2, :2])
    seeds = alike.of_means[2] - alone.of_means[0]
    np.testing.assert_allclose(found.of_differences[2, :2], alike.of_differences[2, :2] - seeds)
