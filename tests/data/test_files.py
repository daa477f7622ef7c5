import json

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hftk.data.files import read_file
from hftk.data.where import Where
from hftk.errors import DataError
from hftk.recipe import schema

ROWS = [{"text": "좋다", "label": 1}, {"text": 'say "so"\u2028there', "label": 0}]


def read(path, **keys):
    return read_file(path, data=schema.Data(path=str(path), **keys), task="text-classification", where=Where())


def as_rows(source):
    return [
        dict(zip(source.columns, row, strict=True)) for row in zip(*map(source.values, source.columns), strict=True)
    ]


def test_json_forms(write):
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)
    for name, content in {
        "a.json": json.dumps(ROWS),
        "b.json": lines,
        "c.jsonl": lines + "\n\n",
        "d.ndjson": lines,
    }.items():
        assert as_rows(read(write(name, content))) == ROWS
    assert read(write("e.jsonl", lines)).lines == [1, 2]


def test_a_key_missing_in_a_row_is_null(write):
    source = read(write("a.jsonl", '{"text": "a", "label": 1}\n{"text": "b"}\n'))
    assert source.values("label") == [1, None]


def test_parquet_and_both_forms_of_arrow(folder):
    table = pa.Table.from_pylist(ROWS)
    pq.write_table(table, "a.parquet")
    with pa.OSFile("stream.arrow", "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)
    with pa.OSFile("file.arrow", "wb") as file, pa.ipc.new_file(file, table.schema) as stream:
        stream.write_table(table)
    for name in ("a.parquet", "stream.arrow", "file.arrow"):
        assert as_rows(read(folder / name)) == ROWS


def test_class_names_are_found_in_the_file(folder):
    features = datasets.Features(text=datasets.Value("string"), label=datasets.ClassLabel(names=["neg", "pos"]))
    rows = datasets.Dataset.from_list(ROWS, features=features)
    rows.to_parquet("a.parquet")
    assert read(folder / "a.parquet").class_names == {"label": ["neg", "pos"]}
    rows.save_to_disk("saved")
    assert read(next((folder / "saved").glob("*.arrow"))).class_names == {"label": ["neg", "pos"]}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "[1, 2", r"a\.json, line 1: not JSON"),
        ("a.jsonl", '{"text": 1}\n{"text": \n', r"a\.jsonl, line 2: not JSON"),
        ("a.json", '{"data": []}', r"holds one JSON object; a list of objects, or one object per line, can be read$"),
        ("a.json", "[[1, 2]]", r"row 0 \(counted from 0\): a JSON list; every row must be an object$"),
        ("a.jsonl", '{"text": 1}\n"x"\n', r"a\.jsonl, line 2: a JSON string; every row must be an object$"),
        ("a.jsonl", '{"text": 1}\nnull\n', r"line 2: a JSON null"),
        ("a.json", "[]", r"a\.json holds no row$"),
        ("a.parquet", "no parquet", r"a\.parquet is no readable parquet file"),
        ("a.arrow", "no arrow at all", r"a\.arrow is no readable arrow file"),
        ("a.parquet", "", r"a\.parquet is empty$"),
        ("a.xlsx", "x", r"a\.xlsx is none of the files that can be read for text-classification: \.csv, \.tsv, \.json"),
    ],
)
def test_a_file_that_cannot_be_read(write, name, content, message):
    with pytest.raises(DataError, match=message):
        read(write(name, content))


def test_a_file_that_is_not_there(folder):
    with pytest.raises(DataError, match=r"^data\.path: there is no file .*a\.csv$"):
        read(folder / "a.csv")


@pytest.mark.parametrize("keys", [{"delimiter": ";"}, {"quoting": "none"}, {"column_names": ["a"]}, {"header": None}])
def test_settings_of_csv_are_refused_elsewhere(write, keys):
    (key,) = keys
    with pytest.raises(DataError, match=rf"^data\.{key}: has no effect on a\.json; it is for csv"):
        read(write("a.json", json.dumps(ROWS)), **keys)


def test_an_encoding_is_refused_where_there_is_none(folder):
    pq.write_table(pa.Table.from_pylist(ROWS), "a.parquet")
    with pytest.raises(DataError, match=r"^data\.encoding: has no effect on a\.parquet"):
        read(folder / "a.parquet", encoding="cp949")
