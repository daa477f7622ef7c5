"""Tokenizers built from train, against plain transformers, a Counter, and themselves in another process."""

import json
import random
import subprocess
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import datasets
import pytest
import torch
from transformers import AutoTokenizer

from hftk.data import words
from hftk.data.words import SPECIAL, Corpus, build_tokenizer
from hftk.errors import DataError
from hftk.recipe import schema

TYPES = ["word", "wordpiece", "bpe", "unigram"]
TEXTS = [
    "The film, a GOOD film! It wasn't U.S.-made: 3.14 points",
    "한국어 영화는 정말 좋다. 영화 최고, 영화를 또 본다",
    "I 😀😀 it 👨‍👩‍👧",
    "हिन्दी में फ़िल्म",
    "caf\u00e9 cafe\u0301 CAF\u00c9 \u1112\u1161\u11ab\u1100\u116e\u11a8",
    "M9'Y^7!!#$%&_AA <<M;W]E 12e4 x\u00b2 \u2460",
    "a b\ta\n b  c",
]


def texts(rows, pairs=None):
    return datasets.Dataset.from_dict({"text": rows} | ({"text_pair": pairs} if pairs else {}))


def sentences(rows):
    return datasets.Dataset.from_dict({"tokens": rows, "tags": [[0] * len(row) for row in rows]})


def build(rows, *, max_length=50, **settings):
    train = texts(rows) if isinstance(rows, list) else rows
    settings = {"min_count": 1, **settings} if settings.get("type") != "unigram" else settings
    return build_tokenizer(train, schema.Tokenizer(**settings), max_length=max_length)


def read(tokenizer, text, **options):
    return tokenizer.convert_ids_to_tokens(tokenizer(text, **options)["input_ids"])


def random_texts(seed=0, rows=120):
    """Of equally common letters and words, so that many counts tie."""
    rng = random.Random(seed)
    letters = "abcdefgh가나다라"
    vocabulary = ["".join(rng.choices(letters, k=rng.randint(1, 6))) for _ in range(200)]
    return [" ".join(rng.choices(vocabulary, k=10)) for _ in range(rows)]


# words


@pytest.mark.parametrize(
    ("text", "punctuation", "whitespace"),
    [
        ("The film, a good film!", "the film , a good film !", "the film, a good film!"),
        ("don't", "don ' t", "don't"),
        ("U.S. 3.14", "u . s . 3 . 14", "u.s. 3.14"),
        ("한국어 영화는 좋다.", "한국어 영화는 좋다 .", "한국어 영화는 좋다."),
        ("I 😀😀", "i 😀 😀", "i 😀😀"),
        ("हिन्दी में", "हिन्दी में", "हिन्दी में"),
        ("a_b x\u00b2-1", "a_b x\u00b2 - 1", "a_b x\u00b2-1"),
        ("M9'Y^7!", "m9 ' y ^ 7 !", "m9'y^7!"),
        ("a\u00a0b\u3000c\td\n", "a b c d", "a b c d"),
    ],
)
def test_where_words_end(text, punctuation, whitespace):
    for split, expected in (("punctuation", punctuation), ("whitespace", whitespace)):
        assert read(build([text], split=split), text) == expected.split()
    signs = {word for word in punctuation.split() if not any(map(str.isalnum, word))}
    assert read(build([text], split="words"), text) == [word for word in punctuation.split() if word not in signs]


def test_a_capital_and_its_small_letter_are_one_word():
    """J with a caron has no composed capital, j with one has."""
    tokenizer = build(["J\u030cara"])
    assert read(tokenizer, "\u01f0ara") == read(tokenizer, "j\u030cara") == ["\u01f0ara"]


def test_texts_are_split_at_signs_and_tagged_words_are_whole():
    assert read(build(["well-known."]), "well-known.") == ["well", "-", "known", "."]
    tagged = build(sentences([["well-known", "."]]))
    assert read(tagged, [["well-known", "."]][0], is_split_into_words=True) == ["well-known", "."]


def test_composed_and_decomposed_are_one_word():
    tokenizer = build(TEXTS)
    for word in ("caf\u00e9", "한국", "हिन्दी", "फ़िल्म"):
        ids = {tuple(tokenizer(unicodedata.normalize(form, word))["input_ids"]) for form in ("NFC", "NFD")}
        assert len(ids) == 1 and tokenizer.unk_token_id not in next(iter(ids)), word


def test_capitals():
    assert read(build(["The the THE É"]), "tHe é") == ["the", "é"]
    kept = build(["The the THE É"], lowercase=False)
    assert read(kept, "The the tHe é") == ["The", "the", "[UNK]", "[UNK]"]


