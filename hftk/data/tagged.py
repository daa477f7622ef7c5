"""Tagged sentences → token ids with one label per word; a long sentence in parts, no word lost.

Of a word with more pieces than fit, the first ones are read.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hftk.data.encoded import IGNORED_LABEL

if TYPE_CHECKING:
    import datasets
    from transformers import PreTrainedTokenizerBase

_BATCH = 1000


def tagged_rows(
    rows: "datasets.Dataset", tokenizer: "PreTrainedTokenizerBase", max_length: int, *, tag_piece: str
) -> tuple[dict[str, list[list[int]]], int]:
    """The columns of a split, and the number of its sentences that do not fit whole.

    Columns: the model's inputs and `labels`, a list per part of a sentence. Every word has one label that counts, on
    its first or last piece (`tag_piece`); the parts stand in the order of the words. A word of which the tokenizer
    makes nothing is read as unknown.
    """
    names = [name for name in tokenizer.model_input_names if name != "attention_mask"]
    columns: dict[str, list[list[int]]] = {name: [] for name in [*names, "labels"]}
    room = max_length - tokenizer.num_special_tokens_to_add()
    apart = 0
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        sentences, tags, taken_apart = _parts(batch["tokens"], batch["tags"], tokenizer, room)
        apart += taken_apart
        coded = tokenizer(sentences, is_split_into_words=True, truncation=True, max_length=max_length, padding=False)
        for name in names:
            if name in coded:
                columns[name] += coded[name]
        columns["labels"] += [
            _labels(coded.word_ids(number), tags[number], tag_piece=tag_piece) for number in range(len(sentences))
        ]
    return {name: values for name, values in columns.items() if values}, apart


def _parts(
    sentences: Sequence[Sequence[str]],
    tags: Sequence[Sequence[int]],
    tokenizer: "PreTrainedTokenizerBase",
    room: int,
) -> tuple[list[list[str]], list[list[int]], int]:
    """Sentences and their tags, cut between words where the pieces of one do not fit into `room`; how many were cut."""
    coded = tokenizer(list(sentences), is_split_into_words=True, add_special_tokens=False, truncation=False)
    part_words, part_tags, apart = [], [], 0
    for number, words in enumerate(sentences):
        pieces = np.bincount(np.asarray(coded.word_ids(number), dtype=np.int64), minlength=len(words))
        words = [word if pieces[at] else (tokenizer.unk_token or tokenizer.pad_token) for at, word in enumerate(words)]
        begins = _begins(np.maximum(pieces, 1), room)
        apart += bool(len(begins) > 1 or pieces.max(initial=0) > room)
        for begin, end in zip(begins, [*begins[1:], len(words)], strict=True):
            part_words.append(words[begin:end])
            part_tags.append(list(tags[number][begin:end]))
    return part_words, part_tags, apart


def _begins(pieces: np.ndarray, room: int) -> list[int]:
    """Where the parts of a sentence begin, by word; a word of more pieces than `room` has a part of its own."""
    begins, filled = [0], 0
    for word, count in enumerate(pieces.tolist()):
        if filled and filled + count > room:
            begins.append(word)
            filled = 0
        filled += count
    return begins


def _labels(word_ids: Sequence[int | None], tags: Sequence[int], *, tag_piece: str) -> list[int]:
    """One label per token: the tag on the piece that carries it, IGNORED_LABEL elsewhere."""
    neighbours = [None, *word_ids][:-1] if tag_piece == "first" else [*word_ids, None][1:]
    return [
        IGNORED_LABEL if word is None or word == neighbour else tags[word]
        for word, neighbour in zip(word_ids, neighbours, strict=True)
    ]
