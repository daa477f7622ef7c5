"""A trained run says of a row what it said of it when it was trained, in whichever form the row comes."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from hftk.cli import main
from hftk.data.conll import read_conll
from hftk.data.where import Where
from hftk.errors import RunError
from hftk.prediction import PredictionInterrupted, predict_file, scoring
from hftk.recipe import schema

ROOT = Path(__file__).resolve().parents[2]
CLOSE = {"rtol": 0, "atol": 2e-6}


def kept(run: Path) -> pd.DataFrame:
    return pd.read_parquet(run / "predictions.parquet")


def as_rows(content: bytes) -> list[dict]:
    return [json.loads(line) for line in content.decode().splitlines()]


def hftk_command(*words: str, cwd: Path, **options) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-m", "hftk.cli", *words], cwd=cwd, env=environment, timeout=120, **options)


# the same as in the run


@pytest.mark.parametrize("model", ["gru", "bert"])
def test_rows_have_the_label_and_probabilities_of_the_run(model, request, reviews, predict, tmp_path):
    run = request.getfixturevalue(model)
    told = predict(run, reviews, output=str(tmp_path / "out.csv"))[1]
    out, was = pd.read_csv(tmp_path / "out.csv"), kept(run)
    assert list(out) == ["body", "id", "sentiment", "label", "score", "probability_neg", "probability_pos"]
    assert out["id"].tolist() == list(range(151))
    same = out.iloc[was["row"]]
    assert same["label"].tolist() == was["prediction"].tolist()
    expected = np.stack(was["probabilities"])
    np.testing.assert_allclose(same[["probability_neg", "probability_pos"]], expected, **CLOSE)
    np.testing.assert_allclose(same["score"], expected.max(axis=-1), **CLOSE)
    longer = json.loads((run / "run.json").read_text())["data"]
    cut = sum(longer["truncated"].values())
    assert f"{cut} rows are longer than {longer['max_length']} tokens and were cut there" in told
    assert "1 text is empty or white space only; it was predicted like any other text" in told


def test_it_agrees_with_plain_transformers(gru, predict):
    texts = ["a good film", "very very bad", ""]
    network = AutoModelForSequenceClassification.from_pretrained(gru / "model", trust_remote_code=True)
    tokenizer = AutoTokenizer.from_pretrained(gru / "model", trust_remote_code=True)
    coded = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        expected = network(**coded).logits.softmax(-1).numpy()
    found = as_rows(predict(gru, "-", stdin="\n".join(texts).encode() + b"\n\n")[0])
    assert [row["text"] for row in found] == [*texts, ""]
    np.testing.assert_allclose([list(row["probabilities"].values()) for row in found[:3]], expected, **CLOSE)


def test_words_have_the_tags_of_the_run_also_in_sentences_that_are_read_in_parts(tagger, sentences, predict):
    content, told = predict(tagger, sentences)
    was = kept(tagger)
    out = as_rows(content)
    source = read_conll(sentences, name="", encoding=None, columns=schema.Columns(tokens=0, tags=2), where=Where())
    assert [row["tokens"] for row in out] == source.values(0)
    for row, words in was.groupby("row"):
        assert out[row]["tags"] == words["prediction"].tolist()
        np.testing.assert_allclose(out[row]["scores"], np.stack(words["probabilities"]).max(axis=-1), **CLOSE)
    assert any("sentences are longer than 12 tokens and were read in parts" in line for line in told)
    assert any(line.startswith("column 0 of ") for line in told)


def test_images_have_the_label_of_the_run(image_model, pictures, predict):
    out = as_rows(predict(image_model, pictures)[0])
    found = {str(Path(row["image"]).relative_to(pictures)): row for row in out}
    names = sorted(path.relative_to(pictures).as_posix() for path in pictures.rglob("*.png"))
    assert [str(Path(row["image"]).relative_to(pictures)) for row in out] == names
    for one in kept(image_model).itertuples():
        row = found[names[one.row]]
        assert row["label"] == one.prediction
        np.testing.assert_allclose(list(row["probabilities"].values()), one.probabilities, **CLOSE)


def test_batches_and_chunks_change_nothing(gru, reviews, predict, monkeypatch):
    whole = predict(gru, reviews)[0]
    again = predict(gru, reviews)[0]
    monkeypatch.setattr("hftk.prediction.LEAST_ROWS", 1)
    monkeypatch.setattr("hftk.prediction.BATCHES_PER_CHUNK", 2)
    parts = predict(gru, reviews, batch_size=3)[0]
    assert again == whole
    one, other = pd.read_csv(io.BytesIO(whole)), pd.read_csv(io.BytesIO(parts))
    assert one["id"].tolist() == other["id"].tolist() and one["label"].tolist() == other["label"].tolist()
    np.testing.assert_allclose(one["probability_pos"], other["probability_pos"], **CLOSE)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".json", ".jsonl", ".parquet", ".arrow", ".txt"])
def test_every_form_of_file_gives_the_same(suffix, gru, reviews, predict, tmp_path):
    table = pd.read_csv(reviews, keep_default_na=False)
    path = tmp_path / f"rows{suffix}"
    write = {
        ".csv": lambda: table.to_csv(path, index=False),
        ".tsv": lambda: table.to_csv(path, index=False, sep="\t"),
        ".json": lambda: table.to_json(path, orient="records"),
        ".jsonl": lambda: table.to_json(path, orient="records", lines=True),
        ".parquet": lambda: table.to_parquet(path),
        ".arrow": lambda: table.to_feather(path, compression="uncompressed"),
        ".txt": lambda: path.write_text("".join(f"{text}\n" for text in table["body"])),
    }
    write[suffix]()
    predict(gru, path, output=str(tmp_path / "out.jsonl"))
    expected = pd.read_csv(io.BytesIO(predict(gru, reviews)[0]))
    out = pd.read_json(tmp_path / "out.jsonl", lines=True)
    assert out["label"].tolist() == expected["label"].tolist()
    np.testing.assert_allclose(out["score"], expected["score"], **CLOSE)


# what can be named as MODEL


def test_the_model_folder_alone_reads_as_many_words_as_the_run(gru, reviews, predict, tmp_path):
    alone = tmp_path / "alone"
    (gru / "model").rename(alone)
    try:
        out = predict(alone, reviews, columns=["text=body"])[0]
    finally:
        alone.rename(gru / "model")
    assert out == predict(gru, reviews)[0] == predict(gru / "model", reviews)[0]


def test_no_code_of_the_folder_is_run_unasked(gru, reviews, predict, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(gru / "model", folder)
    ran = tmp_path / "ran"
    (folder / "rnn.py").write_text(f"open({str(ran)!r}, 'w')\n" + (folder / "rnn.py").read_text())
    asked = {"columns": ["text=body"]}
    plain = predict(folder, reviews, **asked)[0]
    assert not ran.exists()
    assert predict(folder, reviews, trust_remote_code=True, **asked)[0] == plain
    assert ran.exists()


# what is written


def test_parquet_keeps_types_and_holds_a_mapping(gru, predict, tmp_path):
    table = pd.DataFrame({"body": ["good", "bad film"], "at": pd.to_datetime(["2024-01-01", None]), "n": [1, 2]})
    table.to_parquet(tmp_path / "in.parquet")
    predict(gru, tmp_path / "in.parquet", output=str(tmp_path / "out.parquet"))
    out = pd.read_parquet(tmp_path / "out.parquet")
    assert out["at"].equals(table["at"]) and out["n"].dtype == "int64"
    assert set(out["probabilities"][0]) == {"neg", "pos"} and out["score"].dtype == "float32"
    assert out["score"][0] == max(out["probabilities"][0].values())
    told = json.loads(predict(gru, tmp_path / "in.parquet")[0].splitlines()[1])
    assert told["at"] in (None, "NaT")


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_column_that_is_there_already_is_left_alone(form, gru, predict, tmp_path):
    lines = [{"body": "good", "label": "mine", "score": 3}, {"body": "bad", "label": "ours", "score": 4}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    predict(gru, tmp_path / "in.jsonl", output=str(tmp_path / f"out.{form}"))
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet, "jsonl": lambda path: pd.read_json(path, lines=True)}
    out = read[form](tmp_path / f"out.{form}")
    assert out["label"].tolist() == ["mine", "ours"] and out["score"].tolist() == [3, 4]
    assert set(out["prediction"]) <= {"neg", "pos"}
    shared = ["body", "label", "score", "prediction", "prediction_score"]
    added = (
        ["prediction_probability_neg", "prediction_probability_pos"] if form == "csv" else ["prediction_probabilities"]
    )
    assert list(out) == shared + added


def test_conll_is_written_for_taggers(tagger, predict, tmp_path):
    predict(tagger, "-", stdin=b"ab cd\n\nabc\n", output=str(tmp_path / "out.conll"))
    words = [line.split("\t")[0] for line in (tmp_path / "out.conll").read_text().split("\n")]
    assert words == ["ab", "cd", "", "", "abc", "", ""]


def test_a_text_for_a_tagger_is_split_at_white_space_and_this_is_told(tagger, predict):
    content, told = predict(tagger, "-", stdin=b'{"text": "ab  cd"}\n{"text": " "}\n')
    one, other = as_rows(content)
    assert one["tokens"] == ["ab", "cd"] and len(one["tags"]) == 2
    assert (other["tokens"], other["tags"], other["scores"]) == ([], [], [])
    assert told == [
        "texts were split at white space into words: a sign that touches a word belongs to it",
        "1 sentence has no word, so it has no tag",
    ]


def test_what_json_has_no_word_for(gru, predict):
    lines = b'{"body": "good", "n": NaN, "s": "\\ud800"}\n'
    assert predict(gru, "-", stdin=lines)[0].startswith(b'{"body": "good", "n": null, "s": "\\ud800", "label"')


def test_an_image_of_another_size_is_resized_and_counted_and_paths_stand_in_any_table(
    image_model, pictures, predict, tmp_path
):
    Image.open(pictures / "dark" / "01.png").resize((12, 10)).convert("RGB").save(tmp_path / "large.png")
    (tmp_path / "in.csv").write_text(f"image\nlarge.png\n{pictures}/dark/01.png\n")
    content, told = predict(image_model, tmp_path / "in.csv")
    assert told == ["1 image was resized to 6 × 5 pixels, which the model takes"]
    assert content.startswith(b"image,label,score,probability_bright,probability_dark\nlarge.png,")
    listed = predict(image_model, "-", stdin=f"{pictures}/dark/01.png\n".encode())[0]
    assert as_rows(listed)[0]["score"] == pd.read_csv(io.BytesIO(content))["score"][1]
    bytes_in = pd.DataFrame({"image": [(pictures / "dark" / "01.png").read_bytes()]})
    bytes_in.to_parquet(tmp_path / "in.parquet")
    content, told = predict(image_model, tmp_path / "in.parquet")
    assert told == ["column image holds bytes, which are left out (null); .parquet keeps them"]
    assert as_rows(content)[0]["score"] == as_rows(listed)[0]["score"] and as_rows(content)[0]["image"] is None


@pytest.mark.slow
def test_a_file_without_a_header_is_read_as_the_runs_own(trained, tiny_csv, predict, tmp_path):
    _, *rows = tiny_csv.read_text().splitlines()
    own = tmp_path / "own.tsv"
    own.write_text("".join("\t".join(reversed(row.split(","))) + ' "\n' for row in rows))
    data = {"path": str(own), "column_names": ["kind", "words"], "quoting": "none", "max_length": 8}
    run = trained(
        {
            "data": {**data, "columns": {"text": "words", "label": "kind"}},
            "model": {"architecture": "rnn", "hidden_size": 8},
        }
    )
    out = pd.read_csv(io.BytesIO(predict(run, own)[0]), sep="\t")
    assert list(out)[:3] == ["kind", "words", "label"] and len(out) == 150
    was = kept(run)
    assert out["label"].iloc[was["row"]].tolist() == was["prediction"].tolist()
    (tmp_path / "headed.csv").write_text("id,words\n1,good\n")
    assert predict(run, tmp_path / "headed.csv")[0].startswith(b"id,words,label,score,")


@pytest.mark.slow
def test_a_file_in_the_encoding_of_the_runs_own_is_read(trained, predict, tmp_path):
    rows = [
        f"{'좋은' if number % 2 else '나쁜'} 영화 {number},{'긍정' if number % 2 else '부정'}" for number in range(60)
    ]
    own = tmp_path / "own.csv"
    own.write_text("\n".join(["글,감정", *rows]), encoding="cp949")
    data = {"path": str(own), "encoding": "cp949", "columns": {"text": "글", "label": "감정"}, "max_length": 8}
    run = trained({"data": data, "model": {"architecture": "rnn", "hidden_size": 8}})
    first = predict(run, own)[0]
    assert first.decode().splitlines()[1].startswith("나쁜 영화 0,부정,")
    (tmp_path / "utf8.csv").write_text("\n".join(["글,감정", *rows]), encoding="utf-8")
    assert predict(run, tmp_path / "utf8.csv")[0] == first


# interrupted, out of memory, nan


def test_what_stood_there_stays_until_all_is_written(gru, reviews, predict, tmp_path, monkeypatch):
    out = tmp_path / "out.jsonl"
    out.write_text("before")

    def interrupted(*_):
        assert sorted(path.name for path in tmp_path.iterdir()) == [".out.jsonl.part", "out.jsonl"]
        raise KeyboardInterrupt

    monkeypatch.setattr(scoring.Scorer, "texts", interrupted)
    with pytest.raises(PredictionInterrupted, match=r"^interrupted; nothing was written to .*out\.jsonl$") as caught:
        predict(gru, reviews, output=str(out))
    assert caught.value.exit_code == 130
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"] and out.read_text() == "before"


def test_nan_is_no_prediction(gru, reviews, predict, monkeypatch):
    monkeypatch.setattr(scoring.Scorer, "_forward", lambda self, batch: np.full((len(batch["input_ids"]), 2), np.nan))
    with pytest.raises(RunError, match="nan or inf for some rows"):
        predict(gru, reviews)


def test_too_large_a_batch_is_told(gru, reviews, predict, monkeypatch):
    def full(*_, **__):
        raise torch.OutOfMemoryError

    from hftk.models.rnn import RnnForSequenceClassification

    monkeypatch.setattr(RnnForSequenceClassification, "forward", full)
    with pytest.raises(RunError, match="does not hold a batch of 32; give a smaller --batch-size"):
        predict(gru, reviews)


def test_a_full_disk_is_told(gru, reviews, predict, tmp_path, monkeypatch):
    def full(self, chunk, probabilities):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hftk.prediction.forms.JsonLines.write", full)
    with pytest.raises(RunError, match=r"cannot be written \(No space left on device\); nothing of it is left"):
        predict(gru, reviews, output=str(tmp_path / "out.jsonl"))
    assert not list(tmp_path.iterdir())


# as a command


@pytest.mark.slow
def test_the_command_reads_and_writes_streams(gru, tmp_path):
    done = hftk_command("predict", str(gru), "-", cwd=tmp_path, input="뛰어난 good\n".encode(), capture_output=True)
    assert done.returncode == 0 and done.stderr == b""
    (row,) = as_rows(done.stdout)
    assert row["text"] == "뛰어난 good" and row["label"] in ("neg", "pos")


def test_notices_go_to_standard_error_and_mistakes_are_2(gru, capsys, tmp_path):
    (tmp_path / "in.jsonl").write_text('{"body": ""}\n')
    assert main(["predict", str(gru), str(tmp_path / "in.jsonl"), "--output", str(tmp_path / "out.csv")]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "1 text is empty or white space only; it was predicted like any other text\n"
    assert main(["predict", str(gru), str(tmp_path / "our.csv")]) == 2
    assert capsys.readouterr().err == f"there is no file {tmp_path / 'our.csv'}; did you mean out.csv?\n"


@pytest.mark.parametrize("words", [("no.csv",), ("in.csv", "--column", "text=x"), ("in.csv", "--output", "out.txt")])
def test_mistakes_are_told_before_torch_is_imported(words, gru, tmp_path):
    (tmp_path / "in.csv").write_text("body\ngood\n")
    told = (
        "import sys; from hftk.cli import main; code = main(sys.argv[1:]); "
        "print(code, sorted({'torch', 'transformers', 'datasets', 'pandas'} & set(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", told, "predict", str(gru), *words]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout == "2 []\n" and "Traceback" not in done.stderr


@pytest.mark.slow
def test_memory_stays_flat(gru, tmp_path):
    """Rows are many times those of a chunk; the peak may not grow by more than a few of them weigh."""
    peaks = []
    for rows in (5_000, 80_000):
        (tmp_path / "in.csv").write_text("body,id\n" + "".join(f"good film {one % 7},{one}\n" for one in range(rows)))
        code = (
            "import resource, sys; from hftk.cli import main; assert main(sys.argv[1:]) == 0; "
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        words = ["predict", str(gru), "in.csv", "--output", "out.jsonl"]
        done = subprocess.run(
            [sys.executable, "-c", code, *words], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        peaks.append(int(done.stdout))
        assert sum(1 for _ in open(tmp_path / "out.jsonl")) == rows
    assert peaks[1] < peaks[0] + 30_000  # kB; the file's rows as Python objects would take as much


def test_from_python_streams_default_to_the_process(gru, capsysbinary, tmp_path):
    (tmp_path / "in.txt").write_text("good\n")
    assert predict_file(str(gru), str(tmp_path / "in.txt")) == []
    assert json.loads(capsysbinary.readouterr().out)["text"] == "good"
