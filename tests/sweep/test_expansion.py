"""From a sweep to settings, draws and names."""

import math
from collections import Counter
from typing import Any

import pytest

from hftk.recipe.places import Document, Place
from hftk.recipe.schema import Sweep, SweepParameter
from hftk.sweep.draws import draw
from hftk.sweep.expansion import expand, swept_keys
from hftk.sweep.names import run_name, setting_names


def settings(sweep: dict[str, Any], base: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    document = Document({"sweep": sweep, **(base or {})}, {(): Place("r.yaml", 1)})
    return [one.document.data for one in expand(document, Sweep.model_validate(sweep))]


def test_no_sweep_is_one_setting() -> None:
    [one] = expand(Document({"name": "x", "sweep": None}, {}), None)
    assert one.values == {} and one.document.data == {"name": "x"}
    assert swept_keys(None) == []


def test_grid_the_last_key_is_the_fastest() -> None:
    sweep = {"parameters": {"a.b": {"values": [1, 2]}, "c": {"value": 0}, "d": {"values": ["x", "y"]}}}
    assert settings(sweep, {"a": {"z": 9}}) == [
        {"a": {"z": 9, "b": b}, "c": 0, "d": d} for b in (1, 2) for d in ("x", "y")
    ]
    assert swept_keys(Sweep.model_validate(sweep)) == ["a.b", "c", "d"]


def test_list_as_written() -> None:
    sweep = {"method": "list", "runs": [{"a.b": 1}, {"c": {"d": 2}}, {}]}
    base = {"a": {"b": 0}, "c": None}
    assert settings(sweep, base) == [
        {"a": {"b": 1}, "c": None},
        {"a": {"b": 0}, "c": {"d": 2}},
        {"a": {"b": 0}, "c": None},
    ]
    assert swept_keys(Sweep.model_validate(sweep)) == ["a.b", "c"]


def test_mappings_replace_and_are_not_shared() -> None:
    value = {"method": "word2vec"}
    sweep = {"parameters": {"embeddings": {"values": [value, None]}, "x": {"values": [1, 2]}}}
    found = settings(sweep, {"embeddings": {"method": "file", "path": "x"}})
    assert [one["embeddings"] for one in found] == [value, value, None, None]
    found[0]["embeddings"]["method"] = "changed"
    assert found[1]["embeddings"] == value == {"method": "word2vec"}


def test_random_draws_are_a_function_of_seed_number_and_key() -> None:
    sweep = {
        "method": "random",
        "run_cap": 20,
        "seed": 3,
        "parameters": {
            "a": {"values": [1, 2, 3]},
            "b": {"distribution": "uniform", "min": 0, "max": 1},
            "c": {"value": "fixed"},
        },
    }
    first = settings(sweep)
    assert first == settings(sweep)
    assert settings({**sweep, "run_cap": 30})[:20] == first
    without_a = {**sweep, "parameters": {key: one for key, one in sweep["parameters"].items() if key != "a"}}
    assert [one["b"] for one in settings(without_a)] == [one["b"] for one in first]
    assert [one["b"] for one in settings({**sweep, "seed": 4})] != [one["b"] for one in first]
    assert {one["c"] for one in first} == {"fixed"}


def draws(count: int = 2000, **parameter: Any) -> list[Any]:
    typed = SweepParameter.model_validate(parameter)
    return [draw(typed, seed=0, index=index, key="k") for index in range(count)]


def test_uniform_draws() -> None:
    found = draws(distribution="uniform", min=-1, max=3)
    assert all(isinstance(value, float) and -1 <= value <= 3 for value in found)
    assert math.isclose(sum(found) / len(found), 1, abs_tol=0.1)
    assert all(float(f"{value:.4g}") == value for value in found)


def test_whole_number_draws_reach_both_ends() -> None:
    found = Counter(draws(distribution="int_uniform", min=2, max=5))
    assert set(found) == {2, 3, 4, 5}
    assert all(type(value) is int and count > 400 for value, count in found.items())


def test_log_uniform_draws() -> None:
    found = draws(distribution="log_uniform_values", min=1e-6, max=1e-2)
    assert all(1e-6 <= value <= 1e-2 for value in found)
    assert 0.45 < sum(value < 1e-4 for value in found) / len(found) < 0.55


def test_draws_stay_inside_bounds_that_rounding_would_leave() -> None:
    assert all(1.00004 <= value <= 1.00006 for value in draws(50, distribution="uniform", min=1.00004, max=1.00006))


def test_draws_from_values() -> None:
    assert set(draws(values=["a", "b"])) == {"a", "b"}
    found = Counter(draws(values=["a", "b", "c"], probabilities=[0.25, 0.75, 0.0]))
    assert set(found) == {"a", "b"} and 0.2 < found["a"] / 2000 < 0.3
    assert set(draws(value=None)) == {None}


def names(*found: dict[str, Any], **limits: int) -> list[str]:
    return setting_names(found, **limits)


def test_names_come_from_what_differs() -> None:
    assert names(
        {"model.cell": "gru", "training.learning_rate": 1e-3}, {"model.cell": "lstm", "training.learning_rate": 1}
    ) == [
        "cell=gru,learning_rate=0.001",
        "cell=lstm,learning_rate=1",
    ]
    assert names({}) == [""]


def test_keys_that_share_their_last_part_show_more() -> None:
    assert names({"model.dropout": 0.1, "peft.dropout": 0.2, "keep": "best"}) == [
        "model.dropout=0.1,peft.dropout=0.2,keep=best"
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5e-5, "5e-05"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1.0, "1"),
        (True, "true"),
        (None, "none"),
        ("a/b c", "a-b-c"),
        ("package:x_y/model", "package-x_y-model"),
        ("한국어 모델", "한국어-모델"),
        (["query", "value"], "query+value"),
        ({"method": "word2vec", "size": 3}, "word2vec"),
        ({"size": 3}, "size-3"),
    ],
)
def test_values_in_names(value: Any, expected: str) -> None:
    assert names({"k": value}) == [f"k={expected}"]


