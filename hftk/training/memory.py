"""Out of memory: the same batch in smaller parts."""

import gc
import traceback
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from transformers import Trainer

from hftk.training.findings import Finding, FindingError, Suggestion

T = TypeVar("T")

# Trainer's own
_BATCH_SIZE = 8
# what a lack of memory is called where it has no class of its own: torch on a CPU (Linux, Windows), on Apple's GPUs,
# in CUDA's libraries, and what a loader's worker passes on
_SIGNS = (
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)


class OutOfMemory(FindingError):
    """Too little memory, also with the smallest batch."""


def ran_out_of_memory(error: BaseException) -> bool:
    """Is it a lack of memory, of a device or of the computer?"""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


def smaller_batches(
    training: Mapping[str, Any],
    attempt: Callable[[Mapping[str, Any]], T],
    *,
    world_size: int,
    tell: Callable[[Finding], None],
) -> T:
    """What `attempt` gives, which is called with the recipe's training section, and with smaller micro-batches each
    time that it runs out of memory.

    The effective batch stays the same: the global batches are, and so are the weights up to rounding, where nothing is
    drawn per micro-batch (dropout). An attempt begins at the last checkpoint or the start; what the one before held of
    the device's memory is free again by then. tell hears of each new attempt. Raises OutOfMemory where a micro-batch of
    one row does not fit, or several processes train together: only one of them may have run out.
    """
    while True:
        try:
            return attempt(training)
        except Exception as error:
            if not ran_out_of_memory(error):
                raise
            reason = _first_line(error)
            traceback.clear_frames(error.__traceback__)  # the frames hold the model, whoever holds the error
        free_memory()
        smaller = halved(training)
        if smaller is None or world_size > 1:
            raise OutOfMemory(_given_up(training, reason=reason, world_size=world_size, smaller=smaller))
        tell(_went_on(training, smaller, reason=reason))
        training = smaller


def halved(training: Mapping[str, Any]) -> dict[str, Any] | None:
    """The section with the next smaller micro-batch, at most half as large, that divides the effective batch.

    None for a micro-batch of one row.
    """
    size, steps = _micro_batch(training)
    if size == 1:
        return None
    smaller = next(part for part in range(size // 2, 0, -1) if size * steps % part == 0)
    return {
        **training,
        "per_device_train_batch_size": smaller,
        "gradient_accumulation_steps": size * steps // smaller,
    }


def smaller_evaluation(trainer: Trainer, evaluate: Callable[[], T], *, tell: Callable[[Finding], None]) -> T:
    """What `evaluate`, one evaluation or prediction of the trainer, gives; with half the evaluation batch each time
    that it runs out of memory. The figures stay the same up to rounding.

    Raises OutOfMemory as `smaller_batches` does; the training that it may stand in is not begun anew.
    """
    args, accelerator = trainer.args, trainer.accelerator
    while True:
        iterated, prepared = accelerator.gradient_state.dataloader_references, len(accelerator._dataloaders)
        drawn = torch.get_rng_state()  # a loader draws a seed whenever it starts
        try:
            return evaluate()
        except Exception as error:
            if not ran_out_of_memory(error):
                raise
            reason = _first_line(error)
            traceback.clear_frames(error.__traceback__)
        # the loader that was left in the middle would be taken for the one that is read (accelerate 1.15)
        accelerator.gradient_state.dataloader_references = iterated
        del accelerator._dataloaders[prepared:]
        torch.set_rng_state(drawn)
        getattr(trainer, "_eval_dataloaders", {}).clear()  # persistent workers' loaders have the old size
        free_memory()
        size = args.per_device_eval_batch_size
        if size == 1 or args.world_size > 1:
            raise OutOfMemory(_evaluation_given_up(size, reason=reason, world_size=args.world_size))
        args.per_device_eval_batch_size = size // 2
        tell(
            Finding(
                kind="out-of-memory",
                message=f"out of memory in evaluation with per_device_eval_batch_size {size} ({reason}): going on with "
                f"{size // 2}, which changes no figure",
                numbers={"per_device_eval_batch_size": size // 2},
                epoch=trainer.state.epoch,
                suggestion=Suggestion("training.per_device_eval_batch_size", size // 2),
            )
        )


def free_memory() -> None:
    """A run's model is part of reference cycles: without this the next run, after a failure too, starts beside it."""
    gc.collect()
    for device in (torch.cuda, torch.xpu, torch.mps):
        if device.is_available():
            device.empty_cache()


def _micro_batch(training: Mapping[str, Any]) -> tuple[int, int]:
    """Rows of a micro-batch, and micro-batches of a step."""
    return training.get("per_device_train_batch_size", _BATCH_SIZE), training.get("gradient_accumulation_steps", 1)


def _first_line(error: BaseException) -> str:
    """torch's line says how much was asked for; what follows is about its own settings."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    line = next((line for line in lines if any(sign in line for sign in _SIGNS)), lines[0])
    return line if len(line) <= 200 else line[:200] + "…"


def _went_on(training: Mapping[str, Any], smaller: Mapping[str, Any], *, reason: str) -> Finding:
    size, steps = _micro_batch(training)
    less, more = _micro_batch(smaller)
    return Finding(
        kind="out-of-memory",
        message=f"out of memory with batches of {size} rows ({reason}): training again with "
        f"per_device_train_batch_size: {less} and gradient_accumulation_steps: {more}; the effective batch stays "
        f"{size * steps}",
        numbers={
            "per_device_train_batch_size": less,
            "gradient_accumulation_steps": more,
            "effective_batch": size * steps,
        },
    )


def _given_up(
    training: Mapping[str, Any], *, reason: str, world_size: int, smaller: Mapping[str, Any] | None
) -> Finding:
    size, _ = _micro_batch(training)
    saving = (
        Suggestion("training.optim", "adafactor")
        if training.get("gradient_checkpointing")
        else Suggestion("training.gradient_checkpointing", True)
    )
    if world_size > 1 and smaller is not None:
        less, more = _micro_batch(smaller)
        advice = (
            f"{world_size} processes train together, and the batch is not changed for them: write "
            f"training.per_device_train_batch_size: {less} and training.gradient_accumulation_steps: {more}, which "
            "gives the same effective batch"
        )
        saving = Suggestion("training.per_device_train_batch_size", less)
    else:
        advice = (
            "write training.gradient_checkpointing: true, a smaller data.max_length, another training.optim (adafactor "
            "needs less), or a smaller model"
        )
    rows = "one row" if size == 1 else f"{size} rows"
    return Finding(
        kind="out-of-memory",
        message=f"out of memory with batches of {rows} ({reason}); {advice}",
        numbers={"per_device_train_batch_size": size},
        suggestion=saving,
    )


def _evaluation_given_up(size: int, *, reason: str, world_size: int) -> Finding:
    rows = "one row" if size == 1 else f"{size} rows"
    advice = (
        "write a smaller data.max_length, or a smaller model"
        if size == 1
        else f"{world_size} processes work together: write training.per_device_eval_batch_size: {size // 2}, which "
        "changes no figure"
    )
    return Finding(
        kind="out-of-memory",
        message=f"out of memory in evaluation with batches of {rows} ({reason}); {advice}",
        numbers={"per_device_eval_batch_size": size},
        suggestion=Suggestion("training.per_device_eval_batch_size", size // 2) if size > 1 else None,
    )
