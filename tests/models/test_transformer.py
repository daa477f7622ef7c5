"""The Transformer's own: its settings for test_architectures.py, and torch's encoder beside it."""

import pytest
import torch
from torch import nn

from hftk.models.transformer import (
    TransformerConfig,
    TransformerForImageClassification,
    TransformerForSequenceClassification,
)

POOLINGS = ["last", "mean", "max", "attention", "flatten"]
SMALL = {
    "hidden_size": 8,
    "num_attention_heads": 2,
    "num_hidden_layers": 1,
    "max_position_embeddings": 10,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
VARIANTS = {
    "one_layer": {},
    "deep_projected": {
        "num_hidden_layers": 2,
        "embedding_size": 6,
        "intermediate_size": 12,
        "head_hidden_sizes": [9],
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
    },
    "all_poolings": {"pooling": POOLINGS},
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
    "hidden_size": ({}, {"hidden_size": 10}),
    "num_attention_heads": ({}, {"num_attention_heads": 4}),
    "num_hidden_layers": ({}, {"num_hidden_layers": 2}),
    "intermediate_size": ({}, {"intermediate_size": 9}),
    "hidden_dropout_prob": ({}, {"hidden_dropout_prob": 0.5}),
    "attention_probs_dropout_prob": ({}, {"attention_probs_dropout_prob": 0.5}),
    "max_position_embeddings": ({}, {"max_position_embeddings": 11}),
    "pooling": ({}, {"pooling": "max"}),
    "head_hidden_sizes": ({}, {"head_hidden_sizes": [4]}),
    "head_dropout": ({}, {"head_dropout": 0.5}),
}
REFUSED = [
    (
        {"hidden_size": 20, "num_attention_heads": 3},
        "num_attention_heads: 3 does not divide hidden_size 20; allowed: 1, 2, 4, 5, 10, 20",
    ),
    ({"num_attention_heads": 0}, "num_attention_heads: 0; allowed: 1 or more"),
    ({"embedding_size": 0}, "embedding_size: 0; allowed: 1 or more"),
    ({"pooling": "lats"}, "'last', 'mean', 'max', 'attention', 'flatten'"),
    ({"pooling": ["mean", "mean"]}, "allowed: one name, or a list of different names"),
]


def plain_encoder(model: nn.Module, *, hidden: int, heads: int, layers: int) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(
        hidden, heads, 4 * hidden, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    plain = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(hidden), enable_nested_tensor=False)
    pairs = [
        ("attention_norm", "norm1"),
        ("attention_output", "self_attn.out_proj"),
        ("feed_forward_norm", "norm2"),
        ("intermediate", "linear1"),
        ("output", "linear2"),
    ]
    for ours, theirs in zip(model.encoder.layers, plain.layers, strict=True):
        for our_name, their_name in pairs:
            theirs.get_submodule(their_name).load_state_dict(ours.get_submodule(our_name).state_dict())
        theirs.self_attn.in_proj_weight.data = ours.query_key_value.weight.data
        theirs.self_attn.in_proj_bias.data = ours.query_key_value.bias.data
    plain.norm.load_state_dict(model.encoder.norm.state_dict())
    # in training mode torch does not take its fused path, which is another computation
    return plain.train()


def shake(model: nn.Module) -> None:
    """Norms begin as ones and zeros, which would hide one that is left out."""
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)


def test_texts_equal_to_torchs_encoder() -> None:
    torch.manual_seed(0)
    config = TransformerConfig(vocab_size=20, hidden_size=8, num_attention_heads=2, num_labels=3, embedding_size=5)
    model = TransformerForSequenceClassification(config).eval()
    shake(model)
    plain = plain_encoder(model, hidden=8, heads=2, layers=2)
    lengths = torch.tensor([4, 9, 1, 6])
    mask = torch.arange(9) < lengths[:, None]
    ids = torch.randint(1, 20, (4, 9)) * mask
    inputs = model.projection(model.embedding.words.weight[ids]) + model.encoder.positions.weight[:9]
    hidden = plain(inputs, src_key_padding_mask=~mask)
    means = torch.stack([row[:length].mean(0) for row, length in zip(hidden, lengths, strict=True)])
    expected = model.classifier(means)
    torch.testing.assert_close(model(ids, mask).logits, expected, rtol=0, atol=2e-6)
    torch.testing.assert_close(model(ids, mask, output_attentions=True).logits, expected, rtol=0, atol=2e-6)


def test_images_equal_to_torchs_encoder() -> None:
    torch.manual_seed(0)
    config = TransformerConfig(image_size=[8, 7], num_channels=2, hidden_size=12, num_hidden_layers=1, pooling="last")
    model = TransformerForImageClassification(config).eval()
    shake(model)
    plain = plain_encoder(model, hidden=12, heads=4, layers=1)
    images = torch.randn(3, 2, 8, 7)
    rows = torch.stack([torch.cat([image[0], image[1]], dim=1) for image in images])
    expected = model.classifier(plain(model.projection(rows) + model.encoder.positions.weight)[:, -1])
    torch.testing.assert_close(model(images).logits, expected, rtol=0, atol=2e-6)


def test_a_text_longer_than_the_positions() -> None:
    config = TransformerConfig(vocab_size=20, hidden_size=8, max_position_embeddings=4)
    model = TransformerForSequenceClassification(config)
    with pytest.raises(ValueError, match="a text of 5 tokens is longer than max_position_embeddings 4: cut texts to 4"):
        model(torch.full((2, 5), 7))
    assert TransformerConfig().embedding_size is None and model.embedding.words.embedding_dim == 8
