"""The Hugging Face Trainer with hftk's batches, loss and metrics plugged in."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from accelerate.data_loader import prepare_data_loader
from torch.utils.data import DataLoader
from transformers import DataCollatorWithPadding, Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback, TrainerCallback
from transformers.trainer_utils import seed_worker

from hftk.data.batching import ProcessBatches, TrainingRows
from hftk.data.tokens import TokenizedSplit
from hftk.training.loss import ClassificationLoss
from hftk.training.metrics import compute_metrics_for


class SweepTrainer(Trainer):
    """Trainer, changed in three places that it has no argument for.

    - Training batches come from `ProcessBatches`: accelerate's own sharding repeats rows to fill a ragged batch, and
      Trainer's length grouping orders the rows differently on resume.
    - `eval_loss` is the exact mean over rows; Trainer's weights a ragged batch by its padded size across processes.
    - The gradient norm before clipping is kept for every step, not only for logged ones.
    """

    def __init__(
        self,
        *,
        model: torch.nn.Module,
        args: TrainingArguments,
        train: TokenizedSplit,
        validation: TokenizedSplit,
        collator: DataCollatorWithPadding,
        loss: ClassificationLoss,
        metrics: Sequence[str],
        callbacks: list[TrainerCallback],
        grad_norms: list[torch.Tensor | float],
        sampling_strategy: str = "group_by_length",
    ) -> None:
        super().__init__(
            model=model,
            args=args,
            train_dataset=TrainingRows(train.dataset),
            eval_dataset=by_length(validation).dataset,
            data_collator=collator,
            compute_loss_func=loss,
            compute_metrics=compute_metrics_for(metrics),
            preprocess_logits_for_metrics=_logits_only,
            callbacks=callbacks,
        )
        self.remove_callback(PrinterCallback)
        self.train_lengths = train.lengths
        self.grad_norms = grad_norms
        self.sampling_strategy = sampling_strategy

    def get_train_dataloader(self) -> DataLoader:
        args = self.args
        batches = ProcessBatches(
            lengths=self.train_lengths,
            per_device_batch_size=args.per_device_train_batch_size,
            gradient_accumulation_steps=args.gradient_accumulation_steps,
            world_size=args.world_size,
            rank=args.process_index,
            strategy=self.sampling_strategy,
            drop_last=args.dataloader_drop_last,
            seed=args.seed,
        )
        workers = args.dataloader_num_workers
        dataloader = DataLoader(
            self.train_dataset,
            batch_sampler=batches,
            collate_fn=self.data_collator,
            num_workers=workers,
            pin_memory=args.dataloader_pin_memory,
            persistent_workers=args.dataloader_persistent_workers,
            prefetch_factor=args.dataloader_prefetch_factor,
            worker_init_fn=partial(seed_worker, num_workers=workers, rank=args.process_index),
        )
        # the batches are this process's own already: only the move to the device is accelerate's
        return prepare_data_loader(dataloader, device=args.device, num_processes=1, process_index=0, put_on_device=True)

    def evaluation_loop(self, *args, metric_key_prefix: str = "eval", **kwargs):
        output = super().evaluation_loop(*args, metric_key_prefix=metric_key_prefix, **kwargs)
        output.metrics[f"{metric_key_prefix}_loss"] = output.metrics.pop(f"{metric_key_prefix}_cross_entropy")
        return output

    def _get_grad_norm(self, model: torch.nn.Module, grad_norm=None):
        norm = super()._get_grad_norm(model, grad_norm=grad_norm)
        self.grad_norms.append(norm)
        return norm


def by_length(split: TokenizedSplit) -> TokenizedSplit:
    """The split, longest rows first: evaluation batches of similar length, and a lack of memory shows at once."""
    order = evaluation_order(split.lengths)
    return TokenizedSplit(dataset=split.dataset.select(order), lengths=split.lengths[order], truncated=split.truncated)


def evaluation_order(lengths: np.ndarray) -> np.ndarray:
    """(rows,) row numbers in the order in which `by_length` puts them."""
    return np.argsort(-lengths, kind="stable")


def _logits_only(logits: torch.Tensor | tuple[torch.Tensor, ...], labels: torch.Tensor) -> torch.Tensor:
    """Attentions and hidden states that a config asked for are not predictions."""
    return logits[0] if isinstance(logits, tuple) else logits
