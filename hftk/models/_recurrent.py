"""Stacked RNN, LSTM or GRU layers that never read padding, in both directions."""

import torch
from torch import Tensor, nn

CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class RecurrentLayers(nn.Module):
    """nn.RNN, nn.LSTM or nn.GRU over packed sequences, without the packing.

    Packing takes two to three times as long on a CPU and waits for the lengths on a GPU. Here padding stands behind the
    tokens, where the forward direction meets it last; the backward direction reads each row reversed inside its
    length. Outputs at padding are finite and mean nothing.
    """

    def __init__(
        self, *, cell: str, input_size: int, hidden_size: int, num_layers: int, bidirectional: bool, dropout: float
    ) -> None:
        """dropout: share of numbers dropped between layers (not after the last), as in nn.GRU."""
        super().__init__()
        self.output_size = hidden_size * (2 if bidirectional else 1)
        sizes = [input_size] + [self.output_size] * (num_layers - 1)
        self.forwards = nn.ModuleList(CELLS[cell](size, hidden_size) for size in sizes)
        self.backwards = nn.ModuleList(CELLS[cell](size, hidden_size) for size in sizes if bidirectional)
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: Tensor, mask: Tensor | None) -> Tensor:
        """(batch, length, output_size): the last layer's outputs, forward then backward ones side by side.

        inputs: (batch, length, input_size). mask: (batch, length), True where a token stands; None: everywhere.
        """
        # (length, batch, size) inside: batch_first costs a copy per layer. The backward direction stays reversed
        # between layers, so that only what the other direction reads is put in order
        ahead = inputs.transpose(0, 1)
        if not len(self.backwards):
            for number, layer in enumerate(self.forwards):
                ahead, _ = layer(self.dropout(ahead) if number else ahead)
            return ahead.transpose(0, 1)
        order = None if mask is None else _reversed_order(mask)
        (ahead, _), (behind, _) = self.forwards[0](ahead), self.backwards[0](_reverse(ahead, order))
        for forwards, backwards in zip(self.forwards[1:], self.backwards[1:], strict=True):
            ahead, behind = self.dropout(ahead), self.dropout(behind)
            both_ahead = torch.cat([ahead, _reverse(behind, order)], dim=2)
            both_behind = torch.cat([_reverse(ahead, order), behind], dim=2)
            (ahead, _), (behind, _) = forwards(both_ahead), backwards(both_behind)
        return torch.cat([ahead, _reverse(behind, order)], dim=2).transpose(0, 1)


def last_states(outputs: Tensor, mask: Tensor | None, *, bidirectional: bool) -> Tensor:
    """(batch, size): what each direction says when it has read the whole row.

    outputs: (batch, length, size). mask: (batch, length), True where a token stands; None: everywhere.
    """
    if mask is None:
        last = outputs[:, -1]
    else:
        position = (mask.sum(1) - 1).view(-1, 1, 1).expand(-1, 1, outputs.shape[2])
        last = outputs.gather(1, position).squeeze(1)
    if not bidirectional:
        return last
    half = outputs.shape[2] // 2
    return torch.cat([last[:, :half], outputs[:, 0, half:]], dim=1)


class _Reversal(torch.autograd.Function):
    """Whole vectors in another order; back in the same order, which is its own inverse (autograd would add them up)."""

    @staticmethod
    def forward(ctx, sequence: Tensor, order: Tensor) -> Tensor:
        """sequence: (length, batch, size). order: (length * batch,)."""
        ctx.save_for_backward(order)
        return sequence.flatten(0, 1).index_select(0, order).view(sequence.shape)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        """gradient: (length, batch, size)."""
        (order,) = ctx.saved_tensors
        return gradient.flatten(0, 1).index_select(0, order).view(gradient.shape), None


def _reversed_order(mask: Tensor) -> Tensor:
    """(length * batch,): for each position of each row the one to read instead; padding stays where it is.

    mask: (batch, length), True where a token stands.
    """
    batch, length = mask.shape
    positions = torch.arange(length, device=mask.device).unsqueeze(1)
    order = mask.sum(1) - 1 - positions
    order = torch.where(order < 0, positions, order)
    return (order * batch + torch.arange(batch, device=mask.device)).flatten()


def _reverse(sequence: Tensor, order: Tensor | None) -> Tensor:
    """sequence: (length, batch, size). order: (length * batch,), its own inverse; None: every row is full."""
    return sequence.flip(0) if order is None else _Reversal.apply(sequence, order)
