"""What the report says of one key at a time."""

import pytest

from hftk.report.comparison import compared
from hftk.report.markdown import report_markdown
from hftk.report.runs import read_runs


@pytest.fixture
def content():
    return lambda folder: compared(read_runs(folder), title="grid", notices=[])


@pytest.fixture
def grid(write_judged):
    """Two cells, one and four layers: more is worse for one of them only."""
    for cell, layers, right in (("gru", 1, 0.9), ("gru", 4, 0.9), ("rnn", 1, 0.8), ("rnn", 4, 0.5)):
        swept = {"model.cell": cell, "model.num_layers": layers}
        folder = write_judged(f"cell={cell},num_layers={layers}", right=right, swept=swept)
    return folder


def test_each_key_beside_its_first_value_the_others_equal(grid, content):
    found = content(grid)
    assert [(row.key, row.setting, row.against, row.value, row.verdict) for row in found.changes] == [
        ("model.cell", "cell=rnn,num_layers=1", "gru", "rnn", "worse"),
        ("model.cell", "cell=rnn,num_layers=4", "gru", "rnn", "worse"),
        ("model.num_layers", "cell=gru,num_layers=4", "1", "4", "tie"),
        ("model.num_layers", "cell=rnn,num_layers=4", "1", "4", "worse"),
    ]
    last = found.changes[-1]
    assert (last.against_test, last.test) == (pytest.approx(0.8), pytest.approx(0.5))
    assert last.difference == pytest.approx(-0.3) and last.interval.low < -0.3 < last.interval.high < 0
    assert found.lessons == [
        "model.cell: beside gru, rnn is worse in all of 2 comparisons.",
        "model.num_layers: beside 1, 4 is worse with model.cell=rnn, is not shown to differ with model.cell=gru.",
    ]


def test_the_summary_says_what_was_shown(grid, content):
    assert (
        "One key at a time, the others equal: model.cell: beside gru, rnn is worse in all of 2 comparisons. "
        "model.num_layers: beside 1, 4 is worse with model.cell=rnn, is not shown to differ with model.cell=gru."
    ) in content(grid).summary


def test_the_summary_names_no_key_that_did_nothing(write_judged, content):
    write_judged("a", right=0.9, swept={"model.cell": "gru"})
    found = content(write_judged("b", right=0.9, swept={"model.cell": "rnn"}))
    assert found.lessons == ["model.cell: beside gru, rnn is not shown to differ."]
    assert not any("One key at a time" in sentence for sentence in found.summary)


def test_report_md_says_so(grid, content):
    told = report_markdown(content(grid), runs=read_runs(grid), curves="curves.png")
    section = told.partition("## One key at a time\n\n")[2].partition("\n## ")[0]
    assert section.startswith("- model.cell: beside gru, rnn is worse in all of 2 comparisons.\n- model.num_layers:")
    assert "| model.num_layers | 1 | 4 | 0.8000 | 0.5000 | -0.3000 | " in section
    assert "adjusted for the number of these rows (Holm)" in section and "more row" not in section


def test_many_rows_stand_in_the_page_only(write_judged, content):
    for number in range(45):
        folder = write_judged(f"seed={number}", right=0.9, swept={"data.seed": number})
    told = report_markdown(content(folder), runs=read_runs(folder), curves="curves.png")
    assert told.count("| data.seed | ") == 40 and "4 more rows in report.html." in told


def test_nothing_is_said_where_runs_differ_in_more(write_judged, content):
    write_judged("a", right=0.9, swept={"model.cell": "gru", "training.learning_rate": 1e-3})
    write_judged("b", right=0.9, swept={"model.cell": "rnn", "training.learning_rate": 1e-3})
    folder = write_judged("c", right=0.8, swept={"model.cell": "lstm", "training.learning_rate": 1e-4})
    assert [row.value for row in content(folder).changes] == ["rnn"]


def test_a_failed_run_and_one_without_predictions_are_left_out(grid, content):
    (grid / "cell=rnn,num_layers=4" / "predictions.parquet").unlink()
    assert [(row.key, row.value) for row in content(grid).changes] == [("model.cell", "rnn"), ("model.num_layers", "4")]
