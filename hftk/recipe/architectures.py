"""What the files of hftk/models say of themselves, read without importing torch."""

import ast
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, create_model

import hftk

# task → what the name of its model class ends with, as in transformers
CLASS_SUFFIX = {
    "text-classification": "ForSequenceClassification",
    "token-classification": "ForTokenClassification",
    "image-classification": "ForImageClassification",
}
# fields that the data, the tokenizer or the embeddings decide
DECIDED = {
    "vocab_size": "the tokenizer decides it",
    "pad_token_id": "the tokenizer decides it",
    "unk_token_id": "the tokenizer decides it",
    "image_size": "the images of the data decide it",
    "num_channels": "the images of the data decide it",
}
_TYPES = {"int": int, "float": float, "bool": bool, "str": str, "list": list, "Literal": Literal, "None": None}


def architectures() -> list[str]:
    """The files of hftk/models that are an architecture, by name."""
    return sorted(file.stem for file in _folder().glob("*.py") if not file.stem.startswith("_"))


def tasks_of(architecture: str) -> list[str]:
    """The tasks that the architecture has a model class for."""
    names = [node.name for node in _tree(architecture).body if isinstance(node, ast.ClassDef)]
    return [task for task, suffix in CLASS_SUFFIX.items() if any(name.endswith(suffix) for name in names)]


def fields_without_effect(architecture: str, task: str) -> frozenset[str]:
    """Config fields that the architecture's model of this task does not use, as its class says."""
    for node in _tree(architecture).body:
        if isinstance(node, ast.ClassDef) and node.name.endswith(CLASS_SUFFIX[task]):
            for line in node.body:
                if isinstance(line, ast.Assign) and getattr(line.targets[0], "id", "") == "fields_without_effect":
                    return frozenset(ast.literal_eval(line.value))
    return frozenset()


@cache
def settings_of(architecture: str) -> type[BaseModel]:
    """The config's fields that a recipe may set, as a strict pydantic model; ranges are checked with torch later."""
    config = next(
        node for node in _tree(architecture).body if isinstance(node, ast.ClassDef) and node.name.endswith("Config")
    )
    fields = {}
    for line in config.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.target.id not in DECIDED:
            annotation = eval(ast.unparse(line.annotation), {"__builtins__": {}}, _TYPES)  # noqa: S307 - our own files
            fields[line.target.id] = (annotation, ast.literal_eval(line.value))
    return create_model(architecture, __config__=ConfigDict(extra="forbid", strict=True), **fields)


@cache
def _tree(architecture: str) -> ast.Module:
    return ast.parse((_folder() / f"{architecture}.py").read_text(encoding="utf-8"))


def _folder() -> Path:
    return Path(hftk.__file__).parent / "models"
