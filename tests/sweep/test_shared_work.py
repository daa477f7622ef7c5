"""What runs share, counted on a real preparation."""

import pytest

from hftk.recipe import read_sweep
from hftk.sweep.inputs import Piece, Preparation
from hftk.sweep.shared_work import SharedWork, shared_work


@pytest.fixture
def prepared(tiny_csv, tmp_path, monkeypatch):
    monkeypatch.setenv("HFTK_CACHE", str(tmp_path))
    plan = read_sweep(
        {
            "name": "grid",
            "data": {"path": str(tiny_csv)},
            "model": {"architecture": "rnn"},
            "tokenizer": {"min_count": 1},
            "sweep": {
                "parameters": {
                    "model.cell": {"values": ["rnn", "gru", "lstm"]},
                    "embeddings": {
                        "values": [
                            {"method": "word2vec", "vector_size": 8, "epochs": 1},
                            {"method": "word2vec", "vector_size": 8, "epochs": 1, "freeze": True},
                            {"method": "word2vec", "vector_size": 9, "epochs": 1},
                        ]
                    },
                }
            },
        }
    )
    preparation = Preparation(world_size=1)
    preparation.check(plan.runs)
    for run in plan.runs:
        preparation.inputs(run)
    return preparation


def test_data_tokenizer_tokens_and_vectors_are_made_once(prepared):
    told = {one.what: (one.made, one.uses) for one in shared_work(prepared.pieces.values())}
    assert told == {
        "data sets": (1, 9),
        "tokenizers built from train": (1, 9),
        "tokenised data sets": (1, 9),
        "tables of word vectors": (2, 9),  # frozen or not, they are the same vectors
    }


def test_what_is_saved_is_what_each_run_would_have_taken_again():
    pieces = [
        Piece("word vectors", 2.0, {"a", "b", "c"}),
        Piece("word vectors", 3.0, {"d"}),
        Piece("config", 1.0, {"a"}),
    ]
    assert shared_work(pieces) == [SharedWork("tables of word vectors", made=2, uses=4, seconds=5.0, saved=4.0)]
    assert shared_work(pieces)[0].line() == "tables of word vectors: 2 for 4 runs, 5.0 s, and 4.0 s saved"


def test_a_piece_that_nobody_asked_for_is_not_told():
    assert shared_work([Piece("data", 2.0)]) == []
