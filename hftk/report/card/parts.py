"""The parts of a card as Markdown; all that comes from data, recipe or record is escaped here."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

from hftk.recipe.schema import Embeddings, Recipe
from hftk.report.card.evidence import Evidence
from hftk.report.card.origin import data_name, everywhere, hub_data, hub_model, last_part, model_name
from hftk.report.runs import Run
from hftk.report.table import Table
from hftk.report.tables import epochs_table, test_figure
from hftk.report.wording import MISSING, count, duration, epoch, escaped, figure, listed, override

_FOLDED = 25
"""Rows of a table from which it is folded away behind its name."""
_LABELS_NAMED = 12
_WEIGHTED = ("precision", "recall", "f1")
_ITEMS = {"token-classification": "tags of words", "image-classification": "classes of images"}
_SPLITS_USED = {
    "train": "the weights were fitted on it",
    "validation": "the epoch was chosen on it",
    "test": "looked at once",
}


def about(run: Run, recipe: Recipe, *, adapter: bool) -> str:
    labels = run.data.labels
    what = _ITEMS.get(recipe.task, "classes of texts")
    if recipe.data.columns.text_pair is not None and recipe.task == "text-classification":
        what = "classes of pairs of texts"
    size = ""
    if run.parameters is not None:
        size = f" It has {run.parameters:,} parameters"
        trained = run.trainable_parameters
        size += "." if trained in (None, run.parameters) else f", of which {trained:,} were trained."
    return (
        f"{_origin(run, recipe, adapter=adapter)} It tells apart {len(labels)} {what}: "
        f"{escaped(listed(labels, _LABELS_NAMED))}.{size}"
    )


def _origin(run: Run, recipe: Recipe, *, adapter: bool) -> str:
    made = f"trained on {_data(run, recipe)} with hftk {escaped(run.versions.get('hftk', ''))}".rstrip() + "."
    if recipe.model.pretrained is not None:
        base = escaped(model_name(run, recipe))
        if hub_model(run, recipe):
            base = f"[{base}](https://huggingface.co/{base})"
        kind = str((recipe.peft or {}).get("peft_type", ""))
        if adapter:
            return f"An adapter ({escaped(kind)}, by PEFT) for {base}, {made}"
        return (
            f"{base}, fine-tuned{f' with an adapter ({escaped(kind)}) that was merged into it' if kind else ''}; {made}"
        )
    given = {key: value for key, value in recipe.model.config_overrides.items() if value not in (None, [])}
    settings = ", ".join(f"{key} {_setting(value)}" for key, value in given.items())
    vectors = f", its word vectors begun with {_vectors(recipe.embeddings)}" if recipe.embeddings else ""
    name = f"{escaped(recipe.model.architecture)}{f' ({escaped(settings)})' if settings else ''}"
    return f"{name}, from scratch{vectors}; {made}"


def _setting(value: Any) -> str:
    if isinstance(value, list):
        return " + ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _vectors(embeddings: Embeddings) -> str:
    if embeddings.method == "file":
        made = f"those of {escaped(last_part(embeddings.path or ''))}"
    else:
        made = f"{embeddings.method} on the train split"
    return made + (" and left so" if embeddings.freeze else "")


def _data(run: Run, recipe: Recipe) -> str:
    name, on_hub = escaped(data_name(run, recipe)), hub_data(run, recipe)
    return f"[{name}](https://huggingface.co/datasets/{escaped(on_hub)})" if on_hub else name


def figures(run: Run, evidence: Evidence | None) -> Table:
    """A metric per row, the ranking one first; baselines beside the model's own figures."""
    ranking = run.ranking.metric.removeprefix("validation_")
    names = [name.removeprefix("validation_") for name in run.metrics if name.startswith("validation_")]
    names = [name for name in dict.fromkeys([ranking, *names]) if name in names and name != "loss"] + ["loss"]
    tested = any(name.startswith("test_") for name in run.metrics)
    intervals = evidence.intervals if evidence else {}
    baselines = evidence.baselines if evidence and tested else {}
    columns = ["metric", "validation"] + (["test"] if tested else []) + (["95 %"] if intervals else [])
    rows = []
    for name in dict.fromkeys(names):
        cells = [name, figure(run.metrics.get(f"validation_{name}"))]
        cells += [test_figure(run, f"test_{name}")] if tested else []
        if intervals:
            found = intervals.get(name)
            cells.append(f"{figure(found.low)} to {figure(found.high)}" if found else MISSING)
        rows.append(cells + [figure(own.get(name)) for own in baselines.values()])
    return Table([*columns, *(f"{name}, test" for name in baselines)], rows, frozenset({"metric"}))


