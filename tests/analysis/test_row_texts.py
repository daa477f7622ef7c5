from hftk.analysis.row_texts import normalized, parts_of_row, parts_of_rows, shown, words, words_say_little


def test_what_means_nothing_is_taken_out():
    assert normalized("  Ｆｕｌｌ\u00a0 width\n\tSTRASSE ") == normalized("full width straße") == "full width strasse"
    assert normalized("e\u0301") == normalized("é")
    assert normalized(" \n") == ""


def test_words_are_runs_of_letters_and_in_unspaced_scripts_characters():
    assert words("it's 20_000 … ok") == ["it", "s", "20", "000", "ok"]
    assert words("中文 text 한국어를") == ["中", "文", "text", "한국어를"]


def test_scripts_in_which_words_say_little():
    assert words_say_little(["정말 재미있는 영화였어요 1234 !!"])
    assert words_say_little(["これは映画です"])
    assert words_say_little(["หนังเรื่องนี้ดีมาก"])
    assert not words_say_little(["a long English text with one 영화 in it"])
    assert not words_say_little(["очень хороший фильм"])
    assert not words_say_little([])


def test_parts_and_how_they_are_shown(texts, sentences):
    pair = texts(train=[("one", "two", "good"), ("three", "", "bad")])
    assert list(parts_of_rows(pair.splits["train"])) == [("one", "two"), ("three", "")]
    tagged = sentences(train=["a/N b/V"])
    assert parts_of_row(tagged.splits["train"][0]) == ("a b",)
    assert shown(("one", "two"), 20) == "one ⏎ two"
    assert shown(("abcdef",), 6) == "abcdef"
    assert shown(("abcdefg",), 6) == "abcde…"
