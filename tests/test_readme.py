"""What README.md and recipes/README.md show can be typed: commands, recipes and Python."""

import importlib
import re
import shlex
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "recipes/README.md")
SHELLS = {"bash", "powershell"}
WITH_RECIPE = {"train", "check", "show"}
# commands of others, shown but not ours to check
FOREIGN = {"py", r".venv\Scripts\activate", "pytest", "mkdir", "gunzip", "cp", "hf"}


def blocks(page: str, languages: set[str]) -> list[str]:
    """Fenced code blocks of a page in one of these languages, also where a list indents them."""
    text = ROOT.joinpath(page).read_text(encoding="utf-8")
    found = re.findall(r"^( *)```(\w+)\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL)
    return [
        re.sub(rf"^{indent}", "", body, flags=re.MULTILINE) for indent, language, body in found if language in languages
    ]


def commands(page: str) -> list[list[str]]:
    """Every command of a page's shell blocks, as words; variables before a command and output files are left off."""
    found = []
    for block in blocks(page, SHELLS):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.replace("\\", "\\\\"), comments=True)
            while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
                words = words[1:]
            if ">" in words:
                words = words[: words.index(">")]
            if words:
                found.append(words)
    return found


ALL_COMMANDS = [command for page in PAGES for command in commands(page)]
WITH_OVERRIDES = [
    command[after:]
    for command in ALL_COMMANDS
    for after in [next((at + 1 for at, word in enumerate(command) if word in WITH_RECIPE | {"hftk/train.py"}), None)]
    if after and command[0] in ("hftk", "accelerate") and not command[after].startswith("hf://")
]
RECIPE_BLOCKS = {
    re.search(r"^name: (\S+)", block, re.MULTILINE)[1]: block for page in PAGES for block in blocks(page, {"yaml"})
}


@pytest.fixture
def in_clone(workplace):
    """The README's workplace, with the files of the reader's own in it."""
    (workplace / "reviews.csv").write_text("review,stars\nfine,5\n", encoding="utf-8")
    (workplace / "reviews.yaml").write_text(RECIPE_BLOCKS["reviews"], encoding="utf-8")


def test_there_is_something_to_check():
    assert len(commands("README.md")) >= 15
    assert len(commands("recipes/README.md")) >= 4
    assert len(WITH_OVERRIDES) >= 12
    assert set(RECIPE_BLOCKS) == {"reviews", "cola-example", "news-gru"}


def test_the_two_commands_stand_first():
    first = ROOT.joinpath("README.md").read_text(encoding="utf-8").split("```")[1]
    assert [line.split()[0] for line in first.splitlines()[1:]] == ["scripts/quickstart", "scripts/test"]


@pytest.mark.parametrize("command", ALL_COMMANDS, ids=" ".join)
def test_a_command_names_what_exists(command, in_clone):
    program, *arguments = command
    if program == "hftk":
        importlib.import_module("hftk.cli")._parsed(arguments)
    elif program == "accelerate":
        launch = pytest.importorskip("accelerate.commands.launch")
        parsed = launch.launch_command_parser().parse_args(arguments[1:])
        assert parsed.training_script == "hftk/train.py"
        assert parsed.config_file is None or Path(parsed.config_file).exists()
    elif program == "pip":
        names = re.findall(r"\[(.*)\]", arguments[-1])[0].split(",")
        extras = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert set(names) <= set(extras["optional-dependencies"])
        assert "-c" not in arguments or Path(arguments[arguments.index("-c") + 1]).exists()
    elif program.startswith("scripts/"):
        assert Path(program).exists()
    else:
        assert program in FOREIGN, "a command that no test knows"


@pytest.mark.parametrize("arguments", WITH_OVERRIDES, ids=" ".join)
def test_a_recipe_and_its_overrides_are_valid(arguments, in_clone):
    from hftk.cli import _parsed
    from hftk.recipe import read_sweep

    parsed = _parsed(["train", *arguments])
    recipe, overrides = parsed.recipe, parsed.overrides
    assert read_sweep(recipe, overrides).runs


def test_six_of_the_eight_runs_remain_on_local_files(in_clone):
    from hftk.recipe import read_sweep

    recipe, *overrides = next(arguments for arguments in WITH_OVERRIDES if "data.path=../shared/data/cola" in arguments)
    assert len(read_sweep(recipe).runs) == 8
    assert len(read_sweep(recipe, overrides).runs) == 6


@pytest.mark.parametrize("name", RECIPE_BLOCKS)
def test_a_shown_recipe_is_valid(name, in_clone):
    from hftk.recipe import read_sweep

    Path("shown.yaml").write_text(RECIPE_BLOCKS[name], encoding="utf-8")
    assert len(read_sweep("shown.yaml").runs) == 9  # three learning rates, three seeds


@pytest.mark.parametrize("recipe", sorted(ROOT.glob("recipes/*.yaml")), ids=lambda path: path.name)
def test_a_recipe_file_is_valid_and_explains_itself(recipe, workplace):
    from hftk.recipe import read_sweep

    assert read_sweep(recipe).runs
    header = recipe.read_text(encoding="utf-8").split("\nname:")[0]
    for part in ("Purpose:", "Command:", "Expected:", "Time:"):
        assert f"# {part}" in header, f"{recipe.name} has no {part}"
    assert f"]({recipe.name})" in ROOT.joinpath("recipes/README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("snippet", [block for page in PAGES for block in blocks(page, {"python"})])
def test_python_compiles(snippet):
    compile(snippet, "README.md", "exec")


def test_links_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", ROOT.joinpath(page).read_text(encoding="utf-8")):
            assert ROOT.joinpath(page).parent.joinpath(target).exists(), f"{page}: {target}"
