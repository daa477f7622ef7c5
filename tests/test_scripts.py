"""The scripts, with a Python that only writes down what it was asked: what they look for, install, skip and start."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BASH = shutil.which("bash")
SCRIPTS = ["scripts/quickstart", "scripts/test", ".ci/run"]
pytestmark = pytest.mark.skipif(BASH is None, reason="bash is not installed")

AT_ONCE = ["-n", "logical", "--maxprocesses", "4", "--dist", "worksteal"]
# answers the version question, copies itself for `-m venv`, and logs everything else
FAKE_PYTHON = """#!{bash}
case "$*" in
    *"sys.version_info"*) exit {refuses} ;;
    *"os.cpu_count"*) echo 2 ;;
    "-m venv"*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    *) printf '%s|' "$(basename "$0")" "$HF_HUB_OFFLINE" "$@" >>"{log}"; echo >>"{log}"; {then} ;;
esac
"""


@pytest.fixture
def clone(tmp_path):
    """The scripts in a folder with spaces, beside a PATH that has the fake Python only; returns (folder, start)."""
    folder = tmp_path / "a clone of hftk"
    for name in ("pyproject.toml", "constraints.txt"):
        folder.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "env", "dirname", "basename", "cat", "cksum", "mkdir", "cp", "id"):
        tools.joinpath(name).symlink_to(shutil.which(name))

    def python(name="python3", refuses=0, then="true"):
        path = tools / name
        path.write_text(FAKE_PYTHON.format(bash=BASH, refuses=refuses, log=tmp_path / "log", then=then))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def start(script, *arguments, **environment):
        return subprocess.run(
            [str(folder / script), *arguments],
            cwd=tmp_path,
            env={"PATH": str(tools), "HOME": str(tmp_path), **environment},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def log():
        lines = tmp_path.joinpath("log").read_text().splitlines() if tmp_path.joinpath("log").exists() else []
        return [line.rstrip("|").split("|") for line in lines]

    start.python, start.log = python, log
    return folder, start


@pytest.mark.parametrize("script", [*SCRIPTS, "scripts/environment.sh"])
def test_syntax(script):
    assert subprocess.run([BASH, "-n", str(ROOT / script)], capture_output=True, text=True).stderr == ""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no executable bit")
@pytest.mark.parametrize("script", SCRIPTS)
def test_can_be_started(script):
    assert os.access(ROOT / script, os.X_OK)


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_python(clone, script):
    _, start = clone
    start.python("python3.13", refuses=127)  # a name on PATH that does not run
    start.python("python3", refuses=1)
    done = start(script)
    assert done.returncode == 1
    assert "hftk needs Python 3.11 or newer with its venv module; tried python3.13, " in done.stderr
    assert "python3-venv" in done.stderr
    assert start.log() == []


def test_quickstart_installs_once_and_passes_overrides(clone):
    folder, start = clone
    start.python()
    done = start("scripts/quickstart", "training.num_train_epochs=1", "data.columns={text: a b}")
    assert done.returncode == 0, done.stderr
    install, train = start.log()
    expected = "python||-m|pip|install|--quiet|--disable-pip-version-check|-c|constraints.txt|-e|.[quickstart]"
    assert "|".join(install) == expected
    assert train == [
        *("python", "1", "-m", "accelerate.commands.launch", "hftk/train.py", "recipes/quickstart.yaml"),
        *("training.num_train_epochs=1", "data.columns={text: a b}"),
    ]
    assert (folder / ".venv" / "bin" / "python").exists()
    assert start("scripts/quickstart").returncode == 0
    assert [line[3] for line in start.log()[2:]] == ["accelerate.commands.launch"], "installed a second time"


def test_a_changed_pin_installs_again(clone):
    folder, start = clone
    start.python()
    start("scripts/quickstart")
    with open(folder / "constraints.txt", "a") as file:
        file.write("another==1.0\n")
    start("scripts/quickstart")
    assert [line[3] for line in start.log()] == ["pip", "accelerate.commands.launch"] * 2


def test_a_failed_install_is_not_taken_for_done(clone):
    _, start = clone
    start.python(then="exit 1")
    assert start("scripts/quickstart").returncode == 1
    assert start("scripts/quickstart").returncode == 1
    assert [line[3] for line in start.log()] == ["pip", "pip"]


def test_test_passes_arguments_to_pytest(clone, tmp_path):
    _, start = clone
    start.python()
    done = start("scripts/test", "tests/data", "-x", HFTK_VENV=str(tmp_path / "elsewhere"))
    assert done.returncode == 0, done.stderr
    install, tests = start.log()
    assert install[-1] == ".[quickstart,dev]"
    assert tests == ["python", "1", "-m", "pytest", "-q", "-m", "not slow", *AT_ONCE, "tests/data", "-x"]
    assert (tmp_path / "elsewhere" / "bin" / "python").exists()


def test_the_hub_can_be_asked(clone):
    _, start = clone
    start.python()
    start("scripts/quickstart", HF_HUB_OFFLINE="0")
    assert start.log()[-1][1] == "0"


def test_ci_runs_all_steps_and_fails_if_one_does(clone):
    _, start = clone
    start.python(then='[[ "$*" != *"-m slow"* ]]')
    done = start(".ci/run")
    assert done.returncode == 1
    assert done.stderr.endswith("failed: scripts/test -m slow\n"), done.stderr
    steps = [" ".join(line[3:]) for line in start.log() if line[3] != "pip"]
    assert [step.partition(" output_dir=")[0] for step in steps] == [
        f"pytest -q -m not slow {' '.join(AT_ONCE)}",
        "ruff check .",
        "ruff format --check .",
        f"pytest -q -m not slow {' '.join(AT_ONCE)} -m slow",
        "accelerate.commands.launch hftk/train.py recipes/quickstart.yaml",
    ]


def test_ci_passes(clone):
    _, start = clone
    start.python()
    done = start(".ci/run")
    assert done.returncode == 0, done.stderr
    assert "failed" not in done.stderr
