import io

import numpy as np
import pandas as pd
from PIL import Image

from hftk.analysis import examples
from hftk.analysis.examples import write_examples


def test_of_texts(texts, tmp_path, monkeypatch):
    monkeypatch.setattr(examples, "_BATCH", 2)
    long = "x" * 1001
    data = texts(
        train=[("t", "good"), ("u", "bad")],
        validation=[("<script>", "good"), (long, "bad"), ("한국어", "good")],
        test=[("x" * 1000, "good")],
    )
    write_examples(data, tmp_path / "examples.parquet")
    table = pd.read_parquet(tmp_path / "examples.parquet")
    assert list(table.columns) == ["split", "row", "source", "text", "image"]
    assert table["split"].tolist() == ["validation"] * 3 + ["test"]
    assert table["row"].tolist() == [0, 1, 2, 0]
    assert table["source"].tolist() == ["validation.csv"] * 3 + ["test.csv"]
    assert table["text"].tolist() == ["<script>", "x" * 999 + "…", "한국어", "x" * 1000]
    assert table["image"].isna().all()


def test_of_pairs_and_sentences(texts, sentences, tmp_path):
    write_examples(texts(train=[("a", "b", "good")], validation=[("one", "two", "bad")]), tmp_path / "pairs.parquet")
    assert pd.read_parquet(tmp_path / "pairs.parquet")["text"].tolist() == ["one ⏎ two"]
    write_examples(sentences(train=["a/N"], validation=["a/N b/V"]), tmp_path / "sentences.parquet")
    assert pd.read_parquet(tmp_path / "sentences.parquet")["text"].tolist() == ["a b"]


def test_of_images(images, tmp_path):
    random = np.random.default_rng(0)
    for channels in (1, 3):
        pixels = random.integers(0, 256, (2, 5, 4, channels), dtype=np.uint8)
        write_examples(images(train=(pixels, [0, 1]), validation=(pixels, [0, 1])), tmp_path / "small.parquet")
        table = pd.read_parquet(tmp_path / "small.parquet")
        assert table["text"].tolist() == ["", ""]
        shown = np.array(Image.open(io.BytesIO(table["image"][1])))
        np.testing.assert_array_equal(shown.reshape(5, 4, channels), pixels[1])
    large = random.integers(0, 256, (1, 100, 200, 3), dtype=np.uint8)
    write_examples(images(train=(large, [0]), validation=(large, [1])), tmp_path / "large.parquet")
    assert Image.open(io.BytesIO(pd.read_parquet(tmp_path / "large.parquet")["image"][0])).size == (64, 32)
