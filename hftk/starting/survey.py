"""DATA → what is in it, whichever form it has: its splits or files, with all their columns."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from hftk.data.decoding import read_text
from hftk.data.loading import Sources, open_sources
from hftk.data.where import Where, listed
from hftk.errors import DataError
from hftk.recipe import schema
from hftk.recipe.file_kinds import CONLL, DELIMITED, IMAGES, LISTS
from hftk.starting.conll import ConllColumns, conll_columns, looks_like_conll
from hftk.starting.dialect import Dialect, sniff

T = TypeVar("T")
_READABLE = "csv, tsv, json, jsonl, parquet, arrow, CoNLL, or a folder of such files, of idx files or of images"


@dataclass(frozen=True)
class Survey:
    path: str
    """As the user wrote it: the recipe's data.path."""
    sources: Sources
    dialect: Dialect = field(default_factory=Dialect)
    """Of csv and tsv files."""
    conll: ConllColumns | None = None
    """The columns of CoNLL files."""

    @property
    def is_file(self) -> bool:
        return Path(self.path).expanduser().is_file()


def survey(path: str) -> Survey:
    """path: a file, a folder, builtin:<name>, or a data set on the Hub. Raises DataError for what is none, naming what
    can be read."""
    local = Path(path).expanduser()
    if local.is_file():
        return _file(path, local)
    if local.is_dir():
        return _folder(path, local)
    return Survey(path, _opened(path, "text-classification"))


def _file(path: str, local: Path) -> Survey:
    suffix = local.suffix.lower()
    if suffix in CONLL or (suffix in (".txt", ".tsv") and looks_like_conll(local)):
        return _of_conll(path, local)
    if suffix in DELIMITED:
        dialect = without_key(lambda: sniff(local))
        return Survey(path, _opened(path, "text-classification", **dialect.settings), dialect)
    if suffix in LISTS:
        return Survey(path, _opened(path, "text-classification"))
    what = "is an image" if suffix in IMAGES else "is an idx file" if "-ubyte" in local.name else "is none of these"
    hint = "; name its folder" if suffix in IMAGES or "-ubyte" in local.name else ""
    raise DataError(f"{path} {what}{hint}. Can be read: {_READABLE}")


def _folder(path: str, local: Path) -> Survey:
    if (local / "dataset_dict.json").is_file() or (local / "state.json").is_file():
        return Survey(path, _opened(path, "text-classification"))
    files = sorted(file for file in local.iterdir() if file.is_file())
    tables = [file for file in files if file.suffix.lower() in (*DELIMITED, *LISTS)]
    tagged = [file for file in files if file.suffix.lower() in CONLL]
    if tagged and not tables:
        return _of_conll(path, tagged[0])
    if not tables:
        try:
            return Survey(path, _opened(path, "image-classification"))
        except DataError as error:
            if "no data file" not in str(error):
                raise
            found = listed([file.name for file in sorted(local.iterdir())]) or "nothing"
            raise DataError(f"the folder {path} holds {found}. Can be read: {_READABLE}") from None
    delimited = [file for file in tables if file.suffix.lower() in DELIMITED]
    dialect = _common(delimited) if delimited else Dialect()
    return Survey(path, _opened(path, "text-classification", **dialect.settings), dialect)


def _common(files: list[Path]) -> Dialect:
    """Raises DataError where files of one folder are written in several ways: a recipe has one way for all."""
    dialects = without_key(lambda: {file: sniff(file) for file in files})
    first = dialects[files[0]]
    for file, one in dialects.items():
        if one.settings != first.settings:
            raise DataError(
                f"{files[0].name} and {file.name} are written in different ways ({_in_words(first)}; "
                f"{_in_words(one)}), and a recipe has one for all its files; save them alike, or name one file"
            )
    return first


def _in_words(dialect: Dialect) -> str:
    told = ", ".join(f"{key}: {value!r}" for key, value in dialect.settings.items())
    return told or "commas or tabs, with a header, in UTF-8"


def _of_conll(path: str, local: Path) -> Survey:
    text = without_key(lambda: read_text(local, encoding=None, where=Where()))
    columns = conll_columns(text, name=local.name)
    opened = _opened(path, "token-classification", columns={"tokens": columns.tokens, "tags": columns.tags})
    return Survey(path, opened, conll=columns)


def _opened(path: str, task: str, **settings: Any) -> Sources:
    return without_key(lambda: open_sources(schema.Data(path=path, **settings), task, Where()))


def without_key(read: Callable[[], T]) -> T:
    """What loads data begins a message with a key of the recipe, and there is no recipe yet."""
    try:
        return read()
    except DataError as error:
        key, _, rest = str(error).partition(": ")
        raise DataError(rest if key.startswith("data.") else str(error)) from None
