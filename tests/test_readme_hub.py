"""README.md's section "From recipe to Hub": its commands, in their order, against the tests' Hub."""

import csv
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# of others, not run here: the tests' login is in the environment
FOREIGN = {"hf"}
# a small model in place of the real one, and less to learn: minutes otherwise
SMALLER = ["model.pretrained=me/tiny", "data.limit=40", "training.num_train_epochs=1", "training.use_cpu=true"]
# several commands in one process, as its imports take longer than what they do
PROGRAM = """
import contextlib, io, json, sys
from hftk.cli import main

for words in json.loads(sys.argv[1]):
    told = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        code = main(words)
    print(json.dumps([code, told.buffer.getvalue().decode()]))
"""


def commands() -> list[list[str]]:
    section = (
        ROOT.joinpath("README.md").read_text(encoding="utf-8").split("\n## From recipe to Hub\n")[1].split("\n## ")[0]
    )
    blocks = re.findall(r"```bash\n(.*?)```", section, re.DOTALL)
    return [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]


def test_the_section_shows_every_way():
    shown = [command[1] for command in commands() if command[0] == "hftk"]
    assert shown == ["train", "push", "push", "predict", "reproduce", "train"]
    assert {command[0] for command in commands()} == {"hftk", *FOREIGN}


@pytest.mark.slow
def test_the_commands_do_what_the_section_says(workplace, loopback_hub, tiny_bert):
    loopback_hub.add_model("me/tiny", tiny_bert)
    Path("new.csv").write_text("text\nReturn the eigenvalues of a matrix.\nDraw a line.\n", encoding="utf-8")
    given = [
        words + (SMALLER if "recipes/quickstart.yaml" in words else [])
        for program, *words in commands()
        if program not in FOREIGN
    ]
    trained, dry, pushed, _, reproduced, again = _done(
        given, os.environ | loopback_hub.environment | {"HFTK_CACHE": str(workplace / "cache")}
    )

    repository = loopback_hub.repositories["me/quickstart"]
    assert repository.private
    assert {"README.md", "config.json", "model.safetensors", "recipe.yaml", "run.json"} <= repository.files.keys()
    assert "verified from the Hub" in trained
    assert "model.safetensors" in dry
    assert "holds just this already" in pushed
    with open("labelled.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    labels = json.loads(loopback_hub.content("me/quickstart", "config.json"))["label2id"]
    assert all(row["label"] in labels for row in rows)
    assert reproduced.endswith("figures, to the bit\n")
    (made,) = Path("runs").glob("reproduce-me--quickstart-*/reproduction.json")
    assert json.loads(made.read_text(encoding="utf-8"))["reproduced"] is True
    assert f"recipe.yaml of me/quickstart at commit {repository.head.sha}" in again
    assert Path("runs/me--quickstart/report.html").exists()


def _done(given: Sequence[list[str]], variables: dict[str, str]) -> list[str]:
    """What each command printed; all must succeed."""
    words = [sys.executable, "-c", PROGRAM, json.dumps(given)]
    done = subprocess.run(words, env=variables, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    for command, (code, text) in zip(given, told, strict=True):
        assert code == 0, f"hftk {shlex.join(command)}\n{text}"
    return [text for _, text in told]
