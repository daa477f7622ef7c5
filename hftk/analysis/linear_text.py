"""TF-IDF and a linear SVM: what words alone, in no order, tell of a text."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

from hftk.analysis.answers import Answers, Unfit, drawn, fitted_on, item_labels, judged
from hftk.analysis.row_texts import words_say_little
from hftk.data.labelled import LabelledData

# Chosen by accuracy on validation: airline tweets, reviews (MR), 20 Newsgroups, docstrings, CoLA.
# words and signs, C = 0.3: 0.829, 0.799, 0.760, 0.531, 0.685; with C = 1.0: 0.819, 0.784, 0.760, 0.523, 0.649
# words alone: 0.819, 0.792, 0.766, 0.514, 0.690
# words and pairs of words: 0.816, 0.794, 0.768, 0.540, 0.704; not worth three to five times the time: one is enough
_WORDS = {"token_pattern": r"\w+|[^\w\s]"}
_C_WORDS = 0.3
# Korean reviews, validation: 0.667 with pieces of 1 to 3 characters and C = 0.1, 0.612 with words
_CHARACTERS = {"analyzer": "char", "ngram_range": (1, 3)}
_C_CHARACTERS = 0.1

MOST_ROWS = 50_000
MOST_CHARACTERS = {"words": 20_000_000, "characters": 3_000_000}
"""Of all fitted texts: some 4 seconds of one core each. 20 Newsgroups has 11 million, the Korean reviews 1.7."""
LONGEST = 10_000  # characters of a text that are read: four pages
MOST_WORK = 100_000_000
"""Values of the matrix × classes that the SVM reads in one pass: some 6 seconds. 20 Newsgroups: 20 million."""
_LOOKED_AT = 1000  # rows: to see which script the texts are in
_BATCH = 2000  # rows predicted at a time: memory stays flat


def linear_on_words(data: LabelledData, *, read: np.ndarray | None = None) -> Answers:
    """A classifier per class, the largest decision wins. Of a pair each text has its own words.

    read: places of the rows of train that are fitted on; None: as `rows_to_read` has them.
    Raises Unfit where train has one class only, or no word.
    """
    labels = item_labels(data, "train")
    if len(np.unique(labels)) < 2:
        raise Unfit("train has one class only")
    by_characters, at = rows_to_read(data, labels)
    at = at if read is None else read
    vectorizers, matrix = _vectorized(data, at, **(_CHARACTERS if by_characters else _WORDS))
    work = matrix.nnz * len(np.unique(labels[at]))
    kept = drawn(labels[at], int(len(at) * MOST_WORK / work))
    # one class after another, so that Ctrl-C does not wait for all of them
    svm = OneVsRestClassifier(LinearSVC(C=_C_CHARACTERS if by_characters else _C_WORDS, random_state=0))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        svm.fit(matrix[kept], labels[at][kept])
    notes = fitted_on(len(kept), len(labels))
    if by_characters:
        notes.append("pieces of 1 to 3 characters in place of words, which say little in this script")
    if any(issubclass(warning.category, ConvergenceWarning) for warning in caught):
        notes.append("stopped before it had converged")
    predictions = {
        split: np.concatenate([svm.predict(matrix) for matrix in _matrices(data, split, vectorizers)])
        for split in judged(data)
    }
    return Answers(predictions, fitted_rows=len(kept), note="; ".join(notes) or None)


def rows_to_read(data: LabelledData, labels: np.ndarray) -> tuple[bool, np.ndarray]:
    """Are the texts read by characters? And the places of the rows of train that are fitted on: what takes seconds.

    labels: (rows of train,) ids.
    """
    sample = data.splits["train"].select(drawn(labels, _LOOKED_AT))
    texts = [text[:LONGEST] for column in _columns(data) for text in sample[column]]
    by_characters = words_say_little(texts)
    per_row = max(sum(len(text) for text in texts) / len(sample), 1)
    most = MOST_CHARACTERS["characters" if by_characters else "words"]
    return by_characters, drawn(labels, min(MOST_ROWS, int(most / per_row)))


def _vectorized(
    data: LabelledData, at: np.ndarray, **read: Any
) -> tuple[dict[str, TfidfVectorizer], sparse.csr_matrix]:
    """A vectorizer per column that has words, and (rows at `at`, features of all columns) of train."""
    rows = data.splits["train"].select(at)
    vectorizers, parts = {}, []
    for column in _columns(data):
        texts = [text[:LONGEST] for text in rows[column]]
        if any(text.strip() for text in texts):
            vectorizers[column] = TfidfVectorizer(sublinear_tf=True, **read)
            parts.append(vectorizers[column].fit_transform(texts))
    if not parts:
        raise Unfit("no text of train has a word")
    return vectorizers, sparse.hstack(parts, format="csr")


def _matrices(data: LabelledData, split: str, vectorizers: dict[str, TfidfVectorizer]) -> Iterator[sparse.csr_matrix]:
    rows = data.splits[split]
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        parts = [
            vectorizer.transform([text[:LONGEST] for text in batch[column]])
            for column, vectorizer in vectorizers.items()
        ]
        yield sparse.hstack(parts, format="csr")


def _columns(data: LabelledData) -> list[str]:
    return [column for column in ("text", "text_pair") if column in data.splits["train"].column_names]
