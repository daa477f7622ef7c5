"""One run: model, Trainer, kept weights, figures on validation and test, a folder that plain transformers loads."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from transformers import BaseImageProcessor, PreTrainedTokenizerBase, TrainerCallback, set_seed

from hftk.data.encoded import EncodedSplit, TokenRows
from hftk.errors import RunError
from hftk.interruption import Interruption
from hftk.models._pretrained import LoadedModel
from hftk.recipe.schema import Recipe
from hftk.training.arguments import sampling_strategy, saved_by_time, training_arguments
from hftk.training.attention import Attended, attended_texts
from hftk.training.callbacks import LOWER_IS_BETTER, EpochTable, KeepBest, Report, StepObserver, StopEarly
from hftk.training.checkpoint import Checkpoint, Checkpoints
from hftk.training.dynamics import Dynamics
from hftk.training.embedding_use import EmbeddingUse, EmbeddingWatch
from hftk.training.findings import Finding
from hftk.training.gradients import LayerGradients
from hftk.training.guards import NonFiniteGuard
from hftk.training.loss import ClassificationLoss
from hftk.training.model_folder import save_model
from hftk.training.predictions import Predictions, predict
from hftk.training.reference import ReferenceInputs, reference_logits, reference_text
from hftk.training.resume import about_run, check_same_run
from hftk.training.saving import Saving
from hftk.training.sharing import main_does, share_checkpoint, shared_tensors
from hftk.training.trace import StepTrace
from hftk.training.trainer import SweepTrainer
from hftk.training.weights import put_weights


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
    attended: list[Attended]
    """Of a few rows of `test`, or of `validation` where there is none; empty for models without a weight per token."""
    embedding_use: EmbeddingUse | None
    """Of a model that is trained from its start on texts."""
    reference: str | None = None
    """The content of reference.json, in the main process."""


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
    observer: StepObserver,
    on_row: Callable[[list[dict[str, float]]], None],
    fingerprint: str,
    tell: Callable[[str], None],
    found: Callable[[Finding], None],
    interruption: Interruption,
    callbacks: Sequence[TrainerCallback] = (),
    reference: ReferenceInputs | None = None,
) -> FittedRun:
    """Trains one run, from its newest whole checkpoint if it has one, and saves its model under folder/model; beside it
    trace.csv and gradients.csv.

    load_model: builds the model, drawing what is new in it from torch's generator. splits: `train`, `validation`, and
    `test` if there is one. processor: what the model's folder needs to read texts or images. labels: id → name.
    class_weights: one per label.
    folder: the run's own; folder/checkpoints is used while training. on_row is given all rows of epochs.csv so far.
    fingerprint: of all that decides the result. tell: hears what a person must know of checkpoints. found:
    hears what was found and done about it. interruption: looked at after each step and evaluation; once asked for, a
    checkpoint is saved and KeyboardInterrupt raised. callbacks: see an evaluation before the best weights are kept.
    reference: rows by which a copy of the model can be tried.

    Raises RunError where a checkpoint is that of another run or cannot be written, and where the best weights do not
    give the figure that they were kept for; NonFinite, NoSpace; OutOfMemory in evaluation only.
    """
    start = time.monotonic()
    seed = recipe.seeds[0]
    args = training_arguments(
        recipe.training,
        output_dir=str(folder / "checkpoints"),
        seed=seed,
        run_name=run_name,
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
    trace, gradients = StepTrace(loss=loss, grad_norms=grad_norms), LayerGradients(grad_norms=grad_norms)
    dynamics = Dynamics(trace=trace, gradients=gradients)
    table = EpochTable(loss=loss, grad_norms=grad_norms, on_row=on_row)
    watch = None
    if recipe.model.architecture is not None and isinstance(splits["train"], TokenRows):
        watch = EmbeddingWatch(model, train=splits["train"])
    guard = NonFiniteGuard(
        grad_norms=grad_norms, learning_rate=args.learning_rate, max_grad_norm=args.max_grad_norm, fp16=args.fp16
    )
    checkpoints = Checkpoints(folder / "checkpoints", limit=args.save_total_limit)
    best = None
    if recipe.keep == "best":
        best = KeepBest(metric=_kept_metric(recipe), table=table, checkpoints=checkpoints)
    early = recipe.early_stopping and StopEarly(
        metric=recipe.early_stopping.metric,
        patience=recipe.early_stopping.patience,
        min_delta=recipe.early_stopping.min_delta,
        table=table,
    )
    saving = Saving(
        checkpoints, by_time=saved_by_time(recipe.training), stop_asked=lambda: interruption.asked is not None
    )
    # each after what it reads, the trace before the table that starts its sums anew, the guard before the weights that
    # it guards are kept, Saving after all that end training
    ordered = [trace, gradients, table, guard, *callbacks, best, early, Report(observer, table), saving]
    trainer = SweepTrainer(
        model=model,
        args=args,
        train=splits["train"],
        validation=splits["validation"],
        loss=guard.watch(loss),
        metrics=recipe.metrics,
        labels=labels,
        callbacks=[callback for callback in ordered if callback is not None],
        grad_norms=grad_norms,
        sampling_strategy=sampling_strategy(recipe.training),
        checkpoints=checkpoints,
        found=found,
    )
    checkpoints.about = about_run(
        recipe,
        fingerprint=fingerprint,
        labels=labels,
        rows={name: len(rows) for name, rows in splits.items()},
        world_size=args.world_size,
        steps_per_epoch=trainer.steps_per_epoch,
        device=args.device.type,
    )
    if (checkpoint := _newest(checkpoints, needed=trainer.state_parts, tell=tell)) is not None:
        trainer.go_on_from(checkpoint)
        del checkpoint
    try:
        trainer.train()
    except BaseException:
        with suppress(Exception):  # the first error is the one to tell
            dynamics.write(folder)  # they show what came before it
        raise
    dynamics.write(folder)
    if not table.rows or table.rows[-1]["step"] != trainer.state.global_step:
        trainer.evaluate()  # a run that ends between two evaluations still gets its last row
    if best is not None and best.best_epoch is not None:
        put_weights(model, shared_tensors(main_does(checkpoints.best_weights)), source="the folder of the best weights")

    predictions, metrics = {}, {}
    for split in ("validation", "test"):
        if split in splits:
            predictions[split], figures = predict(trainer, splits[split], split=split)
            metrics |= figures
        if split == "validation" and best is not None and best.best_epoch is not None:
            _check_best(best, metrics[f"validation_{best.metric}"], items=len(predictions[split].label_ids))
    attended = _attended(model, splits, processor)
    embedding_use = watch.use() if watch is not None else None
    said = _save(model, processor=processor, recipe=recipe, folder=folder, reference=reference)
    return FittedRun(
        metrics=metrics,
        predictions=predictions,
        epochs=table.rows[-1]["epoch"],
        best_epoch=best.best_epoch if best is not None else None,
        seconds=round(time.monotonic() - start + table.seconds_before, 3),
        parameters=parameters,
        trainable_parameters=trainable,
        attended=attended,
        embedding_use=embedding_use,
        reference=said,
    )


def _save(
    model: torch.nn.Module,
    *,
    processor: PreTrainedTokenizerBase | BaseImageProcessor,
    recipe: Recipe,
    folder: Path,
    reference: ReferenceInputs | None,
) -> str | None:
    """folder/model; and what the model says of a few rows while it is still the one that was trained."""
    wanted = reference if PartialState().is_main_process else None
    said = wanted and reference_logits(model, processor=processor, inputs=wanted)
    save_model(model, processor=processor, pretrained=recipe.model.pretrained, folder=folder / "model")
    if wanted is None:
        return None
    if recipe.peft is None:
        return reference_text(wanted, said)
    # the adapter is merged into the model now, whose sums differ in their last digits
    merged = reference_logits(model, processor=processor, inputs=wanted)
    return reference_text(wanted, merged, adapter_logits=said)


def _attended(
    model: torch.nn.Module, splits: Mapping[str, EncodedSplit], processor: PreTrainedTokenizerBase | BaseImageProcessor
) -> list[Attended]:
    rows = splits["test"] if "test" in splits else splits["validation"]
    return attended_texts(model, rows, tokenizer=processor) if isinstance(rows, TokenRows) else []


def _with_adapter(loaded: LoadedModel, *, recipe: Recipe) -> torch.nn.Module:
    from hftk.models._peft import add_adapter  # peft takes seconds to import: only for runs that use it

    return add_adapter(
        loaded.model, task=recipe.task, peft=recipe.peft, new_modules=loaded.new_modules, commit=loaded.commit
    )


def _kept_metric(recipe: Recipe) -> str:
    return recipe.early_stopping.metric if recipe.early_stopping else recipe.metrics[0]


def _newest(checkpoints: Checkpoints, *, needed: Sequence[str], tell: Callable[[str], None]) -> Checkpoint | None:
    """The checkpoint to go on from, in all processes."""

    def found() -> Checkpoint | None:
        checkpoint = checkpoints.newest(needed=needed, tell=tell)
        if checkpoint is not None:
            check_same_run(checkpoint.path, checkpoint.about, checkpoints.about, tell=tell)
            tell(f"goes on from {checkpoint.path}, epoch {checkpoint.about['epoch']:.4g}")
        return checkpoint

    return share_checkpoint(main_does(found))


def _check_best(best: KeepBest, found: float, *, items: int) -> None:
    """A damaged or mistaken file gives another figure; another batch size or a GPU's sums only nearly the same."""
    tolerance = 1e-3 + 0.01 * abs(best.best) if best.metric in LOWER_IS_BETTER else 0.01 + 4 / items
    if not math.isclose(found, best.best, rel_tol=0, abs_tol=tolerance):
        raise RunError(
            f"the best weights, of epoch {best.best_epoch:g}, give validation_{best.metric} {found:.6g}, and were kept "
            f"for {best.best:.6g}: they are not those that were validated. Delete the run's checkpoints to train it "
            "anew"
        )
