"""The recipes' commands on real files with a real pretrained BERT, few rows each. The longer part of the tests."""

import io
import shlex
from pathlib import Path

import pandas as pd
import pytest
from transformers import pipeline

import hftk
from hftk.report.result import SweepResult

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def from_root(monkeypatch, shared_data):
    """The commands name the data by their path from the repository."""
    if shared_data.resolve() != (ROOT.parent / "shared" / "data").resolve():
        pytest.skip("the commands expect the data in ../shared/data")
    monkeypatch.chdir(ROOT)


def documented(recipe: str, containing: str) -> list[str]:
    """The overrides of the command in recipes/README.md that trains `recipe` and contains the words."""
    text = (ROOT / "recipes" / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = [line for line in text.splitlines() if f"recipes/{recipe}" in line and containing in line]
    words = shlex.split(line)
    return words[words.index(f"recipes/{recipe}") + 1 :]


def run(recipe: str, containing: str, *overrides: str) -> tuple[SweepResult, str]:
    changed = {override.partition("=")[0] for override in overrides}
    written = [word for word in documented(recipe, containing) if word.partition("=")[0] not in changed]
    out = io.StringIO()
    result = hftk.run(f"recipes/{recipe}", [*written, *overrides], stream=out)
    return result, out.getvalue()


def test_the_bert_sweep_on_cola(from_root, tmp_path):
    result, out = run("bert_sweep.yaml", "data/cola", f"output_dir={tmp_path}", "data.limit=64")
    assert "8 runs became 6 distinct ones" in out
    assert "of 7,696 rows of train" in out, "8,551 rows less a stratified tenth"
    assert "of 1,043 rows of test" in out, "both development files"
    assert result.exit_code == 0
    assert len(result.results) == 6
    assert set(result.results["epochs"]) == {5, 10}
    report = result.report.read_text(encoding="utf-8")
    assert report.count("| epoch | training loss | validation accuracy | validation loss | test accuracy |") == 6
    assert "(n=64 of 1,043)" in report


def test_the_same_command_again_trains_nothing(from_root, tmp_path):
    overrides = [f"output_dir={tmp_path}", "data.limit=32", "training.num_train_epochs=1"]
    first, _ = run("bert_sweep.yaml", "data/cola", *overrides)
    again, out = run("bert_sweep.yaml", "data/cola", *overrides)
    assert "0 of 5 runs to train" in out
    pd.testing.assert_frame_equal(first.results, again.results)


def test_korean_from_file_to_report(from_root, tmp_path):
    result, _ = run("quickstart.yaml", "name=korean", f"output_dir={tmp_path}", "data.limit=60", "name=영화평")
    assert result.folder == tmp_path / "영화평"
    predictions = pd.read_parquet(result.folder / "seed=0" / "predictions.parquet")
    assert set(predictions["label"]) == {"negative", "neutral", "positive"}
    classify = pipeline("text-classification", model=str(result.folder / "seed=0" / "model"))
    assert classify("정말 재미있는 영화였어요")[0]["label"] in {"negative", "neutral", "positive"}


def test_empty_posts_are_kept_and_predicted(from_root, tmp_path):
    overrides = [f"output_dir={tmp_path}", "data.limit=100", "data.max_length=32"]
    result, out = run("quickstart.yaml", "name=twenty-newsgroups", *overrides)
    assert "of 7,532 rows of test" in out
    assert "20 classes" in out
    assert result.statuses == {"seed=0": "finished"}


def test_rt_polarity(from_root, tmp_path):
    result, out = run("quickstart.yaml", "name=rt-polarity", f"output_dir={tmp_path}", "data.limit=100")
    assert "of 8,487 rows of train" in out
    assert result.results["test_accuracy"].between(0, 1).all()
