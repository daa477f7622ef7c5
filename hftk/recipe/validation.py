"""Names, types and ranges: what the schema refuses, one plain message per key."""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hftk.recipe import schema
from hftk.recipe.places import Keys, among, shown, spelling_hint, value_at
from hftk.recipe.trainer_arguments import allowed_arguments
from hftk.recipe.trainer_words import GONE

Found = tuple[Keys, str]
"""Where, and what is wrong."""

# what a value of several possible types may be; `*` stands for any key
_ONE_OF = {
    "data.splits.train": "a split's or file's name, a list of them, or {column: …, value: …}",
    "data.splits.*": "a split's or file's name, a list of them, a share between 0 and 1, or {column: …, value: …}",
    "data.splits.*.value": "text, a number, true, false, or a list of these",
    "data.splits.*.value.*": "text, a number, true or false",
    "data.data_files": "a file's name, a list of them, or a mapping of split to files",
    "data.data_files.*": "a file's name or a list of them",
    "data.header": "true, false, infer or null",
    "class_weights": "balanced, or a mapping of label to weight",
}
_MISSING = {
    "name": "the folder below output_dir, such as name: news-grid",
    "data": "such as data: {path: train.csv}",
    "data.path": "a local file or folder, a data set of the Hub, or builtin:docstrings",
    "data.splits.train": "what the models learn from, such as train: train",
    "data.splits.*.column": "the column that tells the rows of this split",
    "data.splits.*.value": "what the column holds in rows of this split",
    "model": "such as model: {pretrained: bert-base-uncased}",
    "sweep.metric.name": "such as name: validation_accuracy",
}
_TYPES = {
    "string_type": ("text", ("str",)),
    "int_type": ("a whole number", ("int",)),
    "int_from_float": ("a whole number", ("int",)),
    "float_type": ("a number", ("float",)),
    "bool_type": ("true or false", ("bool",)),
    "list_type": ("a list", ("list",)),
    "dict_type": ("a mapping of keys", ()),
    "model_type": ("a mapping of keys", ()),
}
# sections that are easily taken for their first key
_SHORT_FOR = {("data",): "path", ("model",): "pretrained", ("early_stopping",): "metric", ("peft",): "peft_type"}
_BOUNDS = {
    "greater_than": ("greater than", "gt", ""),
    "greater_than_equal": ("", "ge", " or greater"),
    "less_than": ("below", "lt", ""),
    "less_than_equal": ("at most", "le", ""),
}
_EMPTY = ("too_short", "string_too_short")


def validated(model: type[BaseModel], data: Mapping[str, Any], *, at: Keys = ()) -> tuple[Any, list[Found]]:
    """The model's instance, or None with everything that is wrong; paths begin with `at`."""
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        wrapped = _wrapped(data, at)
        errors = [{**one, "loc": (*at, *one["loc"])} for one in error.errors(include_url=False)]
        return None, list(dict.fromkeys(_messages(errors, wrapped)))


def _wrapped(data: Any, at: Keys) -> Any:
    for key in reversed(at):
        data = {key: data}
    return data


def _messages(errors: Iterable[ErrorDetails | dict[str, Any]], data: Any) -> Iterator[Found]:
    """pydantic names each type of a union in `loc`, as if it were a key: those are told as one."""
    unions: dict[Keys, list[dict[str, Any]]] = {}
    for error in errors:
        path = _path_in(data, error["loc"])
        rest = error["loc"][len(path) :]
        if not rest:
            yield path, _message(error, path, value_at(data, path))
        elif "[key]" in rest:
            yield _before_key(error["loc"]), _wrong_key(_before_key(error["loc"]), data)
        elif error["type"] == "missing" and len(rest) == 1:
            yield (*path, *rest), "missing; " + _pick(_MISSING, (*path, *rest), "needed here")
        elif error["type"] == "invalid_key":
            yield (*path, *rest), f"the key {shown(rest[-1])} must be text"
        else:
            unions.setdefault(path, []).append({**error, "loc": (*path, *rest[1:])})
    for path, tagged in unions.items():
        value = value_at(data, path)
        inner = [one for one in tagged if len(one["loc"]) > len(path)]
        words = [one for one in tagged if one["type"] == "literal_error" and len(one["loc"]) == len(path)]
        one_of_words = words and all(one["type"] in ("literal_error", "list_type") for one in tagged)
        if isinstance(value, Mapping | list) and inner:
            yield from _messages(inner, data)
        elif one_of_words:
            yield path, f"{shown(value)} is none of its values{among(value, _literals(words[0]))}"
        else:
            hint = spelling_hint(value, ("bool",) if path[-1] == "header" else ("int", "float"))
            words = _pick(_ONE_OF, path, "a number")
            yield path, f"must be {words}, not {shown(value)}{hint}{_share_hint(path, value)}"


