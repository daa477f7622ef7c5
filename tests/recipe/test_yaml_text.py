"""YAML 1.2, strictly: what a scalar means, where it stands, what is refused."""

import math
from typing import Any

import pytest

from hftk.recipe.places import Place
from hftk.recipe.yaml_text import dump, parse


def value(text: str) -> Any:
    data, _, problems = parse(text, Place("r.yaml", 1))
    assert problems == []
    return data


def told(text: str) -> list[str]:
    return [str(problem) for problem in parse(text, Place("r.yaml", 1))[2]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5e-5", 5e-5),
        ("1e-3", 1e-3),
        ("1E5", 1e5),
        (".5", 0.5),
        ("-1.", -1.0),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("12", 12),
        ("+12", 12),
        ("0x1F", 31),
        ("0o17", 15),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("2024-01-31", "2024-01-31"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("'5e-5'", "5e-5"),
        ('"true"', "true"),
        ("!!str 5", "5"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
        ("영화", "영화"),
    ],
)
def test_scalars(text: str, expected: Any) -> None:
    found = value(f"key: {text}")["key"]
    assert found == expected
    assert type(found) is type(expected)


def test_nan() -> None:
    assert math.isnan(value("key: .nan")["key"])


def test_keys_may_be_numbers_and_words_stay_words() -> None:
    assert value("{0: a, 1: b, no: c, true: d, null: e}") == {0: "a", 1: "b", "no": "c", "true": "d", "null": "e"}


def test_places_are_the_lines_of_keys_and_items() -> None:
    _, places, _ = parse("a:\n  b: 1\n  c:\n    - 2\n    - 3\n", Place("r.yaml", 1))
    assert {path: str(place) for path, place in places.items()} == {
        (): "r.yaml:1",
        ("a",): "r.yaml:1",
        ("a", "b"): "r.yaml:2",
        ("a", "c"): "r.yaml:3",
        ("a", "c", 0): "r.yaml:4",
        ("a", "c", 1): "r.yaml:5",
    }


def test_aliases_and_merge_keys() -> None:
    text = "one: &one {a: 1, b: 2}\ntwo: {<<: *one, b: 3}\nthree: {<<: [*one, {c: 4, a: 5}], d: 6}\nfour: *one\n"
    assert value(text) == {
        "one": {"a": 1, "b": 2},
        "two": {"a": 1, "b": 3},
        "three": {"a": 1, "b": 2, "c": 4, "d": 6},
        "four": {"a": 1, "b": 2},
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3", "r.yaml:3: a: written twice, first in line 1; keep one of them"),
        ("a: {b: 1,\n  b: 2}", "r.yaml:2: a.b: written twice, first in line 1; keep one of them"),
        (
            "a: !!python/name:os.system x",
            "r.yaml:1: a: the tag !!python/name:os.system is not supported; write plain values",
        ),
        ("a: !mine 3", "r.yaml:1: a: the tag !mine is not supported; write plain values"),
        ("a: &x [*x]", "r.yaml:1: a.0: an alias that holds itself never ends; write the value out"),
        ("a: {<<: 3}", "r.yaml:1: a: << takes a mapping, such as <<: *name"),
        ("a: &x 1\nb: &x 2", "r.yaml:2: the anchor &x is written twice; give each its own name"),
        ("a: " + "[" * 5000, "r.yaml:1: nested too deeply to be read"),
        ("{a: 1}: 2", "r.yaml:1: a key must be a word or a number, not a list or mapping"),
        ("a: *x", "r.yaml:1: not YAML: found undefined alias 'x'"),
        ("a: 1\n\tb: 2", "r.yaml:2: not YAML: a tab cannot indent or begin a value; use spaces"),
        ("a: [1, 2", "r.yaml:1: not YAML: while parsing a flow sequence expected ',' or ']', but got '<stream end>'"),
        ("a: 1\n---\nb: 2", "r.yaml:2: not YAML: expected a single document in the stream but found another document"),
        ("a: \x00", "r.yaml:1: not YAML: unacceptable character #x0000: special characters are not allowed"),
    ],
)
def test_problems(text: str, expected: str) -> None:
    assert told(text) == [expected]


HARD = {
    "words": [
        "no",
        "on",
        "null",
        "true",
        "~",
        "",
        " a",
        "a ",
        "5e-5",
        "1e3",
        "0x1F",
        "-",
        "- a",
        "a: b",
        "#x",
        "a #b",
        "*x",
    ],
    "signs": [
        "'",
        '"',
        "\\",
        "\n",
        "\t",
        "\x00",
        "\x7f",
        "\x85",
        "\u2028",
        "\ufeff",
        "영화 평",
        "🙂",
        "{",
        "}",
        "[",
        ",",
        "%",
    ],
    "paths": ["a/b", "./a.csv", "../x", "/tmp/a b", "package:x/y", "builtin:docstrings", "me/news-bert", "C:\\x", "~"],
    "numbers": [0, -1, 1.0, 5e-5, 1e-05, 1e22, 123456789.123, math.inf, -math.inf, 0.1],
    "flags": [True, False, None],
    "long": ["a sentence that is far too long for one line"] * 4,
    "deep": {"a": {"b": {"c": [1, {"d": "x" * 100}]}}},
    "empty": {"list": [], "mapping": {}},
    "keys": {0: "a", "no": "b", "training.learning_rate": {"values": [1]}, "a b": 2, "1": 3},
}


def test_what_is_dumped_is_read_back() -> None:
    assert repr(value(dump(HARD))) == repr(HARD)


def test_other_readers_read_the_same() -> None:
    from ruamel.yaml import YAML

    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 1)
    assert reader.load(dump(HARD)) == HARD
