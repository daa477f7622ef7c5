"""Subsets of the real data sets, and copies of them with wrong labels, rare classes or bad word vectors."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def write_data(shared: Path, data: Path) -> None:
    """Subsets of the real data sets, and their copies with planted faults; the same each time."""
    data.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(0)
    write_digits(data, draw=draw)
    tweets = pd.read_parquet(shared / "sentiment3/twitter_us_airline.parquet").drop_duplicates("text")
    tweets = tweets.loc[tweets.split == "train", ["text", "label"]].sample(6000, random_state=0)
    tweets[:2400].to_csv(data / "tweets.csv", index=False)
    _with_rare(tweets, common="negative", rare=0.04).to_csv(data / "tweets_rare.csv", index=False)

    reviews = pd.read_parquet(shared / "rt_polarity/rt_polarity.parquet")
    reviews = reviews.loc[reviews.split == "train", ["text", "label"]].sample(frac=1, random_state=0)
    reviews[:2400].to_csv(data / "reviews.csv", index=False)
    _with_rare(reviews, common="positive", rare=0.08).to_csv(data / "reviews_rare.csv", index=False)

    sentences = pd.read_parquet(shared / "ud_english_ewt/en_ewt-ud.parquet")
    sentences = sentences[(sentences.split == "train") & sentences.form.str.len().between(4, 25)]
    sentences = sentences.sample(2000, random_state=0)
    names = np.array(sorted({tag for tags in sentences.upos for tag in tags}))
    wrong = [flipped(np.array(tags), names, share=0.3, draw=draw) for tags in sentences.upos]
    write_sentences(data / "tags.jsonl", sentences.form, sentences.upos)
    write_sentences(data / "tags_flipped.jsonl", sentences.form, wrong)

    _write_fresh(shared, data, draw=np.random.default_rng(1))

    with gzip.open(shared / "glove/glove.6B.50d.subset.txt.gz", "rt", encoding="utf-8") as file:
        vectors = [line.rstrip("\n").split(" ", 1) for line in file]
    write_vectors(data / "glove.txt", vectors)
    write_vectors(data / "glove_capitals.txt", [(word.capitalize(), numbers) for word, numbers in vectors])
    other = [(word, numbers) for word, numbers in vectors[3000:] if draw.random() < 0.5]
    write_vectors(data / "glove_other.txt", other)
    zeros = " ".join(["0.0"] * 50)
    dead = [(word, zeros if draw.random() < 0.7 else numbers) for word, numbers in vectors]
    write_vectors(data / "glove_zeros.txt", dead)


def _write_fresh(shared: Path, data: Path, *, draw: np.random.Generator) -> None:
    images, labels = read_fashion(shared, "train", slice(1800))
    write_idx(data / "fashion", images, labels)
    write_idx(data / "fashion_flipped", images, flipped(labels, np.arange(10), share=0.3, draw=draw))

    groups = ["rec.autos", "rec.sport.hockey", "sci.med", "comp.graphics"]
    news = pd.read_parquet(shared / "twenty_newsgroups/twenty_newsgroups.parquet").rename(columns={"body": "text"})
    news = news[(news.split == "train") & news.label.isin(groups) & (news.text.str.len() > 40)]
    news = news[["text", "label"]].drop_duplicates("text").sample(frac=1, random_state=1)
    news.to_csv(data / "news.csv", index=False)
    wrong = flipped(news.label.to_numpy(), np.array(groups), share=0.3, draw=draw)
    news.assign(label=wrong).to_csv(data / "news_flipped.csv", index=False)
    common = news[news.label == "rec.autos"]
    rare = [news[news.label == label][:25] for label in groups[1:]]
    pd.concat([common, *rare]).sample(frac=1, random_state=1).to_csv(data / "news_rare.csv", index=False)

    korean = pd.read_parquet(shared / "korean/nsmc_3class.parquet")
    korean[korean.split == "train"][["text", "label"]].sample(1500, random_state=1).to_csv(
        data / "korean.csv", index=False
    )


def read_fashion(shared: Path, split: str, rows: slice) -> tuple[np.ndarray, np.ndarray]:
    """Images as `write_idx` takes them, and labels, of Fashion-MNIST. split: train or t10k."""
    with gzip.open(shared / f"fashion_mnist/{split}-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)[rows] / 15
    with gzip.open(shared / f"fashion_mnist/{split}-labels-idx1-ubyte.gz") as file:
        return images, np.frombuffer(file.read(), np.uint8, offset=8)[rows]


def write_digits(data: Path, *, draw: np.random.Generator) -> None:
    """Those of scikit-learn, right and with 30 % of the labels wrong."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    labels = digits.target.astype(np.uint8)
    wrong = flipped(labels, np.arange(10), share=0.3, draw=draw)
    write_idx(data / "digits", digits.images, labels)
    write_idx(data / "digits_flipped", digits.images, wrong)


def flipped(labels: np.ndarray, names: np.ndarray, *, share: float, draw: np.random.Generator) -> np.ndarray:
    """A share of the labels is another one, any of the others alike."""
    flipped = labels.copy()
    for place in np.flatnonzero(draw.random(len(labels)) < share):
        flipped[place] = draw.choice(names[names != labels[place]])
    return flipped


def _with_rare(rows: pd.DataFrame, *, common: str, rare: float) -> pd.DataFrame:
    """2,000 rows in which every class but one has the share `rare`."""
    others = sorted(set(rows.label) - {common})
    kept = [rows[rows.label == label][: int(2000 * rare)] for label in others]
    kept.append(rows[rows.label == common][: 2000 - sum(map(len, kept))])
    return pd.concat(kept).sample(frac=1, random_state=0)


def write_idx(folder: Path, images: np.ndarray, labels: np.ndarray) -> None:
    """images: shades from 0 to 17, as scikit-learn's digits have."""
    folder.mkdir(exist_ok=True)
    pixels = (images * 15).astype(np.uint8)
    header = bytes([0, 0, 8, 3]) + b"".join(size.to_bytes(4, "big") for size in pixels.shape)
    (folder / "train-images-idx3-ubyte").write_bytes(header + pixels.tobytes())
    (folder / "train-labels-idx1-ubyte").write_bytes(
        bytes([0, 0, 8, 1]) + len(labels).to_bytes(4, "big") + labels.tobytes()
    )


def write_sentences(path: Path, words: Any, tags: Any) -> None:
    lines = [
        json.dumps({"tokens": list(one), "tags": list(map(str, two))}) for one, two in zip(words, tags, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_vectors(path: Path, vectors: list) -> None:
    path.write_text("".join(f"{word} {numbers}\n" for word, numbers in vectors), encoding="utf-8")
