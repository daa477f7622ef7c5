"""Hostile recipes: real attacks, as in test_models.py."""

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hftk.errors import RecipeError
from hftk.recipe import read_sweep
from hftk.recipe.yaml_text import parse
from hftk.sweep.names import run_name, setting_names

SOUND = "name: x\ndata: {path: 'builtin:docstrings'}\nmodel: {architecture: rnn}\n"


def problems_of(text: str, tmp_path: Path, *overrides: str) -> list[str]:
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError) as refused:
        read_sweep(path, overrides)
    return [problem.removeprefix(str(tmp_path) + "/") for problem in refused.value.problems]


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.mkdir", "!!python/name:os.system", "!!python/module:os", "!!python/object/new:os"]
)
def test_a_tag_makes_no_object(mark, tmp_path, tag):
    text = f"tags: {tag} ['{mark}']\n"
    assert (
        problems_of(SOUND + text, tmp_path)[0] == f"r.yaml:4: tags: the tag {tag} is not supported; write plain values"
    )
    assert any(
        f"the tag {tag} is not supported" in one for one in problems_of(SOUND, tmp_path, f"tags={tag} ['{mark}']")
    )
    assert not mark.exists()


def test_an_object_tag_would_have_run_in_another_reader(mark):
    yaml = pytest.importorskip("yaml")
    yaml.unsafe_load(f"!!python/object/apply:os.mkdir ['{mark}']")
    assert mark.exists()


def test_aliases_of_aliases_do_not_fill_the_memory(tmp_path):
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))
    started = time.monotonic()
    told = problems_of(SOUND + bomb, tmp_path)
    assert told == ["r.yaml:1: it holds more than 50,000 values, aliases (*name) written out; make it smaller"]
    merges = "".join(f"b{i}: &b{i} {{<<: [{', '.join([f'*b{i - 1}'] * 20)}]}}\n" for i in range(1, 9))
    assert problems_of(SOUND + "b0: &b0 {k: 1}\n" + merges, tmp_path) == told
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x: &a [*a]", "r.yaml:4: x.0: an alias that holds itself never ends; write the value out"),
        ("x: &a {k: *a}", "r.yaml:4: x.k: an alias that holds itself never ends; write the value out"),
        ("x: &a {<<: *a}", "r.yaml:4: x: an alias that holds itself never ends; write the value out"),
        ("x: {<<: &a [*a]}", "r.yaml:4: x: an alias that holds itself never ends; write the value out"),
        ("x: " + "[" * 60 + "]" * 60, "r.yaml:4: nested more than 50 deep"),
        ("x: " + "9" * 5000, "r.yaml:4: x: a number of 5,000 digits; at most 308"),
        ("x: 0x" + "9" * 5000, "r.yaml:4: x: a number of 5,002 digits; at most 308"),
        ("9" * 400 + ": 1", "r.yaml:4: a number of 400 digits; at most 308"),
        (
            'x: "\\ud800"',
            "r.yaml:4: x: holds half a character (a surrogate), which cannot be written to a file; take it",
        ),
    ],
    ids=["list", "mapping", "merge", "merged list", "deep", "digits", "hex digits", "digits as key", "surrogate"],
)
def test_yaml_without_an_end(tmp_path, text, expected):
    assert problems_of(SOUND + text + "\n", tmp_path)[0].startswith(expected)


@pytest.mark.parametrize("text", ["[" * 700, "{a: " * 20_000, "- " * 20_000, "x: &a " * 20_000])
def test_a_deep_recipe_is_refused_at_once(tmp_path, text):
    started = time.monotonic()
    assert problems_of(text, tmp_path)
    assert time.monotonic() - started < 20


def test_a_large_file_is_no_recipe(tmp_path):
    assert problems_of(SOUND + "#" * (1 << 20), tmp_path) == ["r.yaml: larger than 1,048,576 bytes, so it is no recipe"]


def test_a_mapping_within_itself(tmp_path):
    recipe = {"name": "x"}
    recipe["data"] = recipe
    with pytest.raises(RecipeError, match="nested more than 50 deep, or a part of itself"):
        read_sweep(recipe)
    with pytest.raises(RecipeError, match="override data=…: data: nested more than 50 deep, or a part of itself"):
        read_sweep({"name": "x"}, {"data": recipe})
    with pytest.raises(RecipeError, match="a number of more than 308 digits"):
        read_sweep({"name": 10**5000})


def test_the_parser_takes_what_is_just_small_enough():
    from hftk.recipe.places import Place

    value, _, wrong = parse("x: " + "[" * 49 + "]" * 49 + f"\ny: {10**307}\n", Place("x", 1))
    assert not wrong and value["y"] == 10**307


# paths of outputs


NAMES = [
    "../x",
    "..",
    ".",
    "/tmp/x",
    "a/b",
    "a\\b",
    "C:x",
    "con",
    "NUL.txt",
    "com1",
    "x\0y",
    "x\n",
    " x",
    "x ",
    "x.",
    "~",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_one_folder_below_output_dir(tmp_path, name):
    recipe = {"name": name, "data": {"path": "builtin:docstrings"}, "model": {"architecture": "rnn"}}
    for given_recipe, overrides in ((recipe, {}), (recipe | {"name": "x"}, {"name": name})):
        if name == "~":  # an ordinary character here: nothing expands it
            plan = read_sweep(given_recipe, overrides)
            assert (tmp_path / plan.recipe.name).resolve().parent == tmp_path.resolve()
            continue
        with pytest.raises(RecipeError, match="name: .* cannot be a folder's name"):
            read_sweep(given_recipe, overrides)


def test_a_nul_in_output_dir_is_refused():
    recipe = {"name": "x", "data": {"path": "builtin:docstrings"}, "model": {"architecture": "rnn"}}
    with pytest.raises(RecipeError, match="output_dir: "):
        read_sweep(recipe | {"output_dir": "a\0b"})


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(NAMES) | st.text(max_size=80)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
)


@settings(max_examples=50, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.dictionaries(st.sampled_from(["data.path", "model.cell", "peft", "x", "../k"]), VALUES), max_size=4))
def test_whatever_is_swept_names_a_folder_inside_the_sweep_s(swept):
    names = [run_name(name, seed=0, seeds=1) for name in setting_names(swept)]
    for name in names:
        assert name == Path(name).name and name not in ("", ".", "..")
        assert not set('/\\:*?"<>|') & set(name) and name.isprintable() and not name.startswith(".")
        assert len(name.encode()) <= 200
        assert (Path("/sweep") / name).resolve().parent == Path("/sweep")
