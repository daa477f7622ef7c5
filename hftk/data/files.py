"""One local file → Source, by its suffix."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hftk.data.conll import read_conll
from hftk.data.decoding import read_text
from hftk.data.delimited import read_delimited
from hftk.data.source import Source
from hftk.data.where import Where
from hftk.errors import DataError
from hftk.recipe import schema
from hftk.recipe.file_kinds import CONLL, DELIMITED, SUFFIXES, is_numbered, readable, readable_in_words

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Features


def read_file(path: Path, *, data: schema.Data, task: str, where: Where, name: str | None = None) -> Source:
    """Reads a csv, tsv, json, jsonl, parquet or arrow file, for tagging a CoNLL file; `data` gives its settings.

    Raises DataError for a file that is missing, of another kind, broken or empty, with file and line.
    """
    name = name or path.name
    suffix = path.suffix.lower()
    if not path.is_file():
        raise DataError(f"{where('path')}: there is no file {path}")
    if suffix not in readable(task, data.columns):
        if suffix in SUFFIXES and is_numbered(data.columns) and task == "token-classification":
            key = "tokens" if isinstance(data.columns.tokens, int) else "tags"
            raise DataError(
                f"{where('columns', key)}: {getattr(data.columns, key)} is the number of a CoNLL file's column, but "
                f"the columns of {name} have names; write one of them"
            )
        kinds = readable_in_words(task, data.columns)
        raise DataError(f"{where('path')}: {path} is none of the files that can be read for {task}: {kinds}")
    columns_only = task == "token-classification" and (suffix in CONLL or is_numbered(data.columns))
    _refuse_without_effect(path, data=data, delimited=suffix in DELIMITED and not columns_only, where=where)
    if columns_only:
        return read_conll(path, name=name, encoding=data.encoding, columns=data.columns, where=where)
    if suffix in DELIMITED:
        source = read_delimited(
            path,
            name=name,
            encoding=data.encoding,
            header=data.header,
            delimiter=data.delimiter,
            quoting=data.quoting,
            column_names=data.column_names,
            where=where,
        )
    elif suffix in (".parquet", ".arrow"):
        table = _read_arrow(path, where)
        try:
            source = source_of_table(table, name=name)
        # the features that datasets writes beside the schema
        except Exception as error:
            raise DataError(f"{where('path')}: {path}: its features cannot be read ({_one_line(error)})") from None
    else:
        source = _read_json(path, name=name, encoding=data.encoding, lines_only=suffix != ".json", where=where)
    if source.rows == 0:
        raise DataError(f"{where('path')}: {path} holds no row")
    return replace(source, folder=path.parent)


def _refuse_without_effect(path: Path, *, data: schema.Data, delimited: bool, where: Where) -> None:
    """csv's settings with another kind of file would be silently ignored."""
    unused = []
    if not delimited:
        defaults = {
            key: schema.Data.model_fields[key].default for key in ("header", "delimiter", "quoting", "column_names")
        }
        unused = [key for key, default in defaults.items() if getattr(data, key) != default]
    if path.suffix.lower() in (".parquet", ".arrow") and data.encoding is not None:
        unused.append("encoding")
    if unused:
        raise DataError(
            f"{where(unused[0])}: has no effect on {path.name}; it is for csv and other text files; take it out"
        )


def source_of_table(table: "pa.Table", *, name: str, features: "Features | None" = None) -> Source:
    """An Arrow table as Source; columns of ClassLabel, or of lists of it, are found in `features`, or in the schema's
    metadata."""
    from datasets import ClassLabel, Features

    features = features or Features.from_arrow_schema(table.schema)
    kinds = {column: getattr(kind, "feature", kind) for column, kind in features.items()}
    class_names = {column: list(kind.names) for column, kind in kinds.items() if isinstance(kind, ClassLabel)}
    columns = dict(zip(table.column_names, table.columns, strict=True))
    return Source(name, columns, table.num_rows, class_names=class_names)


def _read_arrow(path: Path, where: Where) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.stat().st_size == 0:
        raise DataError(f"{where('path')}: {path} is empty")
    try:
        if path.suffix.lower() == ".parquet":
            return pq.ParquetFile(path).read()
        # datasets writes the stream form, other programs the file form
        with pa.memory_map(str(path)) as file:
            is_file_form = file.read(6) == b"ARROW1"
        opened = pa.memory_map(str(path))
        table = pa.ipc.open_file(opened).read_all() if is_file_form else pa.ipc.open_stream(opened).read_all()
        table.validate(full=True)  # Arrow trusts its offsets: wrong ones would end the process
        return table
    except (pa.ArrowException, OSError, ValueError) as error:
        kind = path.suffix[1:].lower()
        raise DataError(f"{where('path')}: {path} is no readable {kind} file ({_one_line(error)})") from None


def _read_json(path: Path, *, name: str, encoding: str | None, lines_only: bool, where: Where) -> Source:
    """A list of objects, or one object per line; in both a missing key is null."""
    text = read_text(path, encoding=encoding, where=where)
    whole: Any = None
    if not lines_only:
        try:
            whole = json.loads(text)
        except json.JSONDecodeError as error:
            # several values one after another: .json files are often jsonl
            if not error.msg.startswith("Extra data"):
                raise DataError(f"{where('path')}: {path}, line {error.lineno}: not JSON ({error.msg})") from None
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where('path')}: {path}: {_unusual_json(error)}") from None
    lines = None
    if whole is None:
        rows, lines = _json_lines(text, path, where)
    elif isinstance(whole, list):
        rows = whole
    else:
        raise DataError(
            f"{where('path')}: {path} holds one JSON {_json_kind(whole)}; "
            "a list of objects, or one object per line, can be read"
        )
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            at = f"line {lines[number]}" if lines else f"row {number} (counted from 0)"
            raise DataError(f"{where('path')}: {path}, {at}: a JSON {_json_kind(row)}; every row must be an object")
    columns = list(dict.fromkeys(key for row in rows for key in row))
    return Source(name, {key: [row.get(key) for row in rows] for key in columns}, len(rows), lines=lines)


def _json_lines(text: str, path: Path, where: Where) -> tuple[list[Any], list[int]]:
    rows, lines = [], []
    # not splitlines(): U+2028 and its like may stand inside a JSON string
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise DataError(f"{where('path')}: {path}, line {number}: not JSON ({error.msg})") from None
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where('path')}: {path}, line {number}: {_unusual_json(error)}") from None
        lines.append(number)
    return rows, lines


def _unusual_json(error: ValueError | RecursionError) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else "a number of more than 4,300 digits"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _json_kind(value: Any) -> str:
    kinds: list[tuple[type | tuple[type, ...], str]] = [
        (dict, "object"),
        (list, "list"),
        (str, "string"),
        (bool, "boolean"),
        ((int, float), "number"),
    ]
    return next((word for kind, word in kinds if isinstance(value, kind)), "null")
