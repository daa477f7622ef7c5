"""What is well-typed in `data:` and still cannot be."""

import codecs
import os.path  # its tests are False, and raise nothing, for a name that no file system takes
import re
from collections.abc import Iterator
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hftk.hub.ids import HUB_ID
from hftk.recipe.file_kinds import (
    CONLL,
    DELIMITED,
    INPUT_KEYS,
    NUMBERED,
    SUFFIXES,
    TARGET_KEY,
    is_numbered,
    readable,
    readable_in_words,
)
from hftk.recipe.places import Keys, among, shown
from hftk.recipe.schema import Columns, ColumnSplit, Data, Relabel

# what hftk/data has; kept equal by a test
BUILTIN_NAMES = ("docstrings", "digits")

_TAGGING = "token-classification"
_UNENCODED = (".parquet", ".arrow")
_OTHER_FILES = (".xlsx", ".xls", ".ods", ".txt", ".zip", ".gz", ".pkl", ".npy", ".yaml", ".yml", ".xml", ".html", ".md")
_CSV_KEYS = ("header", "delimiter", "quoting", "column_names")
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp949", "euc-kr", "cp1252", "latin-1", "shift_jis", "gb18030", "big5")


def check_data(data: Data, task: str) -> Iterator[tuple[Keys, str]]:
    """Where below `data`, and what is wrong."""
    yield from _check_path(data, task)
    yield from _check_without_effect(data, task)
    yield from _check_task(data, task)
    yield from _check_text_settings(data, task)
    yield from _check_columns(data, task)
    if task == _TAGGING:
        yield from _check_numbers(data)
    if data.relabel is not None and task == "text-classification":
        yield from _check_relabel(data.relabel, data)
    yield from _check_label_names(data)
    yield from _check_splits(data, task)


def near_files(path: Path) -> str:
    """`; did you mean data/train.csv?` for a path that does not exist, or where it stops to exist."""
    folder = path.parent
    if not os.path.isdir(folder):
        return f"; there is no folder {folder}"
    near = get_close_matches(path.name, [one.name for one in folder.iterdir()], n=1)
    return f"; did you mean {folder / near[0]}?" if near else ""


def _check_path(data: Data, task: str) -> Iterator[tuple[Keys, str]]:
    source = data.path
    if not source.strip():
        yield ("path",), "must not be empty"
    elif source.startswith("builtin:"):
        name = source.removeprefix("builtin:")
        if name not in BUILTIN_NAMES:
            yield ("path",), f"no built-in data set {shown(name)}{among(name, BUILTIN_NAMES)}"
    elif re.match(r"(https?|s3|gs|hf)://", source):
        yield ("path",), f"{shown(source)} is an address; name a data set of the Hub, or a downloaded file"
    else:
        path = Path(os.path.expanduser(source))
        known = readable(task, data.columns)
        if task == _TAGGING and is_numbered(data.columns):
            known += SUFFIXES  # then the number is what is wrong
        if os.path.isfile(path) and path.suffix.lower() not in known:
            kinds = readable_in_words(task, data.columns)
            idx = "; of idx files name the folder" if "-ubyte" in path.name else ""
            yield (
                ("path",),
                f"{shown(source)} cannot be read: a file must be one of {kinds}; save it as one of these{idx}",
            )
        elif not os.path.exists(path) and _is_local(source):
            yield ("path",), f"no file or folder {shown(source)} in the current folder{near_files(path)}"
        elif not os.path.exists(path) and not HUB_ID.fullmatch(source):
            yield ("path",), f"{shown(source)} is neither a file or folder here nor the name of a data set on the Hub"


def _is_local(source: str) -> bool:
    """Can this only be meant as a file or folder?"""
    path = Path(source)
    return (
        path.suffix.lower() in (*SUFFIXES, *CONLL, *_OTHER_FILES)
        or path.is_absolute()
        or source.startswith((".", "~"))
        or source.count("/") > 1
        or "\\" in source
    )


