import pyarrow as pa
import pyarrow.parquet as pq

from hftk.data.rows import Rows
from hftk.data.text import fingerprint


def rows(texts, labels=None, source="a.csv"):
    return Rows(
        list(range(len(texts))), [source] * len(texts), [None] * len(texts), texts, None, labels or [0] * len(texts)
    )


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


def test_a_fingerprint_does_not_know_how_the_data_are_stored(folder, load_data):
    table = pa.table({"text": [f"t{i}" for i in range(50)], "label": [i % 2 for i in range(50)]})
    for name, size in (("one", 1000), ("many", 7)):
        (folder / name).mkdir()
        pq.write_table(table, f"{name}/a.parquet", row_group_size=size)
    assert load_data(path="one").fingerprint == load_data(path="many/a.parquet").fingerprint
