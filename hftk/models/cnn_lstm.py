"""Convolutions over neighbouring words, read by an LSTM: one class per text."""

from typing import Literal

import torch
from huggingface_hub.dataclasses import strict
from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput

from ._config import SequenceConfig, check_shares, check_sizes, check_words
from ._head import classification_head, mean_loss
from ._model import TextModel, word_embedding
from ._recurrent import RecurrentLayers, last_states


@strict
class CnnLstmConfig(SequenceConfig):
    """Embedding → convolutions of several widths side by side → LSTM → Linear."""

    model_type = "hftk_cnn_lstm"

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
    kernel_sizes: list[int] = [3, 4, 5]
    """Words that a convolution sees at once, each 1 or more; one convolution per number."""
    num_filters: int = 100
    """Patterns that each convolution looks for, 1 or more."""
    pooling: Literal["global", "local"] = "local"
    """local: the LSTM reads the convolved text, step by step. global: it reads one step, the strongest match of each
    pattern anywhere in the text."""
    hidden_size: int = 128
    """Numbers in the LSTM's state of each direction, 1 or more."""
    num_layers: int = 1
    """LSTM layers on top of each other, 1 or more."""
    bidirectional: bool = False
    """Is the convolved text also read from its end? Then outputs are twice as wide."""
    dropout: float | int = 0.0
    """Share of numbers dropped between LSTM layers while training, from 0 to below 1; none with one layer."""
    head_dropout: float | int = 0.0
    """Share of numbers dropped before the last layer while training, from 0 to below 1."""

    def validate_ranges(self) -> None:
        check_words(self)
        check_sizes(self, "kernel_sizes", "num_filters", "hidden_size", "num_layers")
        check_shares(self, "dropout", "head_dropout")
        if not self.kernel_sizes:
            raise ValueError("kernel_sizes: []; allowed: at least one number")


class CnnLstmForSequenceClassification(TextModel):
    """One class per text."""

    config_class = CnnLstmConfig

    def __init__(self, config: CnnLstmConfig) -> None:
        super().__init__(config)
        self.embedding = word_embedding(config, size=config.embedding_size)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(config.embedding_size, config.num_filters, size) for size in config.kernel_sizes
        )
        self.recurrent = RecurrentLayers(
            cell="lstm",
            input_size=config.num_filters * len(config.kernel_sizes),
            hidden_size=config.hidden_size,
            num_layers=config.num_layers,
            bidirectional=config.bidirectional,
            dropout=config.dropout,
        )
        self.classifier = classification_head(
            input_size=self.recurrent.output_size,
            hidden_sizes=[],
            num_labels=config.num_labels,
            dropout=config.head_dropout,
        )
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> SequenceClassifierOutput:
        """Logits: (batch, num_labels).

        input_ids: (batch, length). attention_mask: (batch, length), 1 for tokens, then 0 for padding. labels: (batch,).
        """
        vectors, mask = self.embedding(input_ids, attention_mask)
        by_channel = vectors.transpose(1, 2)
        matches = torch.cat([_same_length(convolution, by_channel) for convolution in self.convolutions], dim=1).relu()
        if self.config.pooling == "global":
            # no match is below 0, so what a window finds over padding never is the strongest
            steps = matches.masked_fill(~mask.unsqueeze(1), 0).amax(2, keepdim=True).transpose(1, 2)
            mask = None
        else:
            steps = matches.transpose(1, 2)
        hidden = self.recurrent(steps, mask)
        logits = self.classifier(last_states(hidden, mask, bidirectional=self.config.bidirectional))
        return SequenceClassifierOutput(loss=mean_loss(logits, labels), logits=logits)


def _same_length(convolution: nn.Conv1d, sequence: Tensor) -> Tensor:
    """(batch, filters, length): zeros stand around the text; padding is zeros too, so more of it changes nothing.

    sequence: (batch, size, length).
    """
    beyond = convolution.kernel_size[0] - 1
    return convolution(nn.functional.pad(sequence, (beyond // 2, beyond - beyond // 2)))
