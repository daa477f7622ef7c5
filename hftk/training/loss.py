"""One loss for every head: cross-entropy with smoothing and class weights, normalised over the global batch."""

from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from hftk.data.encoded import IGNORED_LABEL


class ClassificationLoss:
    """Trainer's `compute_loss_func`.

    The objective is the sum of the items' losses (torch's cross-entropy with label smoothing, times the weight of the
    item's class) over this micro-batch, divided by the number of items of the *global* batch: accumulation, several
    processes, ragged batches and token labels all give the loss of one large batch. (Trainer's own path takes a mean of
    means: a BERT head with accumulation ×4 trains with four times the loss, transformers 5.23.)

    Beside it the plain cross-entropy, neither smoothed nor weighted, is summed up for `epochs.csv`, where it can be
    compared with the validation loss and between settings.
    """

    def __init__(self, *, label_smoothing: float = 0.0, class_weights: list[float] | None = None) -> None:
        self.label_smoothing = label_smoothing
        self.class_weights = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32)
        self._plain_sum: torch.Tensor | float = 0.0
        self._items: torch.Tensor | int = 0

    def __call__(
        self, outputs: Any, labels: torch.Tensor, num_items_in_batch: torch.Tensor | int | None = None
    ) -> torch.Tensor:
        """outputs.logits: (..., classes); labels: (...), ignored where -100; returns a scalar, float32."""
        logits = outputs["logits"] if isinstance(outputs, dict) else outputs[0]
        logits = logits.reshape(-1, logits.shape[-1]).float()
        labels = labels.reshape(-1).to(logits.device)
        items = (labels != IGNORED_LABEL).sum()
        if num_items_in_batch is None:
            num_items_in_batch = items
        plain = cross_entropy(logits, labels, ignore_index=IGNORED_LABEL, reduction="sum")
        if not torch.is_grad_enabled():  # evaluation
            return plain / num_items_in_batch
        self._plain_sum = self._plain_sum + plain.detach()
        self._items = self._items + items
        if self.label_smoothing == 0 and self.class_weights is None:
            return plain / num_items_in_batch
        objective = cross_entropy(
            logits, labels, ignore_index=IGNORED_LABEL, reduction="none", label_smoothing=self.label_smoothing
        )
        if self.class_weights is not None:
            # a row counts by its own class: torch would weight the smoothed share of every class as well, and one rare
            # or absent class would outweigh the label
            self.class_weights = self.class_weights.to(logits.device)
            objective = objective * self.class_weights[labels.clamp(min=0)]
        return objective.sum() / num_items_in_batch

    def so_far(self) -> float | None:
        """Mean plain loss of this process since the last `drain`; None before the first item."""
        items = float(self._items)
        return float(self._plain_sum) / items if items else None

    def sums(self) -> tuple[torch.Tensor | float, torch.Tensor | int]:
        """Plain loss summed and items counted since the last `drain`, where they are: reading them may wait."""
        return self._plain_sum, self._items

    def state(self) -> dict[str, float | int]:
        """What this process has summed up since the last `drain`, to the bit."""
        return {"plain_sum": float(self._plain_sum), "items": int(self._items)}

    def restore(self, state: dict[str, float | int]) -> None:
        self._plain_sum, self._items = state["plain_sum"], state["items"]

    def drain(self) -> torch.Tensor:
        """[plain loss summed over this process's items since the last call, number of items], float64; starts anew."""
        sums = torch.stack(
            [
                torch.as_tensor(value, dtype=torch.float64, device="cpu").detach()
                for value in (self._plain_sum, self._items)
            ]
        )
        self._plain_sum, self._items = 0.0, 0
        return sums


def balanced_weights(label_ids: np.ndarray, *, classes: int) -> list[float]:
    """items / (classes × items of the class), as scikit-learn's `class_weight="balanced"`; the mean over items is 1."""
    counts = np.bincount(label_ids, minlength=classes)
    return [len(label_ids) / (classes * max(int(count), 1)) for count in counts]
