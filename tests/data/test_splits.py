from collections import Counter

import datasets
import pytest

from hftk.errors import DataError

PARTS = {"train": "train.csv", "validation": "dev.csv", "test": "test.csv"}


def counts(data):
    return {split: Counter(data.labels[i] for i in rows["label"]) for split, rows in data.splits.items()}


def rows_of(data, split):
    return list(zip(data.splits[split]["source"], data.splits[split]["row"], strict=True))


@pytest.fixture
def parts(reviews):
    for name in ("train", "dev", "test"):
        reviews(f"parts/{name}.csv", mark=name)


def test_one_file_alone_is_split_80_10_10(reviews, load_data):
    reviews(rows=100)
    data = load_data(path="reviews.csv")
    assert counts(data) == {
        "train": {"good": 60, "bad": 20},
        "validation": {"good": 7, "bad": 3},
        "test": {"good": 8, "bad": 2},
    }
    assert data.notices == ["reviews.csv has no splits of its own: taken apart 80/10/10, stratified by label"]
    all_rows = [row for split in data.splits for row in rows_of(data, split)]
    assert sorted(all_rows) == [("reviews.csv", i) for i in range(100)]


def test_splits_depend_on_the_seed_alone(reviews, load_data):
    reviews(rows=100)
    first, again, other = (load_data(path="reviews.csv", seed=seed) for seed in (0, 0, 1))
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert rows_of(first, "test") == sorted(rows_of(first, "test")) != rows_of(other, "test")


def test_a_folders_own_splits(parts, load_data):
    data = load_data(path="parts")
    assert data.notices == [
        "the data set's own splits are used: train = train.csv, validation = dev.csv, test = test.csv"
    ]
    assert {split: set(rows["source"]) for split, rows in data.splits.items()} == {k: {v} for k, v in PARTS.items()}


def test_own_splits_without_validation_and_with_more(reviews, load_data):
    for name in ("train", "test", "unsupervised"):
        reviews(f"parts/{name}.csv", mark=name)
    data = load_data(path="parts")
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 36, "validation": 4, "test": 40}
    assert data.notices == [
        "the data set's own splits are used: train = train.csv, test = test.csv",
        "not used: unsupervised.csv",
        "no validation split is named: a tenth of train is taken for it, stratified by label",
    ]


def test_own_splits_that_are_not_clear(reviews, load_data):
    for name in ("train.csv", "dev.csv", "val.csv"):
        reviews(f"a/{name}")
    with pytest.raises(DataError, match=r"^data\.splits: a has dev\.csv, val\.csv, which could all be validation; say"):
        load_data(path="a")
    for name in ("one.csv", "two.csv"):
        reviews(f"b/{name}")
    with pytest.raises(
        DataError, match=r"^data\.splits: none of the files of b is called train; .*: one\.csv, two\.csv$"
    ):
        load_data(path="b")


@pytest.mark.parametrize("name", ["dev.csv", "dev", ["dev.csv", "test.csv"], "more/extra.csv"])
def test_a_split_is_a_file_or_several(parts, reviews, load_data, name):
    reviews("parts/more/extra.csv", mark="extra")
    data = load_data(path="parts", splits={"train": "train", "validation": name})
    assert len(data.splits["validation"]) == (80 if isinstance(name, list) else 40)
    assert data.notices == ["no test split is named: there will be no test figures"]
    assert "test" not in data.splits


def test_beside_a_single_file_others_are_relative_to_the_current_folder(parts, load_data):
    splits = {"train": "train", "validation": "parts/dev.csv", "test": "parts/test.csv"}
    data = load_data(path="parts/train.csv", splits=splits)
    assert set(data.splits["test"]["source"]) == {"parts/test.csv"}


def test_shares_are_of_train_before_anything_was_taken(reviews, load_data):
    reviews(rows=100)
    data = load_data(path="reviews.csv", splits={"train": "reviews.csv", "validation": 0.25, "test": 0.25})
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 50, "validation": 25, "test": 25}


