"""What an installed library's source says, read by `ast`: importing transformers or peft takes seconds."""

import ast
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hftk.errors import HftkError


@dataclass(frozen=True)
class Argument:
    """One field of TrainingArguments."""

    name: str
    types: frozenset[str]
    """Of int, float, bool, str, dict, list, none; empty where a recipe cannot hold its values."""
    choices: tuple[str, ...]
    """All that a text may be; empty where any may."""
    default: Any
    help: str


@cache
def transformers_version() -> str:
    return version("transformers")


@cache
def training_arguments() -> dict[str, Argument]:
    """The fields of the installed TrainingArguments, in the order of its source."""
    module = _package("transformers") / "training_args.py"
    trainer = _class(module, "TrainingArguments")
    # optim's default is a name, set just before its field and once more where torch is 2.8 or newer
    assigned = [one for one in ast.walk(trainer) if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant)]
    by_version = assigned if _torch_at_least(2, 8) else assigned[::-1]
    names = {one.targets[0].id: one.value for one in by_version if isinstance(one.targets[0], ast.Name)}
    fields = {}
    for node in trainer.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(node.value, ast.Call):
            argument = _argument(node.target.id, node.annotation, node.value, module, names)
            fields[argument.name] = argument
    return fields


@cache
def peft_types() -> tuple[str, ...]:
    """The values of the installed peft's PeftType."""
    return _enum_values(_class(_package("peft") / "utils" / "peft_types.py", "PeftType"))


def _torch_at_least(*wanted: int) -> bool:
    return tuple(int(part) for part in version("torch").split(".")[:2]) >= wanted


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise HftkError(f"the Python package {name} is not installed; pip install {name}")
    return Path(spec.origin).parent


@cache
def _tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def _class(module: Path, name: str) -> ast.ClassDef:
    for node in _tree(module).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return node
    raise HftkError(f"{module} has no class {name}; hftk does not know this version of {module.parent.name}")


def _imported_class(module: Path, name: str) -> ast.ClassDef | None:
    """The class of that name: defined in the module, or imported there from a sibling."""
    for node in _tree(module).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return node
        if isinstance(node, ast.ImportFrom) and node.level == 1 and any(alias.name == name for alias in node.names):
            sibling = module.parent.joinpath(*(node.module or "").split(".")).with_suffix(".py")
            return _class(sibling, name) if sibling.is_file() else None
    return None


def _enum_values(node: ast.ClassDef) -> tuple[str, ...]:
    assigned = [one.value for one in node.body if isinstance(one, ast.Assign)]
    values = [value.value for value in assigned if isinstance(value, ast.Constant)]
    return tuple(dict.fromkeys(value for value in values if isinstance(value, str)))


def _argument(name: str, annotation: ast.expr, call: ast.Call, module: Path, names: dict[str, ast.expr]) -> Argument:
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    metadata = keywords.get("metadata")
    pairs = zip(metadata.keys, metadata.values, strict=True) if isinstance(metadata, ast.Dict) else []
    entries = {key.value: value for key, value in pairs if isinstance(key, ast.Constant)}
    types, choices = _types(annotation, module)
    choices = _literal(entries.get("choices"), choices)
    default = keywords.get("default")
    if isinstance(default, ast.Name):
        default = names.get(default.id)
    default = [] if "default_factory" in keywords else _literal(default, None)
    help_text = str(_literal(entries.get("help"), "")).replace("%%", "%")
    return Argument(name, frozenset(types), tuple(choices), default, help_text)


def _literal(node: ast.expr | None, otherwise: Any) -> Any:
    try:
        return otherwise if node is None else ast.literal_eval(node)
    except ValueError:
        return otherwise


def _types(annotation: ast.expr, module: Path) -> tuple[set[str], tuple[str, ...]]:
    """The plain types that an annotation allows, and the values of an enumeration in it."""
    match annotation:
        case ast.BinOp(left=left, right=right):
            (left_types, left_choices), (right_types, right_choices) = _types(left, module), _types(right, module)
            return left_types | right_types, left_choices or right_choices
        case ast.Constant(value=None):
            return {"none"}, ()
        case ast.Subscript(value=ast.Name(id="Literal")):
            return {"bool"}, ()
        case ast.Subscript(value=ast.Name(id=name)) | ast.Name(id=name) if name in _PLAIN:
            return {name}, ()
        case ast.Name(id=name):
            node = _imported_class(module, name)
            choices = _enum_values(node) if node else ()
            return ({"str"} if choices else set()), choices
    return set(), ()


_PLAIN = ("int", "float", "bool", "str", "dict", "list")
