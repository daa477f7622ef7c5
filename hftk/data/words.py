"""A tokenizer built from the train split, and that split as a stream of its tokens."""

import copy
import json
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from hftk.errors import DataError
from hftk.recipe import schema

if TYPE_CHECKING:
    import datasets
    from transformers import PreTrainedTokenizerFast

PAD, UNKNOWN, SEPARATOR = "[PAD]", "[UNK]", "[SEP]"
SPECIAL = [PAD, UNKNOWN, SEPARATOR]
# of trained subwords, unless tokenizer.max_vocab says otherwise
SUBWORDS = 8000
# \w is Unicode's: letters, marks and digits of any script
_WORDS = {"words": r"\w+", "punctuation": r"\w+|[^\w\s]"}
# texts per call: enough to occupy the tokenizer's threads
_BATCH = 1000


def build_tokenizer(
    train: "datasets.Dataset", settings: schema.Tokenizer, *, max_length: int
) -> "PreTrainedTokenizerFast":
    """A fast tokenizer whose vocabulary comes from `train` (a split of texts or of token lists) and nothing else.

    Its output is padded on the right, has no special tokens but the [SEP] between two texts, and knows no word as
    [UNK]. It loads with plain AutoTokenizer. max_length: what it tells others to cut at. Raises DataError where no
    entry is left for the vocabulary.
    """
    import tokenizers
    from transformers import PreTrainedTokenizerFast

    tagging = "tokens" in train.column_names
    split = settings.split or ("whitespace" if tagging else "punctuation")
    backend = _trained(settings, split=split, train=train)
    if backend.get_vocab_size() <= len(SPECIAL):
        raise DataError(_empty_vocabulary(train, settings))
    backend.post_processor = tokenizers.processors.TemplateProcessing(
        single="$A", pair=f"$A {SEPARATOR} $B", special_tokens=[(SEPARATOR, backend.token_to_id(SEPARATOR))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=max_length,
        pad_token=PAD,
        unk_token=UNKNOWN,
        sep_token=SEPARATOR,
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
    )


class Corpus:
    """The train split as lists of tokens, made anew in each pass: memory stays flat however long it is."""

    def __init__(self, train: "datasets.Dataset", tokenizer: "PreTrainedTokenizerFast") -> None:
        self._train = train
        self._backend = copy.deepcopy(tokenizer.backend_tokenizer)  # which may still cut and pad as in its last call
        self._backend.no_truncation()
        self._backend.no_padding()
        self._special = set(tokenizer.all_special_ids)
        self._unknown = tokenizer.unk_token_id

    def __iter__(self) -> Iterator[list[str]]:
        """One list per text; unknown tokens are left out."""
        vocabulary = self._backend.get_vocab()
        tokens = sorted(vocabulary, key=vocabulary.__getitem__)
        for encoding in self._encodings():
            yield [tokens[one] for one in encoding.ids if one != self._unknown]

    @cached_property
    def fingerprint(self) -> str:
        """Of the texts of train and of the tokenizer; hex."""
        digest = sha256(self._backend.to_str().encode())
        for text in _strings(self._train):
            coded = text.encode()
            digest.update(len(coded).to_bytes(8) + coded)
        return digest.hexdigest()

    @property
    def vocabulary(self) -> dict[str, int]:
        """Ordinary token → id; the special ones are left out."""
        return {token: one for token, one in self._backend.get_vocab().items() if one not in self._special}

    @property
    def counts(self) -> dict[str, int]:
        """How often each entry of `vocabulary` occurs in train."""
        return {token: int(self._occurrences[one]) for token, one in self.vocabulary.items()}

    @property
    def unknown(self) -> int:
        """Tokens of train that are outside the vocabulary."""
        return int(self._occurrences[self._unknown])

    @cached_property
    def _occurrences(self) -> np.ndarray:
        """(vocabulary,) tokens of train by id."""
        counts = np.zeros(self._backend.get_vocab_size(), dtype=np.int64)
        for encoding in self._encodings():
            np.add.at(counts, np.asarray(encoding.ids, dtype=np.int64), 1)
        return counts

    def _encodings(self) -> Iterator[Any]:
        tagging = "tokens" in self._train.column_names
        for start in range(0, len(self._train), _BATCH):
            batch = self._train[start : start + _BATCH]
            for column in ("tokens",) if tagging else ("text", "text_pair"):
                if column in batch:
                    yield from self._backend.encode_batch_fast(  # fast: ids only, neither tokens nor offsets
                        batch[column], is_pretokenized=tagging, add_special_tokens=False
                    )


def _trained(settings: schema.Tokenizer, *, split: str, train: "datasets.Dataset") -> Any:
    """The tokenizer with its vocabulary; the same for the same texts, in any process.

    tokenizers' own trainers are not (0.23): WordPiece numbers its letters in the order of a hash table, which decides
    ties, and Unigram sums in such an order. So the letters are named beforehand, and the entries put in order.
    """
    from tokenizers import models, trainers

    backend = _untrained(settings, split=split)
    shared = {"special_tokens": SPECIAL, "show_progress": False}
    if settings.type == "word":
        most = settings.max_vocab or 2**31
        trainer = trainers.WordLevelTrainer(vocab_size=most, min_frequency=settings.min_count, **shared)
        backend.train_from_iterator(_strings(train), trainer)
        return backend
    most = settings.max_vocab or SUBWORDS
    if settings.type == "unigram":
        least = len(_letters(backend, train, least=1)) + len(SPECIAL)
        if most < least:
            raise DataError(
                f"tokenizer.max_vocab: {most:,} is too little for unigram, which leaves out no character of train; "
                f"write {least:,} or more, or another type"
            )
        trainer = trainers.UnigramTrainer(unk_token=UNKNOWN, vocab_size=most, **shared)
        backend.train_from_iterator(_strings(train), trainer)
        pieces = json.loads(backend.to_str())["model"]["vocab"]
        ordered = sorted(((piece, round(score, 6)) for piece, score in pieces[len(SPECIAL) :]), key=_by_score)
        backend.model = models.Unigram([*((one, 0.0) for one in SPECIAL), *ordered], SPECIAL.index(UNKNOWN), False)
        return backend
    letters = _letters(backend, train, least=settings.min_count, most=(most - len(SPECIAL)) // 2)
    shared |= {"vocab_size": most, "min_frequency": settings.min_count}
    shared |= {"initial_alphabet": letters, "limit_alphabet": len(letters)}
    if settings.type == "bpe":
        backend.train_from_iterator(_strings(train), trainers.BpeTrainer(**shared))
        return backend
    shared["special_tokens"] = SPECIAL + [f"##{letter}" for letter in letters]
    backend.train_from_iterator(_strings(train), trainers.WordPieceTrainer(**shared))
    vocabulary = sorted(backend.get_vocab().items(), key=lambda entry: entry[1])
    whole = _untrained(settings, split=split)  # in which ##a is a piece like any other, not a special token
    whole.model = models.WordPiece(dict(vocabulary), unk_token=UNKNOWN, max_input_chars_per_word=100)
    whole.add_special_tokens(SPECIAL)
    return whole


def _by_score(entry: tuple[str, float]) -> tuple[float, str]:
    return -entry[1], entry[0]


def _letters(backend: Any, train: "datasets.Dataset", *, least: int, most: int | None = None) -> list[str]:
    """The characters that occur `least` times in train, the `most` commonest of them, in order of code points."""
    counts: Counter[str] = Counter()
    for text in _strings(train):
        for word, _ in backend.pre_tokenizer.pre_tokenize_str(backend.normalizer.normalize_str(text)):
            counts.update(word)
    common = sorted((letter for letter in counts if counts[letter] >= least), key=lambda one: (-counts[one], one))
    return sorted(common[:most])


def _untrained(settings: schema.Tokenizer, *, split: str) -> Any:
    """Normalisation, splitting and an empty model of the wanted type."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

    model = {
        "word": lambda: models.WordLevel({}, unk_token=UNKNOWN),
        "wordpiece": lambda: models.WordPiece({}, unk_token=UNKNOWN),
        "bpe": lambda: models.BPE(unk_token=UNKNOWN),
        "unigram": lambda: models.Unigram(),
    }[settings.type]()
    backend = Tokenizer(model)
    # composed last: a letter made small may have a composed form that the capital has not
    steps = ([normalizers.Lowercase()] if settings.lowercase else []) + [normalizers.NFC()]
    backend.normalizer = normalizers.Sequence(steps)
    splitter = (
        pre_tokenizers.WhitespaceSplit()
        if split == "whitespace"
        else pre_tokenizers.Split(Regex(_WORDS[split]), behavior="removed", invert=True)
    )
    if settings.type in ("bpe", "unigram"):  # their pieces mark where a word begins
        backend.pre_tokenizer = pre_tokenizers.Sequence([splitter, pre_tokenizers.Metaspace(prepend_scheme="always")])
        backend.decoder = decoders.Metaspace(prepend_scheme="always")
    else:
        backend.pre_tokenizer = splitter
        if settings.type == "wordpiece":
            backend.decoder = decoders.WordPiece(cleanup=False)
    return backend


def _strings(train: "datasets.Dataset") -> Iterator[str]:
    """Texts, or the words of tagged sentences one by one."""
    for start in range(0, len(train), _BATCH):
        batch = train[start : start + _BATCH]
        if "tokens" in batch:
            for words in batch["tokens"]:
                yield from words
        else:
            yield from batch["text"]
            yield from batch.get("text_pair", [])


def _empty_vocabulary(train: "datasets.Dataset", settings: schema.Tokenizer) -> str:
    words = any(text.strip() for text in _strings(train))
    if not words:
        return "data: no text of train holds a word, so there is no vocabulary to build"
    if settings.max_vocab is not None and settings.max_vocab < len(SPECIAL) + (1 if settings.type == "word" else 2):
        return (
            f"tokenizer.max_vocab: {settings.max_vocab} leaves no room for words beside {len(SPECIAL)} special tokens; "
            "write a larger one"
        )
    return (
        f"tokenizer.min_count: no word of train occurs {settings.min_count} times, so the vocabulary would be empty; "
        "write a lower min_count"
    )
