"""What the Hub reads of a model: the card's metadata, and its results as `.eval_results/*.yaml`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from huggingface_hub import EvalResult, EvalResultEntry, ModelCardData, eval_result_entries_to_yaml
from huggingface_hub.utils import yaml_dump

from hftk.recipe.metrics import ENTITY_METRICS
from hftk.recipe.schema import Recipe
from hftk.report.card.origin import data_name, hub_data, hub_model
from hftk.report.runs import Run

_TASKS = {
    "text-classification": "Text Classification",
    "token-classification": "Token Classification",
    "image-classification": "Image Classification",
}
_LOCAL = "local"
"""The type of a data set that is not on the Hub; whoever reads the card is not sent to one of the same name there."""


@dataclass(frozen=True)
class Known:
    """What the cards of the base model and of the data set say, where they are on this machine."""

    language: str | list[str] | None = None
    """Of the data set."""
    license: str | None = None
    """Of the base model."""


def metadata(run: Run, recipe: Recipe, *, adapter: bool, known: Known) -> ModelCardData:
    """adapter: is it one alone, without the model that it belongs to?"""
    base = hub_model(run, recipe)
    data = hub_data(run, recipe)
    results = list(_results(run, recipe))
    return ModelCardData(
        library_name="peft" if adapter else "transformers",
        pipeline_tag=recipe.task,
        base_model=base,
        base_model_relation=base and ("adapter" if adapter else "finetune"),
        datasets=[data] if data else None,
        language=recipe.hub.language or known.language,
        license=recipe.hub.license or known.license,
        metrics=list(dict.fromkeys(map(_metric_id, recipe.metrics))),
        tags=["hftk", *recipe.tracking.tags],
        model_name=recipe.name if results else None,
        eval_results=results or None,
    )


def eval_results(run: Run, recipe: Recipe) -> str | None:
    """`.eval_results/hftk.yaml`: the figure of the ranking metric on the test split of a data set of the Hub.

    None for a figure that cannot stand beside those of other models: of data that are not on the Hub, of a split that
    hftk drew, of a part of one, or of labels that were changed.
    """
    data, splits, rows = hub_data(run, recipe), recipe.data.splits, run.data
    metric = run.ranking.metric.removeprefix("validation_")
    value = run.metrics.get(f"test_{metric}")
    whole = rows.rows.get("test") == rows.rows_before.get("test") and "test" not in rows.relabelled
    if data is None or value is None or not whole or not (splits and isinstance(splits.test, str)):
        return None
    entry = EvalResultEntry(
        dataset_id=data,
        task_id=recipe.data.name or "default",
        value=value,
        dataset_revision=rows.commit,
        date=run.finished,
        notes=f"{metric} on the split {splits.test}, {rows.rows['test']:,} rows",
    )
    return yaml_dump(eval_result_entries_to_yaml([entry]))


def _results(run: Run, recipe: Recipe) -> Iterator[EvalResult]:
    """Of the test split; of validation, on which the epoch was chosen, where there is none."""
    split = "test" if any(name.startswith("test_") for name in run.metrics) else "validation"
    data = hub_data(run, recipe)
    for metric in recipe.metrics:
        value = run.metrics.get(f"{split}_{metric}")
        if value is not None:
            yield EvalResult(
                task_type=recipe.task,
                task_name=_TASKS[recipe.task],
                dataset_type=data or _LOCAL,
                dataset_name=data_name(run, recipe),
                dataset_config=recipe.data.name if data else None,
                dataset_split=_split_name(recipe, split),
                dataset_revision=run.data.commit,
                metric_type=_metric_id(metric),
                metric_name=metric,
                metric_value=value,
            )


def _split_name(recipe: Recipe, split: str) -> str:
    """As the data set calls it, where it is one of its own."""
    named: Any = getattr(recipe.data.splits, split, None)
    return named if isinstance(named, str) and "/" not in named else split


def _metric_id(metric: str) -> str:
    """As the Hub lists it: f1_macro is a kind of f1, entity_f1 is seqeval's."""
    if metric in ENTITY_METRICS:
        return "seqeval"
    return metric if metric == "matthews_correlation" else metric.partition("_")[0]
