"""Token ids → word vectors, with the mask of what is no padding."""

import torch
from torch import Tensor, nn


class WordEmbedding(nn.Module):
    """A table of word vectors whose pad row is zero and stays zero."""

    def __init__(
        self,
        *,
        vocab_size: int,
        embedding_size: int,
        pad_token_id: int,
        unk_token_id: int | None,
        word_dropout: float,
        embedding_dropout: float,
    ) -> None:
        """word_dropout: share of tokens read as `unk_token_id` while training. embedding_dropout: share of numbers."""
        super().__init__()
        self.words = nn.Embedding(vocab_size, embedding_size, padding_idx=pad_token_id)
        self.dropout = nn.Dropout(embedding_dropout)
        self.unk_token_id = unk_token_id
        self.word_dropout = word_dropout

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Vectors: (batch, length, embedding_size), zero at padding. Mask: (batch, length), True where a token stands.

        input_ids: (batch, length). attention_mask: (batch, length), 1 for tokens, then 0 for padding (on the right);
        None: every id but the pad token's counts.
        A row without any token is read as one pad token, so that every row has something to pool; its length is 1 at
        least.
        """
        pad = self.words.padding_idx
        if input_ids.shape[1] == 0:
            # a tokenizer gives these as floats
            input_ids, attention_mask = input_ids.new_full((len(input_ids), 1), pad, dtype=torch.long), None
        if attention_mask is None:
            mask = input_ids != pad
        else:
            mask = attention_mask != 0
            input_ids = input_ids.masked_fill(~mask, pad)
        if self.training and self.word_dropout:
            dropped = torch.rand(input_ids.shape, device=input_ids.device) < self.word_dropout
            input_ids = input_ids.masked_fill(dropped & mask, self.unk_token_id)
        mask[:, 0] = True
        return self.dropout(self.words(input_ids)), mask

    @torch.no_grad()
    def load(self, vectors: Tensor, token_ids: Tensor, *, freeze: bool) -> None:
        """Sets the rows that are found; see `TextModel.load_word_vectors`."""
        rows, size = self.words.weight.shape
        if vectors.ndim != 2 or vectors.shape[1] != size:
            raise ValueError(f"vectors: shape {tuple(vectors.shape)}; allowed: (found, {size}), as embedding_size says")
        if len(vectors) == 0 or token_ids.shape != (len(vectors),):
            raise ValueError(
                f"token_ids: shape {tuple(token_ids.shape)}; allowed: one id for each of the {len(vectors)} vectors, "
                "of which there must be at least one"
            )
        if token_ids.min() < 0 or token_ids.max() >= rows:
            raise ValueError(
                f"token_ids: from {token_ids.min()} to {token_ids.max()}; allowed: 0 to {rows - 1}, below vocab_size"
            )
        weight = self.words.weight
        # words without a vector look like the others, so that none stands out by its length
        weight.normal_(std=vectors.std(correction=0).item())
        weight[token_ids] = vectors.to(weight)
        weight[self.words.padding_idx] = 0
        weight.requires_grad_(not freeze)


def check_length(mask: Tensor, longest: int) -> None:
    """Raises ValueError where a text has more than `longest` tokens; padding may be longer.

    mask: (batch, length), True where a token stands.
    """
    if mask.shape[1] > longest and mask[:, longest:].any():
        tokens = int(mask.sum(1).max())
        raise ValueError(
            f"a text of {tokens} tokens is longer than max_position_embeddings {longest}: cut texts to {longest} "
            "tokens, or train with a larger max_position_embeddings"
        )
