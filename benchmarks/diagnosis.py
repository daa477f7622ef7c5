"""Planted faults: does `diagnose` name what was done to a run, and is it silent on healthy ones?

    python benchmarks/diagnosis.py SHARED OUT [--part held] [--cases a,b] [--shift 100] [--only-judge] [--only-train]

SHARED: the folder of the real data sets. OUT: gets the data with planted faults, and every run; what is finished there
is not trained again. Which part the thresholds were chosen on, and which they had not seen: benchmarks/diagnosis.md.
--shift gives every case as many other seeds: the same faults in runs that nobody has seen.
"""

import argparse
import io
import json
import sys
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.fresh_faults import fresh  # noqa: E402
from benchmarks.held_data import write_held  # noqa: E402
from benchmarks.held_faults import held, held_bases  # noqa: E402
from benchmarks.planted_data import write_data  # noqa: E402
from benchmarks.planted_faults import Case, bases, cases  # noqa: E402
from benchmarks.unseen_data import write_unseen  # noqa: E402
from benchmarks.unseen_faults import unseen, unseen_bases  # noqa: E402

PARTS = ("tuning", "second", "fresh", "unseen", "held")


def recipe_of(case: Case, *, data: Path, out: Path) -> dict[str, Any]:
    recipe = json.loads(json.dumps((bases(data) | unseen_bases(data) | held_bases(data))[case.base]))
    recipe |= {"name": case.name, "output_dir": str(out / "runs"), "metrics": ["accuracy"], "seeds": list(case.seeds)}
    for key, value in case.changes.items():
        *above, last = key.split(".")
        section = recipe
        for name in above:
            if section.get(name) is None:
                section[name] = {}
            section = section[name]
        if value is None:
            section.pop(last, None)
        else:
            section[last] = json.loads(json.dumps(value).replace('"GLOVE"', json.dumps(str(data / "glove.txt"))))
    return recipe


def train(recipe: dict[str, Any], *, baselines: Path, spoilt: Collection[int] = ()) -> Path:
    """Trains what is not finished yet, and works out the baseline's figure. Returns the sweep's folder.

    spoilt: seeds whose weights are spoilt before the first step.
    """
    from hftk.interruption import Interruption
    from hftk.recipe import read_sweep
    from hftk.sweep.describing import describe_each
    from hftk.sweep.inputs import Preparation
    from hftk.sweep.progress import progress_for
    from hftk.sweep.runners import train_run
    from hftk.training.group import Group
    from hftk.training.processes import quiet_libraries, start_processes

    plan = read_sweep(recipe)
    waiting = [run for run in plan.runs if _status(plan.folder / run.name) not in ("finished", "failed")]
    figure = baselines / f"{recipe['name']}.json"
    if not waiting and figure.exists():
        return plan.folder
    quiet_libraries()
    processes, preparation = start_processes(use_cpu=True), Preparation(world_size=1)
    preparation.check(plan.runs)
    with progress_for(stream=io.StringIO(), runs=len(plan.runs), main=False) as progress:
        for run in waiting:
            inputs = preparation.inputs(run)
            if run.recipe.seeds[0] in spoilt:
                inputs = replace(inputs, load_model=_spoilt(inputs.load_model))
            ended = train_run(
                plan,
                run=run,
                inputs=inputs,
                processes=processes,
                group=Group(),
                progress=progress,
                interruption=Interruption(),
            )
            print(f"{recipe['name']}/{run.name}: {ended.status} {ended.reason or ''}", flush=True)
    figure.parent.mkdir(exist_ok=True)
    inputs = preparation.inputs(plan.runs[0])
    if recipe["data"].get("max_length"):  # of the rest few texts are cut, and the baseline is worked out below
        describe_each(plan.runs[:1], {plan.runs[0].name: inputs}, folder=plan.folder, tell=str, warn=print)
    figure.write_text(json.dumps(_baseline(inputs.data.splits, task=plan.runs[0].recipe.task)))
    return plan.folder


def _spoilt(load: Callable[[], Any]) -> Callable[[], Any]:
    """Begins with weights twenty times as large as they should be, as no seed would draw them."""
    import torch

    def load_spoilt() -> Any:
        loaded = load()
        with torch.no_grad():
            for weights in loaded.model.parameters():
                weights.mul_(20)
        return loaded

    return load_spoilt


def _status(folder: Path) -> str | None:
    path = folder / "run.json"
    return json.loads(path.read_text())["status"] if path.exists() else None


