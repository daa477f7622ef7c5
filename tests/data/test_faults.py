"""Data that are not what they should be, and caches that were killed, damaged or never filled: real ones."""

import gzip
import json
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import hftk
from hftk.data import LabelledData, builtin, cache, tokens, words
from hftk.embeddings import stored, word_vectors
from hftk.embeddings.files import read_file
from hftk.errors import DataError
from hftk.recipe import read_sweep, schema
from hftk.sweep.checking import checked_lines

ROOT = Path(__file__).resolve().parents[2]


def rows(*labels: str, text: str = "a film") -> str:
    return "text,label\n" + "".join(f"{text} {number},{label}\n" for number, label in enumerate(labels))


# splits


def test_train_of_one_class_is_refused(write, load_data):
    write("one.csv", rows(*["good"] * 40))
    with pytest.raises(DataError, match="at least two classes are needed"):
        load_data(path="one.csv")


@pytest.fixture
def recipe(folder, monkeypatch) -> dict:
    monkeypatch.setenv("HFTK_CACHE", str(folder / "cache"))
    return {
        "name": "faults",
        "data": {"path": "train.csv", "max_length": 16},
        "model": {"architecture": "rnn", "hidden_size": 8, "embedding_size": 8},
        "tokenizer": {"min_count": 1},
        "training": {"num_train_epochs": 1, "per_device_train_batch_size": 16, "use_cpu": True},
    }


def finished(recipe: dict) -> dict:
    """run.json of the recipe's one run."""
    result = hftk.run(recipe, jobs=0)
    (path,) = Path(result.report).parent.glob("*/run.json")
    told = json.loads(path.read_text())
    assert told["status"] == "finished", told["reason"]
    return told


def test_other_splits_of_one_class_give_figures(write, recipe):
    write("train.csv", rows(*["good", "bad"] * 20))
    write("validation.csv", rows(*["good"] * 10))
    write("test.csv", rows(*["bad"] * 10))
    recipe["data"]["splits"] = {"train": "train.csv", "validation": "validation.csv", "test": "test.csv"}
    recipe["metrics"] = ["accuracy", "f1", "f1_macro", "matthews_correlation"]
    metrics = finished(recipe)["metrics"]
    assert all(np.isfinite(value) for value in metrics.values()), metrics


@pytest.mark.parametrize("architecture", ["rnn", "cnn_lstm", "attention", "transformer"])
def test_texts_that_leave_no_token_give_figures(write, recipe, architecture):
    """All of a batch is padding: such rows stand side by side, as batches hold rows of similar length."""
    texts = ["good film", "bad plot"] * 20 + ["!!!", "?"] * 20
    lines = [f'"{text}",{label}' for text, label in zip(texts, ["pos", "neg"] * 40, strict=True)]
    write("train.csv", "\n".join(["text,label", *lines, ""]))
    recipe |= {"model": {"architecture": architecture}, "tokenizer": {"min_count": 1, "split": "words"}}
    recipe["data"]["on_bad_rows"] = "keep"
    told = finished(recipe)
    assert all(np.isfinite(value) for value in told["metrics"].values()), told["metrics"]


def test_data_that_change_between_check_and_train_are_read_anew(write, recipe):
    write("train.csv", rows(*["good", "bad"] * 20))
    checked_lines(read_sweep(recipe))
    write("train.csv", rows(*["good", "bad"] * 30, text="another"))
    told = finished(recipe)
    assert sum(told["data"]["rows"].values()) == 60
    write("train.csv", rows(*["good", "bad"] * 30, text="a third"))
    again = finished(recipe)
    assert again["data"]["fingerprint"] != told["data"]["fingerprint"] and again["identity"] != told["identity"]


# damaged gzip files


def damaged(content: bytes) -> Iterator[bytes]:
    """Cut at many places, and with one bit flipped at many places."""
    rng = random.Random(0)
    for _ in range(20):
        yield content[: rng.randrange(2, len(content))]
    for _ in range(40):
        place = rng.randrange(2, len(content))
        yield content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]


def test_a_damaged_gzip_file_of_vectors_is_told(write):
    text = "".join(f"word{number} {number}.5 -{number}.25\n" for number in range(500)).encode()
    whole = gzip.compress(text, mtime=0)
    vocabulary = {f"word{number}": number for number in range(500)}
    expected = read_file(write("v.gz", whole), vocabulary, where="w", tell=print)[0]
    told = 0
    for content in damaged(whole):
        try:
            found = read_file(write("v.gz", content), vocabulary, where="w", tell=print)[0]
        except DataError as error:
            told += "the gzip file is cut or damaged; fetch or make it again" in str(error)
        else:  # a bit of gzip's header that means nothing: its date, its system
            assert np.array_equal(found.vectors, expected.vectors)
    assert told > 20  # before the end is reached, a line may have become nonsense


