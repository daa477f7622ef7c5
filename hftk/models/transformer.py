"""A small Transformer encoder from scratch over words or over the rows of an image."""

from math import sqrt
from typing import Literal

import torch
from huggingface_hub.dataclasses import strict
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention
from transformers.modeling_outputs import (
    ImageClassifierOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)

from ._config import SequenceConfig, check_images, check_pooling, check_shares, check_sizes, check_words, pooling_kinds
from ._embedding import check_length
from ._head import classification_head, mean_loss
from ._image_rows import check_image_size, image_rows
from ._model import SequenceModel, TextModel, word_embedding
from ._pooling import Pooling


@strict
class TransformerConfig(SequenceConfig):
    """Embedding + learned positions → self-attention layers (norm first) → pooling (tagging: none) → feed-forward."""

    model_type = "hftk_transformer"

    vocab_size: int = 2
    """Texts: token ids that the tokenizer gives, 1 or more. Set from the tokenizer."""
    pad_token_id: int = 0
    """Texts: id of the padding. Set from the tokenizer."""
    unk_token_id: int | None = 1
    """Texts: id of the unknown word; None where the tokenizer has none. Set from the tokenizer."""
    image_size: list[int] | None = None
    """Images: [height, width] in pixels. Set from the data."""
    num_channels: int = 1
    """Images: 1 for grey, 3 for colour. Set from the data."""
    embedding_size: int | None = None
    """Texts: numbers per word vector, 1 or more, projected to hidden_size; None: hidden_size, not projected."""
    embedding_dropout: float | int = 0.0
    """Texts: share of the word vectors' numbers dropped while training, from 0 to below 1."""
    word_dropout: float | int = 0.0
    """Texts: share of tokens read as the unknown word while training, from 0 to below 1."""
    hidden_size: int = 64
    """Numbers per position, 1 or more."""
    num_attention_heads: int = 4
    """Heads that share hidden_size evenly, 1 or more; hidden_size is a multiple of it."""
    num_hidden_layers: int = 2
    """Layers on top of each other, 1 or more."""
    intermediate_size: int | None = None
    """Width of each layer's feed-forward part, 1 or more; None: 4 × hidden_size."""
    hidden_dropout_prob: float | int = 0.1
    """Share of numbers dropped after positions are added, after attention and after each feed-forward part while
    training, from 0 to below 1."""
    attention_probs_dropout_prob: float | int = 0.1
    """Share of attention weights dropped while training, from 0 to below 1."""
    max_position_embeddings: int = 512
    """Texts: tokens of the longest text, 1 or more. An image has one position per row."""
    pooling: (
        Literal["last", "mean", "max", "attention", "flatten"]
        | list[Literal["last", "mean", "max", "attention", "flatten"]]
    ) = "mean"
    """Classification: how the sequence becomes one vector. last: the last position; attention: a mean with learned
    weights; flatten: all positions side by side. A list: several, side by side."""
    head_hidden_sizes: list[int] = []
    """Widths of the feed-forward layers before the one that names the class, each 1 or more."""
    head_dropout: float | int = 0.0
    """Share of numbers dropped before each layer of the head while training, from 0 to below 1."""

    def validate_ranges(self) -> None:
        check_words(self)
        check_images(self)
        check_sizes(self, "hidden_size", "num_attention_heads", "num_hidden_layers", "intermediate_size")
        check_sizes(self, "max_position_embeddings", "head_hidden_sizes")
        check_shares(self, "hidden_dropout_prob", "attention_probs_dropout_prob", "head_dropout")
        check_pooling(self)
        heads, hidden = self.num_attention_heads, self.hidden_size
        if hidden % heads:
            allowed = ", ".join(str(number) for number in range(1, hidden + 1) if hidden % number == 0)
            raise ValueError(f"num_attention_heads: {heads} does not divide hidden_size {hidden}; allowed: {allowed}")


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward part, each normed first and added to what came in."""

    def __init__(
        self,
        *,
        hidden_size: int,
        num_heads: int,
        intermediate_size: int,
        hidden_dropout: float,
        attention_dropout: float,
    ) -> None:
        """hidden_dropout, attention_dropout: shares dropped while training, of numbers and of attention weights."""
        super().__init__()
        self.num_heads = num_heads
        self.attention_dropout = attention_dropout
        self.attention_norm = nn.LayerNorm(hidden_size)
        self.query_key_value = nn.Linear(hidden_size, 3 * hidden_size)
        self.attention_output = nn.Linear(hidden_size, hidden_size)
        self.feed_forward_norm = nn.LayerNorm(hidden_size)
        self.intermediate = nn.Linear(hidden_size, intermediate_size)
        self.output = nn.Linear(intermediate_size, hidden_size)
        self.dropout = nn.Dropout(hidden_dropout)

    def forward(self, hidden: Tensor, mask: Tensor | None, need_weights: bool) -> tuple[Tensor, Tensor | None]:
        """Hidden: (batch, length, hidden_size). Weights, if needed: (batch, heads, length, length), else None.

        hidden: (batch, length, hidden_size). mask: (batch, 1, 1, length), True where a token stands; None: everywhere.
        """
        attended, weights = self._attention(self.attention_norm(hidden), mask, need_weights)
        hidden = hidden + self.dropout(attended)
        inner = gelu(self.intermediate(self.feed_forward_norm(hidden)))
        return hidden + self.dropout(self.output(inner)), weights

    def _attention(self, hidden: Tensor, mask: Tensor | None, need_weights: bool) -> tuple[Tensor, Tensor | None]:
        batch, length, size = hidden.shape
        heads = self.query_key_value(hidden).view(batch, length, 3, self.num_heads, size // self.num_heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)  # each (batch, heads, length, size / heads)
        dropout = self.attention_dropout if self.training else 0.0
        weights = None
        if need_weights:
            scores = query @ key.transpose(2, 3) / sqrt(query.shape[3])
            weights = (scores if mask is None else scores.masked_fill(~mask, -torch.inf)).softmax(3)
            mixed = nn.functional.dropout(weights, dropout) @ value
        else:
            mixed = scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
        return self.attention_output(mixed.transpose(1, 2).reshape(batch, length, size)), weights


class Encoder(nn.Module):
    """Learned positions, the layers and a last norm."""

    def __init__(self, config: TransformerConfig, *, longest: int) -> None:
        """longest: positions, one per token or row."""
        super().__init__()
        self.positions = nn.Embedding(longest, config.hidden_size)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.layers = nn.ModuleList(
            EncoderLayer(
                hidden_size=config.hidden_size,
                num_heads=config.num_attention_heads,
                intermediate_size=config.intermediate_size or 4 * config.hidden_size,
                hidden_dropout=config.hidden_dropout_prob,
                attention_dropout=config.attention_probs_dropout_prob,
            )
            for _ in range(config.num_hidden_layers)
        )
        self.norm = nn.LayerNorm(config.hidden_size)

    def forward(
        self, inputs: Tensor, mask: Tensor | None, *, need_weights: bool = False
    ) -> tuple[Tensor, tuple[Tensor, ...] | None]:
        """Hidden: (batch, length, hidden_size). Weights of each layer, if needed: (batch, heads, length, length).

        inputs: (batch, length, hidden_size). mask: (batch, length), True where a token stands; None: everywhere.
        Raises ValueError for a text of more tokens than there are positions; padding may be longer.
        """
        length, longest = inputs.shape[1], self.positions.num_embeddings
        if length > longest:
            check_length(mask, longest)
            # what stands behind the last position is padding, whose position no token sees
            positions = self.positions(torch.arange(length, device=inputs.device).clamp(max=longest - 1))
        else:
            positions = self.positions.weight[:length]
        hidden = self.dropout(inputs + positions)
        key_mask = None if mask is None else mask[:, None, None, :]
        attentions = []
        for layer in self.layers:
            hidden, weights = layer(hidden, key_mask, need_weights)
            attentions.append(weights)
        return self.norm(hidden), tuple(attentions) if need_weights else None


class TransformerTextModel(TextModel):
    """Word vectors, projected to hidden_size where embedding_size is given, and the encoder over them."""

    config_class = TransformerConfig

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(config)
        size = config.embedding_size
        self.embedding = word_embedding(config, size=size or config.hidden_size)
        self.projection = nn.Linear(size, config.hidden_size) if size else nn.Identity()
        self.encoder = Encoder(config, longest=config.max_position_embeddings)

    def encode(
        self, input_ids: Tensor, attention_mask: Tensor | None, output_attentions: bool | None
    ) -> tuple[Tensor, Tensor, tuple[Tensor, ...] | None]:
        """Hidden: (batch, length, hidden_size). Mask: (batch, length). Attentions: per layer, or None.

        input_ids: (batch, length). attention_mask: (batch, length), 1 for tokens, then 0 for padding.
        """
        vectors, mask = self.embedding(input_ids, attention_mask)
        need_weights = self.wants_attentions(output_attentions)
        hidden, attentions = self.encoder(self.projection(vectors), mask, need_weights=need_weights)
        return hidden, mask, attentions


class TransformerForSequenceClassification(TransformerTextModel):
    """One class per text."""

    fields_without_effect = ("image_size", "num_channels")

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(config)
        self.pooling = _pooling(config, longest=config.max_position_embeddings)
        self.classifier = _head(config, input_size=self.pooling.output_size)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        output_attentions: bool | None = None,
    ) -> SequenceClassifierOutput:
        """Logits: (batch, num_labels). With `output_attentions`, attentions: (batch, heads, length, length) per layer.

        input_ids: (batch, length). attention_mask: (batch, length), 1 for tokens, then 0 for padding. labels: (batch,).
        """
        hidden, mask, attentions = self.encode(input_ids, attention_mask, output_attentions)
        logits = self.classifier(self.pooling(hidden, mask)[0])
        return SequenceClassifierOutput(loss=mean_loss(logits, labels), logits=logits, attentions=attentions)


class TransformerForTokenClassification(TransformerTextModel):
    """One class per token."""

    fields_without_effect = ("image_size", "num_channels", "pooling")

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(config)
        self.classifier = _head(config, input_size=config.hidden_size)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        output_attentions: bool | None = None,
    ) -> TokenClassifierOutput:
        """Logits: (batch, length, num_labels); those at padding mean nothing. Attentions as in classification.

        input_ids: (batch, length). attention_mask: (batch, length), 1 for tokens, then 0 for padding.
        labels: (batch, length), -100 where none counts.
        """
        hidden, _, attentions = self.encode(input_ids, attention_mask, output_attentions)
        logits = self.classifier(hidden)[:, : input_ids.shape[1]]
        return TokenClassifierOutput(loss=mean_loss(logits, labels), logits=logits, attentions=attentions)


class TransformerForImageClassification(SequenceModel):
    """One class per image, whose rows are the sequence."""

    config_class = TransformerConfig
    main_input_name = "pixel_values"
    fields_without_effect = (
        "vocab_size",
        "pad_token_id",
        "unk_token_id",
        "embedding_size",
        "embedding_dropout",
        "word_dropout",
        "max_position_embeddings",
    )

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(config)
        height, width = check_image_size(config.image_size)
        self.projection = nn.Linear(config.num_channels * width, config.hidden_size)
        self.encoder = Encoder(config, longest=height)
        self.pooling = _pooling(config, longest=height)
        self.classifier = _head(config, input_size=self.pooling.output_size)
        self.post_init()

    def forward(
        self,
        pixel_values: Tensor,
        labels: Tensor | None = None,
        output_attentions: bool | None = None,
    ) -> ImageClassifierOutput:
        """Logits: (batch, num_labels). With `output_attentions`, attentions: (batch, heads, height, height) per layer.

        pixel_values: (batch, channels, height, width). labels: (batch,).
        """
        config = self.config
        rows = image_rows(pixel_values, image_size=config.image_size, num_channels=config.num_channels)
        need_weights = self.wants_attentions(output_attentions)
        hidden, attentions = self.encoder(self.projection(rows), None, need_weights=need_weights)
        logits = self.classifier(self.pooling(hidden, None)[0])
        return ImageClassifierOutput(loss=mean_loss(logits, labels), logits=logits, attentions=attentions)


def _pooling(config: TransformerConfig, *, longest: int) -> Pooling:
    return Pooling(kinds=pooling_kinds(config), size=config.hidden_size, bidirectional=False, longest=longest)


def _head(config: TransformerConfig, *, input_size: int) -> nn.Sequential:
    return classification_head(
        input_size=input_size,
        hidden_sizes=config.head_hidden_sizes,
        num_labels=config.num_labels,
        dropout=config.head_dropout,
    )
