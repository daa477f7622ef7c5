"""Additive attention's own: its settings for test_architectures.py, and a plain loop beside it."""

import pytest
import torch

from hftk.models.attention import AttentionConfig, AttentionForSequenceClassification

SMALL = {"embedding_size": 6, "hidden_size": 8, "attention_size": 5}
VARIANTS = {
    "lstm": {},
    "deep_gru_both_ways": {"cell": "gru", "num_layers": 2, "bidirectional": True},
}
FIELD_CASES = {
    "vocab_size": ({}, {"vocab_size": 21}),
    "pad_token_id": ({}, {"pad_token_id": 5}),
    "unk_token_id": ({"word_dropout": 0.5}, {"unk_token_id": 2}),
    "embedding_size": ({}, {"embedding_size": 7}),
    "embedding_dropout": ({}, {"embedding_dropout": 0.5}),
    "word_dropout": ({}, {"word_dropout": 0.5}),
    "cell": ({"cell": "lstm"}, {"cell": "gru"}),
    "hidden_size": ({}, {"hidden_size": 9}),
    "num_layers": ({}, {"num_layers": 2}),
    "bidirectional": ({}, {"bidirectional": True}),
    "dropout": ({"num_layers": 2}, {"dropout": 0.5}),
    "attention_size": ({}, {"attention_size": 6}),
    "head_dropout": ({}, {"head_dropout": 0.5}),
}
REFUSED = [
    ({"cell": "rnn"}, "'lstm', 'gru'"),
    ({"attention_size": 0}, "attention_size: 0; allowed: 1 or more"),
]


@pytest.mark.parametrize("bidirectional", [False, True])
def test_equal_to_a_plain_loop(bidirectional: bool) -> None:
    torch.manual_seed(0)
    config = AttentionConfig(vocab_size=20, embedding_size=6, hidden_size=8, bidirectional=bidirectional, num_labels=3)
    model = AttentionForSequenceClassification(config).eval()
    texts = [[5, 3, 9, 2], [7], [4, 4, 8, 12, 19, 3]]
    ids = torch.tensor([text + [0] * (6 - len(text)) for text in texts])
    output = model(ids, output_attentions=True)
    attention, linear = model.attention, model.classifier[-1]
    for row, text in enumerate(texts):
        vectors = model.embedding.words.weight[torch.tensor([text])]
        hidden, (state, _) = model.recurrent.forwards[0](vectors[0])
        query = state[0]
        if bidirectional:
            backward, (state, _) = model.recurrent.backwards[0](vectors[0].flip(0))
            hidden = torch.cat([hidden, backward.flip(0)], dim=1)
            query = torch.cat([query, state[0]])
        scores = []
        for step in hidden:
            inner = attention.key.weight @ step + attention.key.bias + attention.query.weight @ query
            scores.append(attention.score.weight[0] @ inner.tanh())
        weights = torch.stack(scores).softmax(0)
        context = sum(weight * step for weight, step in zip(weights, hidden, strict=True))
        expected = linear.weight @ context + linear.bias
        torch.testing.assert_close(output.logits[row], expected, rtol=0, atol=1e-6)
        torch.testing.assert_close(output.attentions[0][row, : len(text)], weights, rtol=0, atol=1e-6)
