"""Sentences and their tags: `load` for token-classification."""

import json
from collections import Counter

import datasets
import pytest

from hftk.errors import DataError

SENTENCES = [(["We", "saw", "Rome", "."], ["X", "X", "LOC", "X"]), (["Hi"], ["X"])]


@pytest.fixture
def sentences(write):
    """A jsonl file of train.jsonl and dev.jsonl, with `extra` rows in one of them."""

    def sentences(train=(), dev=()):
        for name, extra in {"train": train, "dev": dev}.items():
            rows = [{"tokens": tokens, "tags": tags} for tokens, tags in [*SENTENCES, *extra]]
            write(f"set/{name}.jsonl", "\n".join(map(json.dumps, rows)))

    return sentences


def test_what_comes_back(sentences, load_tags):
    sentences()
    data = load_tags(path="set")
    assert data.labels == ["LOC", "X"]
    assert data.splits["train"].features == datasets.Features(
        row=datasets.Value("int64"),
        source=datasets.Value("string"),
        tokens=datasets.List(datasets.Value("string")),
        tags=datasets.List(datasets.Value("int64")),
    )
    assert data.splits["validation"][0] == {
        "row": 0, "source": "dev.jsonl", "tokens": ["We", "saw", "Rome", "."], "tags": [1, 1, 0, 1]
    }  # fmt: skip
    assert data.image_shape is None and data.relabelled == {}


def test_names_that_the_data_set_declares(folder, load_tags):
    features = datasets.Features(
        words=datasets.List(datasets.Value("string")), ner=datasets.List(datasets.ClassLabel(names=["O", "PER", "LOC"]))
    )
    rows = [{"words": ["a", "b"], "ner": [0, 2]}] * 20
    datasets.Dataset.from_list(rows, features=features).to_parquet("a.parquet")
    columns = {"tokens": "words", "tags": "ner"}
    data = load_tags(path="a.parquet", columns=columns)
    assert data.labels == ["O", "PER", "LOC"] and data.splits["train"]["tags"][0] == [0, 2]
    assert "classes without a row in train: PER" in data.notices
    named = load_tags(path="a.parquet", columns=columns, label_names={0: "o", 1: "per", 2: "loc"})
    assert named.labels == ["o", "per", "loc"]
    with pytest.raises(
        DataError, match=r"^data\.columns\.tags: no column tags in a\.parquet.*Columns found: words, ner"
    ):
        load_tags(path="a.parquet", columns={"tokens": "words"})


def test_hidden_tags(folder, load_tags):
    features = datasets.Features(
        tokens=datasets.List(datasets.Value("string")), tags=datasets.List(datasets.ClassLabel(names=["a", "b"]))
    )
    for name, tags in {"train": [0, 1], "test": [-1, -1]}.items():
        rows = [{"tokens": ["x", "y"], "tags": tags}] * 20
        datasets.Dataset.from_list(rows, features=features).to_parquet(f"set/{name}.parquet")
    with pytest.raises(DataError, match=r"^data\.splits\.test: all 40 labels of test\.parquet are hidden \(-1\)"):
        load_tags(path="set")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ((["a", "b"], ["X"]), "there are not as many tags as tokens (first: 1 tag for 2 tokens)"),
        ((["a"], None), "tags are null"),
        ((["a"], ["NEW"]), "tag 'NEW' does not occur in train"),
        ((["a"], [None]), "tag is null"),
        ((["a"], [3]), "tag is of another type than in train (int)"),
        ((["a", ""], ["X", "X"]), "a token is empty or white space only"),
        ((["a", None], ["X", "X"]), "a token is null"),
        ((["a", 3], ["X", "X"]), "a token is not text but int"),
        (([], ["X"]), "there is no token"),
    ],
)
def test_bad_rows(sentences, load_tags, bad, message):
    sentences(dev=[bad])
    with pytest.raises(DataError) as raised:
        load_tags(path="set")
    assert f"\n  validation: 1 of 3 rows: {message}: line 3 of dev.jsonl\n" in str(raised.value)
    with pytest.raises(DataError, match=r"there are rows that cannot be kept"):
        load_tags(path="set", on_bad_rows="keep")
    assert load_tags(path="set", on_bad_rows="skip").rows_before == {"train": 2, "validation": 3}


@pytest.mark.parametrize("bad", [([], []), (None, None)])
def test_a_sentence_without_tokens(sentences, load_tags, bad):
    sentences(dev=[bad])
    with pytest.raises(DataError, match=r"there is no token: line 3 .*\n.* or keep \(there is nothing to predict\)\.$"):
        load_tags(path="set")
    kept = load_tags(path="set", on_bad_rows="keep")
    assert kept.splits["validation"][2]["tokens"] == kept.splits["validation"][2]["tags"] == []


def test_columns_without_lists(reviews, write, load_tags):
    write("a.json", '[{"tokens": "We saw Rome", "tags": ["X"]}]')
    with pytest.raises(
        DataError,
        match=r"^data\.columns\.tokens: a\.json, row 0 \(counted from 0\): column tokens holds no list but str "
        r"\('We saw Rome'\); each row needs a list of its sentence's tokens$",
    ):
        load_tags(path="a.json")
    write("b.jsonl", '{"tokens": ["a"], "tags": ["X"]}\n{"tokens": ["a"], "tags": 1}\n')
    with pytest.raises(DataError, match=r"^data\.columns\.tags: b\.jsonl, line 2: column tags holds no list but int"):
        load_tags(path="b.jsonl")
    reviews()
    with pytest.raises(DataError, match=r"^data\.path: .*reviews\.csv is none of the files that can be read for token"):
        load_tags(path="reviews.csv", columns={"tokens": "text", "tags": "label"})


def test_one_tag_only(write, load_tags):
    write("a.json", json.dumps([{"tokens": ["a", "b"], "tags": ["X", "X"]}] * 20))
    with pytest.raises(DataError, match=r"^data\.columns\.tags: all 32 tags of train are 'X'; at least two classes"):
        load_tags(path="a.json")


def test_shares_leave_every_tag_in_train(write, load_tags):
    # each of 30 tags in two sentences: half of all go
    rows = [{"tokens": ["a", "b"], "tags": ["common", f"rare{i // 2}"]} for i in range(60)]
    write("a.json", json.dumps(rows))
    data = load_tags(path="a.json", splits={"train": "a.json", "validation": 0.5})
    assert data.rows_before == {"train": 30, "validation": 30}
    assert len(data.labels) == 31
    assert data.fingerprint == load_tags(path="a.json", splits={"train": "a.json", "validation": 0.5}).fingerprint
    limited = load_tags(path="a.json", splits={"train": "a.json", "validation": 0.5}, limit=10)
    assert "limited to 10 of 30 rows of train, stratified by each sentence's rarest tag" in limited.notices


def test_english_of_universal_dependencies(shared_data, load_tags):
    data = load_tags(
        path=str(shared_data / "ud_english_ewt" / "en_ewt-ud.parquet"),
        columns={"tokens": "form", "tags": "xpos"},
        splits={split: {"column": "split", "value": split} for split in ("train", "validation", "test")},
    )
    assert data.rows_before == {"train": 12544, "validation": 2001, "test": 2077}
    assert len(data.labels) == 49
    counts = Counter(tag for tags in data.splits["train"]["tags"] for tag in tags)
    assert counts.total() == 204577 and counts[data.labels.index("NN")] == 26919
    assert data.splits["test"]["tokens"][0][:3] == ["What", "if", "Google"]
