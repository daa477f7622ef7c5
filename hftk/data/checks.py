"""Rows that cannot be trained on as they are: found, counted, and left, dropped or refused as `on_bad_rows` says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hftk.data.images import Unreadable
from hftk.data.labels import LabelMap
from hftk.data.rows import HIDDEN, Rows, first_rows
from hftk.data.where import Where
from hftk.errors import DataError

_SKIP = "Mend them, or write data.on_bad_rows: skip (they are left out, and counted)"


@dataclass(frozen=True)
class BadRows:
    """Rows of one split that share a fault."""

    split: str
    fault: str
    positions: list[int]
    """In the split."""
    first: str
    """Where the first few stand, in words."""
    keepable: bool
    """An empty text can be predicted like any other, and a sentence without tokens has nothing to predict; a row
    without a usable label cannot be scored."""

    def line(self, of: int) -> str:
        return f"{self.split}: {len(self.positions):,} of {of:,} rows: {self.fault}: {self.first}"


def find_bad_rows(split: str, rows: Rows, label_map: LabelMap) -> list[BadRows]:
    """All faults of a split, a row under each fault that it has."""
    found: dict[str, _Fault] = {}
    for position, fault, keepable, detail in _faults(rows, label_map):
        same = found.setdefault(fault, _Fault(keepable, detail, []))
        same.positions.append(position)
        same.keepable &= keepable
    return [
        BadRows(
            split,
            f"{fault} (first: {one.detail})" if one.detail else fault,
            one.positions,
            first_rows(rows, one.positions),
            one.keepable,
        )
        for fault, one in found.items()
    ]


@dataclass
class _Fault:
    keepable: bool
    detail: str
    """Of its first row."""
    positions: list[int]


def _faults(rows: Rows, label_map: LabelMap) -> Iterator[tuple[int, str, bool, str]]:
    """Position, fault, whether such a row can be kept, and what may be different in the next row of that fault."""
    for column, values in rows.inputs.items():
        if column == "tokens":
            yield from _token_faults(rows, label_map)
            return
        if column == "image":
            found = values if isinstance(values, list) else []
            for position, value in enumerate(found):
                if isinstance(value, Unreadable):
                    yield position, value.fault, False, value.detail
            continue
        for position, value in enumerate(values):
            if fault := _text_fault(value):
                kind, fits = fault
                yield position, f"{column} is {kind}", fits, ""
    for position, value in enumerate(rows.label):
        if label_map.id_of(value) is None:
            yield position, _label_fault("label", value, label_map), False, ""


def _token_faults(rows: Rows, label_map: LabelMap) -> Iterator[tuple[int, str, bool, str]]:
    """Every fault once per row, however many of its tokens have it."""
    for position, (tokens, tags) in enumerate(zip(rows.inputs["tokens"], rows.label, strict=True)):
        if not tokens:
            yield position, "there is no token", not tags, ""
            continue
        if tags is None:
            yield position, "tags are null", False, ""
            continue
        if len(tags) != len(tokens):
            detail = f"{_counted(len(tags), 'tag')} for {_counted(len(tokens), 'token')}"
            yield position, "there are not as many tags as tokens", False, detail
        found = {f"a token is {fault[0]}" for token in tokens if (fault := _text_fault(token))}
        found |= {_label_fault("tag", tag, label_map) for tag in tags if label_map.id_of(tag) is None}
        for fault in sorted(found):
            yield position, fault, False, ""


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def apply_policy(
    splits: Mapping[str, Rows], bad: Mapping[str, list[BadRows]], *, on_bad_rows: str, where: Where
) -> tuple[dict[str, Rows], list[str]]:
    """The splits without bad rows (skip), with null texts as "" and null lists as [] (keep), and what to tell a person.

    Raises DataError with everything found for `stop`, for rows that `keep` cannot keep, and for a split of which
    nothing is left.
    """
    found = [fault for faults in bad.values() for fault in faults]
    if not found:
        return dict(splits), []
    lines = [f"  {fault.line(len(splits[fault.split]))}" for fault in found]
    keepable = all(fault.keepable for fault in found)
    at = where("on_bad_rows")
    if on_bad_rows == "stop":
        kept = "there is nothing to predict" if _is_tagging(splits) else "they are predicted like any other text"
        keep = f", or keep ({kept})" if keepable else ""
        raise DataError(
            "\n".join(
                [
                    f"{at}: there are bad rows",
                    *lines,
                    f"  {_SKIP}{keep}.",
                ]
            )
        )
    if on_bad_rows == "keep" and not keepable:
        lost = [f"  {fault.line(len(splits[fault.split]))}" for fault in found if not fault.keepable]
        raise DataError(
            "\n".join(
                [
                    f"{at}: there are rows that cannot be kept",
                    *lost,
                    f"  {_SKIP}.",
                ]
            )
        )
    if on_bad_rows == "keep":
        return {split: _with_empty_inputs(rows) for split, rows in splits.items()}, [
            f"kept: {line[2:]}" for line in lines
        ]

    left, notices = {}, []
    for split, rows in splits.items():
        gone = {position for fault in bad[split] for position in fault.positions}
        left[split] = rows.take([i for i in range(len(rows)) if i not in gone]) if gone else rows
        if not len(left[split]):
            raise DataError(
                "\n".join(
                    [f"{at}: no row of {split} is usable", *(line for line in lines if line.startswith(f"  {split}:"))]
                )
            )
        if gone:
            faults = "; ".join(f"{fault.fault}: {fault.first}" for fault in bad[split])
            counts = f"{len(gone):,} of {len(rows):,} rows of {split}: {len(left[split]):,} are left"
            notices.append(f"skipped {counts} ({faults})")
    return left, notices


def refuse_hidden_labels(splits: Mapping[str, Rows], *, where: Where) -> None:
    """Raises DataError for a split none of whose labels is published (GLUE's test splits)."""
    for split, rows in splits.items():
        labels = list(rows.classes())
        if labels and all(label is HIDDEN for label in labels):
            raise DataError(
                f"{where('splits', split)}: all {len(labels):,} labels of {rows.source[0]} are hidden (-1): the "
                "publisher keeps them secret, so nothing can be measured there; write data.splits without it, for "
                "example {train: train, validation: 0.1, test: validation}"
            )


def _is_tagging(splits: Mapping[str, Rows]) -> bool:
    return "tokens" in splits["train"].inputs


def _text_fault(value: Any) -> tuple[str, bool] | None:
    """What is wrong with a text, and whether it can be kept; None: nothing."""
    if isinstance(value, str):
        if not value or value.isspace():
            return "empty or white space only", True
        return None if value.isascii() or _is_unicode(value) else ("not valid Unicode", False)
    if value is None or (isinstance(value, float) and value != value):
        return "null", True
    return f"not text but {type(value).__name__}", False


def _label_fault(thing: str, value: Any, label_map: LabelMap) -> str:
    if value is None:
        return f"{thing} is null"
    if value is HIDDEN:
        return f"{thing} is hidden (-1)"
    if isinstance(value, str) or type(value) is label_map.kind:
        return f"{thing} {value!r} does not occur in train"
    return f"{thing} is of another type than in train ({type(value).__name__})"


def _is_unicode(text: str) -> bool:
    """False for half of a surrogate pair, which JSON escapes can smuggle in and no tokenizer takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _with_empty_inputs(rows: Rows) -> Rows:
    if "tokens" in rows.inputs:
        tokens = [tokens or [] for tokens in rows.inputs["tokens"]]
        return replace(rows, inputs={"tokens": tokens}, label=[tags or [] for tags in rows.label])
    return replace(
        rows,
        inputs={
            name: [value if isinstance(value, str) else "" for value in values] for name, values in rows.inputs.items()
        },
    )
