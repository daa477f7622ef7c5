"""One local file → Source, by its suffix."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hftk.data.decoding import read_text
from hftk.data.delimited import read_delimited
from hftk.data.source import Source
from hftk.data.where import Where
from hftk.errors import DataError
from hftk.recipe import schema

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Features

DELIMITED = (".csv", ".tsv")
SUFFIXES = (*DELIMITED, ".json", ".jsonl", ".ndjson", ".parquet", ".arrow")


def read_file(path: Path, *, data: schema.Data, where: Where, name: str | None = None) -> Source:
    """Reads a csv, tsv, json, jsonl, parquet or arrow file; `data` gives encoding and csv's settings.

    Raises DataError for a file that is missing, of another kind, broken or empty, with file and line.
    """
    name = name or path.name
    suffix = path.suffix.lower()
    if not path.is_file():
        raise DataError(f"{where('path')}: there is no file {path}")
    if suffix not in SUFFIXES:
        raise DataError(f"{where('path')}: {path} is none of the files that can be read: {', '.join(SUFFIXES)}")
    _refuse_without_effect(path, data=data, where=where)
    if suffix in DELIMITED:
        return read_delimited(
            path,
            name=name,
            encoding=data.encoding,
            header=data.header,
            delimiter=data.delimiter,
            quoting=data.quoting,
            column_names=data.column_names,
            where=where,
        )
    if suffix in (".parquet", ".arrow"):
        source = source_of_table(_read_arrow(path, where), name=name)
    else:
        source = _read_json(path, name=name, encoding=data.encoding, lines_only=suffix != ".json", where=where)
    if source.rows == 0:
        raise DataError(f"{where('path')}: {path} holds no row")
    return source


def _refuse_without_effect(path: Path, *, data: schema.Data, where: Where) -> None:
    """csv's settings with another kind of file would be silently ignored."""
    suffix = path.suffix.lower()
    unused = []
    if suffix not in DELIMITED:
        defaults = {
            key: schema.Data.model_fields[key].default for key in ("header", "delimiter", "quoting", "column_names")
        }
        unused = [key for key, default in defaults.items() if getattr(data, key) != default]
    if suffix in (".parquet", ".arrow") and data.encoding is not None:
        unused.append("encoding")
    if unused:
        raise DataError(
            f"{where(unused[0])}: has no effect on {path.name}; it is for csv and other text files; take it out"
        )


def source_of_table(table: "pa.Table", *, name: str, features: "Features | None" = None) -> Source:
    """An Arrow table as Source; ClassLabel columns are found in `features`, or in the schema's metadata."""
    from datasets import ClassLabel, Features

    features = features or Features.from_arrow_schema(table.schema)
    class_names = {column: list(kind.names) for column, kind in features.items() if isinstance(kind, ClassLabel)}
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
        return pa.ipc.open_file(opened).read_all() if is_file_form else pa.ipc.open_stream(opened).read_all()
    except (pa.ArrowInvalid, OSError) as error:
        kind = path.suffix[1:].lower()
        raise DataError(f"{where('path')}: {path} is no readable {kind} file ({error})") from None


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
        lines.append(number)
    return rows, lines


def _json_kind(value: Any) -> str:
    kinds: list[tuple[type | tuple[type, ...], str]] = [
        (dict, "object"),
        (list, "list"),
        (str, "string"),
        (bool, "boolean"),
        ((int, float), "number"),
    ]
    return next((word for kind, word in kinds if isinstance(value, kind)), "null")
