"""The sweep that is tortured: short runs of tiny models, each with something that a resume could get wrong."""

import random
from pathlib import Path
from typing import Any

NAME = "torture"
SEEDS = [0, 1]
_ROWS = 120
_WORDS = [f"word{number}" for number in range(40)]
_BASE: dict[str, Any] = {
    "name": NAME,
    "model": {"architecture": "rnn", "cell": "gru", "embedding_size": 8, "embedding_dropout": 0.2, "hidden_size": 8},
    "tokenizer": {"type": "word", "min_count": 1},
    "training": {
        "num_train_epochs": 4,
        "per_device_train_batch_size": 8,
        "learning_rate": 0.03,
        "use_cpu": True,
    },
}
_ATTENTION = {
    "model": {"architecture": "transformer", "hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1},
    "training.gradient_accumulation_steps": 3,
}


def _saved_every(steps: int, *, limit: int | None = 2) -> dict[str, Any]:
    return {
        "training.save_strategy": "steps",
        "training.save_steps": steps,
        **({"training.save_total_limit": limit} if limit else {}),
    }


# the base has dropout, and rows in length buckets
_SETTINGS: list[dict[str, Any]] = [
    _saved_every(3),
    _saved_every(1) | _ATTENTION,
    _saved_every(3) | {"training.dataloader_num_workers": 2, "model.word_dropout": 0.1},
    _saved_every(3)
    | {
        "training.num_train_epochs": 8,
        "training.learning_rate": 0.1,
        "early_stopping": {"metric": "loss", "patience": 2},
    },
    {"training.save_strategy": "epoch", "training.save_total_limit": 1, "keep": "last"},
    _saved_every(1) | {"training.train_sampling_strategy": "random", "training.gradient_accumulation_steps": 3},
    _saved_every(2, limit=1) | {"training.eval_steps": 4, "training.lr_scheduler_type": "cosine"},
    {"training.num_train_epochs": 1},
    _saved_every(2, limit=None) | {"model.cell": "lstm", "model.bidirectional": True, "model.word_dropout": 0.2},
    _saved_every(3) | _ATTENTION | {"training.dataloader_num_workers": 2, "training.label_smoothing_factor": 0.1},
]
MOST_RUNS = len(_SETTINGS) * len(SEEDS)


def write_rows(path: Path) -> None:
    """A csv file of short texts, of which a word mostly tells the label; the same each time."""
    rng = random.Random(0)
    lines = ["text,label"]
    for number in range(_ROWS):
        label = rng.choice(["neg", "pos"])
        sign = label if rng.random() < 0.8 else rng.choice(["neg", "pos"])
        words = [*rng.choices(_WORDS, k=rng.randint(2, 14)), f"{sign}ative", str(number)]
        rng.shuffle(words)
        lines.append(f"{' '.join(words)},{label}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def recipe(rows: Path, *, runs: int) -> dict[str, Any]:
    """rows: the csv file. runs: an even number, 2 to MOST_RUNS."""
    return {
        **_BASE,
        "data": {"path": str(rows), "splits": {"train": "train", "validation": 0.2, "test": 0.2}},
        "seeds": SEEDS,
        "sweep": {"method": "list", "runs": _SETTINGS[: runs // len(SEEDS)]},
    }
