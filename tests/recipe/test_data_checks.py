"""What is told about `data:` for each task, before any row is read."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hftk.data.files import read_file
from hftk.data.where import Where
from hftk.recipe import data_checks
from hftk.recipe.data_checks import check_data
from hftk.recipe.file_kinds import CONLL, DELIMITED, LISTS, NUMBERED, SUFFIXES, readable, readable_in_words
from hftk.recipe.schema import Columns, Data

TEXTS, TAGS, IMAGES = "text-classification", "token-classification", "image-classification"
NUMBERS = {"tokens": 1, "tags": 4}
NAMED = "columns.tokens: 1 is the number of a CoNLL file's column, but the columns of {} have names; write one"
EQUAL = {"method": "textblob", "thresholds": {"negative": 0, "positive": 0}, "labels": {"neutral": None}}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: one file of each kind."""
    monkeypatch.chdir(tmp_path)
    names = ("a.csv", "a.tsv", "a.json", "a.parquet", "a.conll", "a.txt", "conll/a.conllu", "json/a.json", "idx/README")
    for name in (*names, "mixed/a.json", "mixed/a.conll", "train-images-idx3-ubyte.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def told(task: str, **keys: object) -> list[str]:
    data = Data.model_validate({"path": "me/data", **keys})
    return [f"{'.'.join(map(str, path))}: {text}" for path, text in check_data(data, task)]


@pytest.mark.parametrize(
    ("task", "keys"),
    [
        (TEXTS, {"path": "a.csv"}),
        (TAGS, {"path": "me/data"}),
        (TAGS, {"path": "me/data", "columns": {"tokens": "words", "tags": "ner"}, "label_names": {0: "O", 1: "PER"}}),
        (TAGS, {"path": "a.json", "encoding": "cp949", "max_length": 20, "tag_piece": "last"}),
        (TAGS, {"path": "a.parquet", "on_bad_rows": "keep", "limit": 5}),
        (TAGS, {"path": "a.conll", "columns": NUMBERS, "encoding": "latin-1"}),
        (TAGS, {"path": "a.txt", "columns": NUMBERS}),
        (TAGS, {"path": "a.tsv", "columns": {"tokens": 0, "tags": 1}}),
        (TAGS, {"path": "conll", "columns": NUMBERS, "splits": {"train": "a.conllu", "validation": 0.1}}),
        (TAGS, {"path": "mixed"}),
        (IMAGES, {"path": "idx", "label_names": {0: "T-shirt", 1: "Trouser"}}),
        (IMAGES, {"path": "a.csv", "columns": {"image": "file"}, "delimiter": ";"}),
        (TEXTS, {"relabel": {"method": "textblob"}}),
        (TEXTS, {"relabel": {"method": "textblob", "splits": ["train", "validation"]}, "splits": {"train": "train"}}),
        (
            TEXTS,
            {
                "relabel": {
                    "method": "textblob",
                    "thresholds": {"negative": 0, "positive": 0},
                    "labels": {"neutral": None},
                }
            },
        ),
    ],
)
def test_what_is_right(task: str, keys: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_checks, "find_spec", lambda name: name)
    assert told(task, **keys) == []


@pytest.mark.parametrize(
    ("task", "keys", "key"),
    [
        (TAGS, {"columns": {"text": "body"}}, "columns.text"),
        (TAGS, {"columns": {"label": "y"}}, "columns.label"),
        (TEXTS, {"columns": {"tags": "ner"}}, "columns.tags"),
        (IMAGES, {"columns": {"tokens": 1}}, "columns.tokens"),
        (IMAGES, {"columns": {"text_pair": "b"}}, "columns.text_pair"),
        (IMAGES, {"max_length": 28}, "max_length"),
        (IMAGES, {"tag_piece": "last"}, "tag_piece"),
        (TEXTS, {"tag_piece": "last"}, "tag_piece"),
        (TAGS, {"relabel": {"method": "textblob"}}, "relabel"),
        (IMAGES, {"relabel": {"method": "textblob"}}, "relabel"),
    ],
)
def test_keys_of_another_task(task: str, keys: dict, key: str) -> None:
    reads = {TEXTS: "text, text_pair and label", TAGS: "tokens and tags", IMAGES: "image and label"}[task]
    which = f", which reads {reads}" if key.startswith("columns") else ""
    assert told(task, **keys) == [f"{key}: has no effect on {task}{which}; take it out"]


CONLL_TEXT = ".json, .jsonl, .ndjson, .parquet, .arrow, .conll, .conllu, .iob, .iob2, .bio"


@pytest.mark.parametrize(
    ("task", "keys", "expected"),
    [
        (
            TAGS,
            {"path": "a.csv"},
            f'path: "a.csv" cannot be read: a file must be one of {CONLL_TEXT}, and .txt and .tsv where columns.tokens '
            "and columns.tags are numbers; save it as one of these",
        ),
        (
            TAGS,
            {"path": "a.parquet", "columns": NUMBERS},
            NAMED.format("a.parquet"),
        ),
        (
            TAGS,
            {"path": "json", "columns": NUMBERS},
            NAMED.format("a.json"),
        ),
        (
            TAGS,
            {"path": "builtin:docstrings", "columns": NUMBERS},
            NAMED.format("builtin:docstrings"),
        ),
        (
            TAGS,
            {"path": "a.conll"},
            'columns.tokens: the columns of a.conll have numbers, from 0; write one, not "tokens"',
        ),
        (
            TAGS,
            {"path": "conll"},
            'columns.tokens: the columns of a.conllu have numbers, from 0; write one, not "tokens"',
        ),
        (
            TAGS,
            {"columns": {"tokens": 1}},
            'columns.tags: the columns of a CoNLL file have numbers, from 0; write one, not "tags"',
        ),
        (TAGS, {"columns": {"tokens": 1, "tags": 1}}, "columns.tags: the same column as tokens: 1; each needs its own"),
        (
            TAGS,
            {"path": "a.tsv", "columns": NUMBERS, "quoting": "none"},
            "quoting: has no effect on a .tsv file; take it out",
        ),
        (TAGS, {"path": "b.conll"}, 'path: no file or folder "b.conll" in the current folder; did you mean a.conll?'),
        (
            IMAGES,
            {"path": "train-images-idx3-ubyte.gz"},
            'path: "train-images-idx3-ubyte.gz" cannot be read: a file must be one of .csv, .tsv, .json, .jsonl, '
            ".ndjson, .parquet, .arrow; save it as one of these; of idx files name the folder",
        ),
        (
            IMAGES,
            {"path": "a.csv", "column_names": ["file", "label"]},
            'columns.image: "image" is none of column_names; allowed: file, label',
        ),
        (
            TEXTS,
            {"relabel": {"method": "textblob", "thresholds": {"negative": 0.2, "positive": 0.1}}},
            "relabel.thresholds: negative (0.2) is greater than positive (0.1); it must not be",
        ),
        (
            TEXTS,
            {"relabel": {"method": "textblob", "labels": {"neutral": None}}},
            "relabel.labels.neutral: null, so the two thresholds must be equal, not -0.05 and 0.05: what lies between "
            "would have no class",
        ),
        (
            TEXTS,
            {"relabel": {"method": "textblob", "labels": {"neutral": "negative"}}},
            'relabel.labels: "negative" is there twice',
        ),
        (
            TEXTS,
            {"relabel": {"method": "textblob", "splits": ["train", "train"]}},
            'relabel.splits: "train" is there twice',
        ),
        (
            TEXTS,
            {"relabel": {"method": "textblob", "splits": ["test"]}, "splits": {"train": "train"}},
            "relabel.splits: data.splits names no test",
        ),
        (
            TEXTS,
            {"relabel": {"method": "textblob"}, "columns": {"text_pair": "b"}},
            "relabel: reads one text, and columns.text_pair gives a second; take one of the two out",
        ),
    ],
)
def test_what_is_wrong(task: str, keys: dict, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_checks, "find_spec", lambda name: name)
    assert expected in told(task, **keys)


def test_textblob_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_checks, "find_spec", lambda name: None)
    assert told(TEXTS, relabel={"method": "textblob"}) == [
        'relabel.method: TextBlob is not installed; pip install "hftk[textblob]"'
    ]


