"""What is odd in the data, in sentences: for `hftk check` and for the report."""

from collections.abc import Mapping, Sequence

from hftk.analysis.data_errors import DataFacts
from hftk.analysis.duplicates import FEW_WORDS, KEPT, Overlap
from hftk.analysis.near_duplicates import NEARLY
from hftk.analysis.row_words import conflict_in_words, listed, rows_in_words, twins_in_words
from hftk.training.findings import Finding, Suggestion

UNEVEN = 3.0
"""Rows of the largest class per row of the smallest from which class weights are proposed: always saying the largest
of two such classes is right in three rows of four."""
MANY_CUT = 0.05
"""Share of a split's rows that lose their ends from which a larger max_length is proposed."""


def problems(facts: DataFacts) -> list[Finding]:
    """What can make figures wrong, most important first; empty for data without fault."""
    return [
        *_in_other_splits(facts),
        *_nearly_in_train(facts),
        *_conflicts(facts),
        *_missing_classes(facts),
        *_empty(facts),
        *_uneven(facts),
    ]


def lines(facts: DataFacts) -> list[str]:
    """The messages of `problems`, then what is good to know; without news about what is as it should be."""
    return [*(problem.message for problem in problems(facts)), *_repeats(facts), *_coverage(facts), *_bounds(facts)]


def truncation(
    rows: Mapping[str, int], truncated: Mapping[str, int], *, max_length: int | None, longer_are: str
) -> Finding | None:
    """The splits that lose many ends; None where none does.

    rows: by split. truncated: by split, rows longer than max_length tokens. longer_are: `cut`, or `read in parts`,
    where nothing is lost.
    """
    if max_length is None or longer_are != "cut":
        return None
    shares = {split: truncated.get(split, 0) / count for split, count in rows.items()}
    much = {split: share for split, share in shares.items() if share >= MANY_CUT}
    if not much:
        return None
    told = listed([f"{share:.0%} of the rows of {split}".replace("%", " %") for split, share in much.items()])
    return Finding(
        kind="many-rows-cut",
        message=f"{told} are longer than {max_length} tokens and lose what follows",
        numbers={"max_length": max_length} | {f"share_{split}": round(share, 4) for split, share in shares.items()},
        suggestion=Suggestion("data.max_length", 2 * max_length),
    )


def _in_other_splits(facts: DataFacts) -> list[Finding]:
    found = []
    for split in ("test", "validation"):
        parts = [overlap for overlap in facts.overlaps if overlap.split == split and overlap.rows]
        count = sum(part.rows for part in parts)
        if not count:
            continue
        of = facts.rows[split]
        told = f"{_share(count, of)} of {split} also {_occur(count)} in {_in(parts)}"
        short = count - sum(part.long for part in parts)
        if "image" not in facts.task and short:
            told += f", {short:,} of them with at most {FEW_WORDS} words"
        found.append(
            Finding(
                kind="duplicates-across-splits",
                message=f"{told}: {twins_in_words(parts)}; {_labels_there(facts, parts, count)}",
                numbers={
                    "split": split,
                    "rows": count,
                    "of": of,
                    **{f"in_{part.other}": part.rows for part in parts},
                    "with_another_label": sum(part.other_label for part in parts),
                    "of_few_words": short,
                    **_which(parts),
                },
            )
        )
    return found


def _nearly_in_train(facts: DataFacts) -> list[Finding]:
    found = []
    for overlap in sorted(facts.near, key=lambda overlap: overlap.split != "test"):
        if not overlap.rows:
            continue
        told = (
            f"{_share(overlap.rows, overlap.of)} of {overlap.split} "
            f"{'is' if overlap.rows == 1 else 'are'} nearly equal to a row of train"
        )
        if facts.task != "token-classification" and overlap.other_label:
            told += f", {overlap.other_label:,} of them with another label"
        found.append(
            Finding(
                kind="near-duplicates-across-splits",
                message=f"{told}: {twins_in_words([overlap])}",
                numbers={
                    "split": overlap.split,
                    "rows": overlap.rows,
                    "of": overlap.of,
                    "least_similarity": NEARLY,
                    "with_another_label": overlap.other_label,
                    **_which([overlap]),
                },
            )
        )
    return found


def _conflicts(facts: DataFacts) -> list[Finding]:
    conflicts = facts.conflicts
    if not conflicts.contents:
        return []
    things = {"token-classification": "sentence", "image-classification": "image"}
    thing = things.get(facts.task, "text")
    labels = "tags" if facts.task == "token-classification" else "labels"
    occur = f"1 {thing} occurs" if conflicts.contents == 1 else f"{conflicts.contents:,} {thing}s occur"
    told = conflict_in_words(conflicts.first[0])
    rows = listed(
        [f"{count:,} {'row' if count == 1 else 'rows'} of {split}" for split, count in conflicts.rows.items() if count]
    )
    return [
        Finding(
            kind="conflicting-labels",
            message=f"{occur} with different {labels}, in {rows}: {told}; no model can be right on all of them",
            numbers={
                "contents": conflicts.contents,
                "rows": dict(conflicts.rows),
                "which": [[[row.split, row.source, row.row] for row in one.rows] for one in conflicts.first],
            },
        )
    ]


