import re

import pytest

from hftk.data.decoding import read_text
from hftk.data.where import Where
from hftk.errors import DataError


def read(path, encoding=None):
    return read_text(path, encoding=encoding, where=Where())


def test_a_utf8_mark_never_becomes_part_of_the_text(write):
    assert read(write("a.csv", "text,label\n", "utf-8-sig")) == "text,label\n"
    assert read(write("b.csv", "text,label\n", "utf-8-sig"), "utf-8") == "text,label\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_marked_file_names_its_encoding_and_works_with_it(write, encoding):
    path = write("a.csv", "text,label\nétoile,1\n", encoding)
    with pytest.raises(
        DataError, match=rf"^data\.path: .*a\.csv is written in {encoding}, .* data\.encoding: {encoding}$"
    ):
        read(path)
    assert read(path, encoding) == "text,label\nétoile,1\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("text,label\n이 영화야 말로 클래식이다.,1\n정말 재미없다,0\n", "cp949"),
        ("text,label\nこれはとてもいい映画です,1\n", "shift_jis"),
        ("text,label\n这部电影非常好看,1\n", "gb18030"),
        ("text,label\nle film était très réussi,1\n", "cp1252"),
    ],
)
def test_other_encodings_are_named_with_a_sample_and_work(write, text, encoding):
    path = write("a.csv", text, encoding)
    with pytest.raises(DataError) as raised:
        read(path)
    assert re.match(rf"data\.encoding: .*a\.csv is not utf-8 \(line 2\); it looks like {encoding}, ", str(raised.value))
    assert f"write data.encoding: {encoding}" in str(raised.value)
    # the sample is readable, so that a person can tell whether the guess is right
    assert text.split("\n")[1][:6] in str(raised.value)
    assert read(path, encoding) == text


def test_the_wrong_encoding_named_is_told_the_right_one(write):
    path = write("a.csv", "text,label\n영화,1\n")
    with pytest.raises(DataError, match=r"is not ascii \(line 2\); it looks like utf-8"):
        read(path, "ascii")


def test_bytes_of_no_known_encoding(write):
    path = write("a.csv", b"text,label\n\xff\x81\x8d\x8f\x90\x9d\xfe,1\n")
    with pytest.raises(DataError, match=r"is not utf-8 \(line 2\); write the encoding it has"):
        read(path)


def test_an_unknown_encoding(write):
    with pytest.raises(DataError, match=r"^data\.encoding: no text encoding is called 'korean-ish'; known are utf-8"):
        read(write("a.csv", "x"), "korean-ish")


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"])
def test_an_empty_file(write, content):
    with pytest.raises(DataError, match=r"^data\.path: .*a\.csv is empty$"):
        read(write("a.csv", content))


def test_a_nul_is_named_with_its_line(write):
    with pytest.raises(DataError, match=r"a\.csv, line 3: a NUL character, which no text file holds$"):
        read(write("a.csv", "text,label\na,1\nb\0c,1\n"))


def test_utf16_without_a_mark(write):
    with pytest.raises(DataError, match=r"NUL character.*looks like utf-16-le: write data\.encoding: utf-16-le"):
        read(write("a.csv", "text,label\n", "utf-16-le"))