def _path_in(data: Any, loc: tuple[Any, ...]) -> Keys:
    """The part of `loc` that leads through the data."""
    path: Keys = ()
    for key in loc:
        missing = object()
        if isinstance(key, str | int) and value_at(data, (*path, key), missing) is not missing:
            path = (*path, key)
        else:
            break
    return path


def _before_key(loc: tuple[Any, ...]) -> Keys:
    end = loc.index("[key]")
    return tuple(part for part in loc[:end] if not str(part).startswith("dict["))


def _wrong_key(path: Keys, data: Any) -> str:
    if path[:2] == ("data", "label_names"):
        return "label_names are for labels that the data hold as numbers: each key must be a whole number"
    return f"the key {shown(path[-1])} must be text"


def _message(error: Mapping[str, Any], path: Keys, value: Any) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        return _unknown_key(path)
    if kind == "literal_error":
        return f"{shown(value)} is none of its values{among(value, _literals(error))}"
    if kind in _EMPTY:
        return "must not be empty"
    if kind in _BOUNDS:
        before, bound, after = _BOUNDS[kind]
        return f"must be {before} {error['ctx'][bound]}{after}, not {shown(value)}".replace("  ", " ")
    if kind in _TYPES:
        words, wanted = _TYPES[kind]
        if path == ("data", "columns", "label") and isinstance(value, list):
            return "must be one column: several labels per row (multi-label) are not supported yet"
        hint = "; take the key out, or fill it" if value is None else spelling_hint(value, wanted)
        if kind == "model_type" and path[:2] == ("sweep", "parameters"):
            hint = f"; write {{values: {shown(value)}}}" if isinstance(value, list) else "; write {values: […]}"
        if isinstance(value, str) and path in _SHORT_FOR:
            hint = f"; write {{{_SHORT_FOR[path]}: {value}}}"
        return f"must be {words}, not {shown(value)}{hint}"
    return str(error["msg"])


def _share_hint(path: Keys, value: Any) -> str:
    if path == ("data", "splits", "train") and isinstance(value, int | float):
        return "; shares are for validation and test, train is what they leave"
    return ""


def _unknown_key(path: Keys) -> str:
    *above, key = path
    if not above and isinstance(key, str) and "." in key:
        return f"unknown key; dots are for overrides and sweeps: nest the keys, {_nested(key)}"
    known = list(_fields(tuple(above)))
    near = get_close_matches(str(key), known, n=1, cutoff=0.85)
    if not above and not near and key in GONE:
        return f"unknown key; {GONE[key]}"
    if not near and (elsewhere := _elsewhere().get(str(key))):
        return f"unknown key; did you mean {elsewhere}?"
    return "unknown key" + among(key, known)


def _nested(key: str) -> str:
    *above, last = key.split(".")
    return "".join(f"{one}: {{" for one in above) + f"{last}: …" + "}" * len(above)


def _elsewhere() -> dict[str, str]:
    """Key → where it belongs, for keys that stand in one section only."""
    places: dict[str, list[str]] = {}
    for name in allowed_arguments():
        places.setdefault(name, []).append(f"training.{name}")
    for section, model in (("", schema.Recipe), *((f"{name}.", model) for name, model in _sections())):
        for name in model.model_fields:
            places.setdefault(name, []).append(f"{section}{name}")
    return {name: found[0] for name, found in places.items() if len(found) == 1}


def _sections() -> Iterator[tuple[str, type[BaseModel]]]:
    for name, field in schema.Recipe.model_fields.items():
        for model in _models(field.annotation):
            yield name, model
            for inner, inner_field in model.model_fields.items():
                for inner_model in _models(inner_field.annotation):
                    yield f"{name}.{inner}", inner_model


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models in an annotation: itself, or those of a union, list or mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _fields(path: Keys) -> Iterable[str]:
    """The keys that the mapping at a path may hold; none where any may."""
    models: list[type[BaseModel]] = [schema.Recipe]
    for key in path:
        fields = [model.model_fields[key] for model in models if key in model.model_fields]
        if fields:
            models = [model for field in fields for model in _models(field.annotation)]
    return [name for model in models for name in model.model_fields]


def _pick(table: Mapping[str, str], path: Keys, otherwise: str) -> str:
    """The entry for a path; `*` in the table matches any one key."""
    for pattern, words in table.items():
        parts = pattern.split(".")
        if len(parts) == len(path) and all(part in ("*", str(key)) for part, key in zip(parts, path, strict=True)):
            return words
    return otherwise


def _literals(error: Mapping[str, Any]) -> list[str]:
    return re.findall("'([^']*)'", error["ctx"]["expected"])
