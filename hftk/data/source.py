"""Rows as they came from one split or one file, before anything is chosen, dropped or checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hftk.data.where import Where, did_you_mean, listed
from hftk.errors import DataError

# what data sets call these columns when not text and label
_USUAL_NAMES = {
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
    "label": ("labels", "label_text", "target", "class", "category", "sentiment", "coarse_label", "tag"),
}


@dataclass(frozen=True)
class Source:
    name: str
    """The split's name, or the file's."""
    table: Mapping[str, Any]
    """Column name → values: a list, or an Arrow (chunked) array."""
    rows: int
    lines: Sequence[int] | None = None
    """Of a text file: the line (from 1) on which each row begins."""
    class_names: Mapping[str, list[str]] = field(default_factory=dict)
    """Names of the columns that are ClassLabel features."""
    textual: bool = False
    """True for csv: every value is text, also numbers."""
    hint: str = ""
    """What to say when a column is missing: why the file may have been read with the wrong columns."""
    notices: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        return list(self.table)

    def values(self, column: str) -> list[Any]:
        """A column's values as Python objects; None where null."""
        values = self.table[column]
        return values if isinstance(values, list) else values.to_pylist()

    def require(self, column: str, *keys: str, where: Where) -> None:
        """Raises DataError with the columns found, and what was probably meant, if there is no such column."""
        if column in self.table:
            return
        usual = next((name for name in _USUAL_NAMES.get(keys[-1], ()) if name in self.table), None)
        near = did_you_mean(column, self.columns) or (f"; did you mean {usual}?" if usual else "")
        # "; did you mean x?" → x
        named = near.removeprefix("; did you mean ").removesuffix("?") or "…"
        fix = f" Write data.columns: {{{keys[-1]}: {named}}}." if keys[0] == "columns" else ""
        raise DataError(
            f"{where(*keys)}: no column {column} in {self.name}{near or '.'} "
            f"Columns found: {listed(self.columns)}.{fix}{self.hint}"
        )
