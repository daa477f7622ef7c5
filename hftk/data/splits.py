"""`data.splits` → the rows of train, validation and test."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hftk.data.loading import Sources
from hftk.data.rows import Rows, joined, rows_of
from hftk.data.source import Source
from hftk.data.strata import draw, strata
from hftk.data.where import Where, did_you_mean, listed
from hftk.errors import DataError
from hftk.recipe import schema

# how data sets call their splits
OWN_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "development"),
    "test": ("test", "testing"),
}
_DEFAULT_SHARE = 0.1


@dataclass(frozen=True)
class _Chooser:
    sources: Sources
    data: schema.Data
    task: str
    where: Where

    def whole(self, found: list[Source]) -> Rows:
        keep_numbers = self.data.label_names is not None
        return rows_of(found, task=self.task, columns=self.data.columns, keep_numbers=keep_numbers, where=self.where)

    def named(self, split: str, names: str | list[str]) -> Rows:
        """The rows of splits or files."""
        found: list[Source] = []
        for name in [names] if isinstance(names, str) else names:
            sources = self.sources.get(name)
            if sources is None:
                known = self.sources.names
                near = did_you_mean(name, [*known, *self.sources.aliases])
                file = f", nor a file in {self.sources.base or 'the current folder'}" if "." in name else ""
                raise DataError(
                    f"{self.where('splits', split)}: {self.data.path} has no {self.sources.kind} {name}{file}{near} "
                    f"{self.sources.kind.capitalize()}s found: {listed(known)}"
                )
            found += sources
        return self.whole(found)

    def marked(self, split: str, by: schema.ColumnSplit) -> Rows:
        """The rows, of all splits and files, whose column holds one of the values."""
        wanted = by.value if isinstance(by.value, list) else [by.value]
        parts, seen = [], {}
        for name in self.sources.names:
            for source in self.sources.get(name) or []:
                source.require(by.column, "splits", split, "column", where=self.where)
                cells = [_comparable(cell, source, by.column) for cell in source.values(by.column)]
                seen.update(dict.fromkeys(cells))
                values = {_text(value) for value in wanted}
                chosen = [i for i, cell in enumerate(cells) if cell in values]
                parts.append(self.whole([source]).take(chosen))
        for value in wanted:
            if _text(value) not in seen:
                found = [value for value in seen if value is not None]
                near = did_you_mean(_text(value), found)
                raise DataError(
                    f"{self.where('splits', split, 'value')}: no row has {_text(value)} in column {by.column}{near} "
                    f"Values found: {listed(found)}"
                )
        return joined(parts)

    def rows(self, split: str, wanted: str | list[str] | schema.ColumnSplit) -> Rows:
        return self.marked(split, wanted) if isinstance(wanted, schema.ColumnSplit) else self.named(split, wanted)


def choose_splits(sources: Sources, data: schema.Data, task: str, where: Where) -> tuple[dict[str, Rows], list[str]]:
    """The rows of `train`, `validation` and, where there is one, `test`, with what a person must be told.

    Shares are taken out of train, stratified by label (sentences by their rarest tag), and count rows of train before
    anything was taken. Raises DataError for a split that does not exist, is empty, or shares a row with another.
    """
    chooser = _Chooser(sources, data, task, where)
    by_label = f"stratified by {stratum_in_words(task)}"
    notices: list[str] = []
    wanted: dict[str, Any] = {}
    if data.splits is not None:
        wanted = {split: getattr(data.splits, split) for split in OWN_NAMES}
    elif len(sources.names) == 1:
        wanted = {"train": sources.names[0], "validation": _DEFAULT_SHARE, "test": _DEFAULT_SHARE}
        notices.append(f"{data.path} has no splits of its own: taken apart 80/10/10, {by_label}")
        notices += _unused_marks(sources)
    else:
        wanted = _own_splits(sources, data, where, notices)
    if wanted["validation"] is None:
        wanted["validation"] = _DEFAULT_SHARE
        notices.append(f"no validation split is named: a tenth of train is taken for it, {by_label}")
    if wanted["test"] is None:
        notices.append("no test split is named: there will be no test figures")

    splits = {split: chooser.rows(split, by) for split, by in wanted.items() if by is not None and not _is_share(by)}
    for split, rows in splits.items():
        if not len(rows):
            raise DataError(f"{where('splits', split)}: no row in it")
    _refuse_shared_rows(splits, where)

    shares = {split: by for split, by in wanted.items() if _is_share(by)}
    train = splits["train"]
    whole = len(train)
    for split, share in shares.items():
        # half a row rounds up
        total = max(int(share * whole + 0.5), 1)
        drawn = draw(strata(train.label), total=total, seed=data.seed, purpose=split, least=0, spare=1)
        if not drawn:
            raise DataError(
                f"{where('splits', split)}: train has {whole} rows, none of which can be spared for {split}: "
                "every class must keep one; name a split or file with more rows"
            )
        if len(drawn) < total:
            notices.append(f"{split} has {len(drawn)} rows, not {total}: every class must keep a row in train")
        gone = set(drawn)
        splits[split] = train.take(drawn)
        train = train.take([i for i in range(len(train)) if i not in gone])
    splits["train"] = train
    return {split: splits[split] for split in OWN_NAMES if split in splits}, notices


def stratum_in_words(task: str) -> str:
    return "each sentence's rarest tag" if task == "token-classification" else "label"


def _own_splits(sources: Sources, data: schema.Data, where: Where, notices: list[str]) -> dict[str, str | None]:
    """The data set's own train, validation and test, by the names that data sets give them."""
    wanted: dict[str, str | None] = {}
    for split, usual in OWN_NAMES.items():
        found = [name for name in sources.names if _plain_name(name, sources.kind) in usual]
        if len(found) > 1:
            raise DataError(
                f"{where('splits')}: {data.path} has {listed(found)}, which could all be {split}; "
                "say which in data.splits"
            )
        wanted[split] = found[0] if found else None
    if wanted["train"] is None:
        raise DataError(
            f"{where('splits')}: none of the {sources.kind}s of {data.path} is called train; write "
            "data.splits: {train: …, validation: …, test: …}. "
            f"{sources.kind.capitalize()}s found: {listed(sources.names)}"
        )
    taken = ", ".join(f"{split} = {name}" for split, name in wanted.items() if name is not None)
    notices.append(f"the data set's own splits are used: {taken}")
    unused = [name for name in sources.names if name not in wanted.values()]
    if unused:
        notices.append(f"not used: {listed(unused)}")
    return wanted