def test_mappings_show_what_tells_them_apart() -> None:
    loras = [{"peft": {"peft_type": "LORA", "r": r, "lora_alpha": 16}} for r in (4, 8)]
    assert names({"peft": None}, *loras) == ["peft=none", "peft=r-4", "peft=r-8"]
    methods = [{"e": {"method": method, "window": 5}} for method in ("word2vec", "fasttext")]
    assert names(*methods) == ["e=word2vec", "e=fasttext"]
    mixed = names(*[{"e": {"method": "file", "a": {"b": value}}} for value in (1, 2)])
    assert len(set(mixed)) == 2 and all(name.startswith("e=file-") for name in mixed)
    bare = names(*[{"e": {"a": {"b": value}}} for value in (1, 2)])
    assert len(set(bare)) == 2 and all(len(name) == len("e=123456") for name in bare)


def test_names_are_unique_also_where_case_does_not_count() -> None:
    found = names({"k": "a/b"}, {"k": "a:b"}, {"k": "A-b"}, {"k": "c"})
    assert len({name.casefold() for name in found}) == 4
    assert found[3] == "k=c" and all(name.lower().startswith("k=a-b-") for name in found[:3])
    # whichever order they come in
    assert names({"k": "c"}, {"k": "A-b"}, {"k": "a:b"}, {"k": "a/b"}) == found[::-1]


def test_names_fit_into_a_folder() -> None:
    long = {f"training.{'뉴' * 10}{i}": "긴 값 " * 5 for i in range(5)}
    [name, other] = names(long, {**long, "x": 1})
    assert name != other
    assert all(len(one.encode()) <= 150 for one in (name, other))
    [value] = names({"k": "v" * 100})
    assert len(value) == len("k=") + 40


def test_the_seed_is_named_where_it_is_needed() -> None:
    assert run_name("cell=gru", 1, seeds=1) == "cell=gru"
    assert run_name("cell=gru", 1, seeds=2) == "cell=gru,seed=1"
    assert run_name("", 1, seeds=1) == "seed=1"
