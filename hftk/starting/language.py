"""In which script texts are written: what that asks of a tokenizer, and which pretrained model reads it."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_SAMPLE = 500  # texts
_MOST = 500  # characters of each
# how the names of letters begin in Unicode → the script
_SCRIPTS = {
    "HANGUL": "Korean",
    "CJK": "Chinese or Japanese",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "THAI": "Thai",
    "CYRILLIC": "Cyrillic",
    "ARABIC": "Arabic",
    "DEVANAGARI": "Devanagari",
    "GREEK": "Greek",
    "LATIN": "Latin",
}
# words are written together, or end in many ways: whole words would mostly be unknown
_IN_PIECES = ("Korean", "Chinese or Japanese", "Japanese", "Thai")
_ENGLISH = {"the", "and", "of", "to", "a", "is", "in", "it"}
_PRETRAINED = {"English": "roberta-base", "Korean": "klue/bert-base"}
_ANY_LANGUAGE = "xlm-roberta-base"


@dataclass(frozen=True)
class Language:
    name: str
    """English, or the script."""
    pieces: bool
    """Are pieces of words better than words?"""
    pretrained: str
    """A model of the Hub that reads it."""


def language_of(texts: Sequence[str]) -> Language:
    """Of the script that most letters are of."""
    letters: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for text in texts[:: max(len(texts) // _SAMPLE, 1)]:
        letters.update(char for char in text[:_MOST] if char.isalpha())
        words.update(text[:_MOST].casefold().split())
    scripts: Counter[str] = Counter()
    for letter, count in letters.items():
        first = unicodedata.name(letter, "").split(" ")[0]
        scripts[_SCRIPTS.get(first, "another script")] += count
    script = scripts.most_common(1)[0][0] if scripts else "Latin"
    if script == "Chinese or Japanese" and scripts["Japanese"] > scripts[script] / 10:
        script = "Japanese"
    # about every fifth word of English is one of these
    if script == "Latin" and sum(words[word] for word in _ENGLISH) > 0.08 * words.total():
        script = "English"
    return Language(script, script in _IN_PIECES, _PRETRAINED.get(script, _ANY_LANGUAGE))
