"""YAML 1.2 text → plain dicts, lists and scalars, with the line of each value.

ruamel.yaml parses; what a plain scalar means is decided here, by YAML 1.2's core schema: `5e-5` is a number, `no`, `on`
and `2024-01-01` are words. Nothing is ever executed: a tag that asks for an object is a problem.
"""

import json
import re
import warnings
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from hftk.recipe.places import Keys, Place, Problem, dotted

# far more than any recipe holds; aliases of aliases would fill the memory from a few lines
_MOST_VALUES = 50_000
_DEEPEST = 50
# bits of a whole number that a float can hold too
_MOST_BITS = 1023
_TAG = "tag:yaml.org,2002:"
_KNOWN_TAGS = {_TAG + name for name in ("str", "int", "float", "bool", "null", "map", "seq", "merge", "timestamp")}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


def scalar(text: str) -> Any:
    """What a plain (unquoted) scalar means: null, a truth value, a number, else the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def parse(text: str, source: Place) -> tuple[Any, dict[Keys, Place], list[Problem]]:
    """The value that the text holds, the place of each part of it, and what is wrong with the text.

    `source` names the text; with its line None, as an override's, every place is `source` itself. At most 50,000
    values, nested 50 deep.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ReusedAnchorWarning)  # the first one would silently be replaced
            root = YAML(typ="safe", pure=True).compose(text)
    except ReusedAnchorWarning as error:
        found = re.search(r"anchor '(.*?)'.*second occurrence.*?line (\d+)", str(error), re.DOTALL)
        line = None if source.line is None else int(found[2])
        wrong = f"the anchor &{found[1]} is written twice; give each its own name"
        return None, {}, [Problem(Place(source.source, line), "", wrong)]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark and source.line is not None else source.line
        reason = " ".join(part for part in (error.context, error.problem) if part)
        if r"\t" in reason:
            reason = "a tab cannot indent or begin a value; use spaces"
        return None, {}, [Problem(Place(source.source, line), "", f"not YAML: {reason}")]
    # an escape or a directive that is out of range: ruamel does not look before it converts
    except (YAMLError, ValueError, NotImplementedError) as error:
        return None, {}, [Problem(source, "", f"not YAML: {next(iter(str(error).splitlines()), 'no value')}")]
    except RecursionError:
        return None, {}, [Problem(source, "", "nested too deeply to be read")]
    if root is None:
        return None, {(): source}, []
    builder = _Builder(source)
    try:
        return builder.value(root, ()), builder.places, builder.problems
    except _TooMuch:
        wrong = f"it holds more than {_MOST_VALUES:,} values, aliases (*name) written out; make it smaller"
        return None, {}, [Problem(source, "", wrong)]


class _TooMuch(Exception):
    """More values than a recipe may hold."""


