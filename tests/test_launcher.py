"""hftk/train.py as `accelerate launch` and Python start it."""

import os
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from hftk.launcher import last_word, leave

ROOT = Path(__file__).resolve().parents[1]
LAUNCH = [sys.executable, "-m", "accelerate.commands.launch"]
TWO = ["--config_file", "accelerate_config.yaml", "--num_processes", "2"]
MISTAKE = "bad.yaml:3: training.learning_rat: unknown key; did you mean learning_rate?"


@pytest.fixture
def bad_recipe(tmp_path) -> str:
    path = tmp_path / "bad.yaml"
    path.write_text("name: bad\nmodel: {pretrained: x}\ntraining: {learning_rat: 1e-3}\ndata: {path: org/set}\n")
    return str(path)


def start(words: list[str], *, cwd: Path) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("processes", [[], TWO], ids=["bare", "two processes"])
def test_under_accelerate_our_message_is_the_last_and_stands_once(processes, bad_recipe):
    told = start([*LAUNCH, *processes, "hftk/train.py", bad_recipe], cwd=ROOT)
    assert told.returncode != 0
    assert told.stderr.splitlines()[-1].endswith(MISTAKE), told.stderr[-2000:]
    assert told.stderr.count(MISTAKE) == 1
    assert MISTAKE not in told.stdout


def test_a_command_without_a_recipe_is_told_last_too():
    told = start([*LAUNCH, "hftk/train.py"], cwd=ROOT)
    assert told.returncode != 0
    assert told.stderr.splitlines()[-1] == "hftk train: the following arguments are required: RECIPE"


def test_the_file_runs_uninstalled_from_any_folder(bad_recipe, tmp_path):
    clone = tmp_path / "clone" / "hftk"
    shutil.copytree(ROOT / "hftk", clone, ignore=shutil.ignore_patterns("__pycache__"))
    with open(clone / "errors.py", "a") as file:
        file.write("\nimport sys\nprint('the clone', file=sys.stderr)\n")
    # Python puts the file's own folder first, where a module of ours would hide one of Python's
    (clone / "copy.py").write_text("raise SystemExit('the standard library is hidden')\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    told = start([sys.executable, str(clone / "train.py"), bad_recipe], cwd=elsewhere)
    assert told.returncode == 2, told.stderr
    assert told.stderr == f"the clone\n{bad_recipe.removesuffix('bad.yaml')}{MISTAKE}\n"


def test_no_module_of_ours_is_named_like_another():
    ours = {path.stem for path in ROOT.joinpath("hftk").iterdir() if path.suffix == ".py" or path.is_dir()}
    ours -= {"__init__", "__pycache__"}
    project = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text())["project"]
    named = [*project["dependencies"], *(one for group in project["optional-dependencies"].values() for one in group)]
    needed = {requirement.split(">")[0].split("=")[0].lower().replace("_", "-") for requirement in named}
    installed = {
        module
        for module, distributions in packages_distributions().items()
        if needed & {name.lower().replace("_", "-") for name in distributions}
    }
    assert {"torch", "datasets", "evaluate", "yaml", "ruamel"} & installed >= {"torch", "datasets", "evaluate"}
    assert "train" in ours
    assert not ours & (installed | sys.stdlib_module_names)


def test_alone_the_message_goes_to_standard_error_at_once(capsys, monkeypatch):
    monkeypatch.delenv("ACCELERATE_MIXED_PRECISION", raising=False)
    last_word("data.path: no such file")
    assert capsys.readouterr() == ("", "data.path: no such file\n")


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux lets us wait for a process that is not ours")
def test_under_a_launcher_the_message_waits_for_its_end():
    launched = "import os; os.environ['ACCELERATE_MIXED_PRECISION'] = 'no'\n"
    launched += "from hftk.launcher import last_word; last_word('한국어: the message')"
    launcher = "import subprocess, sys, time\n"
    launcher += f"subprocess.run([sys.executable, '-c', {launched!r}])\ntime.sleep(0.5)\n"
    launcher += "print('the traceback of the launcher', file=sys.stderr)"
    told = start([sys.executable, "-c", launcher], cwd=ROOT)
    assert told.stderr == "the traceback of the launcher\n한국어: the message\n"


def test_a_process_alone_leaves_as_usual():
    with pytest.raises(SystemExit) as left:
        leave(2)
    assert left.value.code == 2


def test_processes_that_trained_together_leave_with_their_code_and_their_last_words(tmp_path):
    script = tmp_path / "together.py"
    script.write_text(
        "import atexit\n"
        "from hftk.launcher import leave\n"
        "from hftk.training.processes import start_processes\n"
        "start_processes(use_cpu=True)\n"
        "atexit.register(print, 'goodbye')\n"
        "leave(0)\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("goodbye") == 2
