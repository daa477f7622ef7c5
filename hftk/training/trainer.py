"""The Hugging Face Trainer with hftk's batches, loss and metrics plugged in."""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from accelerate.data_loader import prepare_data_loader
from accelerate.optimizer import AcceleratedOptimizer
from torch import nn
from torch.utils.data import DataLoader
from transformers import TrainingArguments
from transformers.trainer_callback import PrinterCallback, TrainerCallback
from transformers.trainer_utils import PredictionOutput, seed_worker
from transformers.training_args import OptimizerNames

from hftk.data.batching import ProcessBatches
from hftk.data.encoded import EncodedSplit, whole_batch
from hftk.training.checkpoint import Checkpoints
from hftk.training.findings import Finding
from hftk.training.loss import ClassificationLoss
from hftk.training.memory import smaller_evaluation
from hftk.training.metrics import compute_metrics_for
from hftk.training.resumable import ResumableTrainer

# they step while gradients are computed, and are told the learning rate there
_LOMO = (OptimizerNames.LOMO, OptimizerNames.ADALOMO)


class SweepTrainer(ResumableTrainer):
    """Trainer, changed in six places that it has no argument for.

    - Training batches come from `ProcessBatches`: accelerate's own sharding repeats rows to fill a ragged batch, and
      Trainer's length grouping orders the rows differently on resume.
    - `eval_loss` is the exact mean over rows; Trainer's weights a ragged batch by its padded size across processes.
    - The gradient norm before clipping is kept for every step, not only for logged ones.
    - What Trainer and accelerate find out anew at every step and cannot change between two steps is found out once: on
      a small model it takes a quarter of the time (benchmarks/steps.py). The weights stay the same to the bit.
    - An evaluation that runs out of memory is made in smaller batches.
    - Checkpoints are sealed, and training goes on from one exactly: `ResumableTrainer`.
    """

    def __init__(
        self,
        *,
        model: nn.Module,
        args: TrainingArguments,
        train: EncodedSplit,
        validation: EncodedSplit,
        loss: ClassificationLoss,
        metrics: Sequence[str],
        labels: Sequence[str],
        callbacks: list[TrainerCallback],
        grad_norms: list[torch.Tensor | float],
        sampling_strategy: str = "group_by_length",
        checkpoints: Checkpoints | None = None,
        found: Callable[[Finding], None] = lambda finding: None,
    ) -> None:
        """found: hears of evaluations that ran out of memory and went on in smaller batches."""
        super().__init__(
            checkpoints=checkpoints,
            model=model,
            args=args,
            train_dataset=train,
            eval_dataset=by_length(validation),
            data_collator=whole_batch,
            compute_loss_func=loss,
            compute_metrics=compute_metrics_for(metrics, labels=labels),
            preprocess_logits_for_metrics=_logits_only,
            callbacks=callbacks,
        )
        self.remove_callback(PrinterCallback)
        self.grad_norms = grad_norms
        self.sampling_strategy = sampling_strategy
        self.found = found
        self._parameters: list[nn.Parameter] = []
        self._operations_per_number: int | None = None
        self._in_training_mode = False

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps; at least one."""
        return max(math.ceil(len(self._process_batches()) / self.args.gradient_accumulation_steps), 1)

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> torch.optim.lr_scheduler.LRScheduler:
        """Comes once in `train`, when model and optimizer are those of all its steps."""
        self._parameters = list(self.model.parameters())
        self._in_training_mode = False
        if isinstance(self.optimizer, AcceleratedOptimizer) and not self._needs_wrapper():
            self.optimizer = self.optimizer.optimizer
        return super().create_scheduler(num_training_steps, optimizer)

    def _needs_wrapper(self) -> bool:
        """accelerate's wrapper of the optimizer is for these; for others it searches the disk for LOMO at each step."""
        return self.accelerator.scaler is not None or self.args.optim in _LOMO

    def _process_batches(self) -> ProcessBatches:
        args = self.args
        return ProcessBatches(
            lengths=self.train_dataset.lengths,
            per_device_batch_size=args.per_device_train_batch_size,
            gradient_accumulation_steps=args.gradient_accumulation_steps,
            world_size=args.world_size,
            rank=args.process_index,
            strategy=self.sampling_strategy,
            drop_last=args.dataloader_drop_last,
            seed=args.seed,
        )

    def get_train_dataloader(self) -> DataLoader:
        args = self.args
        workers = args.dataloader_num_workers
        dataloader = DataLoader(
            self.train_dataset,
            batch_sampler=self._process_batches(),
            collate_fn=self.data_collator,
            num_workers=workers,
            pin_memory=args.dataloader_pin_memory,
            persistent_workers=args.dataloader_persistent_workers,
            prefetch_factor=args.dataloader_prefetch_factor,
            worker_init_fn=partial(seed_worker, num_workers=workers, rank=args.process_index),
            # torch draws a seed for the workers whenever they start: persistent ones start anew after a resume only
            generator=torch.Generator().manual_seed(args.seed) if args.dataloader_persistent_workers else None,
        )
        # the batches are this process's own already: only the move to the device is accelerate's
        return prepare_data_loader(dataloader, device=args.device, num_processes=1, process_index=0, put_on_device=True)

    def evaluate(self, *args, **kwargs) -> dict[str, float]:
        return smaller_evaluation(self, lambda: super(SweepTrainer, self).evaluate(*args, **kwargs), tell=self.found)

    def predict(self, *args, **kwargs) -> PredictionOutput:
        return smaller_evaluation(self, lambda: super(SweepTrainer, self).predict(*args, **kwargs), tell=self.found)

    def evaluation_loop(self, *args, metric_key_prefix: str = "eval", **kwargs):
        with torch.random.fork_rng(devices=[], enabled=self.args.dataloader_persistent_workers):  # as for training
            output = super().evaluation_loop(*args, metric_key_prefix=metric_key_prefix, **kwargs)
        self._in_training_mode = False
        output.metrics[f"{metric_key_prefix}_loss"] = output.metrics.pop(f"{metric_key_prefix}_cross_entropy")
        return output

    def training_step(
        self,
        model: nn.Module,
        inputs: dict[str, torch.Tensor],
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Trainer's own, without what serves launches that hftk does not have (SageMaker, DeepSpeed, a model in parts).

        The mode of every module is set where it may have changed, and the batch is on the device already.
        """
        if self.args.optim in _LOMO or self.args.torch_empty_cache_steps is not None:
            return super().training_step(model, inputs, num_items_in_batch)
        if not (self._in_training_mode and self.model.training):
            model.train()
            self._in_training_mode = True
        if hasattr(self.optimizer, "train"):  # schedule-free ones
            self.optimizer.train()
        with self.compute_loss_context_manager():
            loss = self.compute_loss(model, inputs, num_items_in_batch=num_items_in_batch)
        self.accelerator.backward(loss)
        return loss.detach()

    def floating_point_ops(self, inputs: dict[str, torch.Tensor]) -> int:
        """Trainer's own; it counts the weights each time."""
        numbers = inputs[self.model.main_input_name].numel()
        if self._operations_per_number is None:
            self._operations_per_number = super().floating_point_ops(inputs) // numbers
        return self._operations_per_number * numbers

    def _clip_grad_norm(self, model: nn.Module) -> torch.Tensor:
        self.accelerator.unscale_gradients()
        return nn.utils.clip_grad_norm_(self._parameters, self.args.max_grad_norm)

    def _get_grad_norm(self, model: nn.Module, grad_norm=None):
        if grad_norm is None:  # nothing is clipped
            self.accelerator.unscale_gradients()
            grad_norm = nn.utils.get_total_norm([one.grad for one in self._parameters if one.grad is not None])
        self.grad_norms.append(grad_norm)
        return grad_norm


def by_length(split: EncodedSplit) -> EncodedSplit:
    """The split, longest rows first: evaluation batches of similar length, and a lack of memory shows at once."""
    return split.select(evaluation_order(split.lengths))


def evaluation_order(lengths: np.ndarray) -> np.ndarray:
    """(rows,) row numbers in the order in which `by_length` puts them."""
    return np.argsort(-lengths, kind="stable")


def _logits_only(logits: torch.Tensor | tuple[torch.Tensor, ...], labels: torch.Tensor) -> torch.Tensor:
    """Attentions and hidden states that a config asked for are not predictions."""
    return logits[0] if isinstance(logits, tuple) else logits
