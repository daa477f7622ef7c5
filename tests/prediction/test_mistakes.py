"""Everything that can be wrong with FILE and the options: where, what, what to do; and nothing is written."""

import re

import pandas as pd
import pytest

from hftk.cli import main
from hftk.errors import DataError, RecipeError

# content of in.<suffix>, the message
FILES = {
    "empty.csv": (b"", "in.csv is empty"),
    "header alone.csv": (b"body,id\n", "in.csv: there is no row in it"),
    "another width.csv": (
        b"body,id\ngood,1\nbad,2,3\n",
        "in.csv, line 3: 3 fields where there are 2 columns (body, id); a field that holds the delimiter needs "
        "quotation marks around it",
    ),
    "quotation.csv": (
        b'body\ngood\n"bad\nvery\n',
        "in.csv: quotation marks do not pair in the row that begins on line 3",
    ),
    "a column twice.csv": (b"body,body\na,b\n", "in.csv: the header names a column twice (body); rename it there"),
    "no column.csv": (
        b"text,id\ngood,1\n",
        "in.csv, line 2: no column body. Columns found: text, id. Say which one holds the text: --column text=…",
    ),
    "encoding.csv": (
        b"body,id\n" + b"good,1\n" * 9 + "나쁜,2\n".encode("cp949"),
        "in.csv, line 11: not utf-8; save the file as UTF-8, for example with: iconv -f cp949 -t utf-8",
    ),
    "utf-16.csv": ("body\ngood\n".encode("utf-16"), "in.csv, line 1: not utf-8"),
    "nul.csv": (b"body\ngo\0od\n", "in.csv, line 2: a NUL character, which no text file holds"),
    "null.jsonl": (
        b'{"body": "a"}\n\n{"body": null}\n',
        'in.jsonl, line 3: column body is null; write "" for an empty text',
    ),
    "a number.jsonl": (b'{"body": 5}\n', "in.jsonl, line 1: column body holds no text but int ('5'); write it as text"),
    "half a pair.jsonl": (b'{"body": "\\ud800"}\n', "in.jsonl, line 1: column body is not valid Unicode"),
    "no json.jsonl": (b'{"body": "a"}\n{"body"\n', "in.jsonl, line 2: not JSON (Expecting ':' delimiter)"),
    "no object.jsonl": (
        b'{"body": "a"}\n["b"]\n',
        "in.jsonl, line 2: JSON, but no object; every line must be one, {…}",
    ),
    "deep.jsonl": (b'{"body": "a"}\n' + b"[" * 100_000, "in.jsonl, line 2: nested too deeply"),
    "large number.jsonl": (b'{"n": ' + b"1" * 5000 + b"}\n", "in.jsonl, line 1: a number of more than 4,300 digits"),
    "a key less.jsonl": (b'{"body": "a"}\n{"text": "b"}\n', "in.jsonl, line 2: no column body. Columns found: text."),
    "empty.jsonl": (b"\n \n", "in.jsonl: there is no row in it"),
    "no list.json": (b'{"a": {}}', "in.json holds one JSON object; a list of objects"),
    "null.json": (b'[{"body": "a"}, {"body": null}]', "in.json, row 1 (counted from 0): column body is null"),
    "empty.parquet": (b"", "in.parquet is empty"),
    "no parquet.parquet": (b"PAR1 and no more", "in.parquet is no readable parquet file ("),
    "no arrow.arrow": (b"ARROW1 and no more", "in.arrow is no readable arrow file ("),
    "conll.conllu": (b"1\tgood\n", "in.conllu is a CoNLL file, which is for tagging; this is a model for text-class"),
    "image.png": (b"", "in.png is an image, and this is a model for text-classification"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_predicted(name, gru, predict, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content, message = FILES[name]
    path = tmp_path / f"in.{name.rpartition('.')[2]}"
    path.write_bytes(content)
    with pytest.raises(DataError, match="^" + re.escape(message)):
        predict(gru, path.name, output="out.jsonl")
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_mistake_far_down_leaves_nothing(gru, predict, tmp_path):
    path, out = tmp_path / "in.csv", tmp_path / "out.csv"
    path.write_text("body,id\n" + "good,1\n" * 5000 + "bad\n")
    with pytest.raises(DataError, match=r"in\.csv, line 5002: 1 field where there are 2 columns \(body, id\)"):
        predict(gru, path, output=str(out))
    assert [one.name for one in tmp_path.iterdir()] == ["in.csv"]


def test_rows_of_parquet_are_counted(gru, predict, tmp_path):
    pd.DataFrame({"body": ["a", None]}).to_parquet(tmp_path / "in.parquet")
    with pytest.raises(DataError, match=r"in\.parquet, row 1 \(counted from 0\): column body is null"):
        predict(gru, tmp_path / "in.parquet")


@pytest.mark.parametrize(
    "content, message",
    [
        (
            b'{"tokens": "ab cd"}',
            "standard input, line 1: column tokens holds no list of words but str ('ab cd'); for a ",
        ),
        (b'{"tokens": ["ab", null]}', "standard input, line 1: a word in column tokens is null; leave it out"),
        (b'{"tokens": ["ab", " "]}', "standard input, line 1: a word in column tokens is empty or white space only"),
        (
            b'{"words": ["ab"]}',
            "standard input, line 1: no column tokens. Columns found: words. Say which one holds the ",
        ),
    ],
)
def test_sentences_that_cannot_be_tagged(content, message, tagger, predict):
    with pytest.raises(DataError, match="^" + re.escape(message)):
        predict(tagger, "-", stdin=content, columns=[] if b"tokens" in content else ["tokens=tokens"])


def test_words_that_would_overwrite_a_column(tagger, predict):
    with pytest.raises(DataError, match="the words of column x are written as column tokens, and the row has one"):
        predict(tagger, "-", stdin=b'{"x": "ab", "tokens": 1}\n', columns=["text=x"])


def test_images_that_cannot_be_read(image_model, predict, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no image")
    with pytest.raises(
        DataError, match=r"row 0 \(counted from 0\): image cannot be read \(of no form that Pillow knows"
    ):
        predict(image_model, tmp_path)
    with pytest.raises(DataError, match=r"standard input, line 1: image file is missing \(gone\.png\)"):
        predict(image_model, "-", stdin=b"gone.png\n")
    with pytest.raises(DataError, match="column image is no image but int; it must hold the path or the bytes"):
        predict(image_model, "-", stdin=b'{"image": 3}\n')
    with pytest.raises(DataError, match="column image is null; it must hold the path"):
        predict(image_model, "-", stdin=b'{"image": ""}\n')
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match=r"none: there is no image in this folder; images are \.png, "):
        predict(image_model, tmp_path / "none")


def test_files_that_are_none(gru, predict, tmp_path):
    with pytest.raises(DataError, match=r"^there is no file .*/revews\.csv; did you mean reviews\.csv\?$"):
        (tmp_path / "reviews.csv").touch()
        predict(gru, tmp_path / "revews.csv")
    with pytest.raises(DataError, match="is a folder; name a file in it"):
        predict(gru, tmp_path)
    (tmp_path / "in.xlsx").touch()
    with pytest.raises(DataError, match=r"in\.xlsx cannot be read: a file must be one of \.csv, \.tsv, \.json"):
        predict(gru, tmp_path / "in.xlsx")


OPTIONS = {
    "text": "--column text: for text-classification it must be one of text=…, text_pair=… with the name of a column",
    "label=x": "--column label=x: for text-classification it must be one of text=…, text_pair=… with the name",
    "text=": "--column text=: for text-classification it must be one of",
}


@pytest.mark.parametrize("option", OPTIONS)
def test_columns_that_are_none(option, gru, predict):
    with pytest.raises(RecipeError, match="^" + re.escape(OPTIONS[option])):
        predict(gru, "-", columns=[option])


def test_columns_that_exclude_each_other(gru, tagger, predict):
    with pytest.raises(RecipeError, match="--column text=b: text is named twice, first as a; keep one of them"):
        predict(gru, "-", columns=["text=a", "text=b"])
    with pytest.raises(RecipeError, match=r"--column tokens=… and text=…: the words come from one of them; keep one"):
        predict(tagger, "-", columns=["tokens=a", "text=b"])


def test_a_second_text_must_be_there(gru, predict):
    with pytest.raises(
        DataError, match="standard input, line 1: the model reads two texts, and a line is one; give a csv"
    ):
        predict(gru, "-", stdin=b"good\n", columns=["text_pair=more"])


@pytest.mark.parametrize(
    "output, message",
    [
        (
            "out.xlsx",
            r"--output out\.xlsx: the name must end in one of \.csv, \.tsv, \.jsonl, \.ndjson, \.parquet, \.con",
        ),
        ("none/out.csv", "--output none/out.csv: there is no folder none"),
        ("folder.csv", r"--output folder\.csv: a folder; name a file"),
        ("in.csv", r"--output in\.csv: is FILE itself; name another file"),
        ("out.conll", r"--output out\.conll: CoNLL is for tagged sentences; write \.csv"),
    ],
)
def test_outputs_that_are_none(output, message, gru, predict, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "in.csv").write_text("body\ngood\n")
    with pytest.raises(RecipeError, match=message):
        predict(gru, "in.csv", output=output)
    assert (tmp_path / "in.csv").read_text() == "body\ngood\n"


def test_tags_are_no_cell_of_a_csv(tagger, predict, tmp_path):
    with pytest.raises(RecipeError, match=r"a sentence has a list of tags; write \.jsonl, \.parquet or \.conll"):
        predict(tagger, "-", stdin=b"ab\n", output=str(tmp_path / "out.csv"))


def test_a_batch_has_a_row(gru, predict, capsys):
    with pytest.raises(RecipeError, match="--batch-size 0: must be 1 or more"):
        predict(gru, "-", batch_size=0)
    assert main(["predict", str(gru), "-", "--batch-size", "few"]) == 2
    assert "argument --batch-size: invalid int value: 'few'" in capsys.readouterr().err


def test_rows_that_a_table_cannot_hold(gru, predict, tmp_path):
    for suffix in ("csv", "parquet"):
        with pytest.raises(DataError, match="standard input, line 2: the row has n, which the first rows have not"):
            lines = [b'{"body": "a"}\n', b'{"body": "b", "n": 1}\n']
            predict_in_single_rows(gru, lines, predict, tmp_path / f"out.{suffix}")
    with pytest.raises(DataError, match=r"line 2, or after it: a value that is of another type than those before it"):
        lines = [b'{"body": "a", "n": 1}\n', b'{"body": "b", "n": "x"}\n']
        predict_in_single_rows(gru, lines, predict, tmp_path / "out.parquet")
    with pytest.raises(DataError, match="line 2: the row has label, which rows before it have not, and the prediction"):
        lines = [b'{"body": "a"}\n', b'{"body": "b", "label": 1}\n']
        predict_in_single_rows(gru, lines, predict, tmp_path / "out.jsonl")
    with pytest.raises(DataError, match=r"line 1, or after it: a value that is not valid Unicode; write \.jsonl"):
        predict(gru, "-", stdin=b'{"body": "a", "n": "\\ud800"}\n', output=str(tmp_path / "out.csv"))
    assert not list(tmp_path.iterdir())


def predict_in_single_rows(gru, lines, predict, out) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hftk.prediction.LEAST_ROWS", 1)
        patch.setattr("hftk.prediction.BATCHES_PER_CHUNK", 1)
        predict(gru, "-", stdin=b"".join(lines), batch_size=1, output=str(out))


def test_names_that_are_all_taken(gru, predict):
    with pytest.raises(
        DataError, match=r"the input has columns of the names that the predictions would have \(predict"
    ):
        predict(gru, "-", stdin=b'{"body": "a", "label": 1, "prediction": 2}\n')


def test_a_word_with_white_space_is_none_in_conll(tagger, predict, tmp_path):
    with pytest.raises(DataError, match="the word 'a b' holds white space, which ends a column in CoNLL"):
        predict(tagger, "-", stdin=b'{"tokens": ["a b"]}\n', output=str(tmp_path / "out.conll"))