def test_only_train_makes_the_vocabulary():
    tokenizer = build(["a b", "b c"])
    assert tokenizer.get_vocab() == {"[PAD]": 0, "[UNK]": 1, "[SEP]": 2, "b": 3, "a": 4, "c": 5}
    assert read(tokenizer, "a new b") == ["a", "[UNK]", "b"]


def test_rare_words_are_unknown():
    tokenizer = build(["a a a b b c"], min_count=2)
    assert read(tokenizer, "a b c") == ["a", "b", "[UNK]"]
    with pytest.raises(DataError, match=r"^tokenizer\.min_count: no word of train occurs 4 times, so the vocabulary"):
        build(["a a a b b c"], min_count=4)


def test_the_commonest_words_are_kept_and_ties_go_by_code_point():
    rows = ["d d d c c é é z z b b a"]
    for most, kept in {4: "d", 5: "db", 6: "dbc", 7: "dbcz", 8: "dbczé", 9: "dbczéa", 99: "dbczéa"}.items():
        vocabulary = build(rows, max_vocab=most).get_vocab()
        assert sorted(vocabulary, key=vocabulary.__getitem__) == [*SPECIAL, *kept]


@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "unigram"])
def test_subwords_keep_to_max_vocab(kind):
    rows = random_texts()
    signs = len({sign for row in rows for sign in row if sign != " "}) + 1
    for most in [2 * signs, 60, 100, 150] + ([] if kind == "unigram" else [5, 6, 7, 10, 14, 15, 20]):
        assert len(build(rows, type=kind, max_vocab=most)) <= most
    assert len(build(rows, type=kind)) <= words.SUBWORDS


# nothing to build from


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("train", [texts(["", "  \t"]), sentences([[], []])], ids=["texts", "sentences"])
def test_a_train_split_without_words(kind, train):
    with pytest.raises(DataError, match="^data: no text of train holds a word, so there is no vocabulary to build$"):
        build(train, type=kind)


@pytest.mark.parametrize("kind", ["wordpiece", "bpe"])
def test_subwords_of_too_high_a_min_count(kind):
    with pytest.raises(DataError, match=r"^tokenizer\.min_count: no word of train occurs 99 times"):
        build(["a b"], type=kind, min_count=99)


@pytest.mark.parametrize(("kind", "most"), [("word", 3), ("wordpiece", 4), ("bpe", 4)])
def test_a_max_vocab_without_room_for_words(kind, most):
    with pytest.raises(DataError, match=rf"^tokenizer\.max_vocab: {most} leaves no room for words beside 3 special"):
        build(["a b c"], type=kind, max_vocab=most)


def test_unigram_needs_room_for_every_character():
    with pytest.raises(
        DataError,
        match=r"^tokenizer\.max_vocab: 6 is too little for unigram, which leaves out no character of train; write 8 or",
    ):
        build(["ab cd ab cd"], type="unigram", max_vocab=6)


# what is saved


@pytest.mark.parametrize("kind", TYPES)
def test_plain_transformers_reads_it_alike(kind, tmp_path):
    tokenizer = build(TEXTS, type=kind, max_length=17)
    tokenizer.save_pretrained(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"tokenizer.json", "tokenizer_config.json"}
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert again.is_fast and again.model_max_length == 17 and again.padding_side == "right"
    assert (again.pad_token, again.unk_token, again.sep_token) == ("[PAD]", "[UNK]", "[SEP]")
    unseen = ["", " ", "\u200b", "\u0301", "unseen 뷁 words", "x" * 200, *random_texts(rows=3)]
    for first, second in ((TEXTS + unseen, None), (TEXTS, TEXTS[::-1])):
        ours, theirs = tokenizer(first, second, padding=True), again(first, second, padding=True)
        assert dict(ours) == dict(theirs)
        assert list(ours) == ["input_ids", "attention_mask"]


