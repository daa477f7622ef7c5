"""`hftk init` on every form of data: the guesses, their reasons, and a recipe that is accepted."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hftk.cli import main
from hftk.data import load
from hftk.errors import DataError, RecipeError
from hftk.recipe import read_sweep
from hftk.recipe.places import Place
from hftk.recipe.yaml_text import parse
from hftk.starting import described, write_recipe

ROOT = Path(__file__).resolve().parents[2]


def plain(text: str) -> str:
    """Comments of several lines as one."""
    return re.sub(r"\n *# (?=[^\n]*\n)", " ", text)


def columns(recipe) -> dict:
    return recipe.data.columns.model_dump(exclude_unset=True)


def splits(recipe) -> dict:
    return recipe.data.splits.model_dump(exclude_unset=True)


# csv and tsv


def test_a_csv_with_a_header(started, rows, tmp_path):
    lines = [f"{number},{text},{label},{number % 7 / 2}" for number, (text, label) in enumerate(rows())]
    (tmp_path / "reviews.csv").write_text("\n".join(["id,review,stars,weight", *lines]))
    recipe, text = started("reviews.csv")
    assert (recipe.name, recipe.task, recipe.data.path) == ("reviews", "text-classification", "reviews.csv")
    assert columns(recipe) == {"text": "review", "label": "stars"}
    assert splits(recipe) == {"train": "train", "validation": 0.1, "test": 0.1}
    assert "    # 2 distinct values in 40 rows: neg 20, pos 20\n    label: stars\n" in text
    assert re.search(r"    # the longest texts: \d+ characters on average\n    text: review\n", text)
    assert "  # not used: id, weight\n  columns:\n" in text
    assert recipe.model.architecture == "rnn" and recipe.tokenizer.type == "word"


@pytest.mark.parametrize(
    "delimiter, name, key", [(";", "in.csv", ";"), ("|", "in.csv", "|"), (",", "in.tsv", ","), ("\t", "in.tsv", None)]
)
def test_the_delimiter_is_found(delimiter, name, key, started, rows, tmp_path):
    (tmp_path / name).write_text("\n".join(delimiter.join(row) for row in [("words", "kind"), *rows()]))
    recipe, _ = started(name)
    assert recipe.data.delimiter == key and columns(recipe) == {"text": "words", "label": "kind"}


def test_a_file_without_a_header_gets_names(started, rows, tmp_path):
    lines = [
        f"g{number % 5}\t{number % 2}\t{'*' if number % 2 else ''}\t{text}" for number, (text, _) in enumerate(rows())
    ]
    (tmp_path / "in.tsv").write_text("\n".join(lines))
    recipe, text = started("in.tsv")
    assert recipe.data.column_names == ["column_0", "label", "column_2", "text"]
    assert columns(recipe) == {"text": "text", "label": "label"}
    assert "# the first line is a row like the others, so the columns get names here\n" in text
    assert "also possible: column_0 (5 values)" in text
    assert (
        "# the labels are numbers; names for them make a report that can be read:\n  # label_names: {0: …, 1: …}\n"
        in text
    )


def test_quotation_marks_that_are_none(started, rows, tmp_path):
    lines = [f'{label}\t"{text}, he said' for text, label in rows()]
    (tmp_path / "in.tsv").write_text("\n".join(["label\ttext", *lines]))
    recipe, text = started("in.tsv")
    assert recipe.data.quoting == "none"
    assert "# quotation marks are ordinary characters here" in text


def test_quoted_fields_with_newlines_stay_quoted(started, rows, tmp_path):
    pd.DataFrame(rows(), columns=["text", "label"]).assign(text=lambda f: f["text"] + ',\n"x"').to_csv(
        "in.csv", index=False
    )
    recipe, _ = started("in.csv")
    assert recipe.data.quoting == "minimal" and recipe.data.header == "infer"


@pytest.mark.parametrize("encoding", ["cp949", "utf-16", "utf-8-sig"])
def test_encodings(encoding, started, rows, tmp_path):
    lines = ["본문,감정", *(f"{'좋은' if label == 'pos' else '나쁜'} 영화 {text},{label}" for text, label in rows())]
    (tmp_path / "자료 모음.csv").write_text("\n".join(lines), encoding=encoding)
    recipe, text = started("자료 모음.csv")
    assert recipe.data.encoding == (None if encoding == "utf-8-sig" else encoding)
    assert recipe.name == "자료-모음" and columns(recipe) == {"text": "본문", "label": "감정"}


# other tables


def test_korean_takes_pieces_of_words(started, tmp_path):
    lines = [
        {"글": f"이 영화는 정말로 {'재미있었어요' if n % 2 else '지루했습니다'} {n}", "구분": f"{n % 3}급"}
        for n in range(60)
    ]
    (tmp_path / "리뷰.jsonl").write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    recipe, text = started("리뷰.jsonl")
    assert columns(recipe) == {"text": "글", "label": "구분"}
    assert (recipe.tokenizer.type, recipe.tokenizer.max_vocab) == ("bpe", 8000)
    assert "# the texts are Korean, where whole words would mostly be unknown: pieces of words\n" in text
    assert "# model: {pretrained: klue/bert-base}\n" in text


def test_a_column_of_splits(started, rows, tmp_path):
    frame = pd.DataFrame(rows(60), columns=["text", "label"])
    frame["part"] = ["train"] * 40 + ["dev"] * 10 + ["test"] * 10
    frame.to_parquet(tmp_path / "in.parquet")
    recipe, text = started("in.parquet")
    assert splits(recipe) == {
        "train": {"column": "part", "value": "train"},
        "validation": {"column": "part", "value": "dev"},
        "test": {"column": "part", "value": "test"},
    }
    assert "  # column part says where each row belongs: train 40, dev 10, test 10\n" in text


def test_names_are_taken_in_place_of_numbers(started, rows, tmp_path):
    frame = pd.DataFrame(rows(60, ("sad", "glad", "calm")), columns=["text", "feeling"])
    frame["label"] = frame["feeling"].map({"sad": 0, "glad": 1, "calm": 2})
    frame.to_json(tmp_path / "in.json", orient="records")
    recipe, text = started("in.json")
    assert columns(recipe) == {"text": "text", "label": "feeling"}
    assert "# the names of the 3 numbers in label: sad 20, glad 20, calm 20\n" in text


def test_a_pair_of_texts(started, rows, tmp_path):
    frame = pd.DataFrame(rows(), columns=["premise", "gold"]).assign(hypothesis=lambda f: f["premise"] + " too")
    frame.to_csv(tmp_path / "in.csv", index=False)
    recipe, _ = started("in.csv")
    assert columns(recipe) == {"text": "premise", "text_pair": "hypothesis", "label": "gold"}


def test_uneven_classes_and_bad_rows_are_told(started, rows, tmp_path):
    lines = [*rows(60, ("neg", "neg", "neg", "neg", "pos")), ("", "neg"), ("no label", "")]
    (tmp_path / "in.csv").write_text("\n".join(",".join(line) for line in [("text", "label"), *lines]))
    recipe, text = started("in.csv")
    assert recipe.data.on_bad_rows == "skip" and recipe.metrics == ["f1_macro", "accuracy"]
    assert "rows: text is empty or white space only: line 62 of in.csv\n" in text
    assert "  # they are left out, and counted\n  on_bad_rows: skip\n" in text
    assert re.search(
        r"# neg has \d\d\.\d % of train and pos \d\d\.\d %; .*\n# class_weights: balanced\ntraining:", text
    )


def test_empty_texts_alone_are_kept(started, rows, tmp_path):
    (tmp_path / "in.csv").write_text("\n".join(",".join(line) for line in [("text", "label"), *rows(), ("", "neg")]))
    recipe, text = started("in.csv")
    assert recipe.data.on_bad_rows == "keep" and "# they are kept, and predicted like any other text\n" in text


def test_max_length_takes_95_of_100(started, tmp_path):
    lines = [" ".join(["good" if n % 2 else "bad"] * (100 if n < 3 else 20)) + f",{'ab'[n % 2]}" for n in range(100)]
    (tmp_path / "in.csv").write_text("\n".join(["text,label", *lines]))
    recipe, text = started("in.csv")
    assert recipe.data.max_length == 24
    told = r"95 of 100 have at most 20 tokens, the average 2\d \(80 rows of train\); \d\.\d % are longer and cut\n"
    assert re.search(told, plain(text))


# folders


def test_files_of_splits(started, rows, tmp_path):
    for name in ("my-train", "my-dev-in", "my-dev-out"):
        (tmp_path / "set").mkdir(exist_ok=True)
        (tmp_path / "set" / f"{name}.csv").write_text("\n".join(",".join(row) for row in [("text", "label"), *rows()]))
    recipe, text = started("set")
    assert splits(recipe) == {"train": "my-train.csv", "validation": "my-dev-in.csv", "test": "my-dev-out.csv"}
    assert "none is called test" in text
    (tmp_path / "set" / "my-dev-out.csv").rename(tmp_path / "set" / "my-test.csv")
    recipe, _ = started("set", "second.yaml")
    assert splits(recipe)["test"] == "my-test.csv"
    _, text = started("set/my-train.csv", "third.yaml")
    assert "beside it: my-dev-in.csv, my-test.csv; to use them, name their folder\n" in plain(text)


def test_a_test_split_without_labels_is_not_used(started, rows, tmp_path):
    import datasets

    names = datasets.ClassLabel(names=["neg", "pos"])
    features = datasets.Features({"sentence": datasets.Value("string"), "label": names})

    def made(hidden: bool) -> datasets.Dataset:
        labels = [-1 if hidden else number % 2 for number in range(40)]
        return datasets.Dataset.from_dict({"sentence": [text for text, _ in rows()], "label": labels}, features)

    parts = {"train": made(False), "validation": made(False), "test": made(True)}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "glue")
    recipe, text = started("glue")
    assert splits(recipe) == {"train": "train", "validation": 0.1, "test": "validation"}
    assert "test without labels, so not used; none with labels for test: validation is it" in text.replace(
        "\n  # ", " "
    )
    assert columns(recipe) == {"text": "sentence", "label": "label"} and "label_names" not in text


def test_tagged_sentences_in_lists(started, tmp_path):
    words = [["Ada", "sees", f"w{n}", "."] for n in range(40)]
    tags = [["B-PER", "O", "B-LOC", "O"] for _ in words]
    frame = pd.DataFrame({"id": range(40), "tokens": words, "ner_tags": tags, "chunks": [["x", "y", "z", "x"]] * 40})
    frame.to_json(tmp_path / "in.jsonl", orient="records", lines=True)
    recipe, text = started("in.jsonl")
    assert recipe.task == "token-classification"
    assert columns(recipe) == {"tokens": "tokens", "tags": "ner_tags"}
    assert "also possible: chunks (3 tags)\n" in plain(text)
    assert recipe.metrics[0] in ("entity_f1", "f1_macro")
    assert recipe.data.max_length == 16 and recipe.tokenizer.lowercase is False


@pytest.mark.parametrize("name", ["in.conllu", "in.txt", "in.conll"])
def test_conll(name, started, tmp_path):
    counted = name == "in.conllu"
    lines = []
    for n in range(40):
        for at, (word, tag) in enumerate((("The", "DET"), (f"cat{n}", "NOUN"), ("runs", "VERB")), start=1):
            more = "_" if at % 2 else "x"
            lines.append(f"{at}\t{word}\tl{n}\t{tag}\t{more}" if counted else f"{word} {'AB'[n % 2]} {tag}")
        lines.append("")
    (tmp_path / name).write_text("\n".join(lines) + "\n")
    recipe, text = started(name)
    assert columns(recipe) == ({"tokens": 1, "tags": 3} if counted else {"tokens": 0, "tags": 2})
    assert "distinct values: DET 40, NOUN 40, VERB 40; also possible: " in plain(text)


def test_folders_of_images(started, tmp_path):
    for split, number in (("train", 20), ("test", 10)):
        for n in range(number):
            path = tmp_path / "pics" / split / "ab"[n % 2] / f"{n}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((4, 4), n, np.uint8)).save(path)
    recipe, _ = started("pics")
    assert recipe.task == "image-classification" and recipe.tokenizer is None
    assert splits(recipe) == {"train": "train", "validation": 0.1, "test": "test"}


@pytest.mark.parametrize("name", [pytest.param("docstrings", marks=pytest.mark.slow), "digits"])
def test_builtin_data(name, started):
    recipe, _ = started(f"builtin:{name}")
    assert recipe.name == name and recipe.data.path == f"builtin:{name}"


# what is written


def test_the_pretrained_variant_is_accepted_too(started, rows, tmp_path):
    (tmp_path / "in.csv").write_text("\n".join(",".join(row) for row in [("text", "label"), *rows()]))
    _, text = started("in.csv")
    lines = text.splitlines()
    variant = [line.removeprefix("# ") for line in lines if line.startswith(("# model: {", "# training: {"))]
    values = parse(text, Place("in", 1))[0]
    for key in ("model", "tokenizer", "training"):
        del values[key]
    values |= parse("\n".join(variant), Place("variant", 1))[0]
    assert read_sweep(values).recipe.model.pretrained in ("roberta-base", "xlm-roberta-base")
    assert parse(
        "\n".join(line.strip().removeprefix("# ") for line in lines if "class_weights:" in line), Place("c", 1)
    )


def test_comments_of_hostile_classes_stay_comments(started, rows, tmp_path):
    classes = ("a\u2028name: hacked", "b\nname: hacked", "c\x85task: x")
    frame = pd.DataFrame(rows(60, classes), columns=["text", "label"])
    frame.columns = ["no: #text", "on\n- label: 'x'"]
    frame.to_json(tmp_path / "in.json", orient="records")
    recipe, text = started("in.json")
    assert columns(recipe) == {"text": "no: #text", "label": "on\n- label: 'x'"} and recipe.name == "in"
    import ruamel.yaml
    import yaml

    values = parse(text, Place("in", 1))[0]
    assert ruamel.yaml.YAML(typ="safe", pure=True).load(text)["data"] == values["data"] == yaml.safe_load(text)["data"]


def test_nothing_is_overwritten(tmp_path, monkeypatch, rows, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.csv").write_text("\n".join(",".join(row) for row in [("text", "label"), *rows()]))
    assert main(["init", "in.csv"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "recipe.yaml: text-classification (text: text, label: label)"
    assert said[-1] == "Next: hftk check recipe.yaml"
    before = Path("recipe.yaml").read_text()
    assert main(["init", "in.csv"]) == 2
    assert capsys.readouterr().err == (
        "recipe.yaml is there already, and nothing is overwritten; name another file with --output\n"
    )
    assert Path("recipe.yaml").read_text() == before
    with pytest.raises(RecipeError, match="--output out.txt: a recipe's name ends in .yaml"):
        write_recipe("in.csv", "out.txt")
    with pytest.raises(RecipeError, match="--output no/out.yaml: there is no folder no"):
        write_recipe("in.csv", "no/out.yaml")


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path, monkeypatch, rows):
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text("\n".join(",".join(row) for row in [("text", "label"), *rows()]))

    real = described.describe
    monkeypatch.setattr(described, "describe", lambda data: (Path("recipe.yaml").write_text("theirs"), real(data))[1])
    with pytest.raises(RecipeError, match="recipe.yaml is there already, and nothing is overwritten"):
        write_recipe("in.csv", "recipe.yaml")
    assert Path("recipe.yaml").read_text() == "theirs"


# what cannot be guessed


def test_data_that_are_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cases = {
        "none.csv": (None, r"^there is no file or folder none\.csv"),
        "empty.csv": ("", r"^empty\.csv is empty$"),
        "no label.csv": (
            "text\n" + "\n".join(f"some words {n}" for n in range(20)),
            r"no column can be the label: it holds text \(text, 20 distinct values\)\. A label has 2 to 50",
        ),
        "no text.csv": (
            "kind,n\n" + "\n".join(f"{'ab'[n % 2]},{n}.5" for n in range(20)),
            r"no column holds texts, words or images: it holds kind \(text, 2 distinct values\); n \(number, 20",
        ),
        "ragged.csv": ("text,label\na b,x\nc\n", r"^ragged\.csv, line 3: 1 field where the first line has 2"),
        "in.xlsx": ("", r"^in\.xlsx is none of these\. Can be read: csv, tsv"),
        "in.png": ("", r"^in\.png is an image; name its folder\. Can be read"),
        "train-images-idx3-ubyte": ("", "is an idx file; name its folder"),
        "one.conll": ("a\n\nb\n", r"^one\.conll: a CoNLL file has a word and its tag per line, at least two columns"),
        "same.conll": (
            "a X\n\nb X\n",
            r"^same\.conll: no column can be the tags: distinct values by column \(from 0\)",
        ),
    }
    for name, (content, message) in cases.items():
        if content is not None:
            Path(name).write_text(content)
        with pytest.raises(DataError, match=message):
            write_recipe(name, "recipe.yaml")
        assert not Path("recipe.yaml").exists()


def test_folders_that_are_none(tmp_path, monkeypatch, rows):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    with pytest.raises(DataError, match=r"^the folder empty holds none\. Can be read: csv"):
        write_recipe("empty", "recipe.yaml")
    Path("parts").mkdir()
    for name in ("one", "two"):
        Path(f"parts/{name}.csv").write_text("\n".join(",".join(row) for row in [("text", "label"), *rows()]))
    with pytest.raises(DataError, match=r"none of the files is called train: one\.csv, two\.csv\. Name one file, or"):
        write_recipe("parts", "recipe.yaml")
    Path("parts/two.csv").write_text("\n".join(";".join(row) for row in [("text", "label"), *rows()]))
    with pytest.raises(
        DataError, match=r"one\.csv and two\.csv are written in different ways \(commas or tabs, with a "
    ):
        write_recipe("parts", "recipe.yaml")


def test_marks_without_train(tmp_path, monkeypatch, rows):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame(rows(), columns=["text", "label"]).assign(split=["dev", "test"] * 20)
    frame.to_parquet("in.parquet")
    with pytest.raises(DataError, match=r"column split marks splits \(dev, test\), and none of them is train"):
        write_recipe("in.parquet", "recipe.yaml")


def test_a_hub_data_set_that_cannot_be_reached(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="^the Hub cannot be reached as there is no network, or HF_HUB_OFFLINE is set"):
        write_recipe("me/none", "recipe.yaml")


def test_a_missing_file_is_told_before_anything_heavy_is_imported(tmp_path):
    told = (
        "import sys; from hftk.cli import main; code = main(sys.argv[1:]); "
        "print(code, sorted({'torch', 'transformers', 'datasets', 'pandas'} & set(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", told, "init", "none.csv"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout == "2 []\n" and done.stderr.startswith("there is no file or folder none.csv")


# the real data sets


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, task, expected",
    [
        ("cola", "text-classification", {"text": "text", "label": "label"}),
        ("twenty_newsgroups", "text-classification", {"text": "body", "label": "label"}),
        ("sentiment3", "text-classification", {"text": "text", "label": "label"}),
        ("rt_polarity/rt_polarity.parquet", "text-classification", {"text": "text", "label": "label"}),
        ("korean", "text-classification", {"text": "text", "label": "label"}),
        ("ud_english_ewt", "token-classification", {"tokens": "form", "tags": "upos"}),
        ("fashion_mnist", "image-classification", {"image": "image", "label": "label"}),
    ],
)
def test_real_data(name, task, expected, shared_data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_recipe(str(shared_data / name), "recipe.yaml")
    recipe = read_sweep("recipe.yaml").recipe
    assert recipe.task == task and columns(recipe) == expected
    assert set(load(recipe.data, task=task).splits) == {"train", "validation", "test"}
