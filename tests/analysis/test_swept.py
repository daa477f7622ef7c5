"""Swept keys, one by one."""

from hftk.analysis.swept import content, taken_apart


def test_a_mapping_becomes_the_keys_below_it_that_differ_where_others_sweep_them():
    swept = [
        {"model": {"architecture": "rnn", "cell": "gru", "hidden_size": 8}, "model.cell": "gru", "peft": {"r": 8}},
        {"model": {"architecture": "cnn_lstm", "hidden_size": 8}, "peft": None},
    ]
    assert taken_apart(swept) == [
        {"peft": {"r": 8}, "model.architecture": "rnn", "model.cell": "gru"},
        {"peft": None, "model.architecture": "cnn_lstm"},
    ]


def test_other_mappings_stay_whole_and_equal_values_of_single_keys_too():
    swept = [{"embeddings": {"method": "word2vec"}, "model.cell": "gru"}, {"embeddings": None, "model.cell": "gru"}]
    assert taken_apart(swept) == swept
    assert taken_apart([]) == []


def test_equal_values_have_equal_content():
    assert content({"a": 1, "b": [2]}) == content({"b": [2], "a": 1}) != content({"a": 1, "b": [3]})
    assert content(None) != content("null") and content(1) != content(True)
