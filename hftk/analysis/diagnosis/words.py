"""What the model was given to read: word vectors that are missing or dead, texts that are cut."""

from hftk.analysis.diagnosis.changes import first_accepted
from hftk.analysis.diagnosis.terms import percent
from hftk.analysis.evidence import RunEvidence
from hftk.training.findings import Finding

# share of train's tokens that the tokenizer knows; GloVe's 2,600 commonest words alone cover 0.72 to 0.74 of English
# texts
_COVERED = 0.6
# of all tokens, those that one key of the recipe would find vectors for
_CURABLE = 0.1
# share of the tokens of train whose vector is zero, or was not moved by training that should have moved it
_DEAD, _UNMOVED = 0.1, 0.5

_CURES = {
    "capitals": ("tokenizer.lowercase", True),
    "small": ("tokenizer.lowercase", False),
    "signs": ("tokenizer.split", "punctuation"),
    "pieces": ("tokenizer.type", "word"),
}


def uncovered_embeddings(e: RunEvidence) -> Finding | None:
    """Too many of train's tokens have no vector in the file."""
    figures = e.embeddings
    if figures is None or "tokens_found" not in figures:
        return None
    curable = {cause: share for cause, share in figures.get("causes", {}).items() if cause in _CURES}
    cause = max(curable, key=curable.get, default=None)
    found, known = figures["tokens_found"], 1 - figures.get("tokens_unknown", 0.0)
    # what the tokenizer does not know has no vector whatever the file, and is a matter of its vocabulary
    if found >= _COVERED * known and (cause is None or curable[cause] < _CURABLE):
        return None
    missing = ", ".join(f"{word} ({count:,})" for word, count in list(figures["missing_most_frequent"].items())[:5])
    why = {
        "capitals": "the file has them in small letters",
        "small": "the file has them with capitals",
        "signs": "signs are attached to them here",
        "pieces": "they are pieces of words",
        None: "another language, another kind of text, or words written in another way",
    }[cause]
    return Finding(
        kind="uncovered-embeddings",
        message=(
            f"The word vectors cover too little: {percent(found)} of the tokens of train and "
            f"{percent(figures['types_found'])} of the {figures['words']:,} words have a vector in {figures['name']}; "
            f"most frequent without: {missing or 'words that the tokenizer does not know'}. Probable cause: {why}."
        ),
        numbers={
            "tokens_found": found,
            "types_found": figures["types_found"],
            "tokens_unknown": figures.get("tokens_unknown", 0.0),
            "cause": cause,
        },
        suggestion=first_accepted(
            e, *([_CURES[cause]] if cause else []), ("embeddings", {"method": "word2vec"}), ("embeddings", None)
        ),
    )


def dead_embeddings(e: RunEvidence) -> Finding | None:
    """Vectors that are zero, or that training did not move though it should have."""
    figures = e.embeddings or {}
    zero, unmoved = figures.get("zero_tokens", 0.0), figures.get("unmoved_tokens", 0.0)
    frozen = figures.get("frozen", False)
    if zero < _DEAD and (frozen or unmoved < _UNMOVED):
        return None
    what = f"{percent(zero)} of the tokens of train have a vector of zeros"
    if zero < _DEAD:
        what = f"the vectors of {percent(unmoved)} of the tokens of train are as they were before training"
    how = ", and they are frozen" if frozen else ""
    return Finding(
        kind="dead-embeddings",
        message=f"Word vectors are dead: {what}{how}; the model cannot tell these words apart.",
        numbers={"zero_tokens": round(zero, 4), "unmoved_tokens": round(unmoved, 4), "frozen": frozen},
        suggestion=first_accepted(
            e, ("embeddings.freeze", False), ("embeddings", {"method": "word2vec"}), ("embeddings", None)
        ),
    )


def truncation_hurts(e: RunEvidence) -> Finding | None:
    """What a model on words alone loses by the cut, on the same rows, is more than chance and more than a trifle.

    The run itself does not tell: its cut texts may be judged better than whole ones and still be judged best when read
    to their end, since long texts are not as hard as short ones.
    """
    cutting = e.cutting
    if cutting is None or not cutting.hurts:
        return None
    told = f"; cut at {cutting.enough} it gets {cutting.enough_accuracy:.4f}" if cutting.enough else ""
    own, numbers = _accuracy_by_length(e, cutting.max_length)
    return Finding(
        kind="truncation-hurts",
        message=(
            f"Texts are cut too short: {percent(cutting.cut_share)} of the rows of validation are longer than "
            f"{cutting.max_length} tokens, and what is cut off tells something. A linear model on their words is right "
            f"on {cutting.whole_accuracy:.4f} of {cutting.n:,} rows where it reads them whole, and on "
            f"{cutting.cut_accuracy:.4f} where it reads them as they are cut: {cutting.low:.3f} to {cutting.high:.3f} "
            f"less (95 % interval){told}.{own}"
        ),
        numbers={
            "max_length": cutting.max_length,
            "cut_share": round(cutting.cut_share, 4),
            "linear_accuracy_whole": round(cutting.whole_accuracy, 4),
            "linear_accuracy_cut": round(cutting.cut_accuracy, 4),
            "least_lost": round(cutting.low, 4),
            "most_lost": round(cutting.high, 4),
            "enough_tokens": cutting.enough,
            "n": cutting.n,
            **numbers,
        },
        suggestion=first_accepted(e, ("data.max_length", cutting.enough)) if cutting.enough else None,
    )


def _accuracy_by_length(e: RunEvidence, longest: int) -> tuple[str, dict[str, float]]:
    """Of this run, on rows that are cut and on the others: as a sentence, and as numbers; empty where either lacks."""
    judged = e.validation
    if judged is None or judged.tokens is None:
        return "", {}
    cut = judged.tokens > longest
    if cut.all() or not cut.any():
        return "", {}
    of_cut, of_whole = float(judged.right[cut].mean()), float(judged.right[~cut].mean())
    told = f" This run is right on {of_cut:.4f} of the rows that are cut, and on {of_whole:.4f} of the others."
    return told, {"accuracy_cut": round(of_cut, 4), "accuracy_whole": round(of_whole, 4)}
