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
        self.forwards = nn.ModuleList(CELLS[cell](size, hidden_size, batch_first=True) for size in sizes)
        self.backwards = nn.ModuleList(
            CELLS[cell](size, hidden_size, batch_first=True) for size in sizes if bidirectional
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: Tensor, mask: Tensor | None) -> Tensor:
        """(batch, length, output_size): the last layer's outputs, forward then backward ones side by side.

        inputs: (batch, length, input_size). mask: (batch, length), True where a token stands; None: everywhere.
        """
        order = _reversed_order(mask) if mask is not None and len(self.backwards) else None
        hidden = inputs
        for number, layer in enumerate(self.forwards):
            if number > 0:
                hidden = self.dropout(hidden)
            outputs, _ = layer(hidden)
            if len(self.backwards):
                backward_outputs, _ = self.backwards[number](_reverse(hidden, order))
                outputs = torch.cat([outputs, _reverse(backward_outputs, order)], dim=2)
            hidden = outputs
        return hidden


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


def _reversed_order(mask: Tensor) -> Tensor:
    """(batch * length,): for each position of each row the one to read instead; padding stays where it is.

    mask: (batch, length), True where a token stands.
    """
    batch, length = mask.shape
    positions = torch.arange(length, device=mask.device)
    order = mask.sum(1, keepdim=True) - 1 - positions
    first = torch.arange(0, batch * length, length, device=mask.device).unsqueeze(1)
    return (torch.where(order < 0, positions, order) + first).flatten()


def _reverse(sequence: Tensor, order: Tensor | None) -> Tensor:
    """sequence: (batch, length, size). order: (batch * length,), its own inverse; None: every row is full."""
    if order is None:
        return sequence.flip(1)
    # whole vectors are copied, three times as fast as gather with a number each
    return sequence.flatten(0, 1).index_select(0, order).view(sequence.shape)
