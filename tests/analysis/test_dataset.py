"""A folder per data set: written once, whole, by whoever is first; read with the reason where it cannot be."""

import json
import multiprocessing
import os
import stat
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from hftk.analysis import dataset, description
from hftk.analysis.dataset import describe_data
from hftk.analysis.description import BaselineRecord, LeftOut, description_folder, read_description
from hftk.analysis.outcomes import unpaired_reason
from hftk.errors import RunError

TASK = "text-classification"


@pytest.fixture
def data(texts):
    rows = [(f"film {i} is {'fine' if i % 2 else 'dull'}", ("bad", "good")[i % 2]) for i in range(40)]
    return texts(train=rows[:30], validation=rows[30:36], test=rows[36:])


def reason(folder, fingerprint) -> str:
    told: list[str] = []
    assert read_description(folder, fingerprint, tell=told.append) is None
    [text] = told
    return text


def test_what_is_written_and_read(data, tmp_path):
    told = []
    made = describe_data(data, task=TASK, folder=tmp_path, tell=told.append)
    assert made == read_description(tmp_path, data.fingerprint)
    assert made.folder == tmp_path / "baselines" / data.fingerprint[:16]
    assert sorted(path.name for path in made.folder.iterdir()) == [
        "baselines.json",
        "data.json",
        "examples.parquet",
        "predictions.parquet",
    ]
    assert [path.name for path in (tmp_path / "baselines").iterdir()] == [data.fingerprint[:16]]
    assert told == [], "a second is no time to wonder in"
    content = json.loads((made.folder / "baselines.json").read_text(encoding="utf-8"))
    assert (
        content["version"] == 1 and content["fingerprint"] == data.fingerprint and content["labels"] == ["bad", "good"]
    )
    assert [one["name"] for one in content["baselines"]] == ["majority class", "TF-IDF and linear SVM"]
    linear = made.baselines["TF-IDF and linear SVM"]
    assert linear == BaselineRecord(linear.name, linear.seconds, fitted_rows=30, note=None)
    assert 0 < linear.seconds < 60
    table = pd.read_parquet(made.folder / "predictions.parquet")
    assert list(table.columns) == ["split", "row", "source", "label", "majority class", "TF-IDF and linear SVM"]
    assert table["split"].tolist() == ["validation"] * 6 + ["test"] * 4
    assert table["row"].tolist() == [*range(6), *range(4)]
    assert table["label"].tolist() == ["bad", "good"] * 5
    assert table["TF-IDF and linear SVM"].tolist() == table["label"].tolist()


def test_what_takes_long_is_told(data, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "_MANY_ROWS", 40)
    told = []
    describe_data(data, task=TASK, folder=tmp_path, tell=told.append)
    assert told == [
        "computing baselines and looking for errors in the data",
        "baseline: majority class",
        "baseline: TF-IDF and linear SVM",
        "looking for duplicates in the data",
        "looking for near-duplicates in the data",
        "writing down texts and baselines for the report",
    ]


def test_outcomes_stand_beside_those_of_runs(data, tmp_path):
    made = describe_data(data, task=TASK, folder=tmp_path)
    outcomes = made.outcomes("TF-IDF and linear SVM", split="test")
    assert outcomes.label_ids.tolist() == outcomes.prediction_ids.tolist() == [0, 1, 0, 1]
    assert (outcomes.units, outcomes.sources.tolist(), outcomes.words) == (4, ["test.csv"] * 4, None)
    assert unpaired_reason(outcomes, made.outcomes("majority class", split="test")) is None


def test_words_of_sentences(sentences, tmp_path):
    data = sentences(train=["a/N b/V", "b/V"], validation=["a/N b/V", "", "b/N"])
    made = describe_data(data, task="token-classification", folder=tmp_path)
    table = pd.read_parquet(made.folder / "predictions.parquet")
    assert list(table.columns) == [
        "split", "row", "source", "word", "label", "majority class", "most frequent tag per word"
    ]  # fmt: skip
    assert table[["row", "word"]].values.tolist() == [[0, 0], [0, 1], [2, 0]]
    assert table["most frequent tag per word"].tolist() == ["N", "V", "V"]
    outcomes = made.outcomes("most frequent tag per word", split="validation")
    assert (outcomes.unit_ids.tolist(), outcomes.words.tolist()) == ([0, 0, 1], [0, 1, 0])
    assert made.outcomes("majority class", split="test") is None


def test_images(images, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 3, 3, 1), dtype=np.uint8)
    data = images(train=(pixels, [0, 1] * 4), validation=(pixels[:2], [0, 1]))
    made = describe_data(data, task="image-classification", folder=tmp_path)
    assert list(made.baselines) == ["majority class", "linear on pixels"]
    assert made.facts.overlaps[0].rows == 2


def test_baselines_that_are_left_out_are_told(texts, tmp_path):
    data = texts(train=[("a", "good")], validation=[("b", "good")])
    made = describe_data(data, task=TASK, folder=tmp_path)
    assert made.left_out == [LeftOut("TF-IDF and linear SVM", "train has one class only")]


