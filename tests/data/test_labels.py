import pytest

from hftk.data.labels import build_label_map
from hftk.data.rows import HIDDEN
from hftk.data.where import Where
from hftk.errors import DataError


def build(values, *, textual=False, class_names=None, label_names=None):
    return build_label_map(
        values, column="y", textual=textual, class_names=class_names, label_names=label_names, where=Where()
    )


@pytest.mark.parametrize(
    ("values", "textual", "names"),
    [
        (["b", "a", "b"], False, ["a", "b"]),
        ([10, 9, 2], False, ["2", "9", "10"]),
        ([1.0, 0.0], False, ["0", "1"]),
        ([1, 0.0], False, ["0", "1"]),
        ([-1, 1], False, ["-1", "1"]),
        ([True, False], False, ["False", "True"]),
        (["10", "9"], True, ["9", "10"]),
        (["1.0", "0.0"], True, ["0", "1"]),
        (["01", "02"], True, ["01", "02"]),
        (["10", "9"], False, ["10", "9"]),
        (["NA", "null", None], True, ["NA", "null"]),
    ],
)
def test_order_and_names(values, textual, names):
    label_map, notices = build(values, textual=textual)
    assert label_map.names == names
    assert not notices
    assert [label_map.names[label_map.id_of(value)] for value in values if isinstance(value, str)] == [
        str(label_map.names[label_map.id_of(value)]) for value in values if isinstance(value, str)
    ]


def test_ids():
    numbers, _ = build(["10", "9"], textual=True)
    assert [numbers.id_of(value) for value in ("9", "10", 9, 9.0, "9.0", "11", None, True, [9], HIDDEN)] == [
        0, 1, 0, 0, 0, None, None, None, None, None
    ]  # fmt: skip
    words, _ = build(["10", "9"])
    assert [words.id_of(value) for value in ("10", "9", 9)] == [0, 1, None]


def test_declared_classes_keep_order_and_names():
    label_map, notices = build(["pos", "neg", HIDDEN], class_names=["neg", "pos", "neutral"])
    assert label_map.names == ["neg", "pos", "neutral"]
    assert notices == ["classes without a row in train: neutral"]


def test_label_names():
    label_map, notices = build([1, 0, 1], label_names={1: "acceptable", 0: "unacceptable", 2: "unknown"})
    assert label_map.names == ["unacceptable", "acceptable", "unknown"]
    assert label_map.id_of("1") == 1
    assert notices == ["classes without a row in train: unknown"]
    assert build([True, False], label_names={0: "no", 1: "yes"})[0].id_of(True) == 1


def test_labels_that_differ_only_in_case_are_told():
    assert build(["pos", "Pos ", "neg"])[1] == ["some labels differ only in case or white space: 'Pos ', 'neg', 'pos'"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"values": [None, None]}, r"^data\.columns\.label: all labels of train in column y are null$"),
        ({"values": [HIDDEN], "class_names": ["a", "b"]}, r"are hidden \(-1, the publisher keeps them secret\)$"),
        (
            {"values": [0.5, 1.0]},
            r"column y holds numbers that are not whole \(0\.5\); regression targets are not supp",
        ),
        ({"values": ["0.5", "1.0"], "textual": True}, r"not whole \(0\.5\); regression targets are not supported yet"),
        ({"values": [["a"], ["b"]]}, r"column y holds lists \(\['a'\]\); multi-label targets are not supported yet$"),
        ({"values": ["a", 1]}, r"holds labels of several types \(int, str\); a column of classes holds one"),
        ({"values": [{"a": 1}, {"a": 2}]}, r"holds values of type dict \(\{'a': 1\}\); classes are words"),
        ({"values": ["a", "a"]}, r"all 2 rows of train have the label 'a'; at least two classes are needed$"),
        ({"values": list(range(60))}, r"60 different values in 60 rows of train \(0, 1, 2 and 57 more\).*regression"),
        (
            {"values": ["a", "b"], "label_names": {0: "x"}},
            r"^data\.label_names: is for labels that are numbers.*\(a, b\)",
        ),
        (
            {"values": [0, 1, 7], "label_names": {0: "x", 1: "y"}},
            r"^data\.label_names: no name for 7; named are 0, 1; ",
        ),
        ({"values": [0, 1], "label_names": {0: "x", 1: "x"}}, r"^data\.label_names: two classes are called x"),
    ],
)
def test_what_are_no_classes(keys, message):
    with pytest.raises(DataError, match=message):
        build(**keys)


def test_many_classes_with_many_rows_are_fine():
    assert len(build([f"{i % 150:03}" for i in range(300)])[0].names) == 150


def test_messages_about_tags():
    keys = {"column": 4, "key": "tags", "textual": True, "class_names": None, "label_names": None, "where": Where()}
    with pytest.raises(DataError, match=r"^data\.columns\.tags: all 2 tags of train are 'X'; at least two classes are"):
        build_label_map(["X", "X"], **keys)
    with pytest.raises(DataError, match=r"^data\.columns\.tags: all tags of train in column 4 are null$"):
        build_label_map([None], **keys)
