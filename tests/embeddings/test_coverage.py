"""How much of train has a vector, and the probable cause, by counts; and word_vectors on files."""

import numpy as np
import pytest

from hftk.embeddings.coverage import coverage_figures
from hftk.errors import DataError


@pytest.fixture
def file_of(tmp_path):
    """Writes a GloVe file of these words, each with its own vector of two numbers."""

    def file_of(*words: str) -> dict[str, str]:
        path = tmp_path / "vectors.txt"
        path.write_text("".join(f"{word} {number} 1\n" for number, word in enumerate(words)), encoding="utf-8")
        return {"method": "file", "path": str(path)}

    return file_of


def test_the_rows_of_the_vocabulary(give, make_texts, file_of):
    given = give(make_texts([["b", "a", "c"]]), {"b": 7, "a": 3, "c": 4}, **file_of("x", "a", "b"))
    assert given.token_ids.tolist() == [3, 7] and given.token_ids.dtype == np.int64
    assert given.vectors.tolist() == [[1, 1], [2, 1]] and given.vectors.dtype == np.float32


def test_the_size_is_the_files(give, make_texts, file_of):
    assert give(make_texts([["a"]]), **file_of("a"), vector_size=300).vectors.shape == (1, 2)


def test_shares_count_unknown_tokens_as_without(give, make_texts, file_of):
    corpus = make_texts([["a"] * 6, ["b"] * 2], unknown=2, extra=("c", "d"))
    coverage = give(corpus, **file_of("a", "c")).coverage
    assert coverage.tokens == pytest.approx(0.6) and coverage.types == 0.5 and coverage.words == 4
    assert coverage.unknown == pytest.approx(0.2) and coverage.missing == (("b", 2),)


def test_the_line(give, make_texts, file_of):
    corpus = make_texts([["a"] * 12, ["한국어"] * 1300, ["%"] * 40], unknown=8)
    assert give(corpus, **file_of("a", "b", "c", "d")).coverage.line() == (
        "embeddings vectors.txt: 0.9 % of the tokens of train and 33.3 % of the 3 words have a vector; unknown to the "
        "tokenizer: 0.6 % of the tokens; most frequent without: 한국어 (1,300), % (40)"
    )


def test_at_most_ten_missing_the_most_frequent_first(give, make_texts, file_of):
    corpus = make_texts([["a"]] + [[f"m{number:02}"] * number for number in range(1, 15)])
    missing = give(corpus, **file_of("a")).coverage.missing
    assert missing == tuple((f"m{number:02}", number) for number in range(14, 4, -1))


CAPITALS = "are in the file in small letters: write tokenizer.lowercase: true"
SMALL = "are in the file with capitals, which the tokenizer makes small: write tokenizer.lowercase: false"
SIGNS = "have signs attached, and the file has their parts: write tokenizer.split: punctuation"
PIECES = "are pieces of words, which a file of whole words has not: write tokenizer.type: word"
UNKNOWN = "are unknown to the tokenizer: lower tokenizer.min_count, or raise tokenizer.max_vocab"


@pytest.mark.parametrize(
    ("text", "unknown", "file", "cause"),
    [
        ("the The The London", 0, "the london king", f"100 % of the missing tokens {CAPITALS}"),
        ("the The The Rare", 0, "the king queen", f"67 % of the missing tokens {CAPITALS}"),
        ("the london usa rare", 0, "the London USA king", f"67 % of the missing tokens {SMALL}"),
        ("the end. (king), don't rare", 0, "the end king don t", f"75 % of the missing tokens {SIGNS}"),
        ("the End. rare", 0, "the end king", f"50 % of the missing tokens {SIGNS}"),
        ("the ##ing ##s rare", 0, "the king queen jack", f"67 % of the missing tokens {PIECES}"),
        ("the ▁king ▁영화 rare", 0, "the king queen jack", f"67 % of the missing tokens {PIECES}"),
        ("the king", 6, "the king", f"100 % of the missing tokens {UNKNOWN}"),
        ("the The end.", 2, "the end king", f"50 % of the missing tokens {UNKNOWN}; 25 % of the missing tokens "
         f"{CAPITALS}; 25 % of the missing tokens {SIGNS}"),
        ("the The a b c d e f", 0, "the k l m n o p q r", None),
        ("the a b c d", 0, "the k", "the file is small: 2 words"),
        ("영화 좋다 나쁘다", 0, "영화 a b", None),
        ("the " * 50 + "The", 0, "the", None),
    ],
)  # fmt: skip
def test_the_probable_cause(give, make_texts, file_of, text, unknown, file, cause):
    coverage = give(make_texts([text.split()], unknown=unknown), **file_of(*file.split())).coverage
    assert coverage.cause == cause
    assert (f"probable cause: {cause}" in coverage.line()) == bool(cause)


