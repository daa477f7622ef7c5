"""FILE → what reads it: by its suffix, and by what the model reads."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from hftk.data.files import read_file
from hftk.data.where import Where, did_you_mean
from hftk.errors import DataError
from hftk.prediction.columnar import open_columnar
from hftk.prediction.notices import Notices
from hftk.prediction.rows import LINE, Chunk, RowFile
from hftk.prediction.text_files import open_delimited, open_json_lines, open_lines, open_standard_input
from hftk.prediction.wanted import Wanted
from hftk.recipe import schema
from hftk.recipe.file_kinds import CONLL, DELIMITED, IMAGES, SUFFIXES

STANDARD_INPUT = "-"
_LINES = (".txt",)


def check_file(file: str) -> None:
    """Raises DataError for what cannot be a file to predict, whatever the model; nothing is opened."""
    path = Path(file).expanduser()
    if file == STANDARD_INPUT or path.is_dir():
        return
    if not path.exists():
        near = did_you_mean(path.name, [one.name for one in path.parent.iterdir()]) if path.parent.is_dir() else ""
        raise DataError(f"there is no file {file}{near}")
    if path.suffix.lower() not in (*SUFFIXES, *CONLL, *_LINES, *IMAGES):
        kinds = ", ".join((*SUFFIXES, *_LINES, *CONLL))
        raise DataError(f"{file} cannot be read: a file must be one of {kinds}; or - for standard input")


def open_rows(
    file: str, *, task: str, wanted: Wanted, as_in: schema.Data | None, stdin: BinaryIO, notices: Notices
) -> RowFile:
    """as_in: the data section of the run's recipe, where there is a run. Raises DataError."""
    if file == STANDARD_INPUT:
        return open_standard_input(stdin)
    path = Path(file).expanduser()
    suffix = path.suffix.lower()
    if task == "image-classification" and (path.is_dir() or suffix in IMAGES):
        return _image_files(path, file, notices)
    if path.is_dir():
        raise DataError(f"{file} is a folder; name a file in it (folders of images are for image models)")
    if suffix in IMAGES:
        raise DataError(f"{file} is an image, and this is a model for {task}")
    numbered = isinstance(wanted.tokens, int)
    if task == "token-classification" and (suffix in CONLL or (numbered and suffix in (".txt", ".tsv"))):
        return _conll(path, file, wanted.tokens, notices)
    if suffix in CONLL:
        raise DataError(f"{file} is a CoNLL file, which is for tagging; this is a model for {task}")
    if suffix in DELIMITED:
        return open_delimited(path, name=file, as_in=as_in, wanted=wanted.first, notices=notices)
    if suffix in (".parquet", ".arrow"):
        return open_columnar(path, name=file)
    if suffix in _LINES:
        return open_lines(path, name=file)
    if suffix == ".json":
        return _json(path, file)
    return open_json_lines(path, name=file)


def _whole(
    name: str, kind: str, rows: list[dict[str, Any]], lines: list[int] | None = None, base: Path = Path()
) -> RowFile:
    """What had to be read as a whole."""

    def read(size: int) -> Iterator[Chunk]:
        for start in range(0, len(rows), size):
            yield Chunk(name, rows[start : start + size], start, lines and lines[start : start + size])

    return RowFile(name, read, kind, base=base)


def _json(path: Path, name: str) -> RowFile:
    """A list of objects, which no reader takes apart, or an object per line."""
    source = _without_key(
        lambda: read_file(path, data=schema.Data(path=name), task="text-classification", where=Where())
    )
    rows = [dict(zip(source.table, values, strict=True)) for values in zip(*source.table.values(), strict=True)]
    return _whole(name, "jsonl", rows, source.lines, path.parent)


def _conll(path: Path, name: str, words: str | int | None, notices: Notices) -> RowFile:
    """words: the number of their column; a name is what they are called in the output."""
    column = words if isinstance(words, int) else 1 if path.suffix.lower() == ".conllu" else 0
    called = words if isinstance(words, str) else "tokens"
    data = schema.Data(path=name, columns=schema.Columns(tokens=column, tags=column))
    source = _without_key(lambda: read_file(path, data=data, task="token-classification", where=Where()))
    notices.say(f"column {column} of {name} is read as the words; its other columns are not written again")
    for notice in source.notices:
        notices.say(notice)
    return _whole(name, "conll", [{called: tokens} for tokens in source.values(column)], source.lines)


def _without_key(read: Any) -> Any:
    """The readers of training begin a message with the recipe's key, and there is no recipe here."""
    try:
        return read()
    except DataError as error:
        key, _, rest = str(error).partition(": ")
        raise DataError(rest if key.startswith("data.") else str(error)) from None


def _image_files(path: Path, name: str, notices: Notices) -> RowFile:
    """Every image below a folder, by its path from there; or one image."""
    if path.is_file():
        return _whole(name, "images", [{LINE: str(path)}])
    found = sorted(one for one in path.rglob("*") if one.suffix.lower() in IMAGES and one.is_file())
    if not found:
        raise DataError(f"{name}: there is no image in this folder; images are {', '.join(IMAGES)}")
    passed = sum(one.is_file() for one in path.rglob("*")) - len(found)
    notices.count(
        passed, one="1 file that is no image was passed over", many="{count} files that are no images were passed over"
    )
    return _whole(name, "images", [{LINE: str(one)} for one in found])