def below_figures(run: Run, evidence: Evidence | None) -> list[str]:
    if run.keep == "best":
        told = f"The weights are those of epoch {epoch(run.kept_epoch)}, which was chosen on validation alone; "
    else:
        told = f"The weights are those of the last epoch, {epoch(run.kept_epoch)}; "
    told += f"seed {run.seed}."
    if any(name in _WEIGHTED for name in (metric.removeprefix("validation_") for metric in run.metrics)):
        told += " Precision, recall and f1 are weighted by the classes' frequency unless their name says otherwise."
    if not any(name.startswith("test_") for name in run.metrics):
        return [f"{told} There was no test split: nothing was kept aside to judge them by."]
    if evidence and evidence.intervals:
        told += " 95 %: bootstrap interval of the test figure over test examples, for these weights."
    if evidence and evidence.baselines:
        told += " The last columns are baselines that take seconds, on the same test examples."
    return [told]


def classes(run: Run, evidence: Evidence | None) -> str:
    """Empty where they are not known."""
    found = evidence.classes if evidence else None
    if found is None:
        return ""
    rows = zip(run.data.labels, found.precision, found.recall, found.f1, found.support, strict=True)
    counts = evidence.train_rows
    table = Table(
        ["class", "precision", "recall", "F1", f"{found.split} items", *(["train items"] if counts else [])],
        [
            [name, figure(p), figure(r), figure(f), count(n), *([count(counts.get(name))] if counts else [])]
            for name, p, r, f, n in rows
        ],
        frozenset({"class"}),
    )
    return _folded(table, f"All {len(table.rows)} classes")


def data_table(run: Run) -> Table:
    counted = [split for split in run.data.rows if run.data.truncated.get(split) is not None]
    columns = ["split", "rows", *(["longer than it reads"] if counted and run.data.max_length else []), "used for"]
    rows = []
    for split, number in run.data.rows.items():
        before = run.data.rows_before.get(split, number)
        cells = [split, f"{number:,}" + (f" of {before:,}" if before > number else "")]
        if "longer than it reads" in columns:
            cells.append(count(run.data.truncated.get(split)))
        watched = split == "validation" and run.keep == "last"
        rows.append([*cells, "watched while training" if watched else _SPLITS_USED.get(split, "")])
    return Table(columns, rows, frozenset({"split", "used for"}))


def below_data(run: Run, recipe: Recipe) -> list[str]:
    data, on_hub = recipe.data, hub_data(run, recipe)
    told = [f"From {_data(run, recipe)}"]
    if on_hub and (revision := run.data.commit or data.revision):
        told[0] += f" at revision `{escaped(revision)}`"
    if _lies_here(run, recipe):
        told[0] += ", a copy on the machine that trained"
    if run.data.fingerprint:
        told.append(f"fingerprint of its rows and labels: `{run.data.fingerprint}`")
    if data.limit is not None:
        told.append(f"at most {data.limit:,} rows of each split, drawn by label (seed {data.seed})")
    drawn = [name for name in ("validation", "test") if isinstance(getattr(data.splits, name, None), float)]
    if data.splits is None or drawn:
        which = " and ".join(drawn) or "validation and test, where the data have none,"
        told.append(f"{which} drawn from train by label (seed {data.seed})")
    return ["; ".join(told) + "."]