def test_trained_vectors_miss_only_what_is_unknown(give, make_texts):
    corpus = make_texts([["a", "b"] * 4], unknown=2)
    coverage = give(corpus, method="word2vec", vector_size=4, epochs=1).coverage
    assert coverage.line() == (
        "embeddings word2vec: 80.0 % of the tokens of train and 100.0 % of the 2 words have a vector; unknown to the "
        f"tokenizer: 20.0 % of the tokens; probable cause: 100 % of the missing tokens {UNKNOWN}"
    )


def test_no_word_found_is_an_error_with_the_probable_cause(give, make_texts, file_of):
    with pytest.raises(DataError) as error:
        give(make_texts([["The", "King"]]), **file_of("the", "king", "a"))
    assert str(error.value).startswith("recipes/x.yaml:12: embeddings.path: /")
    assert "none of the 2 words of the vocabulary is among its 3 words; probable cause: 100 % of the missing" in str(
        error.value
    )
    with pytest.raises(DataError, match="probable cause: another language, or texts cut into words in another way"):
        give(make_texts([["영화"]]), **file_of("the", "king"))


def test_a_bad_line_is_named_after_place_and_path(give, make_texts, file_of):
    settings = file_of("a", "b")
    with open(settings["path"], "a", encoding="utf-8") as file:
        file.write("c 1\n")
    with pytest.raises(DataError) as error:
        give(make_texts([["a"]]), **settings)
    assert str(error.value).startswith(f"recipes/x.yaml:12: embeddings.path: {settings['path']}, line 3: 1 numbers")


def test_the_home_folder(give, make_texts, file_of, tmp_path, monkeypatch):
    file_of("a")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(give(make_texts([["a"]]), method="file", path="~/vectors.txt").vectors) == 1


def test_a_missing_path_and_an_empty_corpus(give, make_texts, file_of):
    with pytest.raises(DataError, match=r"embeddings\.path: missing; method: file"):
        give(make_texts([["a"]]), method="file")
    with pytest.raises(DataError, match="train holds no token"):
        give(make_texts([[]], extra=("a",)), **file_of("a"))


def test_the_digest_of_a_file_does_not_depend_on_the_vocabulary(give, make_texts, file_of):
    settings = file_of("a", "b")
    assert give(make_texts([["a"]]), **settings).digest == give(make_texts([["b"]]), **settings, freeze=True).digest


def test_real_glove(give, make_texts, shared_data):
    corpus = make_texts([["the", "movie", "was", "great", "The", "The"]])
    path = shared_data / "glove" / "glove.6B.50d.subset.txt.gz"
    given = give(corpus, method="file", path=str(path))
    assert given.vectors.shape == (4, 50)
    assert given.coverage.cause == f"100 % of the missing tokens {CAPITALS}"


@pytest.mark.parametrize(
    ("texts", "unknown", "file"),
    [
        ([["a"] * 12, ["한국어"] * 1300, ["%"] * 40], 8, ["a", "b"]),
        ([["Film"] * 5, ["The"] * 4, ["a"]], 0, ["film", "the", "a"]),
        ([["a"] * 10], 0, ["a"]),
        ([["film,"] * 3, ["(a)"] * 2, ["a"]], 2, ["film", "a"]),
    ],
)
def test_the_numbers_of_a_line_are_those_that_it_was_written_from(give, make_texts, file_of, texts, unknown, file):
    coverage = give(make_texts(texts, unknown=unknown), **file_of(*file)).coverage
    figures = coverage_figures(coverage.line())
    assert figures["name"] == "vectors.txt" and figures["words"] == coverage.words
    for name, share in (("tokens_found", coverage.tokens), ("types_found", coverage.types)):
        assert figures[name] == pytest.approx(share, abs=5e-4)
    assert figures["tokens_unknown"] == pytest.approx(coverage.unknown, abs=5e-4)
    assert figures["missing_most_frequent"] == dict(coverage.missing)


def test_causes_are_shares_of_all_tokens(give, make_texts, file_of):
    coverage = give(make_texts([["Film"] * 5, ["The"] * 4, ["a"]]), **file_of("film", "the", "a")).coverage
    assert coverage_figures(coverage.line())["causes"] == {"capitals": pytest.approx(0.9)}


def test_another_notice_has_no_figures():
    assert coverage_figures("12 rows were skipped") is None