def _baseline(splits: Any, *, task: str) -> float:
    """Validation accuracy of TF-IDF and logistic regression, logistic regression on pixels, or each word's commonest
    tag."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    train, validation = splits["train"], splits["validation"]
    if task == "token-classification":
        pairs = pd.DataFrame(
            [
                (w, t)
                for words, tags in zip(train["tokens"], train["tags"], strict=True)
                for w, t in zip(words, tags, strict=True)
            ],
            columns=["word", "tag"],
        )
        usual = pairs.tag.mode()[0]
        known = pairs.groupby("word").tag.agg(lambda tags: tags.mode()[0])
        right = [
            known.get(w, usual) == t
            for words, tags in zip(validation["tokens"], validation["tags"], strict=True)
            for w, t in zip(words, tags, strict=True)
        ]
        return float(np.mean(right))
    if task == "image-classification":
        model, column = LogisticRegression(max_iter=2000, C=0.1), "image"
        x, y = (
            np.array([np.frombuffer(image, np.uint8) for image in rows[column]]) / 255 for rows in (train, validation)
        )
    else:
        model = make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(max_iter=500, C=5)
        )
        x, y = list(train["text"]), list(validation["text"])
    model.fit(x, list(train["label"]))
    return float((model.predict(y) == np.array(list(validation["label"]))).mean())


# --- judging


def judge(case: Case, folder: Path, *, baseline: float | None) -> list[dict[str, Any]]:
    """A row per run: what was planted, what was found."""
    from hftk.analysis.diagnosis import diagnose
    from hftk.analysis.evidence import read_evidence
    from hftk.report.runs import read_runs
    from hftk.sweep.diagnosing import lost_by_cutting

    runs = read_runs(folder)
    rows = []
    siblings = [run for run in runs if run.seed not in case.spoilt]
    for run in sorted(runs, key=lambda run: run.seed):
        if case.spoilt and run in siblings:
            continue
        evidence = read_evidence(folder / run.name, runs=siblings, baseline=baseline)
        found = diagnose(replace(evidence, cutting=lost_by_cutting(folder, evidence)))
        suggestions = [f"{one.suggestion.key}={one.suggestion.value}" if one.suggestion else "-" for one in found]
        rows.append(
            {
                "case": case.name, "part": case.part, "kind": case.kind or "healthy", "seed": run.seed,
                "faults": [kind for kind in (*case.also, case.kind) if kind],
                "found": [one.kind for one in found], "suggestions": suggestions,
                "messages": [one.message for one in found], "score": run.score, "status": run.status,
                "baseline": baseline,
            }
        )  # fmt: skip
    return rows


def figures(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Of all findings the share that is right; of all faults, planted or of the base, the share that is found."""
    faults = sum(len(row["faults"]) for row in rows)
    found = sum(kind in row["found"] for row in rows for kind in row["faults"])
    told = sum(len(row["found"]) for row in rows)
    healthy = [row for row in rows if not row["faults"]]
    return {
        "faults": faults,
        "found": found,
        "findings": told,
        "precision": found / max(told, 1),
        "recall": found / max(faults, 1),
        "healthy": len(healthy),
        "silent": sum(not row["found"] for row in healthy),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("shared", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--cases", default="", help="names, or beginnings of them, with commas")
    parser.add_argument("--shift", type=int, default=0, help="added to every seed; wants an OUT of its own")
    parser.add_argument("--only-judge", action="store_true", help="train nothing")
    parser.add_argument("--only-train", action="store_true", help="judge nothing")
    told = parser.parse_args()
    out = told.out.resolve()
    data, rows = out / "data", []
    if not (data / "glove_zeros.txt").exists():  # the last to be written
        write_data(told.shared, data)
    if not (data / "glove_mostly_zeros.txt").exists():
        write_unseen(told.shared, data)
    if not (data / "forms.jsonl").exists():
        write_held(told.shared, data)
    for case in [*cases(data), *fresh(data), *unseen(data), *held(data)]:
        case = _shifted(case, told.shift)
        if told.part not in (None, case.part) or not case.name.startswith(tuple(told.cases.split(","))):
            continue
        if not told.only_judge:
            train(recipe_of(case, data=data, out=out), baselines=out / "baselines", spoilt=case.spoilt)
        figure = out / "baselines" / f"{case.name}.json"
        if told.only_train or not figure.exists():
            continue
        rows += judge(
            case, out / "runs" / case.name, baseline=json.loads(figure.read_text()) if case.baseline else None
        )
    for row in rows:
        print(_line(row))
    (out / "rows.json").write_text(json.dumps(rows, indent=1))
    for part in PARTS:
        if chosen := [row for row in rows if row["part"] == part]:
            print(part, figures(chosen))


def _shifted(case: Case, shift: int) -> Case:
    seeds, spoilt = (tuple(seed + shift for seed in some) for some in (case.seeds, case.spoilt))
    return replace(case, seeds=seeds, spoilt=spoilt)


def _line(row: dict[str, Any]) -> str:
    right, found = set(row["faults"]), set(row["found"])
    mark = "ok" if found == right else "NOT FOUND" if not right <= found else "TOO MUCH"
    told = [f"{kind} ({change})" for kind, change in zip(row["found"], row["suggestions"], strict=True)]
    return f"{mark}: {row['case']} seed {row['seed']}, accuracy {row['score']}, baseline {row['baseline']}: {told}"


if __name__ == "__main__":
    main()
