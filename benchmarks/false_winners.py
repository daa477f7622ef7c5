"""Tables of equal models: in how many is some row called worse, or better, though no model is?

    python benchmarks/false_winners.py [--tables 1000] [--models 8 20 50] [--seeds 1 3] [--metric accuracy]

A table: K models on 500 rows of validation and 1,000 of test, two labels, each right on 85 % of rows in expectation.
Rows differ in difficulty, which the models share, and each model errs in its own way besides. With several seeds each
seed has its own errors too, and its own level. The best on validation is the reference, and
`hftk.analysis.statistics.compare` gives the verdicts. In every fourth table, drawn anew, one is worse by 5 points.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from hftk.analysis.outcomes import Outcomes
from hftk.analysis.pairwise import LEVEL
from hftk.analysis.scores import figure
from hftk.analysis.statistics import compare

VALIDATION, TEST = 500, 1000
ACCURACY = 0.85
OWN, OWN_OF_SEED = 0.45, 0.45
"""Standard deviations of what a model's setting and its seed add to a row's difficulty, whose own is 1."""


@dataclass(frozen=True)
class Table:
    """What was said of one table of equal models, and of one with a worse model in it."""

    false: bool
    """By `compare`, the reference chosen on validation."""
    false_uncorrected: bool
    false_chosen_on_test: bool
    false_chosen_on_test_uncorrected: bool
    found: bool | None
    """Is the worse model called worse? None where that was not tried, or it was the best on validation itself."""


def main() -> None:
    asked = _arguments()
    print(
        "| models | seeds | sd of seeds | as hftk does it | not corrected | reference chosen on test | both mistakes | "
        "worse by 5 points: found |\n|---|---|---|---|---|---|---|---|"
    )
    for seeds in asked.seeds:
        for models in asked.models:
            cases = [
                (models, seeds, asked.seed_sd, asked.unstable, asked.metric, number) for number in range(asked.tables)
            ]
            with ProcessPoolExecutor(asked.processes) as pool:
                tables = list(pool.map(one_table, cases, chunksize=10))
            shares = [
                np.mean([getattr(table, name) for table in tables])
                for name in ("false", "false_uncorrected", "false_chosen_on_test", "false_chosen_on_test_uncorrected")
            ]
            found = [table.found for table in tables if table.found is not None]
            spread = f"{asked.seed_sd:.1%}" if seeds > 1 else "–"
            cells = [f"{share:.1%}" for share in [*shares, np.mean(found)]]
            print(f"| {models} | {seeds} | {spread} | {' | '.join(cells)} |", flush=True)


def one_table(case: tuple[int, int, float, float, str, int]) -> Table:
    models, seeds, seed_sd, unstable, metric, number = case
    generator = np.random.default_rng([models, seeds, number])
    splits = drawn(generator, models=models, seeds=seeds, seed_sd=seed_sd, unstable=unstable)
    best = {split: _best(settings, metric=metric) for split, settings in splits.items()}
    honest, tempted = (
        compare(splits["test"], metric=metric, goal="maximize", reference=best[split], seed=number)
        for split in ("validation", "test")
    )
    return Table(
        false=any(row.verdict in ("worse", "better") for row in honest),
        false_uncorrected=any(row.p <= LEVEL for row in honest),
        false_chosen_on_test=any(row.verdict in ("worse", "better") for row in tempted),
        false_chosen_on_test_uncorrected=any(row.p <= LEVEL for row in tempted),
        found=_found(generator, case) if number % 4 == 0 else None,
    )


def _found(generator: np.random.Generator, case: tuple[int, int, float, float, str, int]) -> bool | None:
    models, seeds, seed_sd, _, metric, number = case
    splits = drawn(generator, models=models, seeds=seeds, seed_sd=seed_sd, unstable=1.0, worse_by=0.05)
    reference, worse = _best(splits["validation"], metric=metric), f"model {models}"
    rows = compare(splits["test"], metric=metric, goal="maximize", reference=reference, seed=number)
    return None if reference == worse else rows[-1].verdict == "worse"


def drawn(
    generator: np.random.Generator, *, models: int, seeds: int, seed_sd: float, unstable: float, worse_by: float = 0.0
) -> dict[str, dict[str, list[Outcomes]]]:
    """Split -> model -> outcomes by seed. The first model's seeds vary `unstable` times as much; the last is worse."""
    rows = VALIDATION + TEST
    spread = np.sqrt(1 + OWN**2 + OWN_OF_SEED**2)
    level = np.full((models, seeds), norm.ppf(ACCURACY) * spread)
    level[-1] = norm.ppf(ACCURACY - worse_by) * spread
    if seeds > 1:
        by_point = norm.pdf(norm.ppf(ACCURACY)) / spread
        level[0] += generator.normal(size=seeds) * (unstable - 1) * seed_sd / by_point
        level += generator.normal(size=level.shape) * seed_sd / by_point
    ease = generator.normal(size=rows) + OWN * generator.normal(size=(models, 1, rows))
    right = level[..., None] + ease + OWN_OF_SEED * generator.normal(size=(models, seeds, rows)) > 0
    labels = generator.integers(2, size=rows)
    predictions = np.where(right, labels, 1 - labels)
    parts = {"validation": slice(0, VALIDATION), "test": slice(VALIDATION, rows)}
    return {
        split: {
            f"model {model + 1}": [_outcomes(labels[part], predictions[model, seed, part]) for seed in range(seeds)]
            for model in range(models)
        }
        for split, part in parts.items()
    }


def _outcomes(label_ids: np.ndarray, prediction_ids: np.ndarray) -> Outcomes:
    numbers = np.arange(len(label_ids))
    return Outcomes(
        labels=("no", "yes"),
        label_ids=label_ids,
        prediction_ids=prediction_ids,
        probabilities=None,
        unit_ids=numbers,
        rows=numbers,
        sources=np.zeros(len(label_ids), dtype=np.int8),
    )


def _best(settings: dict[str, list[Outcomes]], *, metric: str) -> str:
    means = {name: np.mean([figure(run, metric=metric) for run in runs]) for name, runs in settings.items()}
    return max(means, key=means.get)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=1000)
    parser.add_argument("--models", type=int, nargs="+", default=[8, 20, 50])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--seed-sd", type=float, default=0.01, help="of the accuracy over seeds, beside chance")
    parser.add_argument(
        "--unstable", type=float, default=1.0, help="how many times as much the first model's seeds vary"
    )
    parser.add_argument("--metric", default="accuracy")
    parser.add_argument("--processes", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
