"""Word vectors that are zero or never moved, counted by hand."""

from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

from hftk.training.embedding_use import EmbeddingWatch


def watched(ids, *, freeze=False):
    table = nn.Embedding(5, 3, padding_idx=0)
    table.weight.requires_grad_(not freeze)
    model = SimpleNamespace(get_input_embeddings=lambda: table)
    return table, EmbeddingWatch(model, train=SimpleNamespace(token_ids=lambda: np.array(ids)))


def test_a_word_counts_as_often_as_it_occurs_and_padding_does_not():
    table, watch = watched([1, 1, 1, 2, 3, 0, 0])
    with torch.no_grad():
        table.weight[1] = 0
        table.weight[2] += 0.5
    use = watch.use()
    assert (use.zero, use.unmoved, use.frozen) == (3 / 5, 1 / 5, False)


def test_nothing_moves_what_is_frozen():
    _, watch = watched([1, 2], freeze=True)
    assert watch.use().to_json() == {"zero_tokens": 0.0, "unmoved_tokens": 1.0, "frozen": True}


def test_a_step_moves_the_rows_that_it_saw():
    table, watch = watched([1, 2, 3, 4])
    table(torch.tensor([1, 2, 3])).square().sum().backward()
    torch.optim.SGD(table.parameters(), lr=0.1).step()
    assert watch.use().unmoved == 1 / 4
