"""The whole of `load`, on small files and on the real sets."""

from collections import Counter

import datasets
import pytest

from hftk.data import load
from hftk.errors import DataError
from hftk.recipe import schema

COLA = {
    "quoting": "none",
    "column_names": ["code", "label", "mark", "sentence"],
    "columns": {"text": "sentence"},
    "label_names": {0: "unacceptable", 1: "acceptable"},
}
COLA_SPLITS = {"train": "in_domain_train.tsv", "validation": "in_domain_dev.tsv", "test": "out_of_domain_dev.tsv"}


def by_column(*splits):
    return {split: {"column": "split", "value": split} for split in splits}


def sizes(data):
    return {split: len(rows) for split, rows in data.splits.items()}


def test_what_comes_back(write, load_data):
    write("a.csv", "a,b,y\n" + "".join(f"one {i},two {i},{i % 2}\n" for i in range(10)))
    data = load_data(
        path="a.csv", columns={"text": "a", "text_pair": "b", "label": "y"}, label_names={0: "no", 1: "yes"}
    )
    assert data.labels == ["no", "yes"]
    assert data.rows_before == {"train": 8, "validation": 1, "test": 1}
    assert data.splits["train"].features == datasets.Features(
        row=datasets.Value("int64"),
        source=datasets.Value("string"),
        text=datasets.Value("string"),
        text_pair=datasets.Value("string"),
        label=datasets.Value("int64"),
    )
    for rows in data.splits.values():
        for row in rows:
            i = row["row"]
            assert row == {"row": i, "source": "a.csv", "text": f"one {i}", "text_pair": f"two {i}", "label": i % 2}


def test_messages_begin_with_the_place_in_the_recipe(write):
    write("a.csv", "sentence,label\nx,1\n")
    data = schema.Data(path="a.csv")
    with pytest.raises(DataError) as raised:
        load(data, place=lambda path: f"recipes/x.yaml:{len(path)}")
    assert str(raised.value) == (
        "recipes/x.yaml:2: data.columns.text: no column text in a.csv; did you mean sentence? "
        "Columns found: sentence, label. Write data.columns: {text: sentence}. "
        "If the first line is a row already, name the columns: data.column_names: […]."
    )


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"text": "txt"},
            r"^data\.columns\.text: no column txt in a\.csv; did you mean text\? Columns found: text, label\. ",
        ),
        (
            {"label": "zzz"},
            r"^data\.columns\.label: no column zzz in a\.csv\. Columns .* Write data\.columns: \{label: …\}\.",
        ),
        ({"text_pair": "zzz"}, r"^data\.columns\.text_pair: no column zzz in a\.csv\. Columns found: text, label\."),
    ],
)
def test_a_column_that_is_not_there(write, load_data, columns, message):
    write("a.csv", "text,label\nx,1\n")
    with pytest.raises(DataError, match=message):
        load_data(path="a.csv", columns=columns)


def test_the_wrong_delimiter_of_a_file_with_one_column(write, load_data):
    write("a.csv", "text;label\nx;1\n")
    with pytest.raises(
        DataError, match=r"no column text in a\.csv.* Columns found: text;label\..*data\.delimiter: \";\"\.$"
    ):
        load_data(path="a.csv")


def test_a_cp949_file_from_a_spreadsheet(write, load_data):
    write("a.csv", "text,label\n" + "".join(f"영화 {i},{'좋음나쁨'[i % 2 * 2 :][:2]}\n" for i in range(20)), "cp949")
    with pytest.raises(
        DataError, match=r"it looks like cp949, in which it reads '영화 0,좋음': write data\.encoding: cp949$"
    ):
        load_data(path="a.csv")
    assert load_data(path="a.csv", encoding="cp949").labels == ["나쁨", "좋음"]


@pytest.mark.parametrize(("encoding", "written"), [(None, "utf-8-sig"), ("utf-16", "utf-16")])
def test_a_marked_file_has_clean_columns(reviews, load_data, folder, encoding, written):
    path = reviews()
    path.write_bytes(path.read_text().encode(written))
    assert load_data(path="reviews.csv", encoding=encoding).splits["test"]["text"][0].startswith("film")


def test_words_for_nothing_stay_words(write, load_data):
    write(
        "a.csv",
        "text,label\n"
        + "".join(f"{word},{label}\n" for word in ("NA", "null", "None", "nan") for label in ("NA", "0")),
    )
    data = load_data(path="a.csv", splits={"train": "a.csv", "validation": 0.25})
    assert data.labels == ["0", "NA"]
    assert sizes(data) == {"train": 6, "validation": 2}


def test_labels_of_a_test_split_unknown_to_train(reviews, write, load_data):
    reviews("set/train.csv")
    write("set/test.csv", "text,label\na,good\nb,ugly\n")
    with pytest.raises(
        DataError, match=r"(?s)test: 1 of 2 rows: label 'ugly' does not occur in train: line 3 of test\.csv\n"
    ):
        load_data(path="set")
    data = load_data(path="set", on_bad_rows="skip")
    assert (sizes(data)["test"], data.rows_before["test"]) == (1, 2)


