import socket
import sys

import pytest

from hftk.errors import DataError

pytest.importorskip("textblob", reason='TextBlob is not installed: pip install "hftk[textblob]"')

TEXTS = {"a wonderful, great film": "positive", "a terrible, awful film": "negative", "a film of two hours": "neutral"}


@pytest.fixture
def films(write):
    """60 texts, a third of each class, of which every fifth has another label than its words say."""

    def films(names=("negative", "neutral", "positive")):
        lines = []
        for i in range(60):
            text, label = list(TEXTS.items())[i % 3]
            label = "negative" if i % 5 == 0 else label
            lines.append(f'"{text} {i}",{label if label in names else names[0]}')
        write("films.csv", "\n".join(["text,label", *lines]))

    return films


def test_labels_are_those_of_the_words(films, load_data):
    films()
    before = load_data(path="films.csv")
    data = load_data(path="films.csv", relabel={"method": "textblob", "splits": ["train", "test"]})
    for split in ("train", "test"):
        rows = data.splits[split]
        assert all(data.labels[row["label"]] == TEXTS[row["text"].rsplit(" ", 1)[0]] for row in rows)
    # the same rows, and validation as it was
    for split in before.splits:
        assert before.splits[split]["row"][:] == data.splits[split]["row"][:]
    assert before.splits["validation"]["label"][:] == data.splits["validation"]["label"][:]
    assert data.fingerprint != before.fingerprint

    # of the 22 rows of train that are called negative 17 are so by their words, 2 are neutral, 3 positive
    assert data.relabelled == {"train": 5 / 48, "test": 2 / 6}
    assert data.notices[-2] == (
        "relabelled by TextBlob: 5 of 48 rows of train (10.4 %) have another label than before: "
        "negative → neutral 9 %, negative → positive 14 %"
    )
    assert before.relabelled == {}


def test_thresholds_decide(films, load_data):
    films()
    data = load_data(path="films.csv", relabel={"method": "textblob", "thresholds": {"negative": -1, "positive": 1}})
    assert set(data.splits["train"]["label"]) == {data.labels.index("neutral")}
    assert data.notices[-1] == "classes without a row in train after relabelling: negative, positive"


def test_two_classes(films, load_data):
    films(("bad", "positive"))
    at_zero = {"thresholds": {"negative": 0, "positive": 0}, "labels": {"negative": "bad", "neutral": None}}
    data = load_data(path="films.csv", relabel={"method": "textblob"} | at_zero)
    for row in data.splits["train"]:
        # without a neutral class 0 is positive
        assert data.labels[row["label"]] == ("bad" if "terrible" in row["text"] else "positive")


def test_after_the_limit(films, load_data):
    films()
    before = load_data(path="films.csv", limit=9)
    data = load_data(path="films.csv", limit=9, relabel={"method": "textblob"})
    assert before.splits["train"]["row"][:] == data.splits["train"]["row"][:]


def test_nothing_is_downloaded(films, load_data, monkeypatch):
    def refused(*args, **keys):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setenv("NLTK_DATA", "/no/such/folder")
    films()
    assert load_data(path="films.csv", relabel={"method": "textblob"}).relabelled["train"] > 0


def test_classes_that_the_data_lack(films, load_data):
    films(("bad", "positive"))
    with pytest.raises(
        DataError,
        match=r"^data\.relabel\.labels\.negative: the data have no label negative; labels found: bad, positive$",
    ):
        load_data(path="films.csv", relabel={"method": "textblob"})


def test_a_split_that_is_not_there(films, load_data):
    films()
    with pytest.raises(DataError, match=r"^data\.relabel\.splits: there is no split test; found: train, validation$"):
        load_data(
            path="films.csv", splits={"train": "films.csv"}, relabel={"method": "textblob", "splits": ["train", "test"]}
        )


def test_textblob_is_not_there(films, load_data, monkeypatch):
    films()
    monkeypatch.setitem(sys.modules, "textblob", None)
    with pytest.raises(
        DataError, match=r'^data\.relabel\.method: TextBlob is not installed; pip install "hftk\[textblob\]"$'
    ):
        load_data(path="films.csv", relabel={"method": "textblob"})


def test_airline_tweets(shared_data, load_data):
    data = load_data(
        path=str(shared_data / "sentiment3" / "twitter_us_airline.parquet"),
        splits={split: {"column": "split", "value": split} for split in ("train", "validation", "test")},
        relabel={"method": "textblob"},
        limit=600,
    )
    assert 0.4 < data.relabelled["train"] < 0.7
