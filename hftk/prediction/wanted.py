"""Which columns hold what the model reads: as the user says, else as the run's recipe says, else the usual names."""

from collections.abc import Sequence
from dataclasses import dataclass

from hftk.data.where import listed
from hftk.errors import RecipeError
from hftk.recipe import schema

_KEYS = {
    "text-classification": ("text", "text_pair"),
    "token-classification": ("tokens", "text"),
    "image-classification": ("image",),
}


@dataclass(frozen=True)
class Wanted:
    task: str
    text: str | None = None
    """Tagging: a column of texts to split at white space, where the user named one."""
    text_pair: str | None = None
    tokens: str | int | None = None
    """A number: of a CoNLL file's column."""
    image: str | None = None

    @property
    def first(self) -> str:
        """The column that a file of texts must have."""
        if self.task == "image-classification":
            return str(self.image)
        return self.text or "text"


def wanted_columns(task: str, options: Sequence[str], in_recipe: schema.Columns | None) -> Wanted:
    """options: `text=body`, each once. Raises RecipeError for what is none, naming what may stand there."""
    asked: dict[str, str] = {}
    for option in options:
        key, equals, column = option.partition("=")
        if not equals or not column or key not in _KEYS[task]:
            allowed = ", ".join(f"{one}=…" for one in _KEYS[task])
            raise RecipeError(f"--column {option}: for {task} it must be one of {allowed} with the name of a column")
        if key in asked:
            raise RecipeError(f"--column {option}: {key} is named twice, first as {asked[key]}; keep one of them")
        asked[key] = column
    usual = in_recipe or schema.Columns()
    if task == "text-classification":
        return Wanted(task, text=asked.get("text", usual.text), text_pair=asked.get("text_pair", usual.text_pair))
    if task == "image-classification":
        return Wanted(task, image=asked.get("image", usual.image))
    if "tokens" in asked and "text" in asked:
        raise RecipeError("--column tokens=… and text=…: the words come from one of them; keep one")
    tokens = asked.get("tokens")
    if tokens is not None and tokens.isdecimal():
        return Wanted(task, tokens=int(tokens))
    return Wanted(task, text=asked.get("text"), tokens=tokens if tokens is not None else usual.tokens)


def no_column(place: str, column: str, columns: Sequence[str], *, key: str) -> str:
    """The message for a row without the column, with what to write."""
    one = listed(columns) if columns else "none"
    return f"{place}: no column {column}. Columns found: {one}. Say which one holds the {key}: --column {key}=…"
