"""Rows, label sets and tasks of the part `held`: none of the rows of the earlier parts."""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.planted_data import flipped, read_fashion, write_idx, write_sentences

BOARDS = ["alt.atheism", "comp.windows.x", "rec.sport.baseball", "sci.crypt", "sci.electronics", "talk.politics.guns"]
WEAR = {3: 0, 4: 1, 5: 2, 6: 3, 8: 4}
"""Fashion-MNIST's class -> the label here: dress, coat, sandal, shirt, bag."""


def write_held(shared: Path, data: Path) -> None:
    """The same each time. Needs what `write_data` and `write_unseen` wrote: its rows are left out here."""
    draw = np.random.default_rng(3)
    _write_complaints(shared, data)
    _write_plots(shared, data)
    _write_boards(shared, data, draw=draw)
    _write_ratings(shared, data)
    _write_wear(shared, data, draw=draw)
    _write_forms(shared, data)


def _write_complaints(shared: Path, data: Path) -> None:
    """Negative or neutral, where `airline` had negative or positive."""
    tweets = pd.read_parquet(shared / "sentiment3/twitter_us_airline.parquet").drop_duplicates("text")
    files = ("tweets.csv", "tweets_rare.csv", "airline.csv", "airline_rare.csv")
    tweets = tweets[(tweets.label != "positive") & ~tweets.text.isin(_seen(data, *files))]
    tweets = tweets[["text", "label"]].sample(frac=1, random_state=3)
    negative, neutral = (tweets[tweets.label == label] for label in ("negative", "neutral"))
    _write(data / "complaints.csv", negative[:1000], neutral[:1000])
    _write(data / "complaints_rare.csv", negative[1000:2700], neutral[1000:1110])


def _write_plots(shared: Path, data: Path) -> None:
    reviews = pd.read_parquet(shared / "rt_polarity/rt_polarity.parquet")
    reviews = reviews[~reviews.text.isin(_seen(data, "reviews.csv", "reviews_rare.csv", "movies.csv"))]
    _write(data / "plots.csv", reviews[["text", "label"]].sample(2400, random_state=3))


def _write_boards(shared: Path, data: Path, *, draw: np.random.Generator) -> None:
    """Six other groups, posts of both parts, short ones."""
    posts = pd.read_parquet(shared / "twenty_newsgroups/twenty_newsgroups.parquet").rename(columns={"body": "text"})
    posts = posts[posts.label.isin(BOARDS) & posts.text.str.strip().str.len().between(60, 700)].drop_duplicates("text")
    posts = posts[["text", "label"]].sample(1600, random_state=3)
    _write(data / "boards.csv", posts)
    _write(
        data / "boards_flipped.csv",
        posts.assign(label=flipped(posts.label.to_numpy(), np.array(BOARDS), share=0.3, draw=draw)),
    )


def _write_ratings(shared: Path, data: Path) -> None:
    """Korean: negative or positive, where `korean` had three classes."""
    reviews = pd.read_parquet(shared / "korean/nsmc_3class.parquet").drop_duplicates("text")
    reviews = reviews[(reviews.label != "neutral") & ~reviews.text.isin(_seen(data, "korean.csv"))]
    _write(data / "ratings.csv", reviews[["text", "label"]].sample(2400, random_state=3))


def _write_wear(shared: Path, data: Path, *, draw: np.random.Generator) -> None:
    """From the official test file, five classes that look more alike than the earlier six."""
    images, labels = read_fashion(shared, "t10k", slice(None))
    kept = np.flatnonzero(np.isin(labels, list(WEAR)))
    images, labels = images[kept], np.array([WEAR[label] for label in labels[kept]], dtype=np.uint8)
    write_idx(data / "wear", images[:1600], labels[:1600])
    wrong = flipped(labels[:1600], np.arange(len(WEAR), dtype=np.uint8), share=0.3, draw=draw)
    write_idx(data / "wear_flipped", images[:1600], wrong)
    rare = [np.flatnonzero(labels == label)[:30] for label in (WEAR[4], WEAR[6])]
    common = [np.flatnonzero(labels == label)[:470] for label in (WEAR[3], WEAR[5], WEAR[8])]
    chosen = draw.permutation(np.concatenate([*rare, *common]))
    write_idx(data / "wear_rare", images[chosen], labels[chosen])


def _write_forms(shared: Path, data: Path) -> None:
    """Long sentences, where the earlier parts had those of 25 words at most; the fine tags' first two letters."""
    sentences = pd.read_parquet(shared / "ud_english_ewt/en_ewt-ud.parquet")
    sentences = sentences[sentences.form.str.len().between(26, 45)].sample(900, random_state=3)
    write_sentences(data / "forms.jsonl", sentences.form, [[tag[:2] for tag in tags] for tags in sentences.xpos])


def _seen(data: Path, *files: str) -> set[str]:
    return {text for file in files for text in pd.read_csv(data / file).text}


def _write(path: Path, *parts: pd.DataFrame) -> None:
    pd.concat(parts).sample(frac=1, random_state=3).to_csv(path, index=False)
