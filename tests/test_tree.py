"""The tree in README.md is the tree on disk: every file has its line, every line its file."""

from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# folders that the README names without their files
UNOPENED = {"tests", "benchmarks", "docs"}


def test_every_file_has_a_line_and_every_line_a_file():
    told = tree_lines(ROOT.joinpath("README.md").read_text(encoding="utf-8"))
    assert set(told) == files_on_disk(), "README.md, section The tree"


def test_every_line_of_the_tree_says_something():
    told = tree_lines(ROOT.joinpath("README.md").read_text(encoding="utf-8"))
    bare = {path for path, text in told.items() if not text}
    assert bare <= {"scripts", "recipes", ".ci"}, "their files say it"


def tree_lines(readme: str) -> dict[str, str]:
    """Path → what is said of it, from the code block under `## The tree`."""
    block = readme.split("\n## The tree\n")[1].split("```text\n")[1].split("```")[0]
    told = {}
    parents: list[str] = []
    for line in block.splitlines():
        name, _, text = line.strip().partition(" ")
        depth = (len(line) - len(line.lstrip())) // 2
        parents[depth:] = [name.rstrip("/")]
        path = "/".join(parents)
        assert path not in told, f"{path} stands twice in the tree"
        told[path] = text.strip()
    return told


def files_on_disk() -> set[str]:
    """Every file and folder that git would take, but for the inside of UNOPENED and the `__init__.py` of a folder."""
    patterns = ROOT.joinpath(".gitignore").read_text(encoding="utf-8").split()
    ignored = [".git", ".gitignore", *(pattern.strip("/") for pattern in patterns)]
    found = []
    folders = [ROOT]
    while folders:
        for path in folders.pop().iterdir():
            if any(fnmatch(path.name, pattern) for pattern in ignored):
                continue
            found.append(path)
            if path.is_dir() and path.name not in UNOPENED:
                folders.append(path)
    inits = {path for path in found if path.name == "__init__.py" and path.parent.parent != ROOT}
    return {path.relative_to(ROOT).as_posix() for path in found if path not in inits}
