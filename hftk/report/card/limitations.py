"""What the evidence says against a model: nothing that was not measured."""

from collections.abc import Iterator

from hftk.report.card.evidence import Evidence
from hftk.report.runs import Run, worth
from hftk.report.wording import count, figure, listed

_FEW_ROWS = 30
"""Items of a class in the judged split from which its figures are taken to tell something: with fewer, the standard
error of a share near a half is above 9 %."""
_LOW = 0.5
"""F1 below which more of what is said of a class is wrong or missed than right."""
_NAMED = 8
"""Classes in a sentence."""


def limitations(run: Run, evidence: Evidence | None) -> list[str]:
    """In sentences, the most important first."""
    return [
        *_baseline(run, evidence),
        *_low_classes(evidence, run),
        *_few_rows(evidence, run),
        *_cut(run),
        *_unknown_words(run, evidence),
        *_data(evidence),
        *_rows_left_out(run),
        *_relabelled(run),
        *_one_seed(run, evidence),
    ]


def _baseline(run: Run, evidence: Evidence | None) -> Iterator[str]:
    metric = run.ranking.metric.removeprefix("validation_")
    own = run.metrics.get(f"test_{metric}")
    known = {name: figures.get(metric) for name, figures in evidence.baselines.items()} if evidence else {}
    above = [name for name, value in known.items() if own is not None and value is not None]
    above = [name for name in above if worth(known[name], run.ranking) >= worth(own, run.ranking)]
    for name in above:
        yield (
            f"The baseline {name}, which takes seconds, is not worse on test: {metric} {figure(known[name])}, this "
            f"model {figure(own)}."
        )


def _low_classes(evidence: Evidence | None, run: Run) -> Iterator[str]:
    found = evidence.classes if evidence else None
    if found is None:
        return
    low = sorted((f1, label) for label, f1, n in zip(run.data.labels, found.f1, found.support, strict=True) if n)
    named = [f"{label} ({figure(f1)})" for f1, label in low if f1 < _LOW]
    if named:
        yield f"F1 on {found.split} is below {_LOW:g} for {_of(len(named), len(low))}: {listed(named, _NAMED)}."
    absent = [label for label, n in zip(run.data.labels, found.support, strict=True) if not n]
    if absent:
        yield f"{found.split.capitalize()} has no item of {listed(absent, _NAMED)}: nothing is known of them."


def _few_rows(evidence: Evidence | None, run: Run) -> Iterator[str]:
    found = evidence.classes if evidence else None
    if found is None:
        return
    few = sorted((n, label) for label, n in zip(run.data.labels, found.support, strict=True) if 0 < n < _FEW_ROWS)
    if few:
        named = [f"{label} ({count(n)})" for n, label in few]
        yield (
            f"{_of(len(few), len(found.support))} "
            f"{'has' if len(few) == 1 else 'have'} fewer than {_FEW_ROWS} items of {found.split}, so that their "
            f"figures say little: {listed(named, _NAMED)}."
        )


def _of(number: int, all_of: int) -> str:
    return f"{number:,} of {all_of:,} classes"


def _cut(run: Run) -> Iterator[str]:
    data = run.data
    parts = [
        f"{100 * cut / data.rows[split]:.1f} % of {split} ({cut:,} of {data.rows[split]:,})"
        for split, cut in data.truncated.items()
        if cut and data.rows.get(split)
    ]
    if not parts or data.max_length is None:
        return
    if data.longer_are == "cut":
        yield (
            f"It reads the first {count(data.max_length)} tokens of a text. Longer rows were cut: {', '.join(parts)}; "
            "what stood behind was never seen."
        )
    else:
        yield (
            f"It reads {count(data.max_length)} tokens at a time. Longer sentences were {data.longer_are}: "
            f"{', '.join(parts)}; a pipeline cuts them instead."
        )


def _unknown_words(run: Run, evidence: Evidence | None) -> Iterator[str]:
    unknown = run.embeddings.get("tokens_unknown")
    if unknown:
        yield f"{100 * unknown:.1f} % of the tokens of train are words that its tokenizer does not know."
    for sentence in evidence.vocabulary if evidence else []:
        yield f"{sentence.removeprefix('vocabulary: ')}."


def _data(evidence: Evidence | None) -> Iterator[str]:
    for note in evidence.data if evidence else []:
        if "lose what follows" not in note.text:  # said above, for every split
            yield f"In the data: {_without_texts(note.text)}."


def _without_texts(told: str) -> str:
    """Up to the examples, if it quotes any: texts of the data may be private, and a card is not."""
    return told.partition(": ")[0] if "“" in told else told


def _rows_left_out(run: Run) -> Iterator[str]:
    for split in ("test", "validation"):
        now, before = run.data.rows.get(split), run.data.rows_before.get(split)
        if now is not None and before is not None and now < before:
            yield f"Its {split} figures are of {now:,} of the {before:,} rows of {split}, so not of the whole split."


def _relabelled(run: Run) -> Iterator[str]:
    changed = [f"{100 * share:.1f} % of {split}" for split, share in run.data.relabelled.items()]
    if changed:
        yield f"Labels were made anew from the texts: {', '.join(changed)} have another one than the data."


def _one_seed(run: Run, evidence: Evidence | None) -> Iterator[str]:
    known = ""
    if evidence and evidence.intervals:
        of = run.ranking.metric.removeprefix("validation_")
        known = f"the intervals say how much {of} would vary with other test examples, and "
    yield f"It is one training with one seed ({run.seed}): {known}nothing is known of how much another would change it."