def test_every_class_keeps_a_row_in_train(write, load_data):
    write("a.csv", "text,label\n" + "".join(f"x{i},{'common' if i else 'single'}\n" for i in range(20)))
    data = load_data(path="a.csv", splits={"train": "a.csv", "validation": 0.5, "test": 0.4})
    assert counts(data)["train"] == {"single": 1, "common": 1}
    assert data.notices == []
    write("b.csv", "text,label\na,x\nb,y\nc,y\nd,y\n")
    data = load_data(path="b.csv", splits={"train": "b.csv", "validation": 0.75})
    assert "validation has 2 rows, not 3: every class must keep a row in train" in data.notices


def test_too_few_rows_for_a_share(write, load_data):
    write("a.csv", "text,label\na,x\nb,y\n")
    with pytest.raises(DataError, match=r"^data\.splits\.validation: train has 2 rows, none of which can be spared"):
        load_data(path="a.csv")


def test_a_column_marks_the_splits(write, load_data):
    lines = [f"x{i},{'ab'[i % 2]},{fold}" for i, fold in enumerate([1, 1, 1, 1, 2, 2, 3, 3])]
    write("a.csv", "\n".join(["text,label,fold", *lines]))
    splits = {"train": {"column": "fold", "value": [1, "2"]}, "validation": {"column": "fold", "value": 3}}
    data = load_data(path="a.csv", splits=splits)
    assert rows_of(data, "validation") == [("a.csv", 6), ("a.csv", 7)]
    assert len(data.splits["train"]) == 6


def test_a_column_that_marks_nothing(write, load_data):
    write("a.csv", "text,label,part\na,x,train\nb,y,test\n")
    with pytest.raises(
        DataError,
        match=r"^data\.splits\.train\.value: no row has tran in column part; did you mean train\? Values found: ",
    ):
        load_data(path="a.csv", splits={"train": {"column": "part", "value": "tran"}})
    with pytest.raises(DataError, match=r"^data\.splits\.train\.column: no column prt in a\.csv; did you mean part\?"):
        load_data(path="a.csv", splits={"train": {"column": "prt", "value": "train"}})


def test_a_column_of_true_and_false_and_one_of_classes_mark_splits(folder, load_data):
    features = datasets.Features(
        text=datasets.Value("string"), label=datasets.Value("string"), held=datasets.Value("bool"),
        part=datasets.ClassLabel(names=["fit", "select"]),
    )  # fmt: skip
    rows = [{"text": f"t{i}", "label": "ab"[i % 2], "held": i > 5, "part": int(i > 5)} for i in range(10)]
    datasets.Dataset.from_list(rows, features=features).to_parquet("a.parquet")
    by_bool = {"train": {"column": "held", "value": False}, "validation": {"column": "held", "value": True}}
    by_name = {"train": {"column": "part", "value": "fit"}, "validation": {"column": "part", "value": "select"}}
    assert (
        load_data(path="a.parquet", splits=by_bool).fingerprint
        == load_data(path="a.parquet", splits=by_name).fingerprint
    )


def test_a_split_column_that_is_not_used_is_told(write, load_data):
    write(
        "a.csv",
        "text,label,split\n" + "".join(f"x{i},{'ab'[i % 2]},{'train' if i < 30 else 'test'}\n" for i in range(40)),
    )
    assert (
        load_data(path="a.csv").notices[1].startswith("column split of a.csv (test, train) is not used; to split by it")
    )


def test_a_split_that_does_not_exist(parts, load_data):
    with pytest.raises(
        DataError,
        match=r"^data\.splits\.test: parts has no file tset\.csv, nor a file in parts; did you mean test\.csv\? "
        r"Files found: dev\.csv, test\.csv, train\.csv$",
    ):
        load_data(path="parts", splits={"train": "train", "test": "tset.csv"})


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (
            {"train": "train", "test": "train.csv"},
            r"^data\.splits\.test: row 0 .* of train\.csv would be in train and in",
        ),
        ({"train": ["train", "./train.csv"]}, r"^data\.splits\.train: row 0 .* of train\.csv would be twice in train$"),
    ],
)
def test_a_row_is_in_one_split(parts, load_data, splits, message):
    with pytest.raises(DataError, match=message):
        load_data(path="parts", splits=splits)
