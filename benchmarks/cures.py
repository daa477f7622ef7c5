"""Does following a suggestion improve the run? To be run after benchmarks/diagnosis.py, on the same OUT.

    python benchmarks/cures.py OUT [--part tuning] [--seed 0]

Trains every planted fault of one part once more with the suggested change, and prints validation accuracy, macro F1 and
the epochs trained before and after.
"""

import argparse
import ast
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.diagnosis import recipe_of, train  # noqa: E402
from benchmarks.fresh_faults import fresh  # noqa: E402
from benchmarks.planted_faults import cases  # noqa: E402
from benchmarks.unseen_faults import unseen  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--part", default="tuning")
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    out = told.out.resolve()
    data = out / "data"
    rows = {(row["case"], row["seed"]): row for row in json.loads((out / "rows.json").read_text())}
    for case in [*cases(data), *fresh(data), *unseen(data)]:
        row = rows.get((case.name, told.seed))
        if case.part != told.part or case.kind is None or case.spoilt or row is None or not row["suggestions"]:
            continue
        key, _, value = row["suggestions"][0].partition("=")
        if not value:
            continue
        recipe = recipe_of(case, data=data, out=out / "cures") | {"seeds": [told.seed]}
        changed = _with(recipe, key.split("."), _value(value))
        after = train(changed, baselines=out / "cures" / "baselines") / f"seed={told.seed}"
        before = out / "runs" / case.name / f"seed={told.seed}"
        print(f"| {case.kind} | {case.base} | `{key}: {value}` | {_figures(before)} | {_figures(after)} |", flush=True)


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):  # a word
        return text


def _with(recipe: dict[str, Any], keys: list[str], value: Any) -> dict[str, Any]:
    inner = value if len(keys) == 1 else _with(recipe.get(keys[0]) or {}, keys[1:], value)
    return {**recipe, keys[0]: inner}


def _figures(folder: Path) -> str:
    from sklearn.metrics import f1_score

    rows = pd.read_parquet(folder / "predictions.parquet")
    rows = rows[rows.split == "validation"]
    f1 = f1_score(rows.label, rows.prediction, average="macro", zero_division=0)
    epochs = json.loads((folder / "run.json").read_text())["epochs"]
    return f"{(rows.label == rows.prediction).mean():.3f} | {f1:.3f} | {epochs:g}"


if __name__ == "__main__":
    main()