def test_which_files_can_be_read() -> None:
    assert readable(TEXTS, Columns()) == readable(IMAGES, Columns()) == SUFFIXES
    assert readable(TAGS, Columns()) == (*LISTS, *CONLL)
    assert readable(TAGS, Columns(tokens=0, tags=1)) == NUMBERED
    assert readable_in_words(TAGS, Columns(tokens=0, tags=1)) == ".conll, .conllu, .iob, .iob2, .bio, .txt, .tsv"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_readers_read_them(suffix: str, folder: Path) -> None:
    path = folder / f"rows{suffix}"
    table = pa.table({"text": ["x", "y"]})
    if suffix == ".parquet":
        pq.write_table(table, path)
    elif suffix == ".arrow":
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table)
    else:
        path.write_text("text\nx\ny\n" if suffix in DELIMITED else '{"text": "x"}\n{"text": "y"}\n', encoding="utf-8")
    source = read_file(path, data=Data(path=str(path)), task=TEXTS, where=Where())
    assert source.values("text") == ["x", "y"]


@pytest.mark.parametrize("suffix", NUMBERED)
def test_the_reader_of_conll_reads_them(suffix: str, folder: Path) -> None:
    path = folder / f"rows{suffix}"
    path.write_text("x\tN\ny\tV\n", encoding="utf-8")
    data = Data(path=str(path), columns=Columns(tokens=0, tags=1))
    assert read_file(path, data=data, task=TAGS, where=Where()).values(0) == [["x", "y"]]
