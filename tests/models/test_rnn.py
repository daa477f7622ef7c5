"""The recurrent architecture's own: its settings for test_architectures.py, and plain PyTorch beside it."""

import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from hftk.models._pooling import Pooling
from hftk.models._recurrent import CELLS, RecurrentLayers, last_states
from hftk.models.rnn import RnnConfig, RnnForSequenceClassification

POOLINGS = ["last", "mean", "max", "attention", "flatten"]
SMALL = {"embedding_size": 6, "hidden_size": 8}
VARIANTS = {
    "lstm": {},
    "deep_gru_both_ways": {"cell": "gru", "num_layers": 2, "bidirectional": True, "head_hidden_sizes": [9]},
    "plain_both_ways": {"cell": "rnn", "bidirectional": True, "pooling": POOLINGS, "max_position_embeddings": 11},
}
FIELD_CASES = {
    "vocab_size": ({}, {"vocab_size": 21}),
    "pad_token_id": ({}, {"pad_token_id": 5}),
    "unk_token_id": ({"word_dropout": 0.5}, {"unk_token_id": 2}),
    "image_size": ({}, {"image_size": [5, 7]}),
    "num_channels": ({}, {"num_channels": 3}),
    "embedding_size": ({}, {"embedding_size": 7}),
    "embedding_dropout": ({}, {"embedding_dropout": 0.5}),
    "word_dropout": ({}, {"word_dropout": 0.5}),
    "cell": ({"cell": "lstm"}, {"cell": "gru"}),
    "hidden_size": ({}, {"hidden_size": 9}),
    "num_layers": ({}, {"num_layers": 2}),
    "bidirectional": ({}, {"bidirectional": True}),
    "dropout": ({"num_layers": 2}, {"dropout": 0.5}),
    "pooling": ({"pooling": "last"}, {"pooling": "max"}),
    "head_hidden_sizes": ({}, {"head_hidden_sizes": [4]}),
    "head_dropout": ({}, {"head_dropout": 0.5}),
    "max_position_embeddings": (
        {"pooling": "flatten", "max_position_embeddings": 7},
        {"max_position_embeddings": 8},
    ),
}
REFUSED = [
    ({"cell": "gruu"}, "'rnn', 'lstm', 'gru'"),
    ({"pooling": "lats"}, "'last', 'mean', 'max', 'attention', 'flatten'"),
    ({"pooling": ["mean", "lats"]}, "'last', 'mean', 'max', 'attention', 'flatten'"),
    ({"pooling": []}, r"pooling: \[\]; allowed: one name, or a list of different names"),
    ({"pooling": ["mean", "mean"]}, "allowed: one name, or a list of different names"),
    ({"num_layers": 0}, "num_layers: 0; allowed: 1 or more"),
    ({"head_hidden_sizes": [4, 0]}, r"head_hidden_sizes: \[4, 0\]; allowed: 1 or more"),
    ({"max_position_embeddings": 0}, "max_position_embeddings: 0; allowed: 1 or more"),
]
LENGTHS = torch.tensor([4, 9, 1, 6])
MASK = torch.arange(9) < LENGTHS[:, None]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_equal_to_plain_torch_packed(cell: str, bidirectional: bool) -> None:
    torch.manual_seed(0)
    settings = {"input_size": 5, "hidden_size": 7, "num_layers": 2, "bidirectional": bidirectional}
    ours = RecurrentLayers(cell=cell, dropout=0.0, **settings)
    plain = CELLS[cell](batch_first=True, **settings)
    for number in range(2):
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(plain, f"{name}_l{number}").data = getattr(ours.forwards[number], f"{name}_l0").data
            if bidirectional:
                getattr(plain, f"{name}_l{number}_reverse").data = getattr(ours.backwards[number], f"{name}_l0").data
    inputs = torch.randn(4, 9, 5)

    packed, states = plain(pack_padded_sequence(inputs, LENGTHS, batch_first=True, enforce_sorted=False))
    expected, _ = pad_packed_sequence(packed, batch_first=True)
    outputs = ours(inputs, MASK)
    torch.testing.assert_close(outputs[MASK], expected[MASK], rtol=0, atol=1e-6)
    states = states[0] if isinstance(states, tuple) else states
    last = torch.cat([states[-2], states[-1]], dim=1) if bidirectional else states[-1]
    torch.testing.assert_close(last_states(outputs, MASK, bidirectional=bidirectional), last, rtol=0, atol=1e-6)

    full, _ = plain(inputs)
    torch.testing.assert_close(ours(inputs, None), full, rtol=0, atol=1e-6)
    everywhere = torch.ones(4, 9, dtype=torch.bool)
    torch.testing.assert_close(ours(inputs, everywhere), full, rtol=0, atol=1e-6)
    # and their gradients
    (outputs * MASK.unsqueeze(2)).sum().backward()
    gradient = ours.forwards[0].weight_ih_l0.grad.clone()
    expected.sum().backward()
    torch.testing.assert_close(gradient, plain.weight_ih_l0.grad, rtol=1e-5, atol=1e-6)


