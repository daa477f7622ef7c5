"""How much of train has a vector, and why the rest has none."""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from hftk.embeddings.corpus import Corpus

# below this share of the tokens a cause is looked for
_ENOUGH = 0.9
# what explains less of the missing tokens is not named
_WORTH_NAMING = 0.2
_MOST_MISSING = 10
# how the pieces of words are marked: WordPiece, SentencePiece, byte-level BPE
_MARKS = ("##", "▁", "Ġ")
_WORDS_AND_SIGNS = re.compile(r"\w+|[^\w\s]+")


@dataclass(frozen=True)
class Coverage:
    name: str
    """Of the file or of the method."""
    tokens: float
    """Share of the tokens of train with a vector, 0 to 1; unknown ones have none."""
    types: float
    """Share of the entries of the vocabulary with a vector, 0 to 1."""
    words: int
    """Entries of the vocabulary, special ones left out."""
    unknown: float
    """Share of the tokens of train that are unknown to the tokenizer, 0 to 1."""
    missing: tuple[tuple[str, int], ...]
    """The entries without a vector that are most frequent in train (at most 10), and how often they occur."""
    cause: str | None
    """Why coverage is low, judged by counts, and what to write; None: it is not low, or nothing explains it."""

    def line(self) -> str:
        """All of it, for the notices."""
        parts = [
            f"embeddings {self.name}: {_percent(self.tokens)} of the tokens of train and {_percent(self.types)} of the "
            f"{self.words:,} words have a vector"
        ]
        if self.unknown:
            parts.append(f"unknown to the tokenizer: {_percent(self.unknown)} of the tokens")
        if self.missing:
            named = ", ".join(f"{token} ({count:,})" for token, count in self.missing)
            parts.append(f"most frequent without: {named}")
        if self.cause:
            parts.append(f"probable cause: {self.cause}")
        return "; ".join(parts)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def covered(
    name: str,
    corpus: Corpus,
    vocabulary: Mapping[str, int],
    token_ids: np.ndarray,
    file_words: Collection[str] | None = None,
) -> Coverage:
    """`token_ids`: the entries of `vocabulary` with a vector; `file_words`: every word of the file, if one was read."""
    found = set(token_ids.tolist())
    missing = {token: count for token, count in corpus.counts.items() if count and vocabulary[token] not in found}
    total = sum(corpus.counts.values()) + corpus.unknown
    without = sum(missing.values()) + corpus.unknown
    low = without > (1 - _ENOUGH) * total
    return Coverage(
        name=name,
        tokens=1 - without / total,
        types=len(found) / len(vocabulary),
        words=len(vocabulary),
        unknown=corpus.unknown / total,
        missing=tuple(sorted(missing.items(), key=lambda entry: (-entry[1], entry[0]))[:_MOST_MISSING]),
        cause=_cause(missing, corpus.unknown, len(vocabulary), file_words) if low else None,
    )


def _cause(missing: Mapping[str, int], unknown: int, vocabulary: int, file_words: Collection[str] | None) -> str | None:
    """The explanations that hold for enough of the missing tokens, the commonest first."""
    tokens_of = Counter({"unknown": unknown})
    for token, count in missing.items():
        tokens_of[_explanation(token, file_words or ())] += count
    without = tokens_of.total()
    named = [
        f"{100 * count / without:.0f} % of the missing tokens {_TEXTS[explanation]}"
        for explanation, count in tokens_of.most_common()
        if explanation and count >= _WORTH_NAMING * without
    ]
    if not named and file_words is not None and len(file_words) < vocabulary:
        named = [f"the file is small: {len(file_words):,} words"]
    return "; ".join(named) or None


# explanation → how it reads, and what to write
_TEXTS = {
    "unknown": "are unknown to the tokenizer: lower tokenizer.min_count, or raise tokenizer.max_vocab",
    "pieces": "are pieces of words, which a file of whole words has not: write tokenizer.type: word",
    "capitals": "are in the file in small letters: write tokenizer.lowercase: true",
    "small": "are in the file with capitals, which the tokenizer makes small: write tokenizer.lowercase: false",
    "signs": "have signs attached, and the file has their parts: write tokenizer.split: punctuation",
}


def _explanation(token: str, words: Collection[str]) -> str | None:
    if token.startswith(_MARKS):
        return "pieces"
    small = token.lower()
    if small != token and small in words:
        return "capitals"
    if small == token and any(form in words for form in (token.capitalize(), token.upper(), token.title())):
        return "small"
    parts = _WORDS_AND_SIGNS.findall(token)
    # the signs themselves need no vector; one word at least is left
    letters = [part for part in parts if part[0].isalnum()]
    if len(parts) > 1 and letters and all(part in words or part.lower() in words for part in letters):
        return "signs"
    return None
