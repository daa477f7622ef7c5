"""`hftk predict owner/name FILE` at the tests' Hub: the same answers as from the run's folder."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import contextlib, io, json, sys
from hftk.cli import main

# several commands in one process, as its imports take longer than all that they do
for words in json.loads(sys.argv[1]):
    told = io.StringIO()
    with contextlib.redirect_stderr(told):
        code = main(["predict", *words])
    print(json.dumps([code, told.getvalue()]))
"""


@pytest.fixture
def pushed(loopback_hub):
    """Puts a run on the tests' Hub as hftk push lays it out; returns the commit."""

    def push(run: Path, name: str, folder: Path) -> str:
        shutil.copytree(run / "model", folder)
        for file in ("recipe.yaml", "run.json"):
            shutil.copy(run / file, folder)
        return loopback_hub.add_model(name, folder).head.sha

    return push


@pytest.fixture
def predicted(loopback_hub):
    """Exit code and notices of each of several commands."""

    def run(*commands: list) -> list[tuple[int, str]]:
        words = json.dumps([[str(word) for word in command] for command in commands])
        variables = os.environ | loopback_hub.environment
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, words], env=variables, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return [tuple(json.loads(line)) for line in done.stdout.splitlines()]

    return run


@pytest.mark.slow
def test_every_kind_of_run_predicts_the_same_from_the_hub(
    gru, tagger, image_model, bert, reviews, sentences, pictures, pushed, predicted, tmp_path
):
    cases = {
        "gru": (gru, reviews, "jsonl"),
        "tagger": (tagger, sentences, "conll"),
        "images": (image_model, pictures, "jsonl"),
        "bert": (bert, reviews, "jsonl"),
    }
    commands = []
    for name, (run, file, form) in cases.items():
        pushed(run, f"me/{name}", tmp_path / name)
        for source, where in ((f"me/{name}", "hub"), (run, "here"), (tmp_path / name, "copy")):
            commands.append([source, file, "--output", tmp_path / f"{name}-{where}.{form}"])
    told = predicted(*commands)
    assert [code for code, _ in told] == [0] * len(commands)
    for name, (_, _, form) in cases.items():
        here = (tmp_path / f"{name}-here.{form}").read_bytes()
        assert (tmp_path / f"{name}-hub.{form}").read_bytes() == here
        assert (tmp_path / f"{name}-copy.{form}").read_bytes() == here  # a downloaded repository
    # the run read at most 8 words, and so does its model from the Hub
    assert told[0] == told[1]
    assert "longer than 8 tokens" in told[0][1]


@pytest.mark.slow
def test_code_that_a_model_brings_is_run_at_a_commit_that_was_read(gru, reviews, pushed, predicted, tmp_path):
    commit = pushed(gru, "me/gru", tmp_path / "gru")
    output = ["--output", tmp_path / "trusted.jsonl"]
    trusted = ["me/gru", reviews, "--trust-remote-code", "--revision", commit, *output]
    unpinned, pinned, plain = predicted(
        ["me/gru", reviews, "--trust-remote-code"],
        trusted,
        [gru, reviews, "--output", tmp_path / "here.jsonl"],
    )
    assert unpinned[0] == 2
    assert "pin the commit that you have read with --revision and its 40 letters and digits" in unpinned[1]
    assert pinned[0] == plain[0] == 0
    both = [
        [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
        for name in ("trusted", "here")
    ]
    assert len(both[0]) == len(both[1]) == 151
    for one, other in zip(*both, strict=True):
        assert one["label"] == other["label"]
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=1e-5)


@pytest.mark.slow
def test_records_that_are_not_hftks_are_left_alone(bert, reviews, pushed, predicted, tmp_path):
    """Other tools call their files so too."""
    pushed(bert, "me/bert", tmp_path / "bert")
    for folder, files in {
        "others": {"recipe.yaml": "stage: {}\n", "run.json": '{"versions": {"theirs": "1"}}'},
        "broken": {"recipe.yaml": "a: [", "run.json": "{"},
        "listed": {"recipe.yaml": "", "run.json": "[]"},
    }.items():
        shutil.copytree(tmp_path / "bert", tmp_path / folder)
        for name, content in files.items():
            (tmp_path / folder / name).write_text(content)
    told = predicted(
        *(
            [tmp_path / folder, reviews, "--column", "text=body", "--output", tmp_path / f"{folder}.csv"]
            for folder in ("others", "broken", "listed")
        )
    )
    assert [code for code, _ in told] == [0, 0, 0]
