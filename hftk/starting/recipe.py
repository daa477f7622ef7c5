"""A described data set → the recipe's values, and a comment for each guess."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hftk.data.where import listed
from hftk.recipe.checks import wrong_folder_name
from hftk.recipe.places import Keys
from hftk.starting.described import DescribedData
from hftk.starting.document import AsItStands
from hftk.starting.language import language_of
from hftk.starting.lengths import measured
from hftk.starting.starter import starter

if TYPE_CHECKING:
    from hftk.starting.language import Language

_SHOWN_NUMBERS = 6


def recipe_of(described: DescribedData) -> tuple[dict[str, Any], dict[Keys, list[str]]]:
    """The values in the order of a recipe, and path of a key → paragraphs of its comment."""
    loaded, task = described.loaded, described.task
    train = loaded.splits["train"]
    language = None if task == "image-classification" else _language(described)
    first = starter(task, labels=loaded.labels, counts=described.counts, language=language)
    comments: dict[Keys, list[str]] = {("data", *path): texts for path, texts in described.reasons.items()}
    data = dict(described.data)
    tokenizer = first.tokenizer
    if tokenizer is not None:
        lengths = measured(train, tokenizer)
        tokenizer = lengths.tokenizer
        data["max_length"] = lengths.max_length
        comments["data", "max_length"] = [f"{lengths.reason}"]
    if described.target_numbers and "label_names" not in data:
        numbers = loaded.labels[:_SHOWN_NUMBERS]
        names = ", ".join(f"{number}: …" for number in numbers) + (", …" if len(loaded.labels) > len(numbers) else "")
        comments["data", "splits"] = [
            "the labels are numbers; names for them make a report that can be read:",
            AsItStands(f"label_names: {{{names}}}"),
            *comments["data", "splits"],
        ]
    values: dict[str, Any] = {"name": _name(described.path)}
    if task != "text-classification":
        values["task"] = task
    values |= {"data": data, "model": first.model}
    comments["model",] = [first.model_reason, *_pretrained(first.pretrained)]
    if tokenizer is not None:
        values["tokenizer"] = tokenizer
        comments["tokenizer",] = [first.tokenizer_reason]
    values["training"] = first.training
    if first.class_weights is not None:
        comments["training",] = [
            f"{first.class_weights}; to weigh them alike while training:",
            AsItStands("class_weights: balanced"),
        ]
    values["early_stopping"] = {"metric": "loss", "patience": 2}
    values["metrics"] = first.metrics
    comments["metrics",] = [first.metrics_reason]
    values["seeds"] = [1]
    comments["seeds",] = ["[1, 2, 3] trains each setting three times, and tells how much of a difference is chance"]
    return values, comments


def head_of(described: DescribedData, output: str) -> list[str]:
    """What stands at the top of the file."""
    rows = ", ".join(f"{split} {len(one):,}" for split, one in described.loaded.splits.items())
    return [
        "Written by hftk init. What was guessed has its reason above it; mend what is wrong.",
        f"Rows: {rows}. Classes: {len(described.loaded.labels)}.",
        AsItStands(f"hftk check {output}    shows the rows, the classes and a few of them as the model sees them"),
        AsItStands(f"hftk train {output}    trains, and compares with simple baselines, which come by themselves"),
    ]


def lines_of(described: DescribedData, output: str) -> list[str]:
    """What a person is told when it is written."""
    columns = ", ".join(f"{key}: {column}" for key, column in described.data["columns"].items())
    rows = ", ".join(f"{split} {len(one):,}" for split, one in described.loaded.splits.items())
    labels = described.loaded.labels
    return [
        f"{output}: {described.task} ({columns})",
        f"  rows: {rows}",
        f"  {len(labels)} classes: {listed(labels, most=10)}",
        f"Next: hftk check {output}",
    ]


def _language(described: DescribedData) -> "Language":
    train = described.loaded.splits["train"]
    if "tokens" in train.column_names:
        return language_of([" ".join(words) for words in train["tokens"]])
    return language_of(list(train["text"]))


def _pretrained(lines: list[str]) -> list[str]:
    if not lines:
        return []
    told = (
        "or a pretrained model, mostly better and slower (a GPU helps): these in place of model, tokenizer and training"
    )
    return [told, *map(AsItStands, lines)]


def _name(path: str) -> str:
    """A folder's name, from the file, folder or data set."""
    local = Path(path.removeprefix("builtin:")).expanduser()
    stem = local.stem if local.is_file() else local.resolve().name if local.is_dir() else local.name
    name = re.sub(r'[/\\:*?"<>|\s]+', "-", "".join(char if char.isprintable() else "-" for char in stem)).strip("-. ")
    return "first" if any(wrong_folder_name(name)) else name
