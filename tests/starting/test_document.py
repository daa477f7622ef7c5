"""Any values come back from the text as they were, for our reader and for others."""

import yaml
from hypothesis import given, settings
from hypothesis import strategies as some

from hftk.recipe.places import Place
from hftk.recipe.yaml_text import parse
from hftk.starting.document import AsItStands, recipe_text

TEXT = some.text(max_size=20) | some.sampled_from(
    [
        "",
        "no",
        "5e-5",
        "01",
        "0x1F",
        "1_000",
        "~",
        "null",
        "2024-01-01",
        "a: b",
        "#",
        "- a",
        "'",
        '"',
        "\\",
        "<<",
        "=",
        "1:30",
    ]
)
SCALAR = TEXT | some.integers(-(10**9), 10**9) | some.booleans() | some.none() | some.just(0.1)
VALUES = some.dictionaries(
    TEXT, some.recursive(SCALAR, lambda inner: some.lists(inner, max_size=3), max_leaves=4), max_size=4
)


@settings(max_examples=150, deadline=None)
@given(values=VALUES, comment=some.text(max_size=60))
def test_values_come_back(values, comment):
    values = {
        key: value
        for key, value in values.items()
        if key.encode(errors="replace") == key.encode("utf-8", "surrogatepass")
    }
    whole = {"data": {"path": "x", **{f"k{key}": value for key, value in values.items()}}, "name": "y"}
    comments = {("data", "path"): [comment], ("name",): [f"a {comment}", AsItStands(f"text: {comment}")]}
    text = recipe_text(whole, comments, head=[comment])
    assert parse(text, Place("in", 1))[::2] == (whole, [])
    assert yaml.safe_load(text) == whole


def test_comments_stand_above_their_keys_and_are_wrapped():
    comments = {("data", "columns", "text"): ["word " * 30], ("model",): ["one", AsItStands("two: {3: 4}")]}
    values = {"data": {"path": "a b", "columns": {"text": "x"}}, "model": {"cell": "gru"}}
    assert recipe_text(values, comments, head=["top"]) == (
        "# top\ndata:\n  path: a b\n  columns:\n"
        f"    # {'word ' * 20}word\n    # {'word ' * 8}word\n    text: x\n"
        "# one\n# two: {3: 4}\nmodel: {cell: gru}\n"
    )
