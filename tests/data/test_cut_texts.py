"""Texts cut as a tokenizer cuts them: read again, they give the model the very same tokens."""

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import ByT5Tokenizer, PreTrainedTokenizerFast

from hftk.data.cut_texts import cut_texts
from hftk.data.labelled import labelled_data
from hftk.data.rows import Rows
from hftk.data.words import build_tokenizer
from hftk.recipe import schema

TEXTS = ["One two,  three FOUR five!", "one", "", "  héllo wörld 감사 합니다 ok ok", "x" * 30]


@pytest.fixture
def tokenizer():
    """With special tokens, and pieces of words."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "one", "two", "th", "##ree", "four", "five", ",", "!", "ok", "x"]
    backend = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=backend, **names)


def data(texts=TEXTS, pairs=None):
    columns = {"text": list(texts)} | ({"text_pair": list(pairs)} if pairs else {})
    rows = Rows(list(range(len(texts))), ["t"] * len(texts), [None] * len(texts), columns, [0] * len(texts))
    return labelled_data({"train": rows, "validation": rows.take([0])}, ["x", "y"], rows_before={}, notices=[])


@pytest.mark.parametrize("max_length", [3, 4, 6, 100])
@pytest.mark.parametrize("side", ["right", "left"])
def test_a_cut_text_gives_the_same_tokens_and_no_more(tokenizer, max_length, side):
    tokenizer.truncation_side = side
    # cut from the left, a text may begin within a word: the rest of that word, by itself, has other pieces
    texts = TEXTS if side == "right" else [text.replace("three", "ok") for text in TEXTS]
    cut = cut_texts(data(texts), tokenizer, max_length=max_length)
    for before, after in zip(texts, cut.splits["train"]["text"], strict=True):
        assert after in before
        wanted = tokenizer(before, truncation=True, max_length=max_length)["input_ids"]
        assert tokenizer(after)["input_ids"] == wanted, "whole, it is what the model was given"
        if len(tokenizer(before)["input_ids"]) <= max_length:
            assert after == before


def test_words_and_their_order_of_columns(tokenizer):
    before = data()
    cut = cut_texts(before, tokenizer, max_length=4)
    assert cut.splits["train"]["text"][:2] == ["One two", "one"]
    assert cut.splits["train"].features == before.splits["train"].features
    assert cut.splits["train"].column_names == before.splits["train"].column_names
    assert cut.splits["validation"]["text"][:] == ["One two"] and before.splits["train"]["text"][:] == TEXTS


def test_of_a_pair_the_longer_is_cut_first(tokenizer):
    rows = data(["one two four five", "one two four"], ["ok one x x", "ok"])
    cut = cut_texts(rows, tokenizer, max_length=7).splits["train"]
    assert (cut["text"][:], cut["text_pair"][:]) == (["one two", "one two four"], ["ok one", "ok"])


def test_a_trained_vocabulary_of_words(tokenizer):
    rows = data(["a b c d e f"] * 3)
    words = build_tokenizer(rows.splits["train"], schema.Tokenizer(min_count=1), max_length=3)
    assert cut_texts(rows, words, max_length=3).splits["train"]["text"][:] == ["a b c"] * 3


def test_the_tokenizer_is_left_as_it_was(tokenizer):
    before = tokenizer.backend_tokenizer.to_str()
    cut_texts(data(), tokenizer, max_length=4)
    assert tokenizer.backend_tokenizer.to_str() == before


def test_a_tokenizer_that_does_not_say_where_its_tokens_are():
    assert cut_texts(data(), ByT5Tokenizer(), max_length=4) is None
