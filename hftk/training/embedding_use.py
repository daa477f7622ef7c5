"""Which rows of a model's word vectors do nothing: those that are zero, and those that training never moved."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from hftk.data.encoded import TokenRows


@dataclass(frozen=True)
class EmbeddingUse:
    """Shares of the tokens of train, 0 to 1: a word counts as often as it occurs there."""

    zero: float
    """Whose vector is zero in the model that was kept."""
    unmoved: float
    """Whose vector is, in the model that was kept, what it was before training."""
    frozen: bool
    """Were the vectors left as they were on purpose?"""

    def to_json(self) -> dict[str, float | bool]:
        return {"zero_tokens": self.zero, "unmoved_tokens": self.unmoved, "frozen": self.frozen}


class EmbeddingWatch:
    """Made before training; asked after it."""

    def __init__(self, model: nn.Module, *, train: TokenRows) -> None:
        """model: one whose `get_input_embeddings` is a table of word vectors."""
        self._table = model.get_input_embeddings()
        self._before = _marks(self._table.weight)
        self._counts = np.bincount(train.token_ids(), minlength=len(self._before))

    def use(self) -> EmbeddingUse:
        """Of the weights that the model has now."""
        after, weight = _marks(self._table.weight), self._table.weight.detach()
        zero = (torch.linalg.vector_norm(weight, ord=torch.inf, dim=1) == 0).cpu().numpy()
        if (pad := self._table.padding_idx) is not None:
            self._counts[pad] = 0  # zero by design
        tokens = max(int(self._counts.sum()), 1)
        return EmbeddingUse(
            zero=float(self._counts[zero].sum() / tokens),
            unmoved=float(self._counts[(after == self._before).all(axis=1)].sum() / tokens),
            frozen=not self._table.weight.requires_grad,
        )


@torch.no_grad()
def _marks(weight: torch.Tensor) -> np.ndarray:
    """(rows, 2) float64: by which a row that moved is told from one that did not, without a copy of the table."""
    return torch.stack([weight.sum(dim=1), weight[:, 0]], dim=1).double().cpu().numpy()
