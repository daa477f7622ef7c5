"""Rows and label sets that neither the thresholds nor the earlier parts of the benchmark have seen."""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.planted_data import flipped, read_fashion, write_idx, write_sentences, write_vectors

GROUPS = ["misc.forsale", "rec.motorcycles", "sci.space", "soc.religion.christian", "talk.politics.mideast"]
CLOTHES = {0: 0, 1: 1, 2: 2, 7: 3, 8: 4, 9: 5}
"""Fashion-MNIST's class -> the label here: T-shirt, trouser, pullover, sneaker, bag, boot."""


def write_unseen(shared: Path, data: Path) -> None:
    """The same each time. Needs what `write_data` wrote: its rows are left out here."""
    draw = np.random.default_rng(2)
    _write_airline(shared, data)
    _write_movies(shared, data)
    _write_forums(shared, data, draw=draw)
    _write_clothes(shared, data, draw=draw)
    _write_words(shared, data, draw=draw)
    _write_glove(data, draw=draw)


def _write_airline(shared: Path, data: Path) -> None:
    """Two classes in place of three, none of the rows of tweets.csv and tweets_rare.csv."""
    tweets = pd.read_parquet(shared / "sentiment3/twitter_us_airline.parquet").drop_duplicates("text")
    seen = set(pd.read_csv(data / "tweets.csv").text) | set(pd.read_csv(data / "tweets_rare.csv").text)
    tweets = tweets[(tweets.split == "train") & (tweets.label != "neutral") & ~tweets.text.isin(seen)]
    tweets = tweets[["text", "label"]].sample(frac=1, random_state=2)
    even = pd.concat([tweets[tweets.label == label][:900] for label in ("negative", "positive")])
    even.sample(frac=1, random_state=2).to_csv(data / "airline.csv", index=False)
    rare = pd.concat([tweets[tweets.label == "negative"][:1700], tweets[tweets.label == "positive"][:100]])
    rare.sample(frac=1, random_state=2).to_csv(data / "airline_rare.csv", index=False)


def _write_movies(shared: Path, data: Path) -> None:
    reviews = pd.read_parquet(shared / "rt_polarity/rt_polarity.parquet")
    seen = set(pd.read_csv(data / "reviews.csv").text) | set(pd.read_csv(data / "reviews_rare.csv").text)
    reviews = reviews[(reviews.split == "train") & ~reviews.text.isin(seen)]
    reviews[["text", "label"]].sample(2400, random_state=2).to_csv(data / "movies.csv", index=False)


def _write_forums(shared: Path, data: Path, *, draw: np.random.Generator) -> None:
    """Short posts, so that a quick recipe need not cut them."""
    posts = pd.read_parquet(shared / "twenty_newsgroups/twenty_newsgroups.parquet").rename(columns={"body": "text"})
    posts = posts[(posts.split == "train") & posts.label.isin(GROUPS) & posts.text.str.len().between(40, 900)]
    posts = posts[["text", "label"]].drop_duplicates("text").sample(frac=1, random_state=2)
    posts[:1500].to_csv(data / "forums.csv", index=False)
    wrong = flipped(posts.label[:1500].to_numpy(), np.array(GROUPS), share=0.3, draw=draw)
    posts[:1500].assign(label=wrong).to_csv(data / "forums_flipped.csv", index=False)
    common = posts[posts.label.isin(GROUPS[:2])]
    rare = [posts[posts.label == label][:30] for label in GROUPS[2:]]
    pd.concat([common, *rare]).sample(frac=1, random_state=2).to_csv(data / "forums_rare.csv", index=False)


def _write_clothes(shared: Path, data: Path, *, draw: np.random.Generator) -> None:
    """Six classes in place of ten, from the middle of the file, where `fashion` has its beginning."""
    images, labels = read_fashion(shared, "train", slice(30_000, 33_000))
    kept = np.flatnonzero(np.isin(labels, list(CLOTHES)))[:1600]
    labels = np.array([CLOTHES[label] for label in labels[kept]], dtype=np.uint8)
    write_idx(data / "clothes", images[kept], labels)
    wrong = flipped(labels, np.arange(len(CLOTHES), dtype=np.uint8), share=0.3, draw=draw)
    write_idx(data / "clothes_flipped", images[kept], wrong)


def _write_words(shared: Path, data: Path, *, draw: np.random.Generator) -> None:
    """The treebank's fine tags (49) in place of its coarse ones, other sentences."""
    sentences = pd.read_parquet(shared / "ud_english_ewt/en_ewt-ud.parquet")
    sentences = sentences[(sentences.split == "train") & sentences.form.str.len().between(4, 25)]
    seen = set(sentences.sample(2000, random_state=0).sent_id)
    sentences = sentences[~sentences.sent_id.isin(seen)].sample(1800, random_state=2)
    names = np.array(sorted({tag for tags in sentences.xpos for tag in tags}))
    wrong = [flipped(np.array(tags), names, share=0.3, draw=draw) for tags in sentences.xpos]
    write_sentences(data / "fine.jsonl", sentences.form, sentences.xpos)
    write_sentences(data / "fine_flipped.jsonl", sentences.form, wrong)


def _write_glove(data: Path, *, draw: np.random.Generator) -> None:
    """A third of the rare words alone; and vectors of which six in ten are zero."""
    vectors = [line.split(" ", 1) for line in (data / "glove.txt").read_text(encoding="utf-8").splitlines()]
    write_vectors(data / "glove_third.txt", [one for one in vectors[2000:] if draw.random() < 0.33])
    zeros = " ".join(["0.0"] * 50)
    write_vectors(
        data / "glove_mostly_zeros.txt",
        [(word, zeros if draw.random() < 0.6 else numbers) for word, numbers in vectors],
    )
