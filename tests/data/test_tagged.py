"""Tagged sentences as token ids: one label per word, whatever the tokenizer makes of it."""

import json

import datasets
import pytest
from tokenizers import ByteLevelBPETokenizer
from transformers import RobertaConfig, RobertaTokenizer

from hftk.data import tagged
from hftk.data.encoded import IGNORED_LABEL
from hftk.data.tagged import tagged_rows
from hftk.data.tokens import tokenize
from hftk.data.words import build_tokenizer
from hftk.models._pretrained import load_tokenizer
from hftk.recipe import schema

# of every kind: words in one piece and in many, a sign, a lone accent, an invisible sign, no word at all
SENTENCES = [
    ["good", "films", "goodness", ",", "films"],
    [],
    ["a"],
    ["the", "\u200b", "plot", "\u0301", "wasn't", "뷁", "[PAD]"],
    ["a", "goodness", "film"] * 9,
    ["goodnessgoodnessgoodness", "a"],
]
KINDS = ["word", "wordpiece", "bpe", "unigram", "bert", "roberta"]


@pytest.fixture(scope="module")
def tiny_roberta(tmp_path_factory):
    """A RoBERTa-like folder: byte-level BPE that marks word beginnings by a space, and no weights."""
    folder = tmp_path_factory.mktemp("tiny_roberta")
    byte_level = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    byte_level.train_from_iterator(
        ["good film bad plot the a was is goodness films"] * 5, vocab_size=330, special_tokens=special
    )
    byte_level.save_model(str(folder))
    merges = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()[1:]
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    RobertaTokenizer(vocab=vocabulary, merges=[tuple(line.split()) for line in merges]).save_pretrained(
        folder / "model"
    )
    RobertaConfig(vocab_size=len(vocabulary), hidden_size=8, num_attention_heads=1).save_pretrained(folder / "model")
    return folder / "model"


@pytest.fixture(scope="module")
def tokenizers(tiny_bert, tiny_roberta):
    train = split_of(SENTENCES[:1] * 3)

    def built(kind):
        settings = schema.Tokenizer(type=kind, **({} if kind == "unigram" else {"min_count": 1}))
        return build_tokenizer(train, settings, max_length=99)

    found = {kind: built(kind) for kind in KINDS[:4]}
    for kind, folder in (("bert", tiny_bert), ("roberta", tiny_roberta)):
        found[kind] = load_tokenizer(str(folder), task="token-classification", revision=None)
    return found


def split_of(sentences):
    """Each word of all sentences has a tag of its own: its number."""
    numbers = iter(range(10_000))
    tags = [[next(numbers) for _ in sentence] for sentence in sentences]
    kinds = {"tokens": datasets.List(datasets.Value("string")), "tags": datasets.List(datasets.Value("int64"))}
    return datasets.Dataset.from_dict({"tokens": sentences, "tags": tags}, datasets.Features(kinds))


