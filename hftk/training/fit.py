"""One run: model, Trainer, kept weights, figures on validation and test, a folder that plain transformers loads."""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from scipy.special import softmax
from transformers import BaseImageProcessor, PreTrainedTokenizerBase, set_seed

from hftk.data.encoded import IGNORED_LABEL, EncodedSplit, TokenRows
from hftk.models._architectures import save_with_source
from hftk.models._pretrained import LoadedModel
from hftk.recipe.schema import Recipe
from hftk.training.arguments import sampling_strategy, training_arguments
from hftk.training.callbacks import EpochTable, KeepBest, Report, StepObserver, StopEarly, split_metrics
from hftk.training.checkpoint import KeptWeights
from hftk.training.loss import ClassificationLoss
from hftk.training.trainer import SweepTrainer, by_length, evaluation_order


@dataclass(frozen=True)
class Predictions:
    """probabilities: (items, classes) float32. An item is a row; of tagged sentences, a word. In the split's order."""

    probabilities: np.ndarray
    label_ids: np.ndarray


@dataclass(frozen=True)
class FittedRun:
    metrics: dict[str, float]
    """validation_* and test_* of the kept weights."""
    predictions: dict[str, Predictions]
    epochs: float
    best_epoch: float | None
    seconds: float
    parameters: int
    trainable_parameters: int


def fit(
    recipe: Recipe,
    *,
    load_model: Callable[[], LoadedModel],
    splits: Mapping[str, EncodedSplit],
    processor: PreTrainedTokenizerBase | BaseImageProcessor,
    labels: list[str],
    class_weights: list[float] | None,
    folder: Path,
    run_name: str,
    report_to: list[str],
    observer: StepObserver,
    on_row: Callable[[list[dict[str, float]]], None],
) -> FittedRun:
    """Trains one run and saves its model under folder/model.

    load_model: builds the model, drawing what is new in it from torch's generator. splits: `train`, `validation`, and
    `test` if there is one. processor: what the model's folder needs to read texts or images. labels: id → name.
    class_weights: one per label.
    folder: the run's own; folder/checkpoints is used while training. on_row is given all rows of epochs.csv so far.
    """
    start = time.monotonic()
    seed = recipe.seeds[0]
    args = training_arguments(
        recipe.training,
        output_dir=str(folder / "checkpoints"),
        seed=seed,
        run_name=run_name,
        report_to=report_to,
        project=recipe.tracking.project,
    )
    if args.fp16 or args.bf16:  # lengths that a GPU's half precision units take
        splits = {name: rows.padded_to(8) if isinstance(rows, TokenRows) else rows for name, rows in splits.items()}
    set_seed(seed)  # before the model: its head is drawn here
    loaded = load_model()
    model = loaded.model if recipe.peft is None else _with_adapter(loaded, recipe=recipe)
    parameters = sum(p.numel() for p in loaded.model.parameters())
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)

    loss = ClassificationLoss(label_smoothing=args.label_smoothing_factor, class_weights=class_weights)
    grad_norms: list[Any] = []
    table = EpochTable(loss=loss, grad_norms=grad_norms, on_row=on_row)
    kept = KeptWeights(folder / "checkpoints" / "best.safetensors")
    best = KeepBest(metric=_kept_metric(recipe), table=table, weights=kept) if recipe.keep == "best" else None
    stop = recipe.early_stopping and StopEarly(
        metric=recipe.early_stopping.metric,
        patience=recipe.early_stopping.patience,
        min_delta=recipe.early_stopping.min_delta,
        table=table,
    )
    trainer = SweepTrainer(
        model=model,
        args=args,
        train=splits["train"],
        validation=splits["validation"],
        loss=loss,
        metrics=recipe.metrics,
        labels=labels,
        callbacks=[callback for callback in (table, best, stop, Report(observer, table)) if callback],
        grad_norms=grad_norms,
        sampling_strategy=sampling_strategy(recipe.training),
    )
    trainer.train()
    if not table.rows or table.rows[-1]["step"] != trainer.state.global_step:
        trainer.evaluate()  # a run that ends between two evaluations still gets its last row
    if best is not None and best.best_epoch is not None:
        kept.restore(model)

    predictions, metrics = {}, {}
    for split in ("validation", "test"):
        if split in splits:
            predictions[split], figures = _predict(trainer, splits[split], split=split)
            metrics |= figures
    _save_model(model, processor=processor, pretrained=recipe.model.pretrained, folder=folder / "model")
    fitted = FittedRun(
        metrics=metrics,
        predictions=predictions,
        epochs=table.rows[-1]["epoch"],
        best_epoch=best.best_epoch if best is not None else None,
        seconds=round(time.monotonic() - start, 3),
        parameters=parameters,
        trainable_parameters=trainable,
    )
    return fitted


def _with_adapter(loaded: LoadedModel, *, recipe: Recipe) -> torch.nn.Module:
    from hftk.models._peft import add_adapter  # peft takes seconds to import: only for runs that use it

    return add_adapter(loaded.model, task=recipe.task, peft=recipe.peft, new_modules=loaded.new_modules)


def _kept_metric(recipe: Recipe) -> str:
    return recipe.early_stopping.metric if recipe.early_stopping else recipe.metrics[0]


def _predict(trainer: SweepTrainer, rows: EncodedSplit, *, split: str) -> tuple[Predictions, dict[str, float]]:
    """Predictions in the split's own order, though computed longest rows first, and the split's figures.

    Raises RuntimeError if Trainer returned the rows in another order than it was given them.
    """
    prefix = "eval" if split == "validation" else split  # trackers show it: a test figure is no eval figure
    output = trainer.predict(by_length(rows), metric_key_prefix=prefix)
    back = np.argsort(evaluation_order(rows.lengths))
    logits, label_ids = output.predictions[back], output.label_ids[back]
    counted = label_ids != IGNORED_LABEL
    logits, label_ids = logits[counted], label_ids[counted]
    if not np.array_equal(label_ids, rows.label_ids()):
        raise RuntimeError("Trainer.predict changed the order of the rows")
    predictions = Predictions(probabilities=softmax(logits.astype(np.float32), axis=-1), label_ids=label_ids)
    return predictions, split_metrics(output.metrics, prefix=prefix, split=split)


def _save_model(
    model: torch.nn.Module,
    *,
    processor: PreTrainedTokenizerBase | BaseImageProcessor,
    pretrained: str | None,
    folder: Path,
) -> None:
    """model/ loads with the task's AutoModelFor… class; an adapter is merged there and kept in model/adapter."""
    if not PartialState().is_main_process:
        return
    if hasattr(model, "merge_and_unload"):
        model.peft_config["default"].base_model_name_or_path = pretrained  # as the recipe names it, on any machine
        model.save_pretrained(folder / "adapter")
        (folder / "adapter" / "README.md").unlink(missing_ok=True)  # PEFT's, empty but for paths of this machine
        model = model.merge_and_unload()
    if pretrained is None:
        save_with_source(model, folder)
    else:
        model.save_pretrained(folder)
    processor.save_pretrained(folder)


def free_memory() -> None:
    """A run's model is part of reference cycles: without this the next run, after a failure too, starts beside it."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
