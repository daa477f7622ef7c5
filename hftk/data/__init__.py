"""Rows: found, split, labelled, checked."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hftk.data.checks import apply_policy, find_bad_rows, refuse_hidden_labels
from hftk.data.images import decoded, stacked
from hftk.data.labelled import LabelledData, labelled_data
from hftk.data.labels import LabelMap, build_label_map
from hftk.data.loading import Sources, open_sources
from hftk.data.relabel import relabel
from hftk.data.rows import Rows
from hftk.data.splits import choose_splits, stratum_in_words
from hftk.data.strata import draw, strata
from hftk.data.where import Where
from hftk.recipe import schema
from hftk.recipe.file_kinds import TARGET_KEY

__all__ = ["LabelledData", "load"]


def load(
    data: schema.Data, place: Callable[[tuple], Any] | None = None, task: str = "text-classification"
) -> LabelledData:
    """The labelled texts, sentences or images that a recipe's `data` describes.

    `place` turns a path below `data`, such as ("columns", "text"), into the place where it is written, for messages.
    Raises DataError for anything that is not as the recipe says.
    """
    where = Where(place)
    sources = open_sources(data, task, where)
    splits, notices = choose_splits(sources, data, task, where)
    refuse_hidden_labels(splits, where=where)
    label_map, told = _label_map(splits["train"], sources, data, task, where)
    notices += told
    rows_before = {split: len(rows) for split, rows in splits.items()}
    image_shape, relabelled = None, {}
    if task == "image-classification":
        splits, told = decoded(splits)
        notices += told
    bad = {split: find_bad_rows(split, rows, label_map) for split, rows in splits.items()}
    splits, told = apply_policy(splits, bad, on_bad_rows=data.on_bad_rows, where=where)
    notices += told
    splits = {split: _with_ids(rows, label_map) for split, rows in splits.items()}
    if task == "image-classification":
        splits, image_shape, told = stacked(splits, where=where)
        notices += told
    if data.limit is not None:
        by = stratum_in_words(task)
        splits = {split: _limited(split, rows, data.limit, data.seed, by, notices) for split, rows in splits.items()}
    # last, so that the rows are those of the same recipe without it
    if data.relabel is not None:
        splits, relabelled, told = relabel(splits, label_map.names, data.relabel, where=where)
        notices += told
    return labelled_data(
        splits,
        label_map.names,
        rows_before=rows_before,
        notices=[*sources.notices(), *notices],
        image_shape=image_shape,
        relabelled=relabelled,
        commit=sources.commit,
    )


def _label_map(train: Rows, sources: Sources, data: schema.Data, task: str, where: Where) -> tuple[LabelMap, list[str]]:
    key = TARGET_KEY[task]
    column = getattr(data.columns, key)
    in_train = [source for source in sources.used() if source.name in set(train.source)]
    declared = None if data.label_names is not None else in_train[0].class_names.get(column)
    return build_label_map(
        list(train.classes()),
        column=column,
        key=key,
        textual=all(source.textual for source in in_train),
        class_names=declared,
        label_names=data.label_names,
        where=where,
    )


def _with_ids(rows: Rows, label_map: LabelMap) -> Rows:
    ids = [
        [label_map.id_of(one) for one in label] if isinstance(label, list) else label_map.id_of(label)
        for label in rows.label
    ]
    return replace(rows, label=ids)


def _limited(split: str, rows: Rows, limit: int, seed: int, by: str, notices: list[str]) -> Rows:
    if len(rows) <= limit:
        return rows
    groups = strata(rows.label)
    least = 1 if limit >= len(set(groups)) else 0
    drawn = draw(groups, total=limit, seed=seed, purpose=f"limit {split}", least=least, spare=0)
    notices.append(f"limited to {len(drawn):,} of {len(rows):,} rows of {split}, stratified by {by}")
    return rows.take(drawn)
