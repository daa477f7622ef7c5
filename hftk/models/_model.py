"""What the models of all architectures share: initial weights, and word vectors loaded after construction."""

from math import sqrt

from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers import initialization as init

from ._embedding import WordEmbedding

_EMBEDDING_STD = 0.1


class SequenceModel(PreTrainedModel):
    """Weights begin as plain torch begins them: recurrent ones in ±1/√hidden, the others in ±1/√(their inputs)."""

    fields_without_effect: tuple[str, ...] = ()
    """Config fields that this model does not use; the same architecture's models for other tasks do."""

    def wants_attentions(self, asked: bool | None) -> bool:
        """asked: the argument of `forward`; None: as the config says."""
        return bool(self.config.output_attentions) if asked is None else asked

    def _init_weights(self, module: nn.Module) -> None:
        # through transformers.initialization, which leaves alone what a checkpoint has filled
        if isinstance(module, nn.Embedding):
            init.normal_(module.weight, std=_EMBEDDING_STD)
            if module.padding_idx is not None and not getattr(module.weight, "_is_hf_initialized", False):
                init.zeros_(module.weight[module.padding_idx])
        elif isinstance(module, nn.LayerNorm):
            init.ones_(module.weight)
            init.zeros_(module.bias)
        elif isinstance(module, (nn.RNNBase, nn.Linear, nn.Conv1d)):
            bound = 1 / sqrt(module.hidden_size if isinstance(module, nn.RNNBase) else module.weight[0].numel())
            for weight in module.parameters(recurse=False):
                init.uniform_(weight, -bound, bound)


class TextModel(SequenceModel):
    """A model with a WordEmbedding as `embedding`."""

    embedding: WordEmbedding

    def load_word_vectors(self, vectors: Tensor, token_ids: Tensor, *, freeze: bool) -> None:
        """Puts trained word vectors into the embedding. Call it after construction, under the run's seed.

        vectors: (found, embedding_size). token_ids: (found,), the row of each. Rows without a vector are drawn from
        N(0, standard deviation of `vectors`); the pad row is zero. freeze: the embedding is not trained.
        Raises ValueError where the shapes or ids do not fit.
        """
        self.embedding.load(vectors, token_ids, freeze=freeze)

    def get_input_embeddings(self) -> nn.Embedding:
        return self.embedding.words

    def set_input_embeddings(self, value: nn.Embedding) -> None:
        self.embedding.words = value


def word_embedding(config: PreTrainedConfig, *, size: int) -> WordEmbedding:
    """size: numbers per word vector."""
    return WordEmbedding(
        vocab_size=config.vocab_size,
        embedding_size=size,
        pad_token_id=config.pad_token_id,
        unk_token_id=config.unk_token_id,
        word_dropout=config.word_dropout,
        embedding_dropout=config.embedding_dropout,
    )