def test_a_clean_process_reads_it_without_hftk(tmp_path):
    made = {}
    for kind in TYPES:
        tokenizer = build(TEXTS, type=kind)
        tokenizer.save_pretrained(tmp_path / kind)
        made[kind] = tokenizer(TEXTS)["input_ids"]
    code = (
        "import json, sys; sys.modules['hftk'] = None\n"
        "from transformers import AutoTokenizer\n"
        "folder, texts = sys.argv[1], json.loads(sys.argv[2])\n"
        "made = {k: AutoTokenizer.from_pretrained(f'{folder}/{k}') for k in sys.argv[3:]}\n"
        "print(json.dumps({k: tokenizer(texts)['input_ids'] for k, tokenizer in made.items()}))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(tmp_path), json.dumps(TEXTS), *TYPES], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == made


def test_a_pair_has_a_separator_between():
    tokenizer = build(["a b", "c"])
    assert read(tokenizer, "a b", text_pair="c") == ["a", "b", "[SEP]", "c"]
    assert tokenizer.num_special_tokens_to_add(pair=True) == 1 and tokenizer.num_special_tokens_to_add() == 0


def test_padding_is_on_the_right_and_masked():
    coded = build(["a b c"])(["a", "a b c", ""], padding=True)
    assert coded["input_ids"] == [[3, 0, 0], [3, 4, 5], [0, 0, 0]]
    assert coded["attention_mask"] == [[1, 0, 0], [1, 1, 1], [0, 0, 0]]


@pytest.mark.parametrize("kind", TYPES)
def test_a_special_token_that_a_person_typed_is_no_padding(kind):
    """It is read as the special token, as every tokenizer of transformers does, and has its place in the mask."""
    tokenizer = build(["a b [PAD] c", "a [SEP] [UNK]"], type=kind)
    coded = tokenizer(["a [PAD] b", "a"], padding=True)
    first = coded["input_ids"][0]
    assert tokenizer.pad_token_id in first
    assert coded["attention_mask"][0] == [1] * len(first)
    assert sum(coded["attention_mask"][1]) == len(tokenizer("a")["input_ids"])


# subwords


@pytest.mark.parametrize("kind", TYPES)
def test_decoding_gives_the_words_back(kind):
    rows = ["the film was good", "한국어 영화 는 좋다", "हिन्दी में", "café 😀"]
    tokenizer = build(rows, type=kind)
    for row in rows:
        assert tokenizer.decode(tokenizer(row)["input_ids"]) == row


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_an_unseen_korean_word_of_seen_syllables_is_known(kind):
    tokenizer = build(["영화가 정말 좋다", "영화는 좋은 음악", "정말 음악가"], type=kind)
    for unseen in ("영화음악", "좋다가", "음악정말"):
        ids = tokenizer(unseen)["input_ids"]
        assert tokenizer.unk_token_id not in ids
        assert tokenizer.decode(ids) == unseen
    assert tokenizer.unk_token_id in tokenizer("뷁")["input_ids"]


def test_an_unseen_word_of_seen_letters_is_known_to_wordpiece():
    tokenizer = build(["good film", "bad films"], type="wordpiece")
    assert tokenizer.unk_token_id not in tokenizer("goods")["input_ids"]
    assert read(tokenizer, "good zzz") == ["good", "[UNK]"]


def test_pieces_mark_their_place_in_the_word():
    rows = ["abab abab abab ab ab", "cd"] * 3
    assert read(build(rows, type="wordpiece"), "cdab ab") == ["cd", "##ab", "ab"]
    for kind in ("bpe", "unigram"):
        pieces = read(build(rows, type=kind), "cdab ab")
        assert [piece.startswith("▁") for piece in pieces].count(True) == 2
        assert "".join(pieces) == "▁cdab▁ab"


@pytest.mark.parametrize("kind", TYPES)
def test_the_same_texts_give_the_same_tokenizer_in_this_process(kind):
    rows = random_texts()
    first, second = (build(rows, type=kind, max_vocab=150).backend_tokenizer.to_str() for _ in range(2))
    assert json.loads(first) == json.loads(second)


def test_the_same_texts_give_the_same_tokenizer_in_any_process():
    """tokenizers seeds its hash tables anew in each process."""
    code = """
import json, sys
sys.path.insert(0, sys.argv[1])
from hftk.data.words import _trained
from hftk.recipe.schema import Tokenizer

class Train(list):
    column_names = ["text"]
    def __getitem__(self, rows):
        return {"text": list.__getitem__(self, rows)}

train = Train(json.loads(sys.argv[2]))
settings = {k: Tokenizer(type=k, max_vocab=150) for k in sys.argv[3:]}
print(json.dumps({k: _trained(one, split="punctuation", train=train).to_str() for k, one in settings.items()}))
"""
    rows, root = random_texts(), str(Path(__file__).parents[2])
    made = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", code, root, json.dumps(rows), *TYPES], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        made.append(json.loads(done.stdout))
    for kind in TYPES:
        vocabularies = [json.loads(one[kind])["model"] for one in made]
        assert vocabularies[0] == vocabularies[1] == vocabularies[2], kind


@pytest.mark.parametrize("kind", TYPES)
def test_the_order_of_the_texts_decides_nothing(kind):
    rows = random_texts()
    ours, turned = (build(each, type=kind, max_vocab=150).get_vocab() for each in (rows, rows[::-1]))
    assert ours == turned


# the corpus


@pytest.mark.parametrize("kind", TYPES)
def test_the_corpus_holds_the_tokenizer_s_own_tokens(kind):
    rows = TEXTS * 2 + ["", "only unseen: 뷁뷁"]
    train = texts(rows, pairs=rows[::-1])
    tokenizer = build(TEXTS, type=kind, min_count=1)
    corpus = Corpus(train, tokenizer)
    unknown = tokenizer.unk_token
    each = [*train["text"], *train["text_pair"]]
    read_as = [read(tokenizer, text) for text in each]
    expected = [[one for one in tokens if one != unknown] for tokens in read_as]
    assert list(corpus) == expected
    assert all(token for row in expected for token in row)
    assert list(corpus) == list(corpus), "read again for every epoch"
    counted = Counter(token for tokens in read_as for token in tokens)
    assert {token: count for token, count in corpus.counts.items() if count} == {
        token: count for token, count in counted.items() if token != unknown
    }
    assert corpus.unknown == counted[unknown] > 0
    assert corpus.vocabulary == {token: i for token, i in tokenizer.get_vocab().items() if token not in SPECIAL}
    assert set(corpus.counts) == set(corpus.vocabulary)


def test_the_corpus_of_sentences():
    train = sentences([["New-York", "is", "big"], [], ["rare"], ["is"]])
    tokenizer = build(train, min_count=1, max_vocab=4)
    corpus = Corpus(train, tokenizer)
    assert list(corpus) == [["is"], [], [], ["is"]]
    assert corpus.counts == {"is": 2} and corpus.unknown == 3


def test_words_that_a_person_typed_like_special_tokens_are_no_part_of_the_vocabulary():
    corpus = Corpus(texts(["a [PAD] b"]), build(["a b"]))
    assert corpus.vocabulary == {"a": 3, "b": 4} and corpus.counts == {"a": 1, "b": 1}


def test_the_corpus_is_streamed(monkeypatch):
    monkeypatch.setattr(words, "_BATCH", 2)
    train = texts([f"a b{row}" for row in range(9)])
    asked = []

    class Watched:
        column_names = train.column_names

        def __len__(self):
            return len(train)

        def __getitem__(self, rows):
            asked.append(rows)
            return train[rows]

    corpus = Corpus(Watched(), build(train))
    rows = iter(corpus)
    assert next(rows) == ["a", "b0"] and len(asked) == 1, "no more than a batch is read ahead"
    assert [len(row) for row in rows] == [2] * 8 and len(asked) == 5


def test_the_fingerprint_is_of_texts_and_tokenizer():
    tokenizer = build(["a b", "c"])
    one = Corpus(texts(["a b", "c"]), tokenizer).fingerprint
    assert one == Corpus(texts(["a b", "c"]), build(["a b", "c"])).fingerprint
    for other in (
        Corpus(texts(["a", "bc"]), tokenizer),
        Corpus(texts(["a bc"]), tokenizer),
        Corpus(texts(["a b", "c", ""]), tokenizer),
        Corpus(texts(["a b", "c"]), build(["a b", "c"], lowercase=False)),
        Corpus(texts(["a b", "c"]), build(["a b", "d"])),
    ):
        assert other.fingerprint != one


def test_the_fingerprint_does_not_know_how_the_tokenizer_was_used_last():
    tokenizer = build(["a b", "c"])
    before = Corpus(texts(["a b", "c"]), tokenizer).fingerprint
    tokenizer(["a b", "c"], padding=True, truncation=True, max_length=1, return_tensors="pt")
    corpus = Corpus(texts(["a b", "c"]), tokenizer)
    assert corpus.fingerprint == before
    assert list(corpus) == [["a", "b"], ["c"]], "nothing is cut or padded"


def test_a_model_reads_a_text_of_unknown_words():
    from hftk.models.rnn import RnnConfig, RnnForSequenceClassification

    tokenizer = build(["a b"])
    torch.manual_seed(0)
    config = RnnConfig(vocab_size=len(tokenizer), pad_token_id=0, unk_token_id=1, embedding_size=4, hidden_size=4)
    model = RnnForSequenceClassification(config).eval()
    with torch.no_grad():
        logits = model(**tokenizer(["뷁 zz", "", "a [PAD] b"], padding=True, return_tensors="pt")).logits
        alone = model(**tokenizer(["a [PAD] b"], return_tensors="pt")).logits
    assert logits.isfinite().all()
    torch.testing.assert_close(logits[2:], alone)
