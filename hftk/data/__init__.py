"""Rows: found, split, labelled, checked."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hftk.data.checks import apply_policy, find_bad_rows, refuse_hidden_labels
from hftk.data.labels import LabelMap, build_label_map
from hftk.data.loading import Sources, open_sources
from hftk.data.rows import Rows
from hftk.data.splits import choose_splits
from hftk.data.strata import draw
from hftk.data.text import TextData, text_data
from hftk.data.where import Where
from hftk.recipe import schema

__all__ = ["TextData", "load"]


def load(data: schema.Data, place: Callable[[tuple], Any] | None = None) -> TextData:
    """The labelled texts that a recipe's `data` describes.

    `place` turns a path below `data`, such as ("columns", "text"), into the place where it is written, for messages.
    Raises DataError for anything that is not as the recipe says.
    """
    where = Where(place)
    sources = open_sources(data, where)
    splits, notices = choose_splits(sources, data, where)
    refuse_hidden_labels(splits, where=where)
    label_map, told = _label_map(splits["train"], sources, data, where)
    notices += told
    rows_before = {split: len(rows) for split, rows in splits.items()}
    bad = {split: find_bad_rows(split, rows, label_map) for split, rows in splits.items()}
    splits, told = apply_policy(splits, bad, on_bad_rows=data.on_bad_rows, where=where)
    notices += told
    splits = {split: _with_ids(rows, label_map) for split, rows in splits.items()}
    if data.limit is not None:
        splits = {split: _limited(split, rows, data.limit, data.seed, notices) for split, rows in splits.items()}
    return text_data(splits, label_map.names, rows_before=rows_before, notices=[*sources.notices(), *notices])


def _label_map(train: Rows, sources: Sources, data: schema.Data, where: Where) -> tuple[LabelMap, list[str]]:
    column = data.columns.label
    in_train = [source for source in sources.used() if source.name in set(train.source)]
    declared = None if data.label_names is not None else in_train[0].class_names.get(column)
    return build_label_map(
        train.label,
        column=column,
        textual=all(source.textual for source in in_train),
        class_names=declared,
        label_names=data.label_names,
        where=where,
    )


def _with_ids(rows: Rows, label_map: LabelMap) -> Rows:
    return replace(rows, label=[label_map.id_of(label) for label in rows.label])


def _limited(split: str, rows: Rows, limit: int, seed: int, notices: list[str]) -> Rows:
    if len(rows) <= limit:
        return rows
    least = 1 if limit >= len(set(rows.label)) else 0
    drawn = draw(rows.label, total=limit, seed=seed, purpose=f"limit {split}", least=least, spare=0)
    notices.append(f"limited to {len(drawn):,} of {len(rows):,} rows of {split}, stratified by label")
    return rows.take(drawn)
