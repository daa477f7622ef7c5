"""The benchmarks run, in their smallest form: no figure of theirs is looked at."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run(script: str, *arguments: str) -> str:
    """Its standard output."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / script), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_steps_prints_a_line_for_each_case():
    lines = run("steps.py", "--steps", "3", "--repeats", "1").splitlines()
    assert [line.split("|")[1].strip() for line in lines[1:]] == ["step", "---", "transformer", "gru, lengths drawn"]
    assert len({line.count("|") for line in lines[1:]}) == 1


def test_false_winners_prints_a_row_for_each_design():
    lines = run("false_winners.py", "--tables", "4", "--models", "3", "--seeds", "1", "2").splitlines()
    assert [line.split("|")[1:3] for line in lines[2:]] == [[" 3 ", " 1 "], [" 3 ", " 2 "]]
    assert {line.count("|") for line in lines} == {9}


@pytest.mark.slow
def test_padding_compares_both_sides(shared_data):
    printed = run("padding.py", str(shared_data / "cola"), "--rows", "16", "--seeds", "0")
    assert '"side": "hftk"' in printed and '"side": "padded"' in printed
    assert "cpu_seconds: padded" in printed


@pytest.mark.slow
def test_overhead_gives_the_share_of_each_part(shared_data):
    printed = run("overhead.py", str(shared_data / "cola"), "--rows", "16", "--epochs", "1").splitlines()
    assert printed[0].startswith("a run of 1 epochs: ")
    assert [line.split("|")[1].strip() for line in printed[4:]][-1] == "all of it" and len(printed) == 10