def test_a_damaged_gzip_file_of_images_is_told(write, load_images):
    images = np.random.default_rng(0).integers(0, 256, (40, 4, 4), np.uint8)
    header = (0x803).to_bytes(4) + (40).to_bytes(4) + (4).to_bytes(4) * 2
    whole = gzip.compress(header + images.tobytes(), mtime=0)
    labels = (0x801).to_bytes(4) + (40).to_bytes(4) + bytes([0, 1] * 20)
    write("idx/train-labels-idx1-ubyte", labels)
    told = 0
    for content in damaged(whole):
        write("idx/train-images-idx3-ubyte.gz", content)
        try:
            load_images(path="idx")
        except DataError as error:
            told += "cannot be unpacked" in str(error) and "fetch it again" in str(error)
    assert told > 45


@pytest.mark.parametrize("name", ["rows.arrow", "rows.parquet"])
def test_damaged_tables_do_not_end_the_process(folder, name):
    """Arrow believes what a file says of itself: in another process, as a wrong offset would end it."""
    program = f"""
import random, sys
from pathlib import Path
import pyarrow as pa, pyarrow.parquet as pq
from hftk.data import load
from hftk.errors import DataError
from hftk.recipe import schema
path = Path({name!r})
table = pa.table({{"text": [f"film {{i}}" for i in range(40)], "label": ["a", "b"] * 20}})
if path.suffix == ".parquet":
    pq.write_table(table, path)
else:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)
whole, rng = path.read_bytes(), random.Random(0)
for _ in range(300):
    content = bytearray(whole)
    for _ in range(rng.choice([1, 1, 3])):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.unlink()  # what was mapped before stays as it was
    path.write_bytes(content if rng.random() < 0.8 else content[: rng.randrange(len(content))])
    try:
        load(schema.Data(path=str(path)), task="text-classification")
    except DataError:
        pass
print("all read or refused")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0 and "all read or refused" in done.stdout, done.stderr[-3000:]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "[" * 100_000, "a.json: nested too deeply"),
        ("a.jsonl", '{"text": ' + "[" * 100_000 + "\n", "a.jsonl, line 1: nested too deeply"),
        ("a.json", "[" + "9" * 5000 + "]", "a.json: a number of more than 4,300 digits"),
        ("a.jsonl", "{}\n" + "9" * 5000, "a.jsonl, line 2: a number of more than 4,300 digits"),
    ],
)
def test_unusual_json_is_told(write, load_data, name, content, message):
    write(name, content)
    with pytest.raises(DataError, match=message):
        load_data(path=name)


# caches


def made_tokens(data: LabelledData) -> object:
    return {name: rows_of(split) for name, split in tokens.tokenize(data, tokenizer_of(data), 8).items()}


def made_vectors(data: LabelledData) -> object:
    corpus = words.Corpus(data.splits["train"], tokenizer_of(data))
    settings = schema.Embeddings(method="word2vec", vector_size=4)
    made = word_vectors(settings, corpus=corpus, vocabulary=corpus.vocabulary, at=str, tell=lambda text: None)
    return made.token_ids.tolist(), made.vectors.tolist()


def tokenizer_of(data: LabelledData):
    settings = schema.Tokenizer(min_count=1, split="punctuation")
    return words.build_tokenizer(data.splits["train"], settings, max_length=8)


def rows_of(split) -> list:
    return [{name: values.tolist() for name, values in split[row].items()} for row in range(len(split))]


MAKE = {"tokens": made_tokens, "embeddings": made_vectors}
# where the writer is killed: while a file is written, before the index, and before the folder gets its name
STOPS = {
    "in a file": [(pa.ipc, "new_stream"), (np, "save")],
    "before the index": [(tokens, "file_hash"), (stored, "file_hash")],
    "before the rename": [(Path, "rename")],
}


def write_and_stop(kind: str, data: LabelledData, stop: str, at: Connection) -> None:
    def stopped(*_: object, **__: object) -> None:
        at.send("writing")
        time.sleep(60)

    for owner, name in STOPS[stop]:
        setattr(owner, name, stopped)
    MAKE[kind](data)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("kind", MAKE)
def test_a_cache_killed_while_it_is_written(write, folder, load_data, monkeypatch, kind, stop):
    write("train.csv", rows(*["good", "bad"] * 20))
    data = load_data(path="train.csv")
    monkeypatch.setenv("HFTK_CACHE", str(folder / "cache"))
    # the threads of `tokenizers` that this process may have begun are not there in a forked one
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    writer = context.Process(target=write_and_stop, args=(kind, data, stop, theirs))
    writer.start()
    assert ours.poll(60) and ours.recv() == "writing"
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    assert list((folder / "cache" / kind).rglob("*-*")), "a folder beside the entry was left"
    after = MAKE[kind](data)
    assert after == MAKE[kind](data), "what was kept then is the same"
    monkeypatch.setenv("HFTK_CACHE", str(folder / "new cache"))
    assert after == MAKE[kind](data)


def test_what_a_killed_writer_left_is_removed_a_day_later(tmp_path):
    entry = tmp_path / ("0" * 64)
    left, young = tmp_path / f"{'0' * 16}-left", tmp_path / f"{'0' * 16}-young"
    other = tmp_path / f"{'1' * 16}-left"
    for path in (left, young, other):
        path.mkdir()
        (path / "file").touch()
    for path in (left, other):
        os.utime(path, (0, 0))
    assert cache.write_entry(entry, lambda beside: (beside / "file").touch() or None)
    assert {path.name for path in tmp_path.iterdir()} == {entry.name, young.name, other.name}


def flipped(path: Path) -> Iterator[bytes]:
    """The file's content with one bit flipped: each bit of a small file, many of a large one."""
    content, rng = path.read_bytes(), random.Random(0)
    places = range(len(content)) if len(content) < 400 else rng.sample(range(len(content)), 150)
    for place in places:
        yield content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]


