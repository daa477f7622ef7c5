"""Which words a model looked at, in a few texts."""

import inspect
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from hftk.data.encoded import TokenRows

_TEXTS = 12
_TOKENS = (4, 60)
"""Fewer say nothing, more are not read."""


@dataclass(frozen=True)
class Attended:
    """One text. tokens and weights are parallel; the weights, 0 to 1, sum to 1."""

    position: int
    """Of the row in its split."""
    tokens: list[str]
    weights: list[float]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def attended_texts(model: torch.nn.Module, rows: TokenRows, *, tokenizer: PreTrainedTokenizerBase) -> list[Attended]:
    """Up to twelve texts of four to sixty tokens, evenly spread over the split; none where the model has no weights.

    Only models with one weight per token (additive attention, attention pooling) have them: the many heads and layers
    of a Transformer tell no such thing (Jain and Wallace 2019, arXiv:1902.10186).
    """
    if "output_attentions" not in inspect.signature(model.forward).parameters:
        return []
    fitting = np.flatnonzero((rows.lengths >= _TOKENS[0]) & (rows.lengths <= _TOKENS[1]))
    chosen = fitting[np.linspace(0, len(fitting) - 1, min(_TEXTS, len(fitting))).astype(int)] if len(fitting) else []
    device, training = next(model.parameters()).device, model.training
    model.eval()
    texts = []
    with torch.no_grad():
        for position in chosen:
            batch = {name: values.to(device) for name, values in rows.__getitems__([int(position)]).items()}
            weights = _one_per_token(model(**batch, output_attentions=True).attentions)
            if weights is None:
                break
            ids = batch["input_ids"][0].tolist()
            present = slice(0, int(rows.lengths[position]))
            texts.append(
                Attended(
                    position=int(position),
                    tokens=tokenizer.convert_ids_to_tokens(ids)[present],
                    weights=[round(weight, 4) for weight in weights[present]],
                )
            )
    model.train(training)
    return texts


def _one_per_token(attentions: tuple[torch.Tensor, ...] | None) -> list[float] | None:
    """attentions: as of a model's output; ((1, length),) where there is one weight per token."""
    if not attentions or len(attentions) != 1 or attentions[0].ndim != 2:
        return None
    return attentions[0][0].float().tolist()
