"""A sequence of vectors → one vector, without its padding."""

import torch
from torch import Tensor, nn

from ._embedding import check_length
from ._recurrent import last_states


class Pooling(nn.Module):
    """One or several of last, mean, max, attention and flatten, side by side in the order given."""

    def __init__(self, *, kinds: list[str], size: int, bidirectional: bool, longest: int | None) -> None:
        """size: numbers per position. bidirectional: is the second half of them read from right to left?

        longest: positions that flatten lays side by side, zeros where a row is shorter.
        """
        super().__init__()
        if "flatten" in kinds and longest is None:
            raise ValueError(
                "pooling: flatten needs max_position_embeddings, the tokens of the longest text, and it is None"
            )
        self.kinds = kinds
        self.bidirectional = bidirectional
        self.longest = longest
        self.attention = nn.Linear(size, 1) if "attention" in kinds else None
        self.output_size = sum(size * longest if kind == "flatten" else size for kind in kinds)

    def forward(self, hidden: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Pooled: (batch, output_size). Attention weights: (batch, length), None without attention pooling.

        hidden: (batch, length, size). mask: (batch, length), True where a token stands (one at least); None:
        everywhere.
        """
        weights = None
        pooled = []
        for kind in self.kinds:
            if kind == "last":
                pooled.append(last_states(hidden, mask, bidirectional=self.bidirectional))
            elif kind == "mean":
                pooled.append(hidden.mean(1) if mask is None else _masked_mean(hidden, mask))
            elif kind == "max":
                kept = hidden if mask is None else hidden.masked_fill(~mask.unsqueeze(2), -torch.inf)
                pooled.append(kept.amax(1))
            elif kind == "attention":
                weights = masked_softmax(self.attention(hidden).squeeze(2), mask)
                pooled.append(weighted_sum(hidden, weights))
            else:
                pooled.append(self._flatten(hidden, mask))
        return (pooled[0] if len(pooled) == 1 else torch.cat(pooled, dim=1)), weights

    def _flatten(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        if mask is not None:
            check_length(mask, self.longest)
            hidden = hidden.masked_fill(~mask.unsqueeze(2), 0)[:, : self.longest]
        missing = self.longest - hidden.shape[1]
        if missing:
            hidden = nn.functional.pad(hidden, (0, 0, 0, missing))
        return hidden.flatten(1)


def masked_softmax(scores: Tensor, mask: Tensor | None) -> Tensor:
    """(batch, length): weights that sum to 1 over the tokens of a row and are 0 at padding.

    scores: (batch, length). mask: (batch, length), True where a token stands (one at least); None: everywhere.
    """
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(1)


def weighted_sum(hidden: Tensor, weights: Tensor) -> Tensor:
    """(batch, size): hidden: (batch, length, size), weights: (batch, length)."""
    return torch.bmm(weights.unsqueeze(1), hidden).squeeze(1)


def _masked_mean(hidden: Tensor, mask: Tensor) -> Tensor:
    weights = mask.to(hidden.dtype)
    return weighted_sum(hidden, weights / weights.sum(1, keepdim=True))
