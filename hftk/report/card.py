"""model/README.md: the card of one run's model. Every figure in it stands in run.json or epochs.csv."""

from pathlib import Path

from huggingface_hub import ModelCardData

import hftk
from hftk.recipe.schema import Embeddings, Recipe
from hftk.report.runs import Run, read_run
from hftk.report.table import Table
from hftk.report.tables import epochs_table, test_figure
from hftk.report.wording import escaped, figure, split_metric

# task → what the pipeline is called with
_EXAMPLE = {
    "text-classification": '"a text to classify"',
    "token-classification": '"words , parted by spaces as in the data"',
    "image-classification": '"picture.png"',
}
# an architecture of hftk's own, saved with the code that defines it
_OWN_CODE = "The folder holds the model's own code, a few short files of plain PyTorch: hence `trust_remote_code`."


def write_card(folder: Path, recipe: Recipe) -> None:
    """Writes the card of a finished run's folder; `recipe` is the run's own. Raises RunError as `read_run` does."""
    run = read_run(folder)
    beside = folder / "model" / ".README.md.part"
    beside.write_text(card(run, recipe), encoding="utf-8", newline="\n")
    beside.replace(folder / "model" / "README.md")


def card(run: Run, recipe: Recipe) -> str:
    """Metadata that the Hub reads, then what the model is, its figures and how it was made."""
    data = _shown(recipe.data.path)
    sizes = ", ".join(f"{rows:,} rows of {split}" for split, rows in run.data.rows.items())
    parts = [
        f"---\n{_metadata(recipe).to_yaml()}\n---",
        f"# {escaped(recipe.name)}: {escaped(run.name)}",
        f"{_origin(recipe)} by hftk {hftk.__version__} on {data} ({sizes}) to tell apart "
        f"{len(run.data.labels)} classes: " + escaped(", ".join(run.data.labels)) + ".",
        *_relabelled(run),
        "## Use",
        _loading(recipe),
        "## Figures",
        _figures(run).markdown(),
        f"The weights are those of epoch {run.kept_epoch:g}; one seed ({run.seed}). Selection used validation only.",
        "## Training",
        epochs_table(run).markdown(),
        "The complete recipe is the file `recipe.yaml` of the run.",
    ]
    return "\n\n".join(parts) + "\n"


def _relabelled(run: Run) -> list[str]:
    changed = [f"{share:.1%} of {split}" for split, share in run.data.relabelled.items()]
    return (
        [f"Labels were made anew from the texts: {', '.join(changed)} have another one than the data."]
        if changed
        else []
    )


def _origin(recipe: Recipe) -> str:
    if recipe.model.pretrained is not None:
        return f"{_shown(recipe.model.pretrained)}, fine-tuned"
    settings = ", ".join(f"{key}: {value}" for key, value in recipe.model.config_overrides.items())
    vectors = f", its word vectors begun with {_vectors(recipe.embeddings)}" if recipe.embeddings else ""
    return f"{recipe.model.architecture}{f' ({escaped(settings)})' if settings else ''}, trained from scratch{vectors},"


def _vectors(embeddings: Embeddings) -> str:
    made = f"{embeddings.method} on the train split" if embeddings.method != "file" else _shown(embeddings.path or "")
    return made + (" and left so" if embeddings.freeze else "")


def _loading(recipe: Recipe) -> str:
    own = recipe.model.pretrained is None
    trust = ", trust_remote_code=True" if own else ""
    code = f"""```python
from transformers import pipeline

classify = pipeline("{recipe.task}", model="path/to/this/folder"{trust})
print(classify({_EXAMPLE[recipe.task]}))
```"""
    return f"{code}\n\n{_OWN_CODE}" if own else code


def _metadata(recipe: Recipe) -> ModelCardData:
    return ModelCardData(
        library_name="transformers",
        pipeline_tag=recipe.task,
        base_model=recipe.model.pretrained if _on_hub(recipe.model.pretrained or "") else None,
        datasets=[recipe.data.path] if _on_hub(recipe.data.path) else None,
        metrics=list(recipe.metrics),
        tags=["hftk", *recipe.tracking.tags],
    )


def _figures(run: Run) -> Table:
    rows = []
    for name, value in run.metrics.items():
        if name.startswith("validation_"):
            test = name.replace("validation_", "test_", 1)
            rows.append([split_metric(name).removeprefix("validation "), figure(value), test_figure(run, test)])
    return Table(["metric", "validation", "test"], rows, frozenset({"metric"}))


def _on_hub(name: str) -> bool:
    """A Hub id has at most one slash; what lies on this machine is no metadata."""
    return (
        bool(name) and ":" not in name and name.count("/") <= 1 and not name.startswith(".") and not Path(name).exists()
    )


def _shown(name: str) -> str:
    """A path of the machine that trained says nothing elsewhere: its last part does."""
    return escaped(name if _on_hub(name) or ":" in name else Path(name).name)
