"""Which files hold rows, for which task; no heavy imports, as recipes are checked with it."""

from hftk.recipe.schema import Columns

DELIMITED = (".csv", ".tsv")
LISTS = (".json", ".jsonl", ".ndjson", ".parquet", ".arrow")
SUFFIXES = (*DELIMITED, *LISTS)
CONLL = (".conll", ".conllu", ".iob", ".iob2", ".bio")
# CoNLL too, but only when the recipe numbers the columns: a README.txt is none
NUMBERED = (*CONLL, ".txt", ".tsv")
IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")

# columns.<key>: what a model reads, and what it learns to tell
INPUT_KEYS = {
    "text-classification": ("text", "text_pair"),
    "token-classification": ("tokens",),
    "image-classification": ("image",),
}
TARGET_KEY = {"text-classification": "label", "token-classification": "tags", "image-classification": "label"}


def is_numbered(columns: Columns) -> bool:
    """Are the columns those of a CoNLL file?"""
    return isinstance(columns.tokens, int) or isinstance(columns.tags, int)


def readable(task: str, columns: Columns) -> tuple[str, ...]:
    """Suffixes of the files that can be read."""
    if task != "token-classification":
        return SUFFIXES
    return NUMBERED if is_numbered(columns) else (*LISTS, *CONLL)


def readable_in_words(task: str, columns: Columns) -> str:
    """The same for a message."""
    kinds = ", ".join(readable(task, columns))
    if task == "token-classification" and not is_numbered(columns):
        return f"{kinds}, and .txt and .tsv where columns.tokens and columns.tags are numbers"
    return kinds