class _Builder:
    def __init__(self, source: Place) -> None:
        self.source = source
        self.places: dict[Keys, Place] = {}
        self.problems: list[Problem] = []
        self._values = 0
        self._open: list[Node] = []  # from the root to here: an alias of one of these would never end

    def value(self, node: Node, path: Keys, at: Node | None = None) -> Any:
        """The node's value; `at` is the node whose line counts, a key's for its value."""
        self.places[path] = self._place(at or node)
        if self._never_ends(node, path):
            return None
        if str(node.tag) not in _KNOWN_TAGS:
            tag = str(node.tag).replace(_TAG, "!!")
            return self._wrong(at or node, path, f"the tag {tag} is not supported; write plain values")
        self._open.append(node)
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, path)
            if isinstance(node, SequenceNode):
                return [self.value(child, (*path, index)) for index, child in enumerate(node.value)]
            return self._scalar(node, path)
        finally:
            self._open.pop()

    def _never_ends(self, node: Node, path: Keys) -> bool:
        """Counts the values too. Raises _TooMuch."""
        self._values += 1
        if self._values > _MOST_VALUES:
            raise _TooMuch
        if any(node is one for one in self._open):
            self._wrong(node, path, "an alias that holds itself never ends; write the value out")
            return True
        if len(self._open) >= _DEEPEST:
            self.problems.append(Problem(self._place(node), "", f"nested more than {_DEEPEST} deep"))
            return True
        return False

    def _scalar(self, node: ScalarNode, path: Keys) -> Any:
        text_only = str(node.tag) in (_TAG + "str", _TAG + "timestamp")
        quoted = node.style in ("'", '"', "|", ">")
        if text_only or (quoted and str(node.tag) == _TAG + "str"):
            return node.value
        try:
            value = scalar(node.value)
        except ValueError:  # Python reads no number of more than 4,300 digits
            value = 1 << _MOST_BITS + 1
        if isinstance(value, int) and value.bit_length() > _MOST_BITS:
            return self._wrong(node, path, f"a number of {len(node.value):,} digits; at most 308")
        return value

    def _mapping(self, node: MappingNode, path: Keys) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        merged: dict[Any, Any] = {}
        lines: dict[Any, int] = {}
        for key_node, value_node in node.value:
            if str(key_node.tag) == _TAG + "merge":
                merged |= self._merge(value_node, path)
                continue
            key = self._key(key_node, path)
            if key is None:
                continue
            if key in lines:
                self._wrong(key_node, (*path, key), f"written twice, first in line {lines[key]}; keep one of them")
                continue
            lines[key] = key_node.start_mark.line + 1
            result[key] = self.value(value_node, (*path, key), at=key_node)
        return {**{key: value for key, value in merged.items() if key not in result}, **result}

    def _key(self, node: Node, path: Keys) -> Any:
        if not isinstance(node, ScalarNode):
            return self._wrong(node, path, "a key must be a word or a number, not a list or mapping")
        key = self._scalar(node, path)
        return str(node.value) if key is None or isinstance(key, bool | float) else key

    def _merge(self, node: Node, path: Keys) -> dict[Any, Any]:
        """What `<<: *name` or `<<: [*one, *two]` brings; the first of several wins."""
        if isinstance(node, MappingNode):
            before = dict(self.places)
            value = self.value(node, path)
            self.places |= before  # what is written out keeps its own line
            return value if isinstance(value, dict) else {}
        if isinstance(node, SequenceNode):
            if self._never_ends(node, path):
                return {}
            self._open.append(node)
            result: dict[Any, Any] = {}
            for child in node.value:
                result = {**self._merge(child, path), **result}
            self._open.pop()
            return result
        return self._wrong(node, path, "<< takes a mapping, such as <<: *name") or {}

    def _wrong(self, node: Node, path: Keys, text: str) -> None:
        self.problems.append(Problem(self._place(node), dotted(path), text))

    def _place(self, node: Node) -> Place:
        return self.source if self.source.line is None else Place(self.source.source, node.start_mark.line + 1)


# what needs no quotes anywhere: not read as a number or null, no sign of YAML's at its edges or inside
_PLAIN = re.compile(r"[^\W\d_][\w./+-]*(?: [\w./+-]+)*|/?[\w.-]+(?:/[\w.-]+)+")
# read as something else by YAML 1.1 readers
_OLD_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


def dump(data: dict[str, Any]) -> str:
    """Block-style YAML that `parse` reads back as the same values; other YAML readers too."""
    return "".join(f"{line}\n" for line in _block(data, 0))


def _block(data: dict[Any, Any], depth: int) -> list[str]:
    result = []
    for key, value in data.items():
        head = "  " * depth + f"{_flow(key)}:"
        if isinstance(value, dict) and value and (depth == 0 or len(_flow(value)) > 80):
            result += [head, *_block(value, depth + 1)]
        elif isinstance(value, list) and len(_flow(value)) > 80:
            result += [head, *("  " * (depth + 1) + f"- {_flow(item)}" for item in value)]
        else:
            result.append(f"{head} {_flow(value)}")
    return result


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int):
        return str(value)
    if _PLAIN.fullmatch(value) and scalar(value) == value and value.casefold() not in _OLD_WORDS:
        return value
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))


def _number(value: float) -> str:
    if value != value:
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    mantissa, exponent, power = repr(value).partition("e")
    return mantissa + (".0" if exponent and "." not in mantissa else "") + exponent + power  # 1e-05 is text in YAML 1.1
