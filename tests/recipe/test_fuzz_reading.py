"""Whatever a recipe, a mapping or an override holds: it is read, or refused by an error of ours."""

from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from hftk.errors import HftkError
from hftk.recipe import read_sweep, schema
from hftk.recipe.places import Place
from hftk.recipe.yaml_text import dump, parse

QUIET = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
few = settings(max_examples=60, derandomize=True, **QUIET)
many = settings(max_examples=1000, **QUIET)

ROOT = Path(__file__).resolve().parents[2]
RECIPES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "recipes").glob("*.yaml"))]
LONG_NUMBER = "9" * 5000
PIECES = [
    *("\n", "\n  ", "\n    ", " ", ": ", ":", "- ", "? ", ", ", "{", "}", "[", "]", "'", '"', "|\n", ">-\n", "#", "\t"),
    *(
        "&a ",
        "*a",
        "<<: *a",
        "<<: ",
        "!!python/object/apply:os.system ",
        "!!int ",
        "!!binary ",
        "!x ",
        "!<tag:a> ",
        "!",
    ),
    *("%YAML 1.1\n", "%TAG ! x\n", "---\n", "...\n", "\r", "\0", "\x85", "\u2028", "\ufeff", "\ufffe", "\U0001f600"),
    *("\\", "\\x4", "\\uD800", "\\U00110000", "~", "null", "true", ".nan", "-.inf", "1e999", "0x", "0o9", "0o17"),
    *(LONG_NUMBER, "-" + LONG_NUMBER, "0x" + LONG_NUMBER, "2024-01-01", "12:30:45", "1_000", "../x", "/x", "~no/x", ""),
    *(
        "name",
        "data",
        "path",
        "model",
        "pretrained",
        "architecture",
        "rnn",
        "sweep",
        "parameters",
        "values",
        "training",
    ),
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -1, 0, 1, 2, 3, 2**31, 2**63]),
    st.floats(),
    st.sampled_from(
        [*PIECES, "train", "test", "loss", "accuracy", "grid", "list", "random", "a.b", "\ud800", "con", ".."]
    ),
    st.text(max_size=8),
)


def _can_be_a_key(value: Any) -> bool:
    return value == value


VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS.filter(_can_be_a_key), inner, max_size=3),
    max_leaves=6,
)


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _literals(annotation: Any) -> list[Any]:
    parts = get_args(annotation)
    return [one for part in parts for one in ([part] if isinstance(part, str) else _literals(part))]


def sections(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping with some of the model's keys, of which each may hold what it should or anything at all."""

    def value(annotation: Any) -> st.SearchStrategy[Any]:
        fitting = [sections(inner) for inner in _models(annotation)]
        words = _literals(annotation)
        return st.one_of(*fitting, *([st.sampled_from(words)] if words else []), VALUES)

    fields = {name: value(field.annotation) for name, field in model.model_fields.items()}
    return st.fixed_dictionaries({}, optional=fields)


RECIPE_MAPPINGS = st.builds(
    lambda sound, anything: {**sound, **anything},
    st.sampled_from([{}, {"name": "n", "data": {"path": "builtin:docstrings"}, "model": {"architecture": "rnn"}}]),
    sections(schema.Recipe),
)
KEYS = [
    "name",
    "output_dir",
    "seeds",
    "class_weights",
    "training.seed",
    "training.learning_rate",
    "sweep.parameters.seed",
] + [
    f"{section}.{name}"
    for section, field in schema.Recipe.model_fields.items()
    for model in _models(field.annotation)
    for name in model.model_fields
]
OVERRIDES = st.lists(
    st.builds(
        "{}={}".format,
        st.sampled_from(KEYS) | st.lists(st.sampled_from([*KEYS, "0", "x", "", "sweep"]), max_size=3).map(".".join),
        st.lists(st.sampled_from(PIECES), max_size=4).map("".join) | st.text(max_size=8),
    )
    | st.text(max_size=8),
    max_size=3,
)
OVERRIDE_MAPPINGS = st.dictionaries(st.sampled_from(KEYS) | SCALARS.filter(_can_be_a_key), VALUES, max_size=3)
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=30).map("".join)


@st.composite
def broken_recipes(draw: st.DrawFn) -> str:
    """One of our recipes with some pieces put in, taken out, or doubled."""
    text = draw(st.sampled_from(RECIPES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        text = text[:start] + draw(st.sampled_from(["", text[start:end] * 2, *PIECES])) + text[end:]
    return text


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "recipe.yaml"


def read_or_refused(recipe: Any, overrides: Any = ()) -> None:
    try:
        read_sweep(recipe, overrides)
    except HftkError as error:
        assert str(error).strip()
        str(error).encode()  # a terminal can show it


def read_file_or_refused(path: Path, content: bytes, overrides: Any = ()) -> None:
    path.write_bytes(content)
    read_or_refused(path, overrides)


def text_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def read_and_written(text: str) -> None:
    """What is read is written by `hftk show` so that it is read alike."""
    value, _, problems = parse(text, Place("x", 1))
    if isinstance(value, dict) and not problems:
        again, _, wrong = parse(dump(value), Place("x", 1))
        assert not wrong and repr(again) == repr(value)


FUZZED = {
    "text": (TEXTS, lambda path, text: read_file_or_refused(path, text_of(text))),
    "bytes": (st.binary(max_size=60), read_file_or_refused),
    "broken recipe": (
        st.tuples(broken_recipes(), OVERRIDES),
        lambda path, drawn: read_file_or_refused(path, text_of(drawn[0]), drawn[1]),
    ),
    "mapping": (
        st.tuples(RECIPE_MAPPINGS, OVERRIDE_MAPPINGS),
        lambda path, drawn: read_or_refused(*drawn),
    ),
    "override": (st.tuples(RECIPE_MAPPINGS, OVERRIDES), lambda path, drawn: read_or_refused(*drawn)),
    "written": (TEXTS, lambda path, text: read_and_written(text)),
}


def fuzz(kind: str, path: Path, how_many: settings) -> None:
    inputs, body = FUZZED[kind]

    @how_many
    @given(inputs)
    def each(drawn: Any) -> None:
        body(path, drawn)

    each()


@pytest.mark.parametrize("kind", FUZZED)
def test_only_our_errors_come_out(recipe_file, kind):
    fuzz(kind, recipe_file, few)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FUZZED)
def test_only_our_errors_come_out_of_thousands(recipe_file, kind):
    fuzz(kind, recipe_file, many)