def _check_without_effect(data: Data, task: str) -> Iterator[tuple[Keys, str]]:
    """Keys that are set, but not for a source of this kind."""
    path = Path(os.path.expanduser(data.path))
    builtin = data.path.startswith("builtin:")
    if builtin:
        what, idle = data.path, ("name", "revision", "data_files", "encoding", *_CSV_KEYS)
    elif os.path.isfile(path):
        what, idle = "a single file", ("name", "revision", "data_files")
        delimited = path.suffix.lower() in DELIMITED and task != _TAGGING
        if not delimited:
            idle += _CSV_KEYS
        if path.suffix.lower() in _UNENCODED:
            idle += ("encoding",)
        what = what if delimited else f"a {path.suffix.lower()} file"
    elif os.path.isdir(path):
        what, idle = "a local folder", ("name", "revision")
    elif not _is_local(data.path):
        what, idle = "a data set of the Hub", ("encoding", *_CSV_KEYS)
    else:
        return
    for key in idle:
        if getattr(data, key) != Data.model_fields[key].default:
            yield (key,), f"has no effect on {what}; take it out"


def _check_task(data: Data, task: str) -> Iterator[tuple[Keys, str]]:
    """Keys that are set, but for another task."""
    used = [*INPUT_KEYS[task], TARGET_KEY[task]]
    reads = f"{', '.join(INPUT_KEYS[task])} and {TARGET_KEY[task]}"
    for key, field in Columns.model_fields.items():
        if key not in used and getattr(data.columns, key) != field.default:
            yield ("columns", key), f"has no effect on {task}, which reads {reads}; take it out"
    idle = {"relabel": task != "text-classification", "tag_piece": task != _TAGGING}
    if task == "image-classification":
        idle["max_length"] = True
    for key, without_effect in idle.items():
        if without_effect and getattr(data, key) != Data.model_fields[key].default:
            yield (key,), f"has no effect on {task}; take it out"


def _check_numbers(data: Data) -> Iterator[tuple[Keys, str]]:
    """Columns have numbers in CoNLL files, and names in all others."""
    path = Path(os.path.expanduser(data.path))
    files = [path] if os.path.isfile(path) else []
    if os.path.isdir(path) and data.data_files is None:
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in (*SUFFIXES, *NUMBERED))
    numbered = [file for file in files if file.suffix.lower() in NUMBERED]
    conll = [file for file in files if file.suffix.lower() in CONLL]
    for key in ("tokens", "tags"):
        column = getattr(data.columns, key)
        if isinstance(column, int) and (data.path.startswith("builtin:") or (files and not numbered)):
            held = files[0].name if files else data.path
            yield (
                ("columns", key),
                f"{column} is the number of a CoNLL file's column, but the columns of {held} have names; write one",
            )
        elif isinstance(column, str) and (is_numbered(data.columns) or (conll and conll == files)):
            held = conll[0].name if conll else "a CoNLL file"
            yield ("columns", key), f"the columns of {held} have numbers, from 0; write one, not {shown(column)}"


def _check_relabel(relabel: Relabel, data: Data) -> Iterator[tuple[Keys, str]]:
    if find_spec("textblob") is None:
        yield ("relabel", "method"), 'TextBlob is not installed; pip install "hftk[textblob]"'
    if data.columns.text_pair is not None:
        yield ("relabel",), "reads one text, and columns.text_pair gives a second; take one of the two out"
    negative, positive = relabel.thresholds.negative, relabel.thresholds.positive
    if negative > positive:
        yield (
            ("relabel", "thresholds"),
            f"negative ({shown(negative)}) is greater than positive ({shown(positive)}); it must not be",
        )
    elif relabel.labels.neutral is None and negative != positive:
        yield (
            ("relabel", "labels", "neutral"),
            f"null, so the two thresholds must be equal, not {shown(negative)} and {shown(positive)}: "
            "what lies between would have no class",
        )
    names = [name for _, name in relabel.labels if name is not None]
    yield from ((("relabel", "labels"), f"{shown(name)} is there twice") for name in _repeated(names))
    yield from ((("relabel", "splits"), f"{shown(name)} is there twice") for name in _repeated(relabel.splits))
    for split in relabel.splits:
        if data.splits is not None and split == "test" and data.splits.test is None:
            yield ("relabel", "splits"), "data.splits names no test"


