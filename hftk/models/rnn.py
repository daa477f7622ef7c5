"""RNN, LSTM or GRU over words or over the rows of an image, pooled into one vector or read at every word."""

from typing import Literal

from huggingface_hub.dataclasses import strict
from torch import Tensor, nn
from transformers.modeling_outputs import (
    ImageClassifierOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)

from ._config import SequenceConfig, check_images, check_pooling, check_shares, check_sizes, check_words, pooling_kinds
from ._head import classification_head, mean_loss
from ._image_rows import check_image_size, image_rows
from ._model import SequenceModel, TextModel, word_embedding
from ._pooling import Pooling
from ._recurrent import RecurrentLayers


@strict
class RnnConfig(SequenceConfig):
    """Embedding → recurrent layers → pooling (tagging: none) → feed-forward stack."""

    model_type = "hftk_rnn"

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
    embedding_size: int = 100
    """Texts: numbers per word vector, 1 or more."""
    embedding_dropout: float | int = 0.0
    """Texts: share of the word vectors' numbers dropped while training, from 0 to below 1."""
    word_dropout: float | int = 0.0
    """Texts: share of tokens read as the unknown word while training, from 0 to below 1."""
    cell: Literal["rnn", "lstm", "gru"] = "lstm"
    """What one step is: a plain tanh unit, an LSTM or a GRU."""
    hidden_size: int = 128
    """Numbers in the state of each direction, 1 or more."""
    num_layers: int = 1
    """Recurrent layers on top of each other, 1 or more."""
    bidirectional: bool = False
    """Is the sequence also read from its end? Then outputs are twice as wide."""
    dropout: float | int = 0.0
    """Share of numbers dropped between recurrent layers while training, from 0 to below 1; none with one layer."""
    pooling: (
        Literal["last", "mean", "max", "attention", "flatten"]
        | list[Literal["last", "mean", "max", "attention", "flatten"]]
    ) = "last"
    """Classification: how the sequence becomes one vector. last: the state of each direction when it has read all;
    attention: a mean with learned weights; flatten: all positions side by side. A list: several, side by side."""
    head_hidden_sizes: list[int] = []
    """Widths of the feed-forward layers before the one that names the class, each 1 or more."""
    head_dropout: float | int = 0.0
    """Share of numbers dropped before each feed-forward layer while training, from 0 to below 1."""
    max_position_embeddings: int | None = None
    """Texts with pooling flatten: tokens of the longest text, 1 or more."""

    def validate_ranges(self) -> None:
        check_words(self)
        check_images(self)
        check_sizes(self, "hidden_size", "num_layers", "head_hidden_sizes", "max_position_embeddings")
        check_shares(self, "dropout", "head_dropout")
        check_pooling(self)
        if self.max_position_embeddings is not None and "flatten" not in pooling_kinds(self):
            raise ValueError(
                f"max_position_embeddings: {self.max_position_embeddings} has no effect without pooling flatten; "
                "allowed: None"
            )


class RnnForSequenceClassification(TextModel):
    """One class per text."""

    config_class = RnnConfig
    fields_without_effect = ("image_size", "num_channels")

    def __init__(self, config: RnnConfig) -> None:
        super().__init__(config)
        self.embedding = word_embedding(config, size=config.embedding_size)
        self.recurrent = _recurrent_layers(config, input_size=config.embedding_size)
        self.pooling = _pooling(config, size=self.recurrent.output_size, longest=config.max_position_embeddings)
        self.classifier = _head(config, input_size=self.pooling.output_size)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        output_attentions: bool | None = None,
    ) -> SequenceClassifierOutput:
        """Logits: (batch, num_labels). With pooling attention and `output_attentions`, attentions: ((batch, length),).

        input_ids: (batch, length). attention_mask: (batch, length), 1 for tokens, then 0 for padding. labels: (batch,).
        """
        vectors, mask = self.embedding(input_ids, attention_mask)
        pooled, weights = self.pooling(self.recurrent(vectors, mask), mask)
        logits = self.classifier(pooled)
        attentions = (weights,) if weights is not None and self.wants_attentions(output_attentions) else None
        return SequenceClassifierOutput(loss=mean_loss(logits, labels), logits=logits, attentions=attentions)


class RnnForTokenClassification(TextModel):
    """One class per token."""

    config_class = RnnConfig
    fields_without_effect = ("image_size", "num_channels", "pooling", "max_position_embeddings")

    def __init__(self, config: RnnConfig) -> None:
        super().__init__(config)
        self.embedding = word_embedding(config, size=config.embedding_size)
        self.recurrent = _recurrent_layers(config, input_size=config.embedding_size)
        self.classifier = _head(config, input_size=self.recurrent.output_size)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> TokenClassifierOutput:
        """Logits: (batch, length, num_labels); those at padding mean nothing.

        input_ids: (batch, length). attention_mask: (batch, length), 1 for tokens, then 0 for padding.
        labels: (batch, length), -100 where none counts.
        """
        vectors, mask = self.embedding(input_ids, attention_mask)
        logits = self.classifier(self.recurrent(vectors, mask))[:, : input_ids.shape[1]]
        return TokenClassifierOutput(loss=mean_loss(logits, labels), logits=logits)


class RnnForImageClassification(SequenceModel):
    """One class per image, which is read row by row."""

    config_class = RnnConfig
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

    def __init__(self, config: RnnConfig) -> None:
        super().__init__(config)
        height, width = check_image_size(config.image_size)
        self.recurrent = _recurrent_layers(config, input_size=config.num_channels * width)
        self.pooling = _pooling(config, size=self.recurrent.output_size, longest=height)
        self.classifier = _head(config, input_size=self.pooling.output_size)
        self.post_init()

    def forward(
        self,
        pixel_values: Tensor,
        labels: Tensor | None = None,
        output_attentions: bool | None = None,
    ) -> ImageClassifierOutput:
        """Logits: (batch, num_labels). With pooling attention and `output_attentions`, attentions: ((batch, height),).

        pixel_values: (batch, channels, height, width). labels: (batch,).
        """
        config = self.config
        rows = image_rows(pixel_values, image_size=config.image_size, num_channels=config.num_channels)
        pooled, weights = self.pooling(self.recurrent(rows, None), None)
        logits = self.classifier(pooled)
        attentions = (weights,) if weights is not None and self.wants_attentions(output_attentions) else None
        return ImageClassifierOutput(loss=mean_loss(logits, labels), logits=logits, attentions=attentions)


def _recurrent_layers(config: RnnConfig, *, input_size: int) -> RecurrentLayers:
    return RecurrentLayers(
        cell=config.cell,
        input_size=input_size,
        hidden_size=config.hidden_size,
        num_layers=config.num_layers,
        bidirectional=config.bidirectional,
        dropout=config.dropout,
    )


def _pooling(config: RnnConfig, *, size: int, longest: int | None) -> Pooling:
    return Pooling(kinds=pooling_kinds(config), size=size, bidirectional=config.bidirectional, longest=longest)


def _head(config: RnnConfig, *, input_size: int) -> nn.Sequential:
    return classification_head(
        input_size=input_size,
        hidden_sizes=config.head_hidden_sizes,
        num_labels=config.num_labels,
        dropout=config.head_dropout,
    )
