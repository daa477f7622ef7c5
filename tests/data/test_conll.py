import pytest

from hftk.data.conll import read_conll
from hftk.data.where import Where
from hftk.errors import DataError
from hftk.recipe import schema

CONLLU = """\
# newdoc id = one
# text = I don't.
1\tI\ti\tPRON\tPRP
2-3\tdon't\t_\t_\t_
2\tdo\tdo\tAUX\tVBP
3\tn't\tnot\tPART\tRB
3.1\tgo\tgo\tVERB\tVB
4\t#\t#\tSYM\tNN

# text = A b c
1\tA b\ta\tDET\tDT

"""
CONLL_2003 = """\
-DOCSTART- -X- O O

EU NNP B-NP B-ORG
1-2 CD I-NP O
8.1  CD\u00a0 I-NP O
# # O O

-DOCSTART- -X- O O

Peter NNP B-NP B-PER \r
"""


def read(path, tokens, tags, **keys):
    columns = schema.Columns(tokens=tokens, tags=tags)
    return read_conll(path, name=path.name, columns=columns, where=Where(), **{"encoding": None} | keys)


@pytest.mark.parametrize("name", ["a.conllu", "a.txt"])
def test_the_form_of_universal_dependencies(write, name):
    source = read(write(name, CONLLU), 1, 4)
    assert source.values(1) == [["I", "do", "n't", "#"], ["A b"]]
    assert source.values(4) == [["PRP", "VBP", "RB", "NN"], ["DT"]]
    assert source.lines == [3, 11] and source.notices == ()


def test_the_form_of_2003(write):
    source = read(write("a.conll", CONLL_2003), 0, 3)
    # neither a score nor a number sign is an id or a comment here
    assert source.values(0) == [["EU", "1-2", "8.1", "#"], ["Peter"]]
    assert source.values(3) == [["B-ORG", "O", "O", "O"], ["B-PER"]]
    assert source.lines == [3, 10]
    assert source.notices == ("a.conll: 2 lines are -DOCSTART-, which begins a document, and passed over",)


def test_a_token_that_looks_like_the_first_id(write):
    assert read(write("a.conll", "1 CD\n# #\n1-2 CD\n"), 0, 1).values(0) == [["1", "#", "1-2"]]


def test_a_comment_in_a_file_of_tabs(write):
    source = read(write("a.bio", "# id = 7\nEU\tB-ORG\n#\tO\n\n# the end\n"), 0, 1)
    assert source.values(0) == [["EU", "#"]]


def test_an_encoding(write):
    path = write("a.conll", "영화 NN\n좋다 VA\n", "cp949")
    assert read(path, 0, 1, encoding="cp949").values(0) == [["영화", "좋다"]]
    with pytest.raises(DataError, match=r"write data\.encoding: cp949$"):
        read(path, 0, 1)


@pytest.mark.parametrize(
    ("content", "columns", "message"),
    [
        (
            "EU B-ORG\nrejects\n",
            (0, 1),
            r"^data\.columns\.tags: .*a\.conll, line 2: no column 1, as there are 1, counted from 0 \(0 = rejects\); ",
        ),
        ("EU B-ORG\n", (7, 1), r"^data\.columns\.tokens: .*a\.conll, line 1: no column 7, as there are 2, .*1 = B-ORG"),
        (
            "EU B-ORG\nNew York B-LOC\n",
            (0, 1),
            r"^data\.path: .*a\.conll, line 2: 3 columns where the lines before it in the sentence have 2 \(0 = New, ",
        ),
        ("-DOCSTART- O\n\n", (0, 1), r"^data\.path: .*a\.conll holds no sentence$"),
        (
            "# c\n1\tEU\tNNP\n",
            ("tokens", "tags"),
            r"^data\.columns\.tokens: a\.conll is a CoNLL file, whose columns have numbers, not names \(tokens\); "
            r"write data\.columns: \{tokens: <number>, tags: <number>\}\. Its first line: 0 = 1, 1 = EU, 2 = NNP$",
        ),
    ],
)
def test_what_cannot_be_read(write, content, columns, message):
    with pytest.raises(DataError, match=message):
        read(write("a.conll", content), *columns)


def test_a_folder_and_its_splits(write, load_tags):
    for name, count in {"train": 20, "dev": 3, "test": 2}.items():
        write(f"set/{name}.conll", "".join(f"word{i} X\nof Y\n\n" for i in range(count)))
    keys = {"path": "set", "columns": {"tokens": 0, "tags": 1}}
    data = load_tags(**keys)
    assert data.rows_before == {"train": 20, "validation": 3, "test": 2}
    assert data.splits["test"][1] == {"row": 1, "source": "test.conll", "tokens": ["word1", "of"], "tags": [0, 1]}
    shares = load_tags(**keys, splits={"train": ["train.conll", "dev"], "validation": 0.25, "test": "test"})
    assert shares.rows_before == {"train": 17, "validation": 6, "test": 2}
    assert load_tags(path="set/train.conll", columns=keys["columns"]).rows_before["train"] == 16


@pytest.mark.parametrize("name", ["train.txt", "train.tsv"])
def test_files_that_are_conll_when_columns_have_numbers(write, load_tags, name):
    write(f"set/{name}", "a\tX\nb\tY\n\n" * 20)
    write("set/README.md", "x")
    assert load_tags(path="set", columns={"tokens": 0, "tags": 1}).labels == ["X", "Y"]
    with pytest.raises(
        DataError, match=r"^data\.path: no data file in the folder set; .*, and \.txt and \.tsv where columns\.tokens"
    ):
        load_tags(path="set")


def test_a_number_where_columns_have_names(write, folder, load_tags):
    write("a.json", '[{"tokens": ["a"], "tags": ["X"]}]')
    with pytest.raises(
        DataError,
        match=r"^data\.columns\.tokens: 1 is the number of a CoNLL file's column, but the columns of a\.json have",
    ):
        load_tags(path="a.json", columns={"tokens": 1, "tags": 2})


def test_settings_of_csv_are_refused(write, load_tags):
    write("train.tsv", "a\tX\n")
    with pytest.raises(DataError, match=r"^data\.quoting: has no effect on train\.tsv"):
        load_tags(path="train.tsv", columns={"tokens": 0, "tags": 1}, quoting="none")