def test_hidden_labels_as_in_glue(folder, load_data):
    features = datasets.Features(text=datasets.Value("string"), label=datasets.ClassLabel(names=["neg", "pos"]))
    rows = [{"text": f"t{i}", "label": i % 2} for i in range(20)]
    hidden = [{"text": f"t{i}", "label": -1} for i in range(5)]
    for name, content in {"train": rows, "test": hidden}.items():
        datasets.Dataset.from_list(content, features=features).to_parquet(f"set/{name}.parquet")
    with pytest.raises(DataError, match=r"^data\.splits\.test: all 5 labels of test\.parquet are hidden \(-1\)"):
        load_data(path="set")
    with pytest.raises(DataError, match=r"^data\.splits\.test: all 5 labels"):
        load_data(path="set", label_names={0: "bad", 1: "good"})
    splits = {"train": "train", "validation": 0.1}
    assert load_data(path="set", splits=splits).labels == ["neg", "pos"]
    assert load_data(path="set", splits=splits, label_names={0: "bad", 1: "good"}).labels == ["bad", "good"]


def test_a_label_outside_the_declared_classes(folder, load_data):
    rows = datasets.Dataset.from_list([{"text": "a", "label": i} for i in (0, 1, 5)])
    info = datasets.Features(text=datasets.Value("string"), label=datasets.ClassLabel(names=["neg", "pos"]))
    table = rows.data.table.cast(info.arrow_schema)
    with open("a.arrow", "wb") as file:
        import pyarrow as pa

        with pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table)
    with pytest.raises(DataError, match=r"^data\.columns\.label: a\.arrow: label 5 is outside the 2 classes"):
        load_data(path="a.arrow")


def test_a_limit_keeps_classes_and_order(reviews, load_data):
    reviews(rows=200)
    data = load_data(path="reviews.csv", limit=12)
    assert sizes(data) == {"train": 12, "validation": 12, "test": 12}
    assert Counter(data.splits["train"]["label"]) == {1: 9, 0: 3}
    assert data.splits["train"]["row"][:] == sorted(data.splits["train"]["row"])
    assert "limited to 12 of 160 rows of train, stratified by label" in data.notices
    assert data.fingerprint == load_data(path="reviews.csv", limit=12).fingerprint
    assert data.fingerprint != load_data(path="reviews.csv", limit=12, seed=1).fingerprint


def test_cola_loads_in_full(shared_data, load_data):
    data = load_data(path=str(shared_data / "cola"), splits=COLA_SPLITS, **COLA)
    assert sizes(data) == {"train": 8551, "validation": 527, "test": 516}
    assert data.labels == ["unacceptable", "acceptable"]
    assert Counter(data.splits["train"]["label"]) == {0: 2528, 1: 6023}
    assert Counter(data.splits["test"]["label"]) == {0: 162, 1: 354}
    assert sum('"' in text for text in data.splits["train"]["text"]) == 2
    raw = (shared_data / "cola" / "in_domain_train.tsv").read_text(encoding="utf-8").splitlines()
    assert data.splits["train"]["text"][:] == [line.split("\t")[3] for line in raw]


def test_cola_with_both_development_files_is_the_one_of_glue(shared_data, load_data):
    splits = {"train": "in_domain_train", "validation": ["in_domain_dev.tsv", "out_of_domain_dev.tsv"]}
    assert sizes(load_data(path=str(shared_data / "cola"), splits=splits, **COLA))["validation"] == 1043


def test_empty_posts_of_twenty_newsgroups(shared_data, load_data):
    keys = {
        "path": str(shared_data / "twenty_newsgroups" / "twenty_newsgroups.parquet"),
        "columns": {"text": "body"},
        "splits": by_column("train", "test"),
    }
    with pytest.raises(DataError, match=r"\n  test: 215 of 7,532 rows: text is empty or white space only: rows 113"):
        load_data(**keys)
    kept = load_data(**keys, on_bad_rows="keep")
    assert sizes(kept) == {"train": 11314 - 1131, "validation": 1131, "test": 7532} == kept.rows_before
    assert len(kept.labels) == 20
    skipped = load_data(**keys, on_bad_rows="skip")
    assert (sizes(skipped)["test"], skipped.rows_before["test"]) == (7317, 7532)
    limited = load_data(**keys, on_bad_rows="skip", limit=500)
    # the first 500 rows hold 2 of 20 classes
    assert sizes(limited)["train"] == 500 and len(set(limited.splits["train"]["label"])) == 20
    assert limited.labels == kept.labels


def test_korean(shared_data, load_data):
    data = load_data(path=str(shared_data / "korean"), splits=by_column("train", "validation", "test"))
    assert sizes(data) == {"train": 48002, "validation": 5911, "test": 6087}
    assert data.splits["train"]["text"][0] == "이 영화야 말로 클래식이다."
    assert data.labels == ["negative", "neutral", "positive"]
