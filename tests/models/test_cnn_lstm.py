"""The CNN-LSTM's own: its settings for test_architectures.py, and a plain loop beside it."""

import pytest
import torch

from hftk.models.cnn_lstm import CnnLstmConfig, CnnLstmForSequenceClassification

SMALL = {"embedding_size": 6, "hidden_size": 8, "num_filters": 5, "kernel_sizes": [2, 3]}
VARIANTS = {
    "local": {},
    "global": {"pooling": "global"},
    "deep_local_both_ways": {"num_layers": 2, "bidirectional": True, "kernel_sizes": [1, 4, 5]},
}
FIELD_CASES = {
    "vocab_size": ({}, {"vocab_size": 21}),
    "pad_token_id": ({}, {"pad_token_id": 5}),
    "unk_token_id": ({"word_dropout": 0.5}, {"unk_token_id": 2}),
    "embedding_size": ({}, {"embedding_size": 7}),
    "embedding_dropout": ({}, {"embedding_dropout": 0.5}),
    "word_dropout": ({}, {"word_dropout": 0.5}),
    "kernel_sizes": ({}, {"kernel_sizes": [2, 4]}),
    "num_filters": ({}, {"num_filters": 6}),
    "pooling": ({"pooling": "local"}, {"pooling": "global"}),
    "hidden_size": ({}, {"hidden_size": 9}),
    "num_layers": ({}, {"num_layers": 2}),
    "bidirectional": ({}, {"bidirectional": True}),
    "dropout": ({"num_layers": 2}, {"dropout": 0.5}),
    "head_dropout": ({}, {"head_dropout": 0.5}),
}
REFUSED = [
    ({"pooling": "mean"}, "'global', 'local'"),
    ({"kernel_sizes": []}, r"kernel_sizes: \[\]; allowed: at least one number"),
    ({"kernel_sizes": [3, 0]}, r"kernel_sizes: \[3, 0\]; allowed: 1 or more"),
    ({"num_filters": 0}, "num_filters: 0; allowed: 1 or more"),
]


@pytest.mark.parametrize("pooling", ["local", "global"])
def test_equal_to_a_plain_loop(pooling: str) -> None:
    torch.manual_seed(0)
    config = CnnLstmConfig(
        vocab_size=20, embedding_size=6, hidden_size=8, num_filters=5, kernel_sizes=[2, 3], pooling=pooling
    )
    model = CnnLstmForSequenceClassification(config).eval()
    texts = [[5, 3, 9, 2], [7], [4, 4, 8, 12, 19, 3]]
    ids = torch.tensor([text + [0] * (6 - len(text)) for text in texts])
    logits = model(ids).logits
    linear = model.classifier[-1]
    for row, text in enumerate(texts):
        words = [model.embedding.words.weight[word] for word in text]
        nothing = torch.zeros(6)
        steps = []
        for position in range(len(text)):
            found = []
            for convolution, size in zip(model.convolutions, [2, 3], strict=True):
                # a window of 2 sees the word and the next; one of 3 also the word before
                first = position - (size - 1) // 2
                window = [words[at] if 0 <= at < len(words) else nothing for at in range(first, first + size)]
                for weight, bias in zip(convolution.weight, convolution.bias, strict=True):
                    found.append((weight * torch.stack(window, dim=1)).sum() + bias)
            steps.append(torch.stack(found).relu())
        steps = torch.stack(steps)
        if pooling == "global":
            steps = steps.amax(0, keepdim=True)
        _, (state, _) = model.recurrent.forwards[0](steps)
        torch.testing.assert_close(logits[row], linear(state[0]), rtol=0, atol=1e-6)
