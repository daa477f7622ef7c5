"""Which runs cost the same."""

import pytest

from hftk.recipe import read_sweep
from hftk.sweep.shapes import shapes


@pytest.fixture
def grouped(tmp_path):
    """The names of runs, in groups of one shape."""
    (tmp_path / "x.csv").write_text("text,label\n")

    def grouped(parameters: dict, **recipe) -> list[list[str]]:
        content = {
            "name": "grid",
            "data": {"path": str(tmp_path / "x.csv")},
            "model": {"architecture": "rnn", "head_dropout": 0.5},
            "sweep": {"parameters": {key: {"values": values} for key, values in parameters.items()}},
        }
        return [[run.name for run in group] for group in shapes(read_sweep(content | recipe).runs)]

    return grouped


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("training.learning_rate", [1e-3, 1e-2]),
        ("training.num_train_epochs", [1, 2]),
        ("training.label_smoothing_factor", [0.0, 0.1]),
        ("model.head_dropout", [0.1, 0.5]),
        ("class_weights", [None, "balanced"]),
        ("early_stopping", [None, {"patience": 1}]),
        ("embeddings", [{"method": "word2vec", "sg": 1}, {"method": "fasttext", "bucket": 1000}]),
    ],
)
def test_what_is_learnt_and_how_long_makes_no_other_shape(grouped, key, values):
    assert [len(group) for group in grouped({key: values})] == [2]


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("model.cell", ["rnn", "gru"]),
        ("model.head_dropout", [0.0, 0.5]),
        ("training.per_device_train_batch_size", [8, 16]),
        ("training.optim", ["adamw_torch", "sgd"]),
        ("data.max_length", [10, 20]),
        ("tokenizer.min_count", [1, 2]),
        ("embeddings", [{"method": "word2vec", "vector_size": 50}, {"method": "word2vec", "vector_size": 60}]),
        ("embeddings", [None, {"method": "word2vec"}]),
    ],
)
def test_what_a_step_or_an_evaluation_does_makes_another_shape(grouped, key, values):
    assert [len(group) for group in grouped({key: values})] == [1, 1]


def test_groups_stand_in_the_order_of_their_first_runs(grouped):
    rates = {"training.learning_rate": [1e-3, 1e-2], "model.cell": ["gru", "rnn"]}
    assert grouped(rates, seeds=[0]) == [
        ["learning_rate=0.001,cell=gru", "learning_rate=0.01,cell=gru"],
        ["learning_rate=0.001,cell=rnn", "learning_rate=0.01,cell=rnn"],
    ]
