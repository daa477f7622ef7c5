"""The verbs, their exit codes, and what they must not import."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import hftk
from hftk.cli import main
from hftk.errors import HubError
from hftk.recipe import read_sweep
from hftk.sweep import runners

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {
    "torch",
    "transformers",
    "datasets",
    "evaluate",
    "accelerate",
    "peft",
    "pandas",
    "sklearn",
    "matplotlib",
    "wandb",
}
# runs a verb, then tells its exit code and the packages imported
TELL_IMPORTS = """
import json, sys
from hftk.cli import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print(json.dumps({"code": code, "imported": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


@pytest.fixture
def recipe(tmp_path, tiny_bert, tiny_csv, monkeypatch) -> str:
    monkeypatch.setenv("HFTK_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "tiny.yaml"
    path.write_text(
        f"""name: tiny
output_dir: {tmp_path / "runs"}
data: {{path: {tiny_csv}, max_length: 32}}
model: {{pretrained: {tiny_bert}}}
training: {{num_train_epochs: 1, per_device_train_batch_size: 32, use_cpu: true}}
"""
    )
    return str(path)


@pytest.fixture
def misspelt(recipe) -> str:
    path = Path(recipe)
    path.write_text(path.read_text().replace("max_length", "max_lenght"))
    return recipe


def python(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, timeout=120)


# what waits for nothing


def test_help_imports_neither_torch_nor_pydantic():
    told = python("-c", TELL_IMPORTS, "--help")
    text, _, last = told.stdout.strip().rpartition("\n")
    end = json.loads(last)
    assert end["code"] == 0
    assert not (HEAVY | {"pydantic", "ruamel", "numpy", "rich"}) & set(end["imported"])
    for verb in ("train", "check", "show", "schema", "report"):
        assert f"    {verb} " in text
    assert "accelerate launch hftk/train.py RECIPE" in text


def test_a_misspelt_recipe_is_told_without_torch_and_without_a_traceback(misspelt):
    told = python("-c", TELL_IMPORTS, "check", misspelt)
    end = json.loads(told.stdout)
    assert end["code"] == 2
    assert not HEAVY & set(end["imported"])
    (line,) = told.stderr.splitlines()
    assert line.startswith(f"{misspelt}:3: data.max_lenght: unknown key; did you mean max_length?")


def test_it_runs_as_a_module_and_hands_its_exit_code_on(misspelt):
    told = python("-m", "hftk.cli", "show", misspelt)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.count("did you mean max_length?") == 1 and "Traceback" not in told.stderr


@pytest.mark.parametrize("words", [["show", "recipes/bert_sweep.yaml"], ["schema"]], ids=" ".join)
def test_show_and_schema_do_not_import_torch(words):
    end = json.loads(python("-c", TELL_IMPORTS, *words).stdout.splitlines()[-1])
    assert end["code"] == 0
    assert not HEAVY & set(end["imported"])


# verbs


def test_show_prints_a_recipe_that_says_the_same(recipe, tmp_path, capsys):
    assert main(["show", recipe, "data.limit=50", "training.learning_rate=1e-3"]) == 0
    shown = capsys.readouterr().out
    assert "limit: 50" in shown and "label_smoothing_factor: 0" in shown
    again = tmp_path / "again.yaml"
    again.write_text(shown)
    assert main(["show", str(again)]) == 0
    assert capsys.readouterr().out == shown
    training = read_sweep(again).recipe.training
    assert (training["learning_rate"], training["num_train_epochs"]) == (1e-3, 1)


def test_schema_prints_the_json_schema(capsys):
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert {"name", "data", "model", "training", "sweep", "seeds"} <= schema["properties"].keys()


def test_check_shows_counts_and_decoded_rows_and_trains_nothing(recipe, tmp_path, capsys):
    assert main(["check", recipe]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("tiny: 1 run to train, 4 steps in all, on cpu\n")
    assert "train: 120 rows" in shown.out
    assert shown.out.count("[CLS]") == 4 and "[PAD]" not in shown.out
    assert shown.err == ""
    assert not (tmp_path / "runs").exists()


def test_train_then_report(recipe, tmp_path, capsys):
    assert main(["train", recipe, "seeds=[3]"]) == 0
    folder = tmp_path / "runs" / "tiny"
    assert capsys.readouterr().out.endswith(f"\n\nReport: {folder / 'report.html'}\n")
    left = {name: (folder / name).read_bytes() for name in ("results.csv", "report.md", "report.html")}
    for name in left:
        (folder / name).unlink()
    assert main(["report", str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder / 'report.html'}\n{folder / 'report.md'}\n"
    assert {name: (folder / name).read_bytes() for name in left} == left


# exit codes


def test_a_failed_run_is_1(recipe, monkeypatch, capsys):
    def fit(*args, **kwargs):
        raise RuntimeError("no memory")

    monkeypatch.setattr(runners, "fit", fit)
    assert main(["train", recipe, "--jobs", "0"]) == 1
    shown = capsys.readouterr()
    assert "[1/1] failed after" in shown.out and "RuntimeError: no memory" in shown.out
    assert "Traceback" not in shown.out + shown.err


def test_a_folder_without_runs_is_1(tmp_path, capsys):
    assert main(["report", str(tmp_path / "nowhere")]) == 1
    assert "no runs found" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train"], "the following arguments are required: RECIPE"),
        (["trian", "x.yaml"], "invalid choice: 'trian'"),
        ([], "the following arguments are required: VERB"),
        (["train", "x.yaml", "--epochs", "3"], "unrecognized arguments: --epochs"),
        (["check", "no_such.yaml"], "no_such.yaml: no such file"),
        (["schema", "x.yaml"], "unrecognized arguments: x.yaml"),
    ],
)
def test_a_mistake_in_the_command_is_2(words, message, capsys):
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count(message) == 1


def test_bad_data_are_2(recipe, capsys):
    assert main(["train", recipe, "data.columns={text: body}"]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and "data.columns.text: no column body in reviews.csv" in shown.err


def test_every_help_is_0(capsys):
    for words in (["--help"], ["train", "--help"], ["report", "-h"]):
        with pytest.raises(SystemExit) as end:
            main(words)
        assert end.value.code == 0
    assert "FOLDER" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted; finished runs are kept, and the same command goes on with the rest"),
        (HubError("trained, but me/x could not be pushed"), 3, "trained, but me/x could not be pushed"),
    ],
)
def test_what_ends_training_is_told_by_the_main_process_only(error, code, message, monkeypatch, capsys):
    def run(*args, **kwargs):
        raise error

    monkeypatch.setattr("hftk.train.run", run)
    assert main(["train", "x.yaml"]) == code
    assert capsys.readouterr().err == message + "\n"
    monkeypatch.setenv("RANK", "1")
    assert main(["train", "x.yaml"]) == code
    assert capsys.readouterr().err == ""


def test_a_reader_that_stops_early_is_no_error(recipe):
    words = [sys.executable, "-m", "hftk.cli", "schema"]
    shown = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ)
    shown.stdout.close()
    assert shown.stderr.read() == b""
    assert shown.wait(timeout=60) == 0


def test_the_package_offers_run_and_nothing_else():
    from hftk.train import run

    assert hftk.run is run
    with pytest.raises(AttributeError, match="module 'hftk' has no attribute 'rum'"):
        hftk.rum  # noqa: B018