def labelled(columns):
    return [[label for label in row if label != IGNORED_LABEL] for row in columns["labels"]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tag_piece", ["first", "last"])
@pytest.mark.parametrize("room", [1, 2, 3, 7, 300])
def test_every_word_is_labelled_once_and_in_order(kind, tag_piece, room, tokenizers):
    tokenizer = tokenizers[kind]
    split = split_of(SENTENCES)
    max_length = room + tokenizer.num_special_tokens_to_add()
    columns, apart = tagged_rows(split, tokenizer, max_length, tag_piece=tag_piece)
    assert sum(labelled(columns), []) == sum(split["tags"], [])
    lengths = [len(ids) for ids in columns["input_ids"]]
    assert max(lengths) <= max_length
    assert [len(labels) for labels in columns["labels"]] == lengths
    assert len(lengths) == len(SENTENCES) + sum(parts - 1 for parts in parts_of(split, columns))
    whole = tokenizer(split["tokens"][:], is_split_into_words=True, add_special_tokens=False)
    cut = [any(whole.word_ids(i).count(word) > room for word in range(len(words))) for i, words in enumerate(SENTENCES)]
    assert apart == sum(parts > 1 or long for parts, long in zip(parts_of(split, columns), cut, strict=True))
    if room == 300:
        assert apart == 0


def parts_of(split, columns):
    """Rows that each sentence became; an empty one is a row without a label."""
    rows, counts = iter(labelled(columns)), []
    for tags in split["tags"]:
        left, parts = list(tags), 0
        while left or parts == 0:
            row = next(rows)
            assert left[: len(row)] == row
            left, parts = left[len(row) :], parts + 1
        counts.append(parts)
    assert next(rows, None) is None
    return counts


@pytest.mark.parametrize("kind", KINDS)
def test_labels_stand_on_the_piece_asked_for(kind, tokenizers):
    """Against the tokenizer's own account of which word each piece belongs to."""
    tokenizer = tokenizers[kind]
    sentence = ["good", "films", "goodness", "a"]
    word_of = tokenizer(sentence, is_split_into_words=True).word_ids()
    for tag_piece, at in (("first", 0), ("last", -1)):
        columns, _ = tagged_rows(split_of([sentence]), tokenizer, 90, tag_piece=tag_piece)
        expected = [IGNORED_LABEL] * len(word_of)
        for word in range(len(sentence)):
            expected[[i for i, one in enumerate(word_of) if one == word][at]] = word
        assert columns["labels"] == [expected]
        assert columns["input_ids"] == [tokenizer(sentence, is_split_into_words=True)["input_ids"]]


def test_byte_level_words_begin_with_a_space(tokenizers, tiny_roberta):
    """As in running text: without it every word but the first would be read as the end of one."""
    tokenizer = tokenizers["roberta"]
    columns, _ = tagged_rows(split_of([["good", "film", "was"]]), tokenizer, 90, tag_piece="first")
    as_text = load_tokenizer(str(tiny_roberta), task="text-classification", revision=None)
    assert columns["input_ids"] == [as_text(" good film was")["input_ids"]]
    assert as_text("good")["input_ids"] != as_text(" good")["input_ids"], "of texts the tokenizer is as it was"


@pytest.mark.parametrize("kind", ["bert", "roberta", "word"])
def test_a_word_of_nothing_is_read_as_unknown(kind, tokenizers):
    tokenizer = tokenizers[kind]
    nothing = {"bert": "\u0301", "roberta": "", "word": " "}[kind]
    assert tokenizer([nothing], is_split_into_words=True, add_special_tokens=False)["input_ids"] == []
    columns, _ = tagged_rows(split_of([["good", nothing, "good"], [nothing]]), tokenizer, 90, tag_piece="first")
    tokens = tokenizer.convert_ids_to_tokens(columns["input_ids"][0])
    assert tokens.count(tokenizer.unk_token) == 1
    assert labelled(columns) == [[0, 1, 2], [3]]


def test_a_word_of_more_pieces_than_fit_is_cut_and_stands_alone(tokenizers):
    tokenizer = tokenizers["bert"]
    long = "goodness" * 3
    pieces = tokenizer([long], is_split_into_words=True, add_special_tokens=False)["input_ids"]
    assert len(pieces) > 4
    for tag_piece, at in (("first", 1), ("last", 4)):
        columns, apart = tagged_rows(split_of([["a", long, "a", "a"]]), tokenizer, 6, tag_piece=tag_piece)
        assert apart == 1
        assert columns["input_ids"][1] == [2, *pieces[:4], 3]
        assert labelled(columns) == [[0], [1], [2, 3]]
        assert columns["labels"][1].index(1) == at


def test_parts_are_filled_and_cut_between_words(tokenizers):
    columns, apart = tagged_rows(split_of([["a"] * 7, ["a"] * 3]), tokenizers["word"], 3, tag_piece="first")
    assert [len(ids) for ids in columns["input_ids"]] == [3, 3, 1, 3]
    assert apart == 1
    # films: 2 pieces of BERT's; two of them do not fit into 3
    columns, _ = tagged_rows(split_of([["films", "films", "a"]]), tokenizers["bert"], 3 + 2, tag_piece="last")
    assert labelled(columns) == [[0], [1, 2]]


def test_an_empty_sentence_has_its_special_tokens_only(tokenizers):
    for kind, ids in (("bert", [2, 3]), ("word", [])):
        columns, apart = tagged_rows(split_of([[]]), tokenizers[kind], 9, tag_piece="first")
        assert (columns["input_ids"], columns["labels"], apart) == ([ids], [[IGNORED_LABEL] * len(ids)], 0)


def test_the_model_s_inputs_are_there(tokenizers):
    columns, _ = tagged_rows(split_of(SENTENCES), tokenizers["bert"], 9, tag_piece="first")
    assert list(columns) == ["input_ids", "token_type_ids", "labels"]
    columns, _ = tagged_rows(split_of(SENTENCES), tokenizers["word"], 9, tag_piece="first")
    assert list(columns) == ["input_ids", "labels"]


def test_a_batch_boundary_changes_nothing(tokenizers, monkeypatch):
    whole = tagged_rows(split_of(SENTENCES * 2), tokenizers["wordpiece"], 4, tag_piece="last")
    monkeypatch.setattr(tagged, "_BATCH", 5)
    assert tagged_rows(split_of(SENTENCES * 2), tokenizers["wordpiece"], 4, tag_piece="last") == whole


def test_through_tokenize_and_its_cache(tokenizers, tmp_path):
    """Rows of a split are parts of sentences; its label ids are the tags, word by word; each way has its own entry."""
    from types import SimpleNamespace

    split = split_of(SENTENCES)
    data = SimpleNamespace(splits={"train": split, "validation": split}, fingerprint="x")
    before = tokenizers["bert"].backend_tokenizer.to_str()
    for calls in (1, 2):
        for number, tag_piece in enumerate(("first", "last"), start=1):
            rows = tokenize(data, tokenizers["bert"], 9, tag_piece=tag_piece, cache_dir=tmp_path)["train"]
            assert rows.label_ids().tolist() == sum(split["tags"], [])
            assert rows.truncated == 4 and len(rows) > len(split)
            assert len(list((tmp_path / "tokens").iterdir())) == (number if calls == 1 else 2)
    assert tokenizers["bert"].backend_tokenizer.to_str() == before
    batch = rows.__getitems__(range(len(rows)))
    assert batch["labels"].shape == batch["input_ids"].shape
    assert (batch["labels"][batch["attention_mask"] == 0] == IGNORED_LABEL).all()


@pytest.mark.parametrize("kind", ["word", "bert", "roberta"])
def test_an_item_knows_the_length_of_its_sentence(kind, tokenizers, tmp_path):
    from types import SimpleNamespace

    tokenizer = tokenizers[kind]
    room = 9 - tokenizer.num_special_tokens_to_add()
    whole = [tokenizer(words, is_split_into_words=True) for words in SENTENCES]
    # a word of more pieces than fit is read in part only, and words that give no token are read as unknown
    fit = [
        all(0 < coded.word_ids().count(word) <= room for word in range(len(words)))
        for words, coded in zip(SENTENCES, whole, strict=True)
    ]
    split = split_of([words for words, fits in zip(SENTENCES, fit, strict=True) if fits])
    rows = tokenize(
        SimpleNamespace(splits={"train": split, "validation": split}, fingerprint="y"),
        tokenizer,
        9,
        cache_dir=tmp_path,
    )["train"]
    lengths = [
        length
        for words, coded, fits in zip(SENTENCES, whole, fit, strict=True)
        for length in [len(coded["input_ids"])] * len(words)
        if fits
    ]
    assert max(lengths) > 9 and rows.item_lengths().tolist() == lengths