def _check_text_settings(data: Data, task: str) -> Iterator[tuple[Keys, str]]:
    if data.header is True and data.column_names is not None:
        yield (
            ("column_names",),
            "together with header: true; drop one: the file's first line names the columns, or these do",
        )
    if data.column_names is not None:
        yield from ((("column_names",), f"{shown(name)} is there twice") for name in _repeated(data.column_names))
        for key in (*INPUT_KEYS[task], TARGET_KEY[task]) if task != _TAGGING else ():
            name = getattr(data.columns, key)
            if name is not None and name not in data.column_names:
                yield ("columns", key), f"{shown(name)} is none of column_names{among(name, data.column_names)}"
    if data.delimiter is not None and len(data.delimiter) != 1:
        hint = '; write "\\t", in double quotes, for a tab' if data.delimiter in ("\\t", "tab") else ""
        yield ("delimiter",), f"must be one character, not {shown(data.delimiter)}{hint}"
    if data.encoding is not None:
        try:
            codecs.lookup(data.encoding)
        except LookupError:
            yield ("encoding",), f"Python knows no encoding {shown(data.encoding)}{among(data.encoding, _ENCODINGS)}"


def _check_columns(data: Data, task: str) -> Iterator[tuple[Keys, str]]:
    first: dict[str | int, str] = {}
    for key in (*INPUT_KEYS[task], TARGET_KEY[task]):
        name = getattr(data.columns, key)
        if name is None:
            continue
        if name in first:
            yield ("columns", key), f"the same column as {first[name]}: {shown(name)}; each needs its own"
        first.setdefault(name, key)


def _check_label_names(data: Data) -> Iterator[tuple[Keys, str]]:
    names = list((data.label_names or {}).values())
    for name in _repeated(names):
        yield ("label_names",), f"two labels are called {shown(name)}; each needs its own name"
    if data.label_names is not None and len(data.label_names) == 1:
        yield ("label_names",), "one label only; a classifier needs two or more"


def _check_splits(data: Data, task: str) -> Iterator[tuple[Keys, str]]:
    splits = data.splits
    if splits is None:
        return
    named = {split: value for split in ("train", "validation", "test") if (value := getattr(splits, split)) is not None}
    shares = [value for value in named.values() if isinstance(value, float)]
    if sum(shares) >= 1:
        yield ("splits",), f"validation and test take {sum(shares):g} of train, so nothing is left to learn from"
    seen: dict[Any, str] = {}
    for split, value in named.items():
        for part in _parts(value):
            if seen.setdefault(part, split) == split:
                continue
            where = f"{part[0]}: {shown(part[1])}" if isinstance(part, tuple) else shown(part)
            yield ("splits", split), f"{where} is used for {seen[part]} too; rows must not be in two splits"
        if isinstance(value, list):
            if not value:
                yield ("splits", split), "must not be empty"
            yield from ((("splits", split), f"{shown(name)} is there twice") for name in _repeated(value))
        yield from _check_files(data, task, split, value)


def _parts(value: str | list[str] | float | ColumnSplit) -> set[Any]:
    """What a split is made of: names, or (column, value)."""
    if isinstance(value, ColumnSplit):
        values = value.value if isinstance(value.value, list) else [value.value]
        return {(value.column, str(one)) for one in values}
    if isinstance(value, float):
        return set()
    return set(value) if isinstance(value, list) else {value}


def _check_files(data: Data, task: str, split: str, value: Any) -> Iterator[tuple[Keys, str]]:
    """Files that a split names in a local folder, or beside a single file."""
    path = Path(os.path.expanduser(data.path))
    if not os.path.exists(path) or isinstance(value, float | ColumnSplit):
        return
    base = path if os.path.isdir(path) else Path()
    for name in [value] if isinstance(value, str) else value:
        if (
            Path(name).suffix.lower() in readable(task, data.columns)
            and not os.path.isfile(base / name)
            and name != path.name
        ):
            yield ("splits", split), f"no file {shown(str(base / name))}{near_files(base / name)}"


def _repeated(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
