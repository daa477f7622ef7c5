"""Values and their comments → a recipe's text."""

import io
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from hftk.recipe.places import Keys
from hftk.recipe.yaml_text import dump

_WIDTH = 110  # characters of a comment's line
_LONGEST_FLOW = 90


class AsItStands(str):
    """A paragraph that is not wrapped, such as a line of a recipe that is commented out."""


def recipe_text(values: Mapping[str, Any], comments: Mapping[Keys, Sequence[str]], *, head: Sequence[str]) -> str:
    """Block-style YAML, a comment's lines above the key that they are about, small mappings in one line.

    comments: path of a key → paragraphs.
    """
    root = _mapping(values, comments, ())
    if top := [line for text in head for line in _wrapped(text, 0)]:
        root.yaml_set_start_comment("\n".join(top))
    yaml = YAML()
    yaml.width = 1 << 20  # ruamel's folding would break texts
    stream = io.StringIO()
    yaml.dump(root, stream)
    return stream.getvalue()


def _mapping(values: Mapping[str, Any], comments: Mapping[Keys, Sequence[str]], path: Keys) -> CommentedMap:
    made = CommentedMap()
    indent = 2 * len(path)
    for key, value in values.items():
        at = (*path, key)
        made[_text(key)] = _value(value, comments, at)
        if lines := [line for text in comments.get(at, ()) for line in _wrapped(text, indent)]:
            made.yaml_set_comment_before_after_key(key, before="\n".join(lines), indent=indent)
    return made


def _value(value: Any, comments: Mapping[Keys, Sequence[str]], path: Keys) -> Any:
    if isinstance(value, Mapping):
        made = _mapping(value, comments, path)
        if not any(other[: len(path)] == path and len(other) > len(path) for other in comments) and _short(value):
            made.fa.set_flow_style()
        return made
    if isinstance(value, list):
        items = CommentedSeq([_value(one, comments, path) for one in value])
        items.fa.set_flow_style()
        return items
    return _text(value)


def _short(value: Mapping[str, Any]) -> bool:
    return len(dump({"_": {"_": dict(value)}})) < _LONGEST_FLOW


def _text(value: Any) -> Any:
    """Quotation marks wherever a reader of YAML could take the text for something else."""
    if not isinstance(value, str):
        return value
    (line,) = dump({"key": value}).splitlines()
    return DoubleQuotedScalarString(value) if line.startswith('key: "') else value


def _wrapped(text: str, indent: int) -> list[str]:
    """Lines of a comment. Of texts from data no line may end, and the comment with it, where YAML sees a line's end."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    if isinstance(text, AsItStands):
        return [plain]
    return textwrap.wrap(plain, _WIDTH - indent, break_long_words=False, break_on_hyphens=False)