def _missing_classes(facts: DataFacts) -> list[Finding]:
    found = []
    for split, counts in facts.classes.items():
        names = [name for name, count in zip(facts.labels, counts, strict=True) if not count]
        if names:
            thing = "word with the tag" if facts.task == "token-classification" else "row of the class"
            known = "cannot be learnt" if split == "train" else "is not measured there"
            found.append(
                Finding(
                    kind="missing-classes",
                    message=f"{split} has no {thing} {listed(names)}, which {known}",
                    numbers={"split": split, "classes": names},
                )
            )
    return found


def _empty(facts: DataFacts) -> list[Finding]:
    count = sum(facts.empty.values())
    if not count:
        return []
    parts = listed([f"{number:,} of {split}" for split, number in facts.empty.items() if number])
    without = "no token" if facts.task == "token-classification" else "an empty text"
    rows = rows_in_words(facts.first_empty)
    has = "row has" if count == 1 else "rows have"
    return [
        Finding(
            kind="empty-texts",
            message=f"{count:,} {has} {without} ({parts}): {rows}; a model can only guess there",
            numbers=dict(facts.empty),
            suggestion=Suggestion("data.on_bad_rows", "skip"),
        )
    ]


def _uneven(facts: DataFacts) -> list[Finding]:
    if facts.task == "token-classification":  # words are uneven in every language
        return []
    counts = {name: count for name, count in zip(facts.labels, facts.classes["train"], strict=True) if count}
    largest, smallest = max(counts, key=counts.get), min(counts, key=counts.get)
    ratio = counts[largest] / counts[smallest]
    if ratio < UNEVEN:
        return []
    share = 100 * counts[largest] / sum(counts.values())
    return [
        Finding(
            kind="uneven-classes",
            message=f"the classes of train are uneven: {largest} has {counts[largest]:,} rows ({share:.0f} %), "
            f"{smallest} {counts[smallest]:,}, {ratio:.1f} times fewer; accuracy hides what happens to small classes",
            numbers={"largest": counts[largest], "smallest": counts[smallest], "ratio": round(ratio, 2)},
            suggestion=Suggestion("class_weights", "balanced"),
        )
    ]


def _repeats(facts: DataFacts) -> list[str]:
    parts = [f"{count:,} of {facts.rows[split]:,} of {split}" for split, count in facts.repeats.items() if count]
    return [f"rows that repeat an earlier row of their own split: {listed(parts)}"] if parts else []


def _coverage(facts: DataFacts) -> list[str]:
    told = []
    for coverage in facts.coverage:
        if not coverage.words:
            continue
        line = (
            f"vocabulary: {_percent(coverage.words_in_train, coverage.words)} of the words of {coverage.split} occur "
            f"in train, and {_percent(coverage.types_in_train, coverage.types)} of its distinct words"
        )
        if coverage.new_tags:
            line += f"; {_percent(coverage.new_tags, coverage.words)} have a tag that train never gives that word"
        told.append(line)
    return told


def _bounds(facts: DataFacts) -> list[str]:
    """Where not every row was looked at, and what was not looked for."""
    if facts.task == "image-classification":
        return ["images are compared pixel by pixel: nearly equal ones are not looked for"]
    told = []
    for near in facts.near:
        if near.of < facts.rows[near.split] or near.among < facts.rows["train"]:
            told.append(
                f"nearly equal rows were looked for among {near.of:,} of {facts.rows[near.split]:,} rows of "
                f"{near.split} and {near.among:,} of {facts.rows['train']:,} of train, drawn at random"
            )
    return told


def _share(count: int, of: int) -> str:
    return f"{count:,} of {of:,} rows"


def _rows_of(split: str, count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'} of {split}"


def _occur(count: int) -> str:
    return "occurs" if count == 1 else "occur"


def _in(parts: Sequence[Overlap]) -> str:
    if len(parts) == 1:
        return parts[0].other
    return " or ".join(f"{part.other} ({part.rows:,})" for part in parts)


def _labels_there(facts: DataFacts, parts: Sequence[Overlap], count: int) -> str:
    """What such rows do to a figure."""
    labels = "tags" if facts.task == "token-classification" else "labels"
    same = count - sum(part.other_label for part in parts)
    if not same:
        return f"none has the same {labels} there"
    have = "all have" if same == count else f"{same:,} {'has' if same == 1 else 'have'}"
    return f"{have} the same {labels} there: what was learnt by heart counts as right"


def _which(parts: Sequence[Overlap]) -> dict[str, list[list[str | int]]]:
    """Source and row of the rows, as many as are kept: of all if `rows` is no larger."""
    twins = [twin for part in parts for twin in part.first][:KEPT]
    return {"which": [[twin.row.source, twin.row.row, twin.twin.source, twin.twin.row] for twin in twins]}


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"
