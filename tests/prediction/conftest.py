"""Tiny runs to predict with, trained as users train them."""

import io
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hftk
from hftk.prediction import predict_file

QUICK = {"num_train_epochs": 1, "per_device_train_batch_size": 32, "learning_rate": 5e-3, "use_cpu": True}


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Callable[[dict], Path]:
    """The run folder of a recipe of one run."""

    def trained(recipe: dict) -> Path:
        folder = tmp_path_factory.mktemp("runs")
        recipe = {"name": "tiny", "output_dir": str(folder), "training": QUICK, **recipe}
        assert hftk.run(recipe, jobs=0, stream=io.StringIO()).exit_code == 0
        return next(path.parent for path in folder.rglob("run.json"))

    return trained


@pytest.fixture(scope="session")
def reviews(tiny_csv, tmp_path_factory) -> Path:
    """The reviews of tiny_csv with the columns body, id and sentiment; one text is empty."""
    _, *rows = tiny_csv.read_text(encoding="utf-8").splitlines()
    lines = [f"{text},{number},{label}" for number, (text, label) in enumerate(row.split(",") for row in rows)]
    path = tmp_path_factory.mktemp("reviews") / "reviews.csv"
    path.write_text("\n".join(["body,id,sentiment", *lines, ",150,neg"]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def gru(trained, reviews) -> Path:
    """A run of a GRU that reads at most 8 words."""
    return trained(
        {
            "data": {
                "path": str(reviews),
                "columns": {"text": "body", "label": "sentiment"},
                "on_bad_rows": "keep",
                "max_length": 8,
            },
            "model": {"architecture": "rnn", "cell": "gru", "hidden_size": 8, "pooling": ["last", "max"]},
        }
    )


@pytest.fixture(scope="session")
def bert(trained, reviews, tiny_bert) -> Path:
    """A run of a pretrained encoder that reads at most 10 tokens."""
    return trained(
        {
            "data": {
                "path": str(reviews),
                "columns": {"text": "body", "label": "sentiment"},
                "on_bad_rows": "keep",
                "max_length": 10,
            },
            "model": {"pretrained": str(tiny_bert)},
        }
    )


@pytest.fixture(scope="session")
def sentences(tmp_path_factory) -> Path:
    """A CoNLL file of 60 sentences of 1 to 20 words, which are tagged by their last letter."""
    rng = random.Random(0)
    lines = []
    for _ in range(60):
        for _ in range(rng.randint(1, 20)):
            word = "".join(rng.choices("abcd", k=rng.randint(1, 6)))
            lines.append(f"{word} X {word[-1] in 'ab' and 'AB' or 'CD'}")
        lines.append("")
    path = tmp_path_factory.mktemp("sentences") / "sentences.conll"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tagger(trained, sentences) -> Path:
    """A run of a tagger over pieces of words, 12 at a time; a word is tagged at its last piece."""
    return trained(
        {
            "task": "token-classification",
            "data": {
                "path": str(sentences),
                "columns": {"tokens": 0, "tags": 2},
                "max_length": 12,
                "tag_piece": "last",
            },
            "model": {"architecture": "rnn", "hidden_size": 8},
            "tokenizer": {"type": "wordpiece", "max_vocab": 30},
        }
    )


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> Path:
    """Grey images of 6 × 5 pixels in the folders bright and dark."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for number in range(60):
        dark = number % 2
        pixels = rng.integers(0, 128, (5, 6), dtype=np.uint8) + np.uint8(0 if dark else 120)
        path = folder / ("dark" if dark else "bright") / f"{number:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path)
    return folder


@pytest.fixture(scope="session")
def image_model(trained, pictures) -> Path:
    return trained(
        {
            "task": "image-classification",
            "data": {"path": str(pictures)},
            "model": {"architecture": "rnn", "cell": "gru", "hidden_size": 8},
        }
    )


@pytest.fixture
def predict() -> Callable[..., tuple[bytes, list[str]]]:
    """What was written to standard output, and what was told."""

    def predict(model: Path | str, file: Path | str, *, stdin: bytes = b"", **options) -> tuple[bytes, list[str]]:
        out = io.BytesIO()
        told = predict_file(str(model), str(file), stdin=io.BytesIO(stdin), stdout=out, stderr=io.StringIO(), **options)
        return out.getvalue(), told

    return predict