def test_a_second_time_nothing_is_computed(data, tmp_path, monkeypatch):
    made = describe_data(data, task=TASK, folder=tmp_path)
    monkeypatch.setattr(dataset, "fit_baselines", None)
    assert describe_data(data, task=TASK, folder=tmp_path) == made


def test_why_there_is_none(data, tmp_path):
    assert reason(tmp_path, data.fingerprint) == "not there"
    made = describe_data(data, task=TASK, folder=tmp_path)
    other = data.fingerprint[:16] + "0" * 48
    assert reason(tmp_path, other) == "of other data"
    whole = {path.name: path.read_bytes() for path in made.folder.iterdir()}
    for name, content in whole.items():
        (made.folder / name).unlink()
        assert reason(tmp_path, data.fingerprint) == f"{name} is missing"
        (made.folder / name).write_bytes(content[: len(content) // 2])
        assert reason(tmp_path, data.fingerprint).startswith("cannot be read (")
        (made.folder / name).write_bytes(content)
    assert read_description(tmp_path, data.fingerprint) == made
    for name, message in {
        "baselines.json": "written by another version of hftk (file version 0, not 1)",
        "data.json": "written by another version of hftk (file version 0, not 1)",
    }.items():
        content = json.loads(whole[name])
        (made.folder / name).write_text(json.dumps(content | {"version": 0}), encoding="utf-8")
        assert reason(tmp_path, data.fingerprint) == message
        (made.folder / name).write_bytes(whole[name])
    pd.read_parquet(made.folder / "predictions.parquet").drop(columns="majority class").to_parquet(
        made.folder / "predictions.parquet"
    )
    assert reason(tmp_path, data.fingerprint) == "predictions.parquet has no column majority class"


def test_what_is_damaged_or_old_is_written_anew(data, tmp_path, monkeypatch):
    made = describe_data(data, task=TASK, folder=tmp_path)
    (made.folder / "predictions.parquet").unlink()
    again = describe_data(data, task=TASK, folder=tmp_path)
    assert again.facts == made.facts and (made.folder / "predictions.parquet").is_file()
    for module in (dataset, description):
        monkeypatch.setattr(module, "VERSION", 2)
    describe_data(data, task=TASK, folder=tmp_path)
    assert json.loads((made.folder / "baselines.json").read_text(encoding="utf-8"))["version"] == 2
    assert len(list((tmp_path / "baselines").iterdir())) == 1, "nothing is left beside"


def test_the_first_writer_is_kept(data, tmp_path, monkeypatch):
    """Another process ends while this one computes."""
    real = dataset.find_data_errors

    def slowly(data, **more):
        monkeypatch.setattr(dataset, "find_data_errors", real)
        describe_data(data, task=TASK, folder=tmp_path)
        (description_folder(tmp_path, data.fingerprint) / "first").touch()
        return real(data, **more)

    monkeypatch.setattr(dataset, "find_data_errors", slowly)
    made = describe_data(data, task=TASK, folder=tmp_path)
    assert (made.folder / "first").is_file()
    assert len(list((tmp_path / "baselines").iterdir())) == 1


def test_several_processes_at_once(data, tmp_path):
    context = multiprocessing.get_context("fork")
    workers = [
        context.Process(target=describe_data, args=[data], kwargs={"task": TASK, "folder": tmp_path}) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert [path.name for path in (tmp_path / "baselines").iterdir()] == [data.fingerprint[:16]]
    assert read_description(tmp_path, data.fingerprint) is not None


def test_an_interruption_leaves_nothing(data, tmp_path, monkeypatch):
    def interrupted(data, file):
        file.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset, "write_examples", interrupted)
    with pytest.raises(KeyboardInterrupt):
        describe_data(data, task=TASK, folder=tmp_path)
    assert list((tmp_path / "baselines").iterdir()) == []


def test_what_a_killed_process_left_is_removed_a_day_later(data, tmp_path):
    left = [tmp_path / "baselines" / f".part-{data.fingerprint[:16]}-{name}" for name in ("old", "new")]
    for folder in left:
        folder.mkdir(parents=True)
    os.utime(left[0], times=(0, time.time() - 2 * 24 * 3600))
    describe_data(data, task=TASK, folder=tmp_path)
    assert [folder.exists() for folder in left] == [False, True]


def test_a_disk_that_refuses(data, tmp_path):
    (tmp_path / "baselines").write_text("a file where a folder should be")
    with pytest.raises(
        RunError, match=r"baselines/[0-9a-f]{16}: cannot be written \(.+\); free space or make it writable"
    ):
        describe_data(data, task=TASK, folder=tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="modes of folders are POSIX's")
def test_others_may_read_what_the_umask_lets_them(data, tmp_path):
    before = os.umask(0o022)
    try:
        made = describe_data(data, task=TASK, folder=tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o755


def test_reading_needs_no_torch_and_no_scikit_learn():
    heavy = {"torch", "transformers", "sklearn"}
    code = f"import sys, hftk.analysis.description; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr
