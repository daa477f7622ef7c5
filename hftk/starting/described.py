"""A data set → the recipe's data section with the reason of every key, loaded as that section says."""

from collections import Counter
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hftk.data import load
from hftk.data.source import Source
from hftk.data.where import listed
from hftk.errors import DataError
from hftk.recipe import schema
from hftk.recipe.file_kinds import CONLL, SUFFIXES, TARGET_KEY
from hftk.recipe.places import Keys
from hftk.starting.profile import Profile, profiles
from hftk.starting.roles import Roles, guess_roles
from hftk.starting.splits import guess_splits, is_called, unlabelled
from hftk.starting.survey import Survey, survey, without_key

if TYPE_CHECKING:
    from hftk.data import LabelledData

_BAD_ROWS = "data.on_bad_rows: "
_UNNAMED = "column_"  # of a file without a header, by its number from 0


@dataclass(frozen=True)
class DescribedData:
    path: str
    task: str
    data: dict[str, Any]
    """The recipe's section, without max_length."""
    reasons: dict[Keys, list[str]]
    """Path below data → why, a paragraph each."""
    loaded: "LabelledData"
    target_numbers: bool
    """Are the labels numbers without names?"""

    @property
    def counts(self) -> Counter[int]:
        """Rows of train (words, for tagging) by id of their label."""
        train = self.loaded.splits["train"]
        return Counter(chain.from_iterable(train["tags"]) if "tags" in train.column_names else train["label"])


def describe(path: str) -> DescribedData:
    """Raises DataError where it cannot be guessed what the data hold, or where they cannot be loaded."""
    seen = survey(path)
    train = _train_sources(seen)
    reasons: dict[Keys, list[str]] = {(key,): [why] for key, why in seen.dialect.reasons.items()}
    roles, target = _roles(seen, train)
    data: dict[str, Any] = {"path": path, **seen.dialect.settings}
    called = {str(name): str(name) for name in train[0].table}
    if data.pop("header", "infer") is None:
        called = _names_for([_UNNAMED + str(name) for name in train[0].table], roles)
        data["column_names"] = list(called.values())
        reasons[("column_names",)] = reasons.pop(("header",))
    data["columns"] = {
        key: called[column] if isinstance(column, str) else column for key, column in roles.columns.items()
    }
    reasons |= {("columns", key): [why] for key, why in roles.reasons.items()}
    if roles.others:
        reasons[("columns",)] = [f"not used: {listed([called[one] for one in roles.others])}"]
    splits = guess_splits(
        seen.sources.names,
        seen.sources.kind,
        mark=roles.split and replace(roles.split, name=called[roles.split.name]),
        unlabelled=[] if roles.split is not None else _unlabelled(seen, train, target),
        beside=_beside(seen),
    )
    data["splits"] = splits.splits
    reasons[("splits",)] = [splits.reason]
    loaded = _loaded(data, roles.task, reasons)
    numbers = all(isinstance(value, int) or str(value).isdecimal() for value in roles.target.counts)
    return DescribedData(path, roles.task, data, reasons, loaded, numbers and bool(roles.target.counts))


def _train_sources(seen: Survey) -> list[Source]:
    """What the columns are guessed from."""
    names = seen.sources.names
    called = [name for name in names if is_called(name, "train")] or names[:1]
    return without_key(lambda: [source for name in called for source in seen.sources.get(name) or []])


def _roles(seen: Survey, train: list[Source]) -> tuple[Roles, str | int]:
    """And the column of the labels, as the sources have it."""
    if seen.conll is None:
        found = profiles(train)
        headless = seen.dialect.settings.get("header", "infer") is None
        if headless:
            found = [replace(one, name=_UNNAMED + one.name) for one in found]
        roles = guess_roles(found, name=seen.path)
        target = roles.columns[TARGET_KEY[roles.task]]
        return roles, target.removeprefix(_UNNAMED) if headless else target
    tags = seen.conll.tags
    counts = Counter(tag for source in train for row in source.values(tags) for tag in row)
    target = Profile(str(tags), "list", sum(source.rows for source in train), counts)
    columns = {"tokens": seen.conll.tokens, "tags": tags}
    return Roles("token-classification", columns, seen.conll.reasons, target), tags


def _names_for(columns: list[str], roles: Roles) -> dict[str, str]:
    """Column of a file without a header → the name that it gets."""
    named = {column: key for key, column in roles.columns.items()}
    if roles.split is not None:
        named[roles.split.name] = "split"
    return {column: named.get(column, column) for column in columns}


def _unlabelled(seen: Survey, train: list[Source], target: str | int) -> list[str]:
    if len(seen.sources.names) == 1:
        return []
    others = [name for name in seen.sources.names if not is_called(name, "train")]
    return without_key(lambda: unlabelled({name: seen.sources.get(name) or [] for name in others}, target))


def _beside(seen: Survey) -> list[str]:
    """Files next to a single one that look like further splits of it."""
    if not seen.is_file:
        return []
    path = Path(seen.path).expanduser()
    kinds = (*SUFFIXES, *CONLL)
    files = sorted(one.name for one in path.parent.iterdir() if one.suffix.lower() in kinds and one.name != path.name)
    return [name for name in files if any(is_called(name, split) for split in ("train", "validation", "test"))]


def _loaded(data: dict[str, Any], task: str, reasons: dict[Keys, list[str]]) -> "LabelledData":
    """With the mildest way to treat bad rows that they allow, put into `data` where it is not the default."""
    try:
        return load(schema.Data.model_validate(data), task=task)
    except DataError as error:
        if not str(error).startswith(_BAD_ROWS):
            raise
        told = [line.strip() for line in str(error).splitlines()[1:-1]]
    try:
        data["on_bad_rows"] = "keep"
        loaded = load(schema.Data.model_validate(data), task=task)
        reasons[("on_bad_rows",)] = [*told, "they are kept, and predicted like any other text"]
    except DataError as error:
        if not str(error).startswith(_BAD_ROWS):
            raise
        data["on_bad_rows"] = "skip"
        loaded = load(schema.Data.model_validate(data), task=task)
        reasons[("on_bad_rows",)] = [*told, "they are left out, and counted"]
    return loaded
