"""What the model was given to read: word vectors that are missing or dead, texts that are cut."""

import numpy as np

from hftk.analysis.diagnosis.changes import first_accepted
from hftk.analysis.diagnosis.terms import from_scratch, percent
from hftk.analysis.evidence import RunEvidence
from hftk.training.findings import Finding

# share of the tokens of train; GloVe's 2,600 commonest words alone cover 0.72 to 0.74 of English texts
_COVERED = 0.6
# of all tokens, those that one key of the recipe would find vectors for
_CURABLE = 0.1
# share of the tokens of train whose vector is zero, or was not moved by training that should have moved it
_DEAD, _UNMOVED = 0.1, 0.5
# of the rows, and of the tokens of an average row
_MANY_CUT, _MUCH_CUT = 0.25, 0.4
# of the rows: too few are whole to compare the cut ones with
_NEARLY_ALL_CUT = 0.9
# accuracy of whole rows less that of cut ones, in itself and in standard errors
_WORSE, _ERRORS = 0.05, 2.5

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
    found = figures["tokens_found"]
    if found >= _COVERED and (cause is None or curable[cause] < _CURABLE):
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
    """Many texts are cut, and judged worse than whole ones of the same run; or nearly all are, and lose much.

    That much is cut is no harm in itself: long texts may be easy to tell apart by their beginnings.
    """
    judged, longest = e.validation, e.setting("data", "max_length")
    if judged is None or judged.tokens is None or longest is None or e.run.data.longer_are != "cut":
        return None
    cut = judged.tokens > longest
    lost = float(np.clip(1 - longest / np.maximum(judged.tokens, 1), 0, None).mean())
    whole_accuracy, cut_accuracy, errors = _apart(judged.right, cut)
    worse = whole_accuracy - cut_accuracy >= _WORSE and errors >= _ERRORS
    unread = cut.mean() >= _NEARLY_ALL_CUT and lost >= _MUCH_CUT
    if cut.mean() < _MANY_CUT or not (worse or unread):
        return None
    wanted = int(np.ceil(np.quantile(judged.tokens, 0.95) / 8) * 8)
    wanted = min(wanted, 512 if not from_scratch(e) else e.setting("model", "max_position_embeddings", default=512))
    beside = ""
    if 0 < cut.sum() < len(cut):
        beside = f"; accuracy is {cut_accuracy:.4f} on them and {whole_accuracy:.4f} on the others"
    return Finding(
        kind="truncation-hurts",
        message=(
            f"Texts are cut too short: {percent(float(cut.mean()))} of the {len(cut):,} rows of validation are longer "
            f"than data.max_length {longest}, and an average row loses {percent(lost)} of its tokens{beside}. The "
            f"median row has {np.median(judged.tokens):g} tokens."
        ),
        numbers={
            "cut_share": round(float(cut.mean()), 4),
            "tokens_lost": round(lost, 4),
            "accuracy_cut": round(cut_accuracy, 4) if cut.any() else None,
            "accuracy_whole": round(whole_accuracy, 4) if not cut.all() else None,
            "median_tokens": float(np.median(judged.tokens)),
            "n": len(cut),
        },
        suggestion=first_accepted(e, ("data.max_length", wanted)),
    )


def _apart(right: np.ndarray, cut: np.ndarray) -> tuple[float, float, float]:
    """Accuracy of whole and of cut rows, and their difference in standard errors; 0 where one kind is missing."""
    whole, short = right[~cut], right[cut]
    if not len(whole) or not len(short):
        return float(right.mean()), float(right.mean()), 0.0
    spread = np.sqrt(max(whole.var() / len(whole) + short.var() / len(short), 1e-12))
    return float(whole.mean()), float(short.mean()), float((whole.mean() - short.mean()) / spread)
