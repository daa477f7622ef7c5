import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hftk.data.labelled import fingerprint, labelled_data
from hftk.data.rows import Rows


def rows(texts, labels=None, source="a.csv"):
    count = len(texts)
    return Rows(list(range(count)), [source] * count, [None] * count, {"text": texts}, labels or [0] * count)


def test_a_fingerprint_changes_with_any_content():
    base = {"train": rows(["ab", "c"]), "test": rows(["d"])}
    others = [
        {"train": rows(["a", "bc"]), "test": rows(["d"])},
        {"train": rows(["ab", "c"], [0, 1]), "test": rows(["d"])},
        {"train": rows(["ab", "c"]), "test": rows(["d"], source="b.csv")},
        {"train": rows(["ab"]), "test": rows(["c", "d"])},
        {"train": rows(["ab", "c"]), "validation": rows(["d"])},
    ]
    prints = [fingerprint(splits, ["x", "y"]) for splits in (base, *others)] + [fingerprint(base, ["x", "z"])]
    assert len(set(prints)) == len(prints)
    # golden: the same on every machine
    assert prints[0] == "ba8eacbe6e147f6d2a0d3757115dac89569f7bc7a64cf5872975e031f682551c"


def test_a_fingerprint_of_sentences_knows_where_each_ends():
    def sentences(tokens, tags):
        return Rows(list(range(len(tags))), ["a"] * len(tags), [None] * len(tags), {"tokens": tokens}, tags)

    contents = [
        sentences([["a", "b"], ["c"]], [[0, 1], [0]]),
        sentences([["a"], ["b", "c"]], [[0], [1, 0]]),
        sentences([["ab"], ["c"]], [[0, 1], [0]]),
        sentences([["a", "b"], ["c"]], [[0, 1], [1]]),
        sentences([["a", "b"], ["c"], []], [[0, 1], [0], []]),
    ]
    prints = [fingerprint({"train": rows}, ["x", "y"]) for rows in contents]
    assert len(set(prints)) == len(prints)
    assert prints[0] == "13f4d1e92087d6dbafbd75e9ccbe132b5a7b2e82797a16c603a68427a73e1373"


def test_pixels_are_stored_as_they_are():
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 2, 3, 2)
    rows = Rows([0, 1], ["a", "a"], [None, None], {"image": pixels}, [0, 1])
    data = labelled_data({"train": rows}, ["x", "y"], rows_before={}, notices=[], image_shape=(2, 3, 2))
    assert data.splits["train"]["image"][:] == [bytes(range(12)), bytes(range(12, 24))]
    assert data.splits["train"].features["image"] == datasets.Value("large_binary")
    turned = labelled_data({"train": rows.take([1, 0])}, ["x", "y"], rows_before={}, notices=[])
    assert turned.splits["train"]["image"][0] == bytes(range(12, 24))
    other_shape = Rows([0, 1], ["a", "a"], [None, None], {"image": pixels.reshape(2, 3, 2, 2)}, [0, 1])
    prints = [data.fingerprint, turned.fingerprint, fingerprint({"train": other_shape}, ["x", "y"])]
    assert len(set(prints)) == 3
    assert prints[0] == "0403e410542fbbd6e8c56eb83b31bd7d87d7db51fad64327a63f57f20c846c32"


def test_a_fingerprint_does_not_know_how_the_data_are_stored(folder, load_data):
    table = pa.table({"text": [f"t{i}" for i in range(50)], "label": [i % 2 for i in range(50)]})
    for name, size in (("one", 1000), ("many", 7)):
        (folder / name).mkdir()
        pq.write_table(table, f"{name}/a.parquet", row_group_size=size)
    assert load_data(path="one").fingerprint == load_data(path="many/a.parquet").fingerprint
