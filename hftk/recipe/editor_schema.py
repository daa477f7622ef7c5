"""JSON schema of a recipe, for editors: completion, descriptions and types while typing."""

import json
from typing import Any

from hftk.recipe.installed import Argument, peft_types
from hftk.recipe.metrics import METRICS
from hftk.recipe.schema import Recipe
from hftk.recipe.trainer_arguments import allowed_arguments

_TYPES = {
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "str": "string",
    "dict": "object",
    "list": "array",
    "none": "null",
}


def editor_schema() -> dict[str, Any]:
    """The schema of a whole recipe, with the installed TrainingArguments below `training`."""
    schema = Recipe.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "hftk recipe"
    properties = schema["properties"]
    properties["training"] |= {
        "properties": {name: _argument(argument) for name, argument in allowed_arguments().items()},
        "additionalProperties": False,
    }
    properties["metrics"]["items"] = {"enum": list(METRICS)}
    for option in properties["peft"]["anyOf"]:
        if option.get("type") == "object":
            option |= {"properties": {"peft_type": {"enum": list(peft_types())}}, "required": ["peft_type"]}
    return schema


def editor_schema_text() -> str:
    """The schema as JSON."""
    return json.dumps(editor_schema(), indent=2, ensure_ascii=False)


def _argument(argument: Argument) -> dict[str, Any]:
    types = [_TYPES[kind] for kind in _TYPES if kind in argument.types]
    described: dict[str, Any] = {"type": types[0] if len(types) == 1 else types}
    if argument.choices:
        others = [{"type": one} for one in types if one != "string"]
        choices = {"enum": list(argument.choices)}
        described = {"anyOf": [choices, *others]} if others else choices
    return described | {"default": argument.default, "description": argument.help}
