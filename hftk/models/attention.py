"""LSTM or GRU whose last output asks all the others: additive attention, one class per text."""

from typing import Literal

import torch
from huggingface_hub.dataclasses import strict
from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput

from ._config import SequenceConfig, check_shares, check_sizes, check_words
from ._head import classification_head, mean_loss
from ._model import TextModel, word_embedding
from ._pooling import masked_softmax, weighted_sum
from ._recurrent import RecurrentLayers, last_states


@strict
class AttentionConfig(SequenceConfig):
    """Embedding → recurrent layers → additive attention → Linear."""

    model_type = "hftk_attention"

    vocab_size: int = 2
    """Token ids that the tokenizer gives, 1 or more. Set from the tokenizer."""
    pad_token_id: int = 0
    """Id of the padding. Set from the tokenizer."""
    unk_token_id: int | None = 1
    """Id of the unknown word; None where the tokenizer has none. Set from the tokenizer."""
    embedding_size: int = 100
    """Numbers per word vector, 1 or more."""
    embedding_dropout: float | int = 0.0
    """Share of the word vectors' numbers dropped while training, from 0 to below 1."""
    word_dropout: float | int = 0.0
    """Share of tokens read as the unknown word while training, from 0 to below 1."""
    cell: Literal["lstm", "gru"] = "lstm"
    """What one step is: an LSTM or a GRU."""
    hidden_size: int = 128
    """Numbers in the state of each direction, 1 or more."""
    num_layers: int = 1
    """Recurrent layers on top of each other, 1 or more."""
    bidirectional: bool = False
    """Is the text also read from its end? Then outputs are twice as wide."""
    dropout: float | int = 0.0
    """Share of numbers dropped between recurrent layers while training, from 0 to below 1; none with one layer."""
    attention_size: int = 128
    """Numbers in which outputs and query are compared, 1 or more."""
    head_dropout: float | int = 0.0
    """Share of numbers dropped before the last layer while training, from 0 to below 1."""

    def validate_ranges(self) -> None:
        check_words(self)
        check_sizes(self, "hidden_size", "num_layers", "attention_size")
        check_shares(self, "dropout", "head_dropout")


class AdditiveAttention(nn.Module):
    """score_t = v · tanh(W h_t + U q); softmax over the tokens; weighted sum (Bahdanau et al. 2015)."""

    def __init__(self, *, size: int, attention_size: int) -> None:
        super().__init__()
        self.key = nn.Linear(size, attention_size)
        self.query = nn.Linear(size, attention_size, bias=False)
        self.score = nn.Linear(attention_size, 1, bias=False)

    def forward(self, hidden: Tensor, query: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Context: (batch, size). Weights: (batch, length), 0 at padding.

        hidden: (batch, length, size). query: (batch, size). mask: (batch, length), True where a token stands.
        """
        scores = self.score(torch.tanh(self.key(hidden) + self.query(query).unsqueeze(1))).squeeze(2)
        weights = masked_softmax(scores, mask)
        return weighted_sum(hidden, weights), weights


class AttentionForSequenceClassification(TextModel):
    """One class per text; the weight of each token on request."""

    config_class = AttentionConfig

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__(config)
        self.embedding = word_embedding(config, size=config.embedding_size)
        self.recurrent = RecurrentLayers(
            cell=config.cell,
            input_size=config.embedding_size,
            hidden_size=config.hidden_size,
            num_layers=config.num_layers,
            bidirectional=config.bidirectional,
            dropout=config.dropout,
        )
        size = self.recurrent.output_size
        self.attention = AdditiveAttention(size=size, attention_size=config.attention_size)
        self.classifier = classification_head(
            input_size=size, hidden_sizes=[], num_labels=config.num_labels, dropout=config.head_dropout
        )
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        output_attentions: bool | None = None,
    ) -> SequenceClassifierOutput:
        """Logits: (batch, num_labels). With `output_attentions`, attentions: ((batch, length),).

        input_ids: (batch, length). attention_mask: (batch, length), 1 for tokens, then 0 for padding. labels: (batch,).
        """
        vectors, mask = self.embedding(input_ids, attention_mask)
        hidden = self.recurrent(vectors, mask)
        query = last_states(hidden, mask, bidirectional=self.config.bidirectional)
        context, weights = self.attention(hidden, query, mask)
        logits = self.classifier(context)
        return SequenceClassifierOutput(
            loss=mean_loss(logits, labels),
            logits=logits,
            attentions=(weights,) if self.wants_attentions(output_attentions) else None,
        )
