"""What is kept of a sweep's cut texts, and under which name."""

import json
import subprocess
import sys

import pytest

from hftk.analysis.cutting import Cutting, cutting_file, read_cutting, write_cutting
from hftk.errors import RunError

RECIPE = {
    "data": {"path": "a.csv", "max_length": 60},
    "model": {"pretrained": None, "architecture": "rnn"},
    "tokenizer": {"type": "word", "min_count": 2},
    "training": {"learning_rate": 1e-3},
}
PRETRAINED = {**RECIPE, "model": {"pretrained": "bert-base-uncased"}, "tokenizer": None}
FOUND = Cutting(60, 0.73, 563, 0.92, 0.87, 0.03, 0.08, 240, 0.92)


def test_as_it_was_written(tmp_path):
    place = {"folder": tmp_path, "fingerprint": "f" * 64, "recipe": RECIPE}
    assert read_cutting(tmp_path, "f" * 64, RECIPE) is None
    cutting_file(tmp_path, "f" * 64, RECIPE).parent.mkdir(parents=True)
    write_cutting(FOUND, **place)
    assert read_cutting(tmp_path, "f" * 64, RECIPE) == FOUND
    write_cutting(None, **place)
    assert read_cutting(tmp_path, "f" * 64, RECIPE) is None


def test_hurts_from_a_margin_on():
    assert FOUND.hurts
    assert not Cutting(60, 0.73, 563, 0.92, 0.87, 0.009, 0.08, None, None).hurts


@pytest.mark.parametrize(
    "other",
    [
        {**RECIPE, "data": {"path": "a.csv", "max_length": 61}},
        {**RECIPE, "tokenizer": {"type": "word", "min_count": 3}},
        PRETRAINED,
        {**PRETRAINED, "model": {"pretrained": "roberta-base"}},
        {**PRETRAINED, "model": {"pretrained": "bert-base-uncased", "revision": "x"}},
    ],
)
def test_another_cut_has_another_name(tmp_path, other):
    assert cutting_file(tmp_path, "f" * 64, RECIPE) != cutting_file(tmp_path, "f" * 64, other)


def test_what_cuts_no_text_does_not_count(tmp_path):
    other = {**RECIPE, "training": {"learning_rate": 1e-2}, "model": {"architecture": "cnn_lstm"}, "seeds": [3]}
    assert cutting_file(tmp_path, "f" * 64, RECIPE) == cutting_file(tmp_path, "f" * 64, other)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"version": 1, "cutting": {"max_length": 3}}'])
def test_a_broken_file(tmp_path, text):
    file = cutting_file(tmp_path, "f" * 64, RECIPE)
    file.parent.mkdir(parents=True)
    file.write_text(text)
    with pytest.raises(RunError, match=r"cut-\w+\.json: cannot be read \(.*\)\. Remove it to have it made again\."):
        read_cutting(tmp_path, "f" * 64, RECIPE)


def test_one_of_another_version_is_none(tmp_path):
    file = cutting_file(tmp_path, "f" * 64, RECIPE)
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"version": 0, "cutting": None}))
    assert read_cutting(tmp_path, "f" * 64, RECIPE) is None


def test_nothing_heavy_is_imported():
    code = "import sys, hftk.analysis.cutting; print({'torch', 'transformers', 'sklearn'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"