def training(run: Run) -> str:
    place = "GPU" if run.device not in (None, "cpu") else "CPU"
    gpus = [str(name) for name in run.hardware.get("gpus") or []]
    on = f"on {escaped(listed(gpus))}" if place == "GPU" and gpus else f"on {place}"
    processes = f", {run.world_size} processes" if run.world_size and run.world_size > 1 else ""
    return f"{epoch(run.epochs)} epochs in {duration(run.seconds)} {on}{processes}."


def epochs(run: Run) -> str:
    return _folded(epochs_table(run), f"All {len(run.curve)} epochs") if run.curve else "No epoch was recorded."


def _folded(table: Table, name: str) -> str:
    if len(table.rows) <= _FOLDED:
        return table.markdown()
    return f"<details><summary>{name}</summary>\n\n{table.markdown()}\n\n</details>"


def findings(run: Run) -> list[str]:
    lines = []
    for found in run.findings:
        at = f" (epoch {epoch(found['epoch'])})" if found.get("epoch") is not None else ""
        change = found.get("suggestion")
        tried = f" Worth trying: `{_code(override(change['key'], change['value']))}`." if change else ""
        message = str(found["message"]).rstrip(".")
        lines.append(f"**{escaped(str(found['kind']).replace('-', ' '))}**{at}: {escaped(message)}.{tried}")
    return lines


def environment(run: Run) -> list[tuple[str, str]]:
    """Name and value."""
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    hardware = {key: value for key, value in run.hardware.items() if value not in (None, [])}
    words = [
        f"{key} {', '.join(map(str, value)) if isinstance(value, list) else value}" for key, value in hardware.items()
    ]
    made = [
        ("versions", escaped(versions)),
        ("device", escaped(run.device or MISSING)),
        ("hardware", escaped(", ".join(words) or MISSING)),
        ("finished", escaped(run.finished or MISSING)),
    ]
    return [(name, value) for name, value in made if value]


def reproduce(run: Run, recipe: Recipe, *, model_id: str | None) -> str:
    """Shell lines."""
    again, train = [f"hftk reproduce {model_id or 'path/to/the/run'}"], ["hftk train recipe.yaml"]
    if _lies_here(run, recipe):
        name = last_part(recipe.data.path)
        again.append(f"--data {shlex.quote(name)}")
        train.append(shlex.quote(f"data.path={name}"))
    for path in _other_files(run, recipe):
        again.append(path)
        train.append(path)
    return f"{' '.join(again)}\n{' '.join(train)}"


def _other_files(run: Run, recipe: Recipe) -> Iterator[str]:
    """Overrides for the weights and word vectors that lay on the machine that trained."""
    name, embeddings = recipe.model.pretrained, recipe.embeddings
    if name is not None and not hub_model(run, recipe) and not everywhere(name):
        yield shlex.quote(f"model.pretrained={last_part(name)}")
    if embeddings is not None and embeddings.path is not None:
        yield shlex.quote(f"embeddings.path={last_part(embeddings.path)}")


def about_reproduce(run: Run, recipe: Recipe, *, pushed: bool) -> str:
    told = "The first trains it again and compares the figures with those above; the second trains with "
    told += "`recipe.yaml`, which lies beside this page" if pushed else "the run's `recipe.yaml`"
    told += ", and whatever you change in it."
    if _lies_here(run, recipe) or any(_other_files(run, recipe)):
        told += " What `=` and `--data` name lay on the machine that trained: name your own copy."
    return told


def _lies_here(run: Run, recipe: Recipe) -> bool:
    """Do the data lie on the machine that trained?"""
    return not hub_data(run, recipe) and not everywhere(recipe.data.path)


def _code(text: str) -> str:
    """Inside a code span."""
    return re.sub(r"[`\s]+", " ", text)
