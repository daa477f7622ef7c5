"""From a file, or a mapping, to plain values with places; every way in which that fails."""

from pathlib import Path

import pytest

from hftk.errors import RecipeError
from hftk.recipe.reading import read_document


@pytest.fixture(autouse=True)
def current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(recipe: object, overrides: object = ()) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        read_document(recipe, overrides)
    return caught.value.problems


def test_values_and_places(current_folder: Path) -> None:
    Path("r.yaml").write_text("name: news\ntraining:\n  learning_rate: 5e-5\n", encoding="utf-8")
    document = read_document("r.yaml")
    assert document.data == {"name": "news", "training": {"learning_rate": 5e-5}}
    assert str(document.place(("training", "learning_rate"))) == "r.yaml:3"
    assert str(document.place(("training", "unknown", "deeper"))) == "r.yaml:2"
    assert read_document(current_folder / "r.yaml").data == document.data


def test_a_byte_order_mark_is_no_part_of_the_recipe() -> None:
    Path("r.yaml").write_bytes(b"\xef\xbb\xbfname: news\n")
    assert read_document("r.yaml").data == {"name": "news"}


def test_a_mapping_is_a_recipe_too() -> None:
    document = read_document({"name": "news", "data": {"path": Path("a.csv")}, "seeds": (1, 2)})
    assert document.data == {"name": "news", "data": {"path": "a.csv"}, "seeds": [1, 2]}
    assert str(document.place(("data", "path"))) == "recipe"


def test_a_mapping_of_other_things_is_refused() -> None:
    assert told({"name": object()}) == ["recipe: a recipe holds text, numbers, lists and mappings, not object"]


def test_no_such_file() -> None:
    assert told("r.yaml") == ["r.yaml: no such file; there are no recipes in ."]
    Path("recipes").mkdir()
    Path("recipes/bert_sweep.yaml").touch()
    Path("recipes/lora.yml").touch()
    assert told("recipes/bert-sweep.yaml") == [
        f"recipes/bert-sweep.yaml: no such file; did you mean {Path('recipes/bert_sweep.yaml')}?"
    ]
    assert told("recipes/x.yaml") == ["recipes/x.yaml: no such file; recipes in recipes: bert_sweep.yaml, lora.yml"]
    assert told("recepies/x.yaml") == ["recepies/x.yaml: no such file; there is no folder recepies here"]
    assert told("recipes") == ["recipes: a folder, not a recipe; recipes in recipes: bert_sweep.yaml, lora.yml"]


def test_a_file_that_cannot_be_read() -> None:
    Path("file").touch()
    assert told("file/r.yaml") == ["file/r.yaml: cannot be read: Not a directory"]


def test_not_utf_8() -> None:
    Path("r.yaml").write_bytes("name: 영화".encode("cp949"))
    assert told("r.yaml") == ["r.yaml: not UTF-8 text (byte 7); save the recipe as UTF-8"]


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "null\n"])
def test_empty(text: str) -> None:
    Path("r.yaml").write_text(text)
    assert told("r.yaml") == ["r.yaml: the recipe is empty; `hftk init DATA` writes one"]


def test_not_a_mapping() -> None:
    Path("r.yaml").write_text("- a\n")
    assert told("r.yaml") == ["r.yaml:1: a recipe is a mapping of keys such as `name: …`, not a list"]
    Path("r.yaml").write_text("# x\nbert\n")
    assert told("r.yaml") == ["r.yaml:2: a recipe is a mapping of keys such as `name: …`, not a single value"]


def test_problems_of_the_file_and_of_the_overrides_come_together() -> None:
    Path("r.yaml").write_text("name: a\nname: b\n")
    assert told("r.yaml", ["seeds"]) == [
        "r.yaml:2: name: written twice, first in line 1; keep one of them",
        "override seeds: no `=` in it; write key.path=value, such as training.num_train_epochs=1",
    ]