def _plain_name(name: str, kind: str) -> str:
    return (Path(name).stem if kind == "file" else name).lower()


def _unused_marks(sources: Sources) -> list[str]:
    """A column that seems to say which split a row belongs to."""
    source = (sources.get(sources.names[0]) or [])[0]
    for column in ("split", "set", "subset", "partition", "fold"):
        if column in source.table:
            marks = sorted({_text(mark) for mark in source.values(column)})
            if 1 < len(marks) <= 10:
                return [
                    f"column {column} of {source.name} ({listed(marks)}) is not used; to split by it "
                    f"write data.splits: {{train: {{column: {column}, value: {marks[-1]}}}, …}}"
                ]
    return []


def _refuse_shared_rows(splits: dict[str, Rows], where: Where) -> None:
    """A row of one source in two splits, or twice in one, makes figures look better than they are."""
    owner: dict[tuple[str, int], str] = {}
    for split, rows in splits.items():
        for key in zip(rows.source, rows.row, strict=True):
            if key in owner:
                both = f"in {owner[key]} and in {split}" if owner[key] != split else f"twice in {split}"
                raise DataError(f"{where('splits', split)}: row {key[1]} (counted from 0) of {key[0]} would be {both}")
            owner[key] = split


def _is_share(wanted: Any) -> bool:
    return isinstance(wanted, float)


def _comparable(cell: Any, source: Source, column: str) -> str | None:
    """A cell as the recipe would write it: a csv's 1 equals the number 1, a ClassLabel's id is its name."""
    names = source.class_names.get(column)
    if names is not None and cell is not None and 0 <= cell < len(names):
        return names[cell]
    return None if cell is None else _text(cell)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