@pytest.mark.parametrize("name", ["tokens.json", "train.arrow"])
def test_a_flipped_bit_in_the_cache_of_tokens_is_noticed(write, folder, load_data, name):
    write("train.csv", rows(*["good", "bad"] * 20, text="one two three four five"))
    data = load_data(path="train.csv")
    tokenizer = tokenizer_of(data)

    def made() -> dict:
        splits = tokens.tokenize(data, tokenizer, 4, cache_dir=folder / "cache")
        return {name: (rows_of(split), split.truncated) for name, split in splits.items()}

    expected = made()
    assert expected["train"][1] > 0
    (entry,) = (folder / "cache" / "tokens").iterdir()
    for content in flipped(entry / name):
        (entry / name).unlink()
        (entry / name).write_bytes(content)
        assert made() == expected


def test_a_flipped_bit_in_the_cache_of_docstrings_is_noticed(tmp_path, monkeypatch):
    table = pa.table({"text": ["a", "b"] * 100})
    entry = tmp_path / "docstrings-0123456789abcdef"
    for name in ("rows.parquet", "sha256.txt"):
        builtin._write(entry, table)
        assert builtin._read(entry).equals(table)
        for content in flipped(entry / name):
            builtin._write(entry, table)
            (entry / name).write_bytes(content)
            assert builtin._read(entry) is None and not entry.exists()


# no network


@pytest.fixture
def nowhere() -> Iterator[Callable[[str], str]]:
    """An address where nothing answers: refused at once, or taken and never answered."""
    listening = socket.create_server(("127.0.0.1", 0))
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    yield lambda kind: f"http://127.0.0.1:{listening.getsockname()[1] if kind == 'black hole' else port}"
    listening.close()


@pytest.mark.parametrize("kind", ["refused", "black hole"])
def test_no_network_and_a_cold_cache_is_told_within_five_seconds(write, folder, nowhere, kind):
    """In a process of its own: the address is read when huggingface_hub is imported. Imports are not counted."""
    write("train.csv", rows(*["good", "bad"] * 20))
    for what, path, model in (
        ("model", "train.csv", "{pretrained: somebody/model}"),
        ("data", "somebody/data", "{architecture: rnn}"),
    ):
        content = f"name: x\ndata: {{path: {path}}}\nmodel: {model}\ntraining: {{use_cpu: true}}\n"
        write(f"{what}.yaml", content)
    program = """
import time
from hftk.hub import reaching
from hftk.recipe import read_sweep
from hftk.sweep.inputs import Preparation
for what in ("model", "data", "model", "data"):  # the first of each imports what it needs
    plan = read_sweep(f"{what}.yaml")
    reaching.reachable.cache_clear()
    started = time.monotonic()
    try:
        preparation = Preparation(world_size=1)
        preparation.check(plan.runs)
        preparation.inputs(plan.runs[0])
    except Exception as error:
        print(type(error).__name__, time.monotonic() - started, error)
"""
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    environment |= {
        "HF_ENDPOINT": nowhere(kind),
        "HF_HOME": str(folder / "hf"),
        "HFTK_CACHE": str(folder / "cache"),
        "PYTHONPATH": str(ROOT),
        "NO_PROXY": "127.0.0.1",
    }
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120)
    lines = [line.split(" ", 2) for line in done.stdout.splitlines()]
    assert [kind_of_error for kind_of_error, _, _ in lines] == ["RecipeError", "DataError"] * 2, done.stderr
    assert all(float(seconds) < 5 for _, seconds, _ in lines[2:])
    assert lines[0][2].startswith(
        "model.yaml:3: model.pretrained: somebody/model: cannot be loaded (the Hub cannot be "
    )
    assert "give a Hub id that this machine can reach or has cached, a folder" in lines[0][2]
    assert lines[1][2].startswith("data.yaml:2: data.path: the Hub cannot be reached")
    assert "use a local copy: data.path: <file or folder>" in lines[1][2]
