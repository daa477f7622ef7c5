"""hftk/training/attention.py: which words a model looked at."""

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from hftk.data.encoded import TokenRows
from hftk.models.attention import AttentionConfig, AttentionForSequenceClassification
from hftk.models.rnn import RnnConfig, RnnForSequenceClassification
from hftk.models.transformer import TransformerConfig, TransformerForSequenceClassification
from hftk.training.attention import attended_texts

WORDS = ["[PAD]", "[UNK]", "그", "영화", "good", "bad", "film", "plot"]


@pytest.fixture
def tokenizer():
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]")),
        pad_token="[PAD]",
        unk_token="[UNK]",
    )


def rows_of(lengths: list[int]) -> TokenRows:
    lengths = np.array(lengths, dtype=np.int32)
    ids = 2 + np.arange(lengths.sum()) % 6
    return TokenRows(
        values={"input_ids": ids},
        padding={"input_ids": 0},
        starts=np.cumsum(lengths) - lengths,
        lengths=lengths,
        labels=np.zeros(len(lengths), dtype=np.int64),
        per_token=False,
        attention_mask=True,
        padding_side="right",
        truncated=0,
    )


def attention_model() -> torch.nn.Module:
    torch.manual_seed(0)
    return AttentionForSequenceClassification(AttentionConfig(vocab_size=8, embedding_size=4, hidden_size=4))


@pytest.mark.parametrize("training", [True, False])
def test_weights_of_each_token(tokenizer, training):
    model, rows = attention_model().train(training), rows_of([5, 7])
    texts = attended_texts(model, rows, tokenizer=tokenizer)
    assert [one.position for one in texts] == [0, 1]
    assert texts[0].tokens == ["그", "영화", "good", "bad", "film"]
    alone = model.eval()(rows[1]["input_ids"][None], output_attentions=True).attentions[0][0].tolist()
    assert texts[1].weights == pytest.approx(alone, abs=1e-4)
    assert sum(texts[1].weights) == pytest.approx(1, abs=1e-3)


def test_the_model_is_left_as_it_was(tokenizer):
    model = attention_model().train()
    before = torch.get_rng_state()
    attended_texts(model, rows_of([5]), tokenizer=tokenizer)
    assert model.training and torch.equal(torch.get_rng_state(), before)


def test_a_dozen_texts_that_can_be_read(tokenizer):
    lengths = [3, 61] + [4 + number % 57 for number in range(200)]
    texts = attended_texts(attention_model(), rows_of(lengths), tokenizer=tokenizer)
    assert len(texts) == 12
    assert texts[0].position == 2 and texts[-1].position == 201
    assert all(len(one.tokens) == len(one.weights) == lengths[one.position] for one in texts)


def test_attention_pooling_has_them_too(tokenizer):
    torch.manual_seed(0)
    model = RnnForSequenceClassification(RnnConfig(vocab_size=8, embedding_size=4, hidden_size=4, pooling="attention"))
    assert len(attended_texts(model, rows_of([6]), tokenizer=tokenizer)[0].weights) == 6


def test_no_text_is_long_enough(tokenizer):
    assert attended_texts(attention_model(), rows_of([1, 2]), tokenizer=tokenizer) == []


@pytest.mark.parametrize(
    "model",
    [
        lambda: RnnForSequenceClassification(RnnConfig(vocab_size=8, embedding_size=4, hidden_size=4)),
        lambda: TransformerForSequenceClassification(
            TransformerConfig(vocab_size=8, hidden_size=8, num_attention_heads=2, num_hidden_layers=1)
        ),
        lambda: BertForSequenceClassification(
            BertConfig(vocab_size=8, hidden_size=8, num_attention_heads=2, num_hidden_layers=1, intermediate_size=8)
        ),
    ],
    ids=["rnn", "transformer", "bert"],
)
def test_models_without_a_weight_per_token(tokenizer, model):
    assert attended_texts(model(), rows_of([6]), tokenizer=tokenizer) == []