def test_whole_model_equal_to_plain_torch() -> None:
    torch.manual_seed(0)
    config = RnnConfig(vocab_size=20, embedding_size=5, hidden_size=7, num_labels=3, head_hidden_sizes=[6])
    model = RnnForSequenceClassification(config).eval()
    ids = torch.randint(1, 20, (4, 9)) * MASK
    vectors = model.embedding.words.weight[ids]
    _, (states, _) = model.recurrent.forwards[0](
        pack_padded_sequence(vectors, LENGTHS, batch_first=True, enforce_sorted=False)
    )
    _, first, _, _, second = model.classifier
    expected = second(first(states[-1]).relu())
    torch.testing.assert_close(model(ids, MASK).logits, expected, rtol=0, atol=1e-6)


def test_dropout_stands_between_layers_only() -> None:
    layers = RecurrentLayers(
        cell="gru", input_size=5, hidden_size=7, num_layers=3, bidirectional=True, dropout=0.5
    ).train()
    seen = []
    layers.dropout.register_forward_hook(lambda _, inputs, output: seen.append((inputs[0], output)))
    outputs = layers(torch.randn(4, 9, 5), MASK)
    # (length, batch, size), each direction by itself
    assert len(seen) == 4 and all(inputs.shape == (9, 4, 7) for inputs, _ in seen)
    assert all(0.3 < output.eq(0).float().mean() < 0.7 for _, output in seen)
    assert not outputs.eq(0).any()
    one = RecurrentLayers(cell="gru", input_size=5, hidden_size=7, num_layers=1, bidirectional=False, dropout=0.5)
    inputs = torch.randn(4, 9, 5)
    assert torch.equal(one.train()(inputs, MASK), one.eval()(inputs, MASK))


def test_word_dropout_reads_the_unknown_word_instead() -> None:
    config = RnnConfig(vocab_size=20, embedding_size=5, hidden_size=7, word_dropout=0.5)
    embedding = RnnForSequenceClassification(config).embedding.train()
    ids = torch.full((100, 9), 7) * (torch.arange(9) < 6)
    vectors, _ = embedding(ids, None)
    unknown = (vectors == embedding.words.weight[1]).all(2)
    assert 0.4 < unknown[:, :6].float().mean() < 0.6
    assert vectors[:, 6:].eq(0).all()
    assert not (embedding.eval()(ids, None)[0] == embedding.words.weight[1]).all(2).any()


def test_each_pooling_row_by_row() -> None:
    torch.manual_seed(0)
    pooling = Pooling(kinds=POOLINGS, size=6, bidirectional=True, longest=10)
    hidden = torch.randn(4, 9, 6)
    pooled, weights = pooling(hidden, MASK)
    assert pooled.shape == (4, pooling.output_size)
    for row, length in enumerate(LENGTHS.tolist()):
        tokens = hidden[row, :length]
        share = pooling.attention(tokens).squeeze(1).softmax(0)
        expected = [
            torch.cat([tokens[-1, :3], tokens[0, 3:]]),
            tokens.mean(0),
            tokens.amax(0),
            (share.unsqueeze(1) * tokens).sum(0),
            torch.cat([tokens.flatten(), torch.zeros(6 * (10 - length))]),
        ]
        torch.testing.assert_close(pooled[row], torch.cat(expected), rtol=0, atol=1e-6)
        torch.testing.assert_close(weights[row, :length], share, rtol=0, atol=1e-6)
    everywhere = torch.ones(4, 9, dtype=torch.bool)
    torch.testing.assert_close(pooling(hidden, None)[0], pooling(hidden, everywhere)[0], rtol=0, atol=1e-6)


def test_flatten_needs_a_length_and_refuses_longer_texts() -> None:
    settings = {"vocab_size": 20, "embedding_size": 5, "hidden_size": 7, "pooling": "flatten"}
    with pytest.raises(ValueError, match="flatten needs max_position_embeddings, the tokens of the longest text"):
        RnnForSequenceClassification(RnnConfig(**settings))
    model = RnnForSequenceClassification(RnnConfig(**settings, max_position_embeddings=4))
    with pytest.raises(ValueError, match="a text of 5 tokens is longer than max_position_embeddings 4: cut texts to 4"):
        model(torch.full((2, 5), 7))


def test_weights_begin_as_plain_torch_begins_them() -> None:
    torch.manual_seed(0)
    model = RnnForSequenceClassification(RnnConfig(vocab_size=200, embedding_size=50, hidden_size=64, num_labels=30))
    layer, linear = model.recurrent.forwards[0], model.classifier[-1]
    for weight in [*layer.parameters(), *linear.parameters()]:
        # uniform in ±1/√64, for a recurrent layer's hidden size and a Linear's inputs
        assert 0.9 / 8 < weight.abs().max() <= 1 / 8
        assert 0.8 < weight.std() * 8 * 3**0.5 < 1.2
    words = model.embedding.words.weight
    assert 0.095 < words[1:].std() < 0.105 and words[0].eq(0).all()


def test_forty_layers_are_built() -> None:
    config = RnnConfig(vocab_size=20, embedding_size=5, hidden_size=4, num_layers=40)
    assert isinstance(RnnForSequenceClassification(config).recurrent.forwards[39], nn.LSTM)


def test_a_length_is_for_flatten_only() -> None:
    told = "max_position_embeddings: 9 has no effect without pooling flatten; allowed: None"
    with pytest.raises(StrictDataclassError, match=told):
        RnnConfig(pooling="last", max_position_embeddings=9)
    assert RnnConfig(pooling=["last", "flatten"], max_position_embeddings=9).max_position_embeddings == 9
