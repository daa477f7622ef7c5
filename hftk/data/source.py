"""Rows as they came from one split or one file, before anything is chosen, dropped or checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hftk.data.where import Where, did_you_mean, listed
from hftk.errors import DataError

# what data sets call these columns when not text and label
USUAL_NAMES = {
    "text": (
        "sentence",
        "body",
        "content",
        "review",
        "document",
        "tweet",
        "question",
        "comment",
        "sentence1",
        "premise",
    ),
    "text_pair": ("sentence2", "hypothesis", "question2", "answer", "context"),
    "tokens": ("words", "token", "form", "forms"),
    "tags": ("ner_tags", "pos_tags", "upos", "xpos", "labels", "label"),
    "image": ("img", "picture", "file_name", "filename", "file", "path"),
    "label": ("labels", "label_text", "target", "class", "category", "sentiment", "coarse_label", "tag"),
}


@dataclass(frozen=True)
class Source:
    name: str
    """The split's name, or the file's."""
    table: Mapping[str | int, Any]
    """Column name, or a CoNLL file's column number → values: a list, an Arrow (chunked) array, or pixels."""
    rows: int
    lines: Sequence[int | str] | None = None
    """Of a text file: the line (from 1) on which each row begins; of a folder of images: the file."""
    class_names: Mapping[str, list[str]] = field(default_factory=dict)
    """Names of the columns that are ClassLabel features, or lists of them."""
    textual: bool = False
    """True for csv and CoNLL: every value is text, also numbers."""
    hint: str = ""
    """What to say when a column is missing: why the file may have been read with the wrong columns."""
    notices: tuple[str, ...] = ()
    folder: Path | None = None
    """To which paths in it are relative."""

    @property
    def columns(self) -> list[str]:
        return [str(column) for column in self.table]

    def values(self, column: str | int) -> list[Any]:
        """A column's values as Python objects, None where null; pixels as their array."""
        values = self.table[column]
        return values.to_pylist() if hasattr(values, "to_pylist") else values

    def require(self, column: str | int, *keys: str, where: Where) -> None:
        """Raises DataError with the columns found, and what was probably meant, if there is no such column."""
        if column in self.table:
            return
        if isinstance(column, int):
            raise DataError(
                f"{where(*keys)}: {column} is the number of a CoNLL file's column, but the columns of {self.name} have "
                f"names: {listed(self.columns)}; write one of them"
            )
        usual = next((name for name in USUAL_NAMES.get(keys[-1], ()) if name in self.table), None)
        near = did_you_mean(column, self.columns) or (f"; did you mean {usual}?" if usual else "")
        # "; did you mean x?" → x
        named = near.removeprefix("; did you mean ").removesuffix("?") or "…"
        fix = f" Write data.columns: {{{keys[-1]}: {named}}}." if keys[0] == "columns" else ""
        raise DataError(
            f"{where(*keys)}: no column {column} in {self.name}{near or '.'} "
            f"Columns found: {listed(self.columns)}.{fix}{self.hint}"
        )
