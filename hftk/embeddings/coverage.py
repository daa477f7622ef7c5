"""How much of train has a vector, and why the rest has none."""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

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


_LINE = re.compile(
    r"embeddings (?P<name>.+?): (?P<tokens>[\d.]+) % of the tokens of train and (?P<types>[\d.]+) % of the "
    r"(?P<words>[\d,]+) words have a vector"
)
_UNKNOWN = re.compile(r"; unknown to the tokenizer: ([\d.]+) % of the tokens")
_MISSING = re.compile(r"; most frequent without: (.*?)(?:; probable cause: |$)")
_MISSING_WORD = re.compile(r"(\S+) \(([\d,]+)\)(?:, |$)")
_CAUSE = re.compile(r"; probable cause: (.*)$")
_CAUSE_SHARE = re.compile(r"(\d+) % of the missing tokens (.*?)(?:; |$)")


def coverage_figures(line: str) -> dict[str, Any] | None:
    """The numbers in a notice that `Coverage.line` wrote; None if it is another one.

    tokens_found, types_found, tokens_unknown: shares, 0 to 1, of a thousand's precision. words: of the vocabulary.
    missing_most_frequent: word → count in train. causes: why tokens are missing (unknown, pieces, capitals, small,
    signs) → share of all tokens that it explains.
    """
    found = _LINE.match(line)
    if found is None:
        return None
    unknown, missing, cause = (pattern.search(line) for pattern in (_UNKNOWN, _MISSING, _CAUSE))
    tokens = round(float(found["tokens"]) / 100, 4)
    kinds = {text: kind for kind, text in _TEXTS.items()}
    causes = {
        kinds[text]: round(int(share) / 100 * (1 - tokens), 4)
        for share, text in (_CAUSE_SHARE.findall(cause[1]) if cause else [])
        if text in kinds
    }
    return {
        "name": found["name"],
        "tokens_found": tokens,
        "types_found": round(float(found["types"]) / 100, 4),
        "tokens_unknown": round(float(unknown[1]) / 100, 4) if unknown else 0.0,
        "words": int(found["words"].replace(",", "")),
        "missing_most_frequent": {
            word: int(count.replace(",", "")) for word, count in (_MISSING_WORD.findall(missing[1]) if missing else [])
        },
        "causes": causes,
    }


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


# cause → how it reads, and what to write
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
