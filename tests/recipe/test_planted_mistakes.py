"""What people get wrong in a recipe, and exactly what they are told."""

import re
from pathlib import Path

import pytest
import yaml

from hftk.errors import RecipeError
from hftk.recipe import read_sweep

SOUND = {
    "name": "name: news",
    "data": "data: {path: builtin:docstrings}",
    "model": "model: {pretrained: bert-base-uncased}",
}


def _mistakes() -> list[tuple[str, str, list[str]]]:
    """Of each: where it stands, what is written in place of or after the sound lines, and the message of each problem.

    Messages are without the recipe's name; one that ends in … begins so: what follows depends on the installed version
    of a library.
    """
    return [
        (f"{file.stem}-{number}", mistake["recipe"], told if isinstance(told := mistake["told"], list) else [told])
        for file in sorted((Path(__file__).parent / "mistakes").glob("*.yaml"))
        for number, mistake in enumerate(yaml.safe_load(file.read_text(encoding="utf-8")), start=1)
    ]


MISTAKES = _mistakes()


def recipe_with(text: str) -> str:
    """The sound lines that the text does not replace, then the text."""
    kept = [line for key, line in SOUND.items() if not re.search(rf"^{key}:", text, re.MULTILINE)]
    return "\n".join([*kept, text, ""])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with a few files to name, or to misname."""
    for name in ("train.csv", "test.csv", "rows.json", "rows.parquet", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("text", "expected"), [pytest.param(*told, id=place) for place, *told in MISTAKES])
def test_what_is_told(text: str, expected: list[str], folder: Path) -> None:
    (folder / "r.yaml").write_text(recipe_with(text), encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        read_sweep("r.yaml")
    assert [same_end(told, wanted) for told, wanted in zip(caught.value.problems, expected, strict=True)] == [
        f"r.yaml:{wanted}" for wanted in expected
    ]


def same_end(told: str, wanted: str) -> str:
    """Cuts what a wanted message leaves open."""
    if not wanted.endswith("…"):
        return told
    start = f"r.yaml:{wanted[:-1]}"
    return start + "…" if told.startswith(start) else told


def test_the_sound_recipe_is_sound(folder: Path) -> None:
    (folder / "r.yaml").write_text(recipe_with("keep: best"), encoding="utf-8")
    assert [run.name for run in read_sweep("r.yaml").runs] == ["seed=0"]


def test_there_are_enough_mistakes() -> None:
    assert len(MISTAKES) >= 220
    assert len({text for _, text, _ in MISTAKES}) == len(MISTAKES)


def test_all_problems_come_at_once_and_in_file_order(folder: Path) -> None:
    text = "metrics: [acuracy]\ntraining: {learning_rat: 1, num_train_epochs: 0}\nseeds: 3\nhub: {push: best}"
    (folder / "r.yaml").write_text(recipe_with(text), encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        read_sweep("r.yaml", ["data.max_length=0", "training.warmup_ratio=0.1"])
    found = [re.match(r"(r\.yaml:\d+|override [^:]*): ([\w.]+): ", line).groups() for line in caught.value.problems]
    assert found == [
        ("r.yaml:4", "metrics.0"),
        ("r.yaml:5", "training.learning_rat"),
        ("r.yaml:5", "training.num_train_epochs"),
        ("r.yaml:6", "seeds"),
        ("r.yaml:7", "hub.push"),
        ("override data.max_length=0", "data.max_length"),
        ("override training.warmup_ratio=0.1", "training.warmup_ratio"),
    ]


def test_what_several_runs_share_is_told_once(folder: Path) -> None:
    text = "training: {learning_rat: 1}\nsweep: {parameters: {training.weight_decay: {values: [0.0, 0.1, 0.2]}}}"
    (folder / "r.yaml").write_text(recipe_with(text), encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        read_sweep("r.yaml")
    assert caught.value.problems == ["r.yaml:4: training.learning_rat: unknown key; did you mean learning_rate?"]


def test_a_swept_value_is_told_with_its_own_line(folder: Path) -> None:
    text = "sweep:\n  parameters:\n    training.learning_rate:\n      values:\n        - 1e-3\n        - 0\n"
    (folder / "r.yaml").write_text(recipe_with(text), encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        read_sweep("r.yaml")
    assert caught.value.problems == ["r.yaml:9: training.learning_rate: must be greater than 0, not 0"]


@pytest.mark.parametrize(
    "text",
    [
        "hub: {token: hf_abcdefghijklmnopqrstuvwxyz}",
        "training: {optim: hf_abcdefghijklmnopqrstuvwxyz}",
        "metrics: [hf_abcdefghijklmnopqrstuvwxyz]",
        "hf_abcdefghijklmnopqrstuvwxyz: 1",
        "data: {path: x, encoding: hf_abcdefghijklmnopqrstuvwxyz, revision: hf_abcdefghijklmnopqrstuvwxyz}",
        "sweep: {parameters: {model.token: {values: [hf_abcdefghijklmnopqrstuvwxyz]}}}",
    ],
)
def test_a_token_is_never_shown(text: str, folder: Path) -> None:
    (folder / "r.yaml").write_text(recipe_with(text), encoding="utf-8")
    for overrides in (
        [],
        ["hub.token=hf_abcdefghijklmnopqrstuvwxyz"],
        {"hub.api_key": "hf_abcdefghijklmnopqrstuvwxyz"},
    ):
        with pytest.raises(RecipeError) as caught:
            read_sweep("r.yaml", overrides)
        assert "abcdefgh" not in str(caught.value)


def test_a_commit_is_no_token(folder: Path) -> None:
    text = "model: {pretrained: bert-base-uncased, revision: 0123456789abcdef0123456789abcdef01234567}"
    (folder / "r.yaml").write_text(recipe_with(text), encoding="utf-8")
    assert read_sweep("r.yaml").recipe.model.revision == "0123456789abcdef0123456789abcdef01234567"
