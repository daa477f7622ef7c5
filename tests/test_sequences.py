"""Sequence models from recipe to report: texts, tagged sentences and images, and their folders without hftk."""

import gzip
import importlib.util
import io
import json
import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score

import hftk
from hftk.recipe import read_sweep
from hftk.recipe.reading import read_document
from hftk.sweep.checking import checked_lines

pytestmark = pytest.mark.usefixtures("own_cache")
RNN_FILES = {"rnn.py", "_config.py", "_embedding.py", "_head.py", "_image_rows.py", "_model.py", "_pooling.py"}
QUICK = {"num_train_epochs": 2, "per_device_train_batch_size": 32, "learning_rate": 5e-3, "use_cpu": True}
WORDS = ["good", "bad", "film", "plot", "the", "a", "was", "is", "very", "actor"]
UNKNOWN = "뷁뷁 zzzz"


def run(recipe: dict, folder: Path):
    stream = io.StringIO()
    result = hftk.run(recipe, {"output_dir": str(folder)}, stream=stream)
    assert result.exit_code == 0, result.results["reason"].tolist()
    return result, stream.getvalue()


def run_json(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def predictions_of(folder: Path, split: str) -> pd.DataFrame:
    predictions = pd.read_parquet(folder / "predictions.parquet")
    return predictions[predictions["split"] == split].reset_index(drop=True)


def weights(folder: Path) -> dict[str, int]:
    return {path.parent.parent.name: path.stat().st_mtime_ns for path in folder.glob("*/model/model.safetensors")}


# texts: a pretrained model, an architecture with word vectors, and one without, in one table


@pytest.fixture(scope="module")
def reviews(tiny_csv, tmp_path_factory) -> Path:
    """train.csv, and a test.csv that ends in a text of unknown words only and an empty one."""
    folder = tmp_path_factory.mktemp("reviews")
    head, *rows = tiny_csv.read_text(encoding="utf-8").splitlines()
    for name, lines in (("train", rows[:120]), ("test", [*rows[120:], f"{UNKNOWN},pos", ",neg"])):
        (folder / f"{name}.csv").write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def text_recipe(reviews, tiny_bert) -> dict:
    vectors = {"method": "word2vec", "vector_size": 8, "epochs": 3, "workers": 1}
    return {
        "name": "texts",
        "data": {
            "path": str(reviews),
            "splits": {"train": "train.csv", "validation": 0.2, "test": "test.csv"},
            "max_length": 16,
            "on_bad_rows": "keep",
        },
        "model": {"architecture": "rnn", "cell": "gru", "hidden_size": 8, "pooling": ["last", "max"]},
        "training": {**QUICK, "label_smoothing_factor": 0.1},
        "class_weights": "balanced",
        "early_stopping": {"metric": "loss", "patience": 1},
        "metrics": ["accuracy", "f1_macro"],
        "seeds": [1, 2],
        "sweep": {
            "method": "list",
            "runs": [
                {"model": {"pretrained": str(tiny_bert)}},
                {"embeddings": vectors, "tokenizer": {"type": "word"}},
                {"model.cell": "lstm", "tokenizer": {"type": "bpe", "max_vocab": 80}},
            ],
        },
    }


@pytest.fixture(scope="module")
def texts(text_recipe, tmp_path_factory, own_cache):
    folder = tmp_path_factory.mktemp("runs")
    result, said = run(text_recipe, folder)
    return folder, result, said


def of_kind(texts, kind: str) -> list[Path]:
    """The run folders of a pretrained model, of word vectors, or of subwords."""
    found = []
    for name in texts[1].results["run"]:
        recipe = read_document(texts[1].folder / name / "recipe.yaml").data
        pretrained = recipe["model"].get("pretrained") is not None
        if kind == ("bert" if pretrained else "vectors" if recipe.get("embeddings") else "bpe"):
            found.append(texts[1].folder / name)
    assert len(found) == 2
    return sorted(found)


def test_all_kinds_of_models_stand_in_one_table(texts):
    folder, result, _ = texts
    assert len(result.results) == 6 and set(result.results["status"]) == {"finished"}
    assert result.results["validation_accuracy"].is_monotonic_decreasing
    parameters = result.results.set_index("run")["parameters"]
    assert len(set(parameters)) == 3, "three sizes, each for two seeds"
    report = result.report.read_text(encoding="utf-8")
    assert "These runs did not see the same data" not in report
    assert "## Settings over seeds" in report


def test_the_coverage_of_the_vectors_is_told(texts):
    _, result, said = texts
    for path in of_kind(texts, "vectors"):
        [line] = [notice for notice in run_json(path)["notices"] if "word2vec" in notice]
        assert line in said and line in result.report.read_text(encoding="utf-8")
    assert not any("word2vec" in notice for path in of_kind(texts, "bert") for notice in run_json(path)["notices"])


def test_the_vectors_are_trained_once(texts, own_cache):
    assert len([path for path in (own_cache / "embeddings").iterdir() if path.is_dir()]) == 1


def test_the_same_command_keeps_every_run(texts, text_recipe):
    before = weights(texts[1].folder)
    assert len(before) == 6
    result, said = run(text_recipe, texts[0])
    assert "texts: 0 of 6 runs to train" in said and weights(result.folder) == before


def test_figures_are_those_of_the_predictions(texts):
    for name in texts[1].results["run"]:
        for split in ("validation", "test"):
            predictions = predictions_of(texts[1].folder / name, split)
            told = run_json(texts[1].folder / name)["metrics"][f"{split}_accuracy"]
            assert told == pytest.approx(accuracy_score(predictions["label"], predictions["prediction"]))


def test_unknown_words_and_no_words_get_a_prediction(texts):
    for name in texts[1].results["run"]:
        predictions = predictions_of(texts[1].folder / name, "test")
        assert len(predictions) == 32
        chances = np.stack(predictions["probabilities"].iloc[-2:])
        assert np.isfinite(chances).all() and chances.sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_an_architecture_s_folder_holds_its_code(texts):
    for path in of_kind(texts, "vectors"):
        assert {file.name for file in (path / "model").iterdir()} >= RNN_FILES
        assert "trust_remote_code=True" in (path / "model" / "README.md").read_text(encoding="utf-8")
    for path in of_kind(texts, "bert"):
        assert not list((path / "model").glob("*.py"))


def test_early_stopping_and_seeds_work_as_for_bert(texts):
    for path in of_kind(texts, "vectors") + of_kind(texts, "bpe"):
        epochs = pd.read_csv(path / "epochs.csv")
        assert run_json(path)["best_epoch"] == epochs["epoch"][epochs["validation_loss"].idxmin()]
    first, second = (predictions_of(path, "test")["probabilities"].tolist() for path in of_kind(texts, "vectors"))
    assert not np.allclose(np.stack(first), np.stack(second))


def test_vectors_of_several_workers_are_part_of_the_run(text_recipe, tmp_path):
    """What two threads make is never the same twice, so the kept file decides what the run is."""
    alone = {key: value for key, value in text_recipe.items() if key != "sweep"} | {"seeds": [1]}
    alone["embeddings"] = {"method": "word2vec", "vector_size": 8, "epochs": 2, "workers": 2, "freeze": True}
    run(alone, tmp_path)
    _, said = run(alone, tmp_path)
    assert "texts: 0 of 1 runs to train" in said
    [path] = (tmp_path / "texts").glob("*/run.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    frozen = record["parameters"] - record["trainable_parameters"]
    assert frozen > 0 and frozen % 8 == 0, "the embedding is not trained"


# tagged sentences


def sentence(rng: random.Random, length: int) -> list[tuple[str, str]]:
    """B-ART I-ART for `the film`, B-ADJ for good and bad, O for the rest."""
    rows: list[tuple[str, str]] = []
    while len(rows) < length:
        word = rng.choice(WORDS)
        if word == "the":
            rows += [("the", "B-ART"), ("film", "I-ART")]
        else:
            rows.append((word, "B-ADJ" if word in ("good", "bad") else "O"))
    return rows


@pytest.fixture(scope="module")
def conll(tmp_path_factory) -> Path:
    """train, dev and test as columns; the second sentence of test is longer than max_length."""
    folder, rng = tmp_path_factory.mktemp("conll"), random.Random(0)
    for name, lengths in {"train": [2, 5, 9] * 30, "dev": [3, 6] * 8, "test": [4, 40, 1, 7, 5]}.items():
        written = ["\n".join(f"{word}\t{tag}" for word, tag in sentence(rng, length)) for length in lengths]
        (folder / f"{name}.conll").write_text("\n\n".join(written) + "\n\n", encoding="utf-8")
    return folder


ENTITIES = ["entity_f1"] if importlib.util.find_spec("seqeval") else []


@pytest.fixture(scope="module")
def tagging_recipe(conll, tiny_bert) -> dict:
    return {
        "name": "tags",
        "task": "token-classification",
        "data": {
            "path": str(conll),
            "columns": {"tokens": 0, "tags": 1},
            "splits": {"train": "train.conll", "validation": "dev.conll", "test": "test.conll"},
            "max_length": 12,
        },
        "model": {"architecture": "rnn", "hidden_size": 8, "bidirectional": True, "head_hidden_sizes": [8]},
        "training": {**QUICK, "num_train_epochs": 4, "label_smoothing_factor": 0.1},
        "class_weights": "balanced",
        "metrics": ["accuracy", *ENTITIES],
        "sweep": {
            "method": "list",
            "runs": [
                {"tokenizer": {"min_count": 1}},
                {"model": {"architecture": "transformer", "hidden_size": 8}, "data.tag_piece": "last",
                 "tokenizer": {"type": "wordpiece", "max_vocab": 40},
                 "embeddings": {"method": "word2vec", "vector_size": 6}},
                {"model": {"pretrained": str(tiny_bert)}},
            ],
        },
    }  # fmt: skip


@pytest.fixture(scope="module")
def tags(tagging_recipe, tmp_path_factory):
    return run(tagging_recipe, tmp_path_factory.mktemp("runs"))


def sentences_in(path: Path) -> list[list[tuple[str, str]]]:
    blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    return [[tuple(line.split("\t")) for line in block.splitlines()] for block in blocks]


def test_there_is_a_row_for_every_word(tags, conll):
    for name in tags[0].results["run"]:
        for split, file in (("validation", "dev.conll"), ("test", "test.conll")):
            predictions = predictions_of(tags[0].folder / name, split)
            assert list(predictions) == [
                *("row", "source", "word", "split", "label", "prediction", "probabilities", "tokens")
            ]
            expected = [
                (row, word, tag)
                for row, words in enumerate(sentences_in(conll / file))
                for word, (_, tag) in enumerate(words)
            ]
            assert list(zip(predictions["row"], predictions["word"], predictions["label"], strict=True)) == expected
            assert set(predictions["source"]) == {file}
            chances = np.stack(predictions["probabilities"])
            assert chances.sum(axis=1) == pytest.approx(1, abs=1e-6)
            labels = run_json(tags[0].folder / name)["data"]["labels"]
            assert [labels[best] for best in chances.argmax(axis=1)] == predictions["prediction"].tolist()


def test_tagging_figures_are_over_all_words(tags):
    for name in tags[0].results["run"]:
        metrics = run_json(tags[0].folder / name)["metrics"]
        for split in ("validation", "test"):
            predictions = predictions_of(tags[0].folder / name, split)
            right = accuracy_score(predictions["label"], predictions["prediction"])
            assert metrics[f"{split}_accuracy"] == pytest.approx(right, abs=1e-9)
            label_ids = [run_json(tags[0].folder / name)["data"]["labels"].index(one) for one in predictions["label"]]
            chances = np.stack(predictions["probabilities"])[np.arange(len(predictions)), label_ids]
            assert metrics[f"{split}_loss"] == pytest.approx(-np.log(chances).mean(), abs=1e-4)


def parts_of(folder: Path, split: str) -> int:
    """Sentences that were read in parts."""
    return run_json(folder)["data"]["truncated"][split]


@pytest.mark.skipif(not ENTITIES, reason="seqeval is not installed")
def test_entities_of_short_sentences_are_seqeval_s(tags):
    from seqeval.metrics import f1_score

    whole = [name for name in tags[0].results["run"] if not parts_of(tags[0].folder / name, "validation")]
    assert len(whole) >= 2
    for name in whole:
        predictions = predictions_of(tags[0].folder / name, "validation")
        by_sentence = predictions.groupby("row")[["label", "prediction"]].agg(list)
        expected = f1_score(by_sentence["label"].tolist(), by_sentence["prediction"].tolist(), zero_division=0)
        told = run_json(tags[0].folder / name)["metrics"]["validation_entity_f1"]
        assert told == pytest.approx(expected, abs=1e-9)


def test_a_long_sentence_is_told_to_be_read_in_parts(tags):
    result, said = tags
    assert "longer than 12 tokens and read in parts: 1 rows of test" in said
    report = result.report.read_text(encoding="utf-8")
    assert "test: 1 of 5 rows (20.0%) were longer than the maximum length and read in parts." in report
    for name in result.results["run"]:
        assert run_json(result.folder / name)["data"]["rows"]["test"] == 5


def test_the_rules_of_the_tags_are_learnt(tags):
    """Each tag follows from its word or the one before."""
    assert tags[0].results["test_accuracy"].max() > 0.8


# images


def picture(rng: np.random.Generator, label: int) -> np.ndarray:
    """6 × 5 pixels, bright in the row of its class."""
    pixels = rng.integers(0, 60, (6, 5), dtype=np.uint8)
    pixels[label * 2] += 180
    return pixels


@pytest.fixture(scope="module")
def idx(tmp_path_factory) -> Path:
    folder, rng = tmp_path_factory.mktemp("idx"), np.random.default_rng(0)
    for name, rows in (("train", 90), ("t10k", 12)):
        labels = np.arange(rows, dtype=np.uint8) % 3
        pixels = np.stack([picture(rng, label) for label in labels])
        images = struct.pack(">4B3I", 0, 0, 8, 3, *pixels.shape) + pixels.tobytes()
        (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">4BI", 0, 0, 8, 1, rows) + labels.tobytes())
    return folder


@pytest.fixture(scope="module")
def image_recipe(idx) -> dict:
    return {
        "name": "images",
        "task": "image-classification",
        "data": {"path": str(idx), "label_names": {0: "top", 1: "middle", 2: "bottom"}},
        "model": {"architecture": "rnn", "cell": "gru", "hidden_size": 8, "pooling": "flatten"},
        "training": {**QUICK, "num_train_epochs": 6},
        "metrics": ["accuracy"],
        "sweep": {"method": "list", "runs": [{}, {"model": {"architecture": "transformer", "hidden_size": 8}}]},
    }


@pytest.fixture(scope="module")
def images(image_recipe, tmp_path_factory):
    return run(image_recipe, tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def colour_folder(tmp_path_factory) -> Path:
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(1)
    for split, rows in (("train", 30), ("validation", 6), ("test", 6)):
        for number in range(rows):
            label = number % 3
            path = folder / split / ("top", "middle", "bottom")[label] / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            grey = picture(rng, label)
            Image.fromarray(np.stack([grey, grey // 2, 255 - grey], axis=-1)).save(path)
    return folder


def test_images_are_learnt_and_judged(images):
    result, _ = images
    assert result.results["test_accuracy"].max() == 1
    for name in result.results["run"]:
        record = run_json(result.folder / name)
        assert record["data"]["labels"] == ["top", "middle", "bottom"]
        predictions = predictions_of(result.folder / name, "test")
        assert list(predictions) == ["row", "source", "split", "label", "prediction", "probabilities"]
        assert record["metrics"]["test_accuracy"] == (predictions["label"] == predictions["prediction"]).mean()
        assert (result.folder / name / "model" / "preprocessor_config.json").exists()


def test_a_folder_of_colour_pictures(image_recipe, colour_folder, tmp_path):
    recipe = {key: value for key, value in image_recipe.items() if key not in ("sweep", "data")}
    result, _ = run({**recipe, "data": {"path": str(colour_folder)}}, tmp_path)
    [name] = result.results["run"]
    record = run_json(result.folder / name)
    assert record["data"]["rows"] == {"train": 30, "validation": 6, "test": 6}
    assert sorted(record["data"]["labels"]) == ["bottom", "middle", "top"]
    assert len(predictions_of(result.folder / name, "test")) == 6


# `hftk check`


def test_check_shows_tags_beside_words(tagging_recipe, conll):
    lines = checked_lines(read_sweep(tagging_recipe))
    assert lines[0].startswith("tags: 3 runs to train, ")
    assert "train: 90 rows" in lines
    assert any(line.startswith("  tags: ") and "B-ART" in line for line in lines)
    assert any(line.startswith("  words per sentence: min 2, ") for line in lines)
    at = lines.index("the first rows of train as the model sees them (at most 12 tokens):")
    first = sentences_in(conll / "train.conll")[0]
    assert lines[at + 1] == "  " + " ".join(f"{word}/{tag}" for word, tag in first)


def test_check_shows_an_image_s_numbers(image_recipe):
    lines = checked_lines(read_sweep(image_recipe))
    assert "images: 5 × 6 pixels (width × height), grey" in lines
    [line] = [line for line in lines if line.startswith("the first image of train as the model sees it: ")]
    assert "(1, 6, 5) (channels, height, width), from -" in line and line.endswith((", top", ", middle", ", bottom"))


# without hftk

SAY = """
import json, sys
sys.modules["hftk"] = None
import numpy as np
from PIL import Image
from transformers import pipeline

said = {}
for case in json.loads(open(sys.argv[1], encoding="utf-8").read()):
    pipe = pipeline(case["task"], model=case["model"], trust_remote_code=True, device="cpu")
    if case["task"] == "text-classification":
        told = pipe(case["inputs"], top_k=None, truncation=True, max_length=16)
    elif case["task"] == "token-classification":
        told = [pipe(text, ignore_labels=[]) for text in case["inputs"]]
    else:
        told = pipe([Image.fromarray(np.array(one, dtype=np.uint8)) for one in case["inputs"]], top_k=3)
    said[case["model"]] = [[[s.get("label") or s["entity"], float(s["score"])] for s in row] for row in told]
open(sys.argv[2], "w").write(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said(texts, tags, images, reviews, conll, idx, tmp_path_factory) -> dict[str, list]:
    """Model folder → what its pipeline says of the test split, all in one clean process."""
    folder = tmp_path_factory.mktemp("clean")
    reviewed = pd.read_csv(reviews / "test.csv", keep_default_na=False)["text"].tolist()
    short = [" ".join(word for word, _ in words) for words in sentences_in(conll / "test.conll") if len(words) < 12]
    raw = gzip.decompress((idx / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    pixels = np.frombuffer(raw, dtype=np.uint8).reshape(-1, 6, 5).tolist()
    cases = []
    for result, task, inputs in (
        (texts[1], "text-classification", reviewed),
        (tags[0], "token-classification", short),
        (images[0], "image-classification", pixels),
    ):
        names = result.results["run"]
        cases += [{"task": task, "model": str(result.folder / name / "model"), "inputs": inputs} for name in names]
    (folder / "cases.json").write_text(json.dumps(cases), encoding="utf-8")
    environment = os.environ | {"HF_MODULES_CACHE": str(folder / "modules"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-I", "-c", SAY, str(folder / "cases.json"), str(folder / "said.json")],
        env=environment,
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "said.json").read_text(encoding="utf-8"))


def test_text_pipelines_say_what_was_predicted(said, texts):
    for name in texts[1].results["run"]:
        predictions = predictions_of(texts[1].folder / name, "test")
        labels = run_json(texts[1].folder / name)["data"]["labels"]
        told = said[str(texts[1].folder / name / "model")]
        for row, chances in zip(told, predictions["probabilities"], strict=True):
            assert dict(row) == pytest.approx(dict(zip(labels, chances, strict=True)), abs=1e-5), name


def test_image_pipelines_say_what_was_predicted(said, images):
    for name in images[0].results["run"]:
        predictions = predictions_of(images[0].folder / name, "test")
        labels = run_json(images[0].folder / name)["data"]["labels"]
        told = said[str(images[0].folder / name / "model")]
        for row, chances in zip(told, predictions["probabilities"], strict=True):
            assert dict(row) == pytest.approx(dict(zip(labels, chances, strict=True)), abs=1e-5), name


def test_token_pipelines_say_what_was_predicted(said, tags):
    compared = 0
    for name in tags[0].results["run"]:
        predictions = predictions_of(tags[0].folder / name, "test")
        rows = [rows for _, rows in predictions.groupby("row") if len(rows) < 12]
        told = said[str(tags[0].folder / name / "model")]
        pieces = [len(words) for words in told] != [len(words) for words in rows]
        if pieces:
            continue  # a trained WordPiece may cut words: which piece carries the tag is not the pipeline's business
        compared += 1
        for words, expected in zip(told, rows, strict=True):
            assert [tag for tag, _ in words] == expected["prediction"].tolist()
            assert [score for _, score in words] == pytest.approx(
                [max(chances) for chances in expected["probabilities"]], abs=1e-5
            )
    assert compared


# the recipes, in smoke form: all their settings on few rows of the real data

RECIPES = Path(__file__).resolve().parents[1] / "recipes"
UNIVERSAL = {
    "path": "ud_english_ewt/en_ewt-ud.parquet",
    "columns": {"tokens": "form", "tags": "xpos"},
    "splits": {split: {"column": "split", "value": split} for split in ("train", "validation", "test")},
}
NEWS = {
    "path": "twenty_newsgroups/twenty_newsgroups.parquet",
    "columns": {"text": "body", "label": "label"},
    "splits": {
        "train": {"column": "split", "value": "train"},
        "validation": 0.1,
        "test": {"column": "split", "value": "test"},
    },
}
# recipe → what its `data` becomes where the files of the real data sets lie; `path` is below that folder
LOCAL = {
    "fashion_rows": {"path": "fashion_mnist"},
    "news_best": NEWS,
    "news_grid": NEWS,
    "news_grid_tuned": NEWS,
    "pos_best": UNIVERSAL,
    "pos_tagger": UNIVERSAL,
    "sentiment_steps": {
        "path": "sentiment3/twitter_us_airline.parquet",
        "columns": {"text": "text", "label": "label"},
        "splits": {split: {"column": "split", "value": split} for split in ("train", "validation", "test")},
    },
    "small_transformer": {},
}
FEW = 24  # of twenty classes one row at least
GLOVE = "glove/glove.6B.100d.top2604.txt.gz"
OWN = [path for path in sorted(RECIPES.glob("*.yaml")) if "architecture" in path.read_text(encoding="utf-8")]


def smoke(recipe: dict, stem: str, *, data: Path) -> dict:
    """One epoch of few rows; models and settings stay as the recipe has them."""
    local = dict(LOCAL[stem])
    if "path" in local:
        local["path"] = str(data / local["path"])
    recipe["data"] |= local | {"limit": FEW}
    recipe["training"] = recipe.get("training", {}) | {"use_cpu": True, "num_train_epochs": 1}
    sweep = recipe.get("sweep", {})
    vectors = [recipe.get("embeddings"), *(run.get("embeddings") for run in sweep.get("runs", []))]
    vectors += sweep.get("parameters", {}).get("embeddings", {}).get("values", [])
    for one in filter(None, vectors):
        if one["method"] == "file":
            one["path"] = str(data / GLOVE)
        else:
            one["epochs"] = 1
        if one["method"] == "fasttext":
            one["bucket"] = 1000  # the default table takes 800 MB
    if "runs" in sweep:
        if importlib.util.find_spec("textblob") is None:
            sweep["runs"] = [run for run in sweep["runs"] if "data.relabel" not in run]
        for run in sweep["runs"]:
            if "training.num_train_epochs" in run:
                run["training.num_train_epochs"] = 1
    return recipe


ONE_RUN = ("news_best", "pos_best")  # the others are sweeps: 40 runs, a minute


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=path.stem, marks=[] if path.stem in ONE_RUN else pytest.mark.slow) for path in OWN],
)
def test_a_recipe_trains_on_few_rows(path, shared_data, tmp_path):
    recipe = smoke(read_document(path).data, path.stem, data=shared_data)
    result, said = run(recipe, tmp_path)
    assert len(result.results) == len(read_sweep(recipe).runs)
    assert set(result.results["status"]) == {"finished"}
    for name in result.results["run"]:
        record = run_json(result.folder / name)
        assert np.isfinite(list(record["metrics"].values())).all()
        assert all(rows <= FEW for rows in record["data"]["rows"].values())


def test_every_recipe_of_an_architecture_is_among_them():
    assert set(LOCAL) == {path.stem for path in OWN}
