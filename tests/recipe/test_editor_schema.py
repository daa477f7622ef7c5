"""The JSON schema for editors: the same keys as the recipe's, each described."""

import json

from hftk.recipe.editor_schema import editor_schema, editor_schema_text
from hftk.recipe.metrics import METRICS
from hftk.recipe.schema import Recipe
from hftk.recipe.trainer_arguments import allowed_arguments


def test_every_key_is_there_and_strict() -> None:
    schema = editor_schema()
    assert list(schema["properties"]) == list(Recipe.model_fields)
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Data"]["additionalProperties"] is False
    assert schema["$defs"]["Model"]["additionalProperties"] is True
    assert set(schema["required"]) == {"name", "data", "model"}


def test_training_holds_the_trainers_arguments() -> None:
    training = editor_schema()["properties"]["training"]
    assert list(training["properties"]) == list(allowed_arguments())
    assert training["additionalProperties"] is False
    assert training["properties"]["learning_rate"] == {
        "type": "number",
        "default": 5e-5,
        "description": allowed_arguments()["learning_rate"].help,
    }
    assert training["properties"]["save_strategy"]["enum"] == ["timed", "no", "steps", "epoch"]
    assert training["properties"]["tf32"]["type"] == ["boolean", "null"]
    assert {"type": "null"} in training["properties"]["ddp_backend"]["anyOf"]


def test_closed_lists() -> None:
    properties = editor_schema()["properties"]
    assert properties["metrics"]["items"] == {"enum": list(METRICS)}
    [peft] = [option for option in properties["peft"]["anyOf"] if option["type"] == "object"]
    assert "LORA" in peft["properties"]["peft_type"]["enum"]


def test_fields_are_described() -> None:
    schema = editor_schema()
    described = schema["$defs"]["Data"]["properties"]
    assert [name for name, field in described.items() if "description" not in field and "$ref" not in field] == []
    assert described["limit"]["description"] == "Rows per split, stratified, drawn after splitting."


def test_the_text_is_json() -> None:
    assert json.loads(editor_schema_text()) == editor_schema()
