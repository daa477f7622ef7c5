import pytest

from hftk.data.delimited import read_delimited
from hftk.data.where import Where
from hftk.errors import DataError


def read(path, **settings):
    defaults = dict(encoding=None, header="infer", delimiter=None, quoting="minimal", column_names=None)
    return read_delimited(path, name=path.name, where=Where(), **(defaults | settings))


def test_fields_stay_as_they_stand(write):
    words = ["NA", "null", "None", "nan", "", "01", "1.0", "1e5", " padded ", "TRUE", 'say "so"', "#N/A"]
    source = read(write("a.csv", "text,label\n" + "".join(f"{word},1\n" for word in words)))
    assert source.values("text") == words
    assert source.columns == ["text", "label"]
    assert source.textual


def test_quoted_fields_hold_delimiters_line_ends_and_marks(write):
    source = read(write("a.csv", 'text,label\r\n"one, two",1\r\n"three\r\nfour",0\r\n"say ""so""",1\r\n'))
    assert source.values("text") == ["one, two", "three\r\nfour", 'say "so"']
    assert source.lines == [2, 3, 5]


def test_tsv_without_header_and_quoting(write):
    path = write("a.tsv", '"Quoted" at the start\t1\nan odd " mark\t0\n')
    source = read(path, quoting="none", column_names=["text", "label"])
    assert source.values("text") == ['"Quoted" at the start', 'an odd " mark']
    assert source.lines == [1, 2]


def test_given_names_replace_a_header(write):
    source = read(write("a.csv", "a,b\nx,1\n"), header=True, column_names=["text", "label"])
    assert source.columns == ["text", "label"] and source.rows == 1


def test_columns_of_a_file_without_any_names_are_numbered(write):
    assert read(write("a.csv", "x,1\n"), header=None).columns == ["0", "1"]


def test_an_index_column_may_stay_nameless(write):
    assert read(write("a.csv", ",text,label\n0,x,1\n")).columns == ["Unnamed: 0", "text", "label"]


def test_long_fields_are_read(write):
    long = "word " * 100_000
    assert read(write("a.csv", f"text,label\n{long},1\n")).values("text") == [long]


def test_blank_lines_are_told(write):
    source = read(write("a.csv", "text,label\nx,1\n\ny,0\n\n\n"))
    assert source.rows == 2
    assert source.lines == [2, 4]
    assert source.notices == ("a.csv: 1 blank line between rows was passed over",)


@pytest.mark.parametrize(("row", "found"), [("x", "1 field"), ("x,y,1", "3 fields")])
def test_a_row_with_another_number_of_fields(write, row, found):
    path = write("a.csv", f"text,label\nok,1\n{row}\n")
    with pytest.raises(
        DataError, match=rf"a\.csv, line 3: {found} where the first line has 2 \(text, label\); a field that holds"
    ):
        read(path)


def test_a_row_that_does_not_fit_the_names_given(write):
    with pytest.raises(DataError, match=r"line 1: 3 fields where data\.column_names names 2 \(text, label\)\.$"):
        read(write("a.csv", "x,y,1\n"), column_names=["text", "label"], quoting="none")


@pytest.mark.parametrize("row", ['"never closed,1', '"closed" too early,1'])
def test_quotation_marks_that_do_not_pair(write, row):
    path = write("a.csv", f"text,label\nok,1\n{row}\nok,1\n")
    with pytest.raises(
        DataError, match=r"a\.csv: quotation marks do not pair in the row that begins on line 3 .*none$"
    ):
        read(path)


def test_the_wrong_delimiter_is_recognised(write):
    path = write("a.csv", "text;label\none, two;1\n")
    with pytest.raises(DataError, match=r"line 2: 2 fields .* separated by ;: write data\.delimiter: \";\"\.$"):
        read(path)
    assert "separated by tabs" in read(write("b.csv", "text\tlabel\nx\t1\n")).hint
    assert read(path, delimiter=";").values("text") == ["one, two"]


@pytest.mark.parametrize("delimiter", ["\\t", '"', "\n"])
def test_a_delimiter_that_cannot_be_one(write, delimiter):
    with pytest.raises(DataError, match=r"^data\.delimiter: .* cannot separate fields; one character is allowed"):
        read(write("a.csv", "text,label\nx,1\n"), delimiter=delimiter)


def test_a_name_that_stands_twice(write):
    with pytest.raises(DataError, match=r"a\.csv: the header names a column twice \(text\)"):
        read(write("a.csv", "text,text\nx,1\n"))
    with pytest.raises(DataError, match=r"^data\.column_names: a name stands there twice: text, text$"):
        read(write("b.csv", "x,1\n"), column_names=["text", "text"])


def test_names_that_the_first_line_holds_already(write):
    with pytest.raises(DataError, match=r"^data\.column_names: the first line of .*a\.csv holds these names already"):
        read(write("a.csv", "text,label\nx,1\n"), column_names=["text", "label"])


def test_a_header_and_nothing_else(write):
    with pytest.raises(DataError, match=r"a\.csv has a header and no row$"):
        read(write("a.csv", "text,label\n"))
