"""hftk/report/comparison.py: run folders → all that a report says of them."""

from dataclasses import replace

import pytest

from hftk.report.comparison import compared
from hftk.report.runs import read_runs
from hftk.report.settings import compare_settings
from hftk.report.votes import votes


@pytest.fixture
def content():
    return lambda folder: compared(read_runs(folder), title="grid", notices=[])


def test_verdicts_of_one_seed_each(write_judged, content):
    write_judged("good", right=0.9)
    write_judged("as good", right=0.9, noise=2)
    found = content(write_judged("bad", right=0.6))
    assert [(row.name, row.rank, row.verdict) for row in found.rows] == [
        ("good", 1, "reference"),
        ("as good", 2, "tie"),
        ("bad", 3, "worse"),
    ]
    best = found.rows[0]
    assert best.interval.low < 0.9 < best.interval.high
    assert found.rows[2].interval.high < best.interval.low
    assert found.settings[2].difference == pytest.approx(-0.3)
    assert found.settings[2].difference_interval.low < -0.3 < found.settings[2].difference_interval.high < 0
    assert found.settings[2].p < 0.001
    assert found.summary[0] == "good stands first: validation accuracy 0.9000, test accuracy 0.9000 (n=200)."
    assert found.summary[1:3] == [
        "On test, beside good: 1 worse and 1 tied with it (paired tests over test examples, corrected for their "
        "number).",
        "One seed each: what other seeds would give is not known.",
    ]


def test_ties_are_said_as_such(write_judged, content):
    write_judged("a", right=0.9)
    write_judged("b", right=0.89)
    found = content(write_judged("c", right=0.88))
    assert {row.verdict for row in found.rows} == {"reference", "tie"}
    assert "No difference is shown on test: all 2 others are tied with a (paired tests" in found.summary[1]


def test_seeds_are_one_setting(write_judged, content):
    for seed, right in enumerate((0.90, 0.91, 0.92)):
        write_judged(f"a,seed={seed}", right=right, setting="a", seed=seed)
        write_judged(f"b,seed={seed}", right=right - 0.3, setting="b", seed=seed)
    found = content(write_judged("b,seed=3", right=0.6, setting="b", seed=3, status="failed"))
    assert [(row.setting, row.seeds, row.planned, row.verdict) for row in found.settings] == [
        ("a", 3, 3, "reference"),
        ("b", 3, 4, "worse"),
    ]
    assert found.settings[0].test == pytest.approx(0.91) and found.settings[0].sd == pytest.approx(0.01, rel=0.1)
    assert [row.verdict for row in found.rows] == ["reference"] * 3 + ["worse"] * 3 + [None]
    assert "paired tests over seeds and test examples" in found.summary[1]
    assert not any("One seed each" in sentence for sentence in found.summary)


def test_no_test_split(write_run, content):
    write_run("a", metrics={"validation_accuracy": 0.5})
    found = content(write_run("b", metrics={"validation_accuracy": 0.4}))
    assert [row.verdict for row in found.rows] == [None, None]
    assert "There is no test split" in found.summary[-1]


def test_a_run_whose_predictions_are_gone(write_judged, content):
    write_judged("a", right=0.9)
    folder = write_judged("b", right=0.8)
    (folder / "b" / "predictions.parquet").unlink()
    found = content(folder)
    assert [row.verdict for row in found.rows] == [None, None]
    assert any(notice.startswith("b: without its predictions here: ") for notice in found.notices)


def test_the_same_finding_of_two_runs_is_told_once(write_judged, content):
    finding = {"kind": "overfitting", "message": "It does.", "numbers": {"gap": 0.5}, "epoch": 2.0}
    suggestion = {"key": "training.learning_rate", "value": 1e-05}
    write_judged("a", right=0.9, findings=[finding | {"suggestion": suggestion}])
    found = content(write_judged("b", right=0.8, findings=[finding | {"suggestion": suggestion}]))
    [row] = found.findings
    assert (row.runs, row.kind, row.epoch) == (("a", "b"), "overfitting", 2.0)
    assert row.suggestion == "training.learning_rate=1e-05"
    assert "Found: overfitting in 2 runs." in found.summary


def test_how_often_test_was_looked_at(write_judged, content):
    write_judged("a", right=0.9)
    found = content(write_judged("b", right=0.8))
    assert found.summary[-1] == (
        "a has accuracy 0.9000 on validation, the best of 2 settings there, the same as on test. Test was looked at 2 "
        "times, once per finished run."
    )


def test_calibration_stands_beside_accuracy(write_judged, content):
    [row] = content(write_judged("a", right=0.9)).rows
    assert row.figures["test_ece"] == pytest.approx(0.1, abs=1e-6)
    assert row.figures["test_brier"] == pytest.approx(0.9 * 2 * 0.2**2 + 0.1 * 2 * 0.8**2, abs=1e-6)


def test_classes_and_confusions(write_judged, content):
    found = content(write_judged("a", right=0.9, labels=["가", "나", "다"]))
    [own] = found.classes
    assert (own.row, own.split, sum(own.support)) == ("a", "test", 200)
    assert sum(map(sum, own.confusion)) == 200
    assert found.confused[0] == ("가", "나", 7, pytest.approx(7 / 67))


def test_hardest_examples_name_their_rows(write_judged, content):
    write_judged("a", right=0.9)
    found = content(write_judged("b", right=0.5))
    assert found.hardest[0].where == "row 180 of test.csv"
    assert (found.hardest[0].label, found.hardest[0].said, found.hardest[0].share) == ("negative", "positive", 1.0)


def test_where_attention_went(write_judged, content):
    looked = {"position": 199, "tokens": ["참", "좋다"], "weights": [0.25, 0.75]}
    [text] = content(write_judged("a", right=0.9, attention=[looked])).attention
    assert (text.run, text.label, text.said, text.weights) == ("a", "positive", "negative", [0.25, 0.75])


def test_a_baseline_has_no_seed_to_vary_by(write_judged):
    """Seeds of the settings say nothing about how sure a baseline's figure is."""
    for seed, right in enumerate((0.80, 0.90, 0.70)):
        write_judged(f"a,seed={seed}", right=right, setting="a", seed=seed)
        folder = write_judged(f"b,seed={seed}", right=right, setting="b", seed=seed, noise=seed + 5)
    runs = read_runs(write_judged("counted", right=0.6))
    seen = votes(runs)
    as_run = compare_settings(runs, seen=seen, ranking=runs[0].ranking)
    runs = [run for run in read_runs(folder) if run.name != "counted"]
    as_baseline = compare_settings(runs, seen=replace(seen, baselines=["counted"]), ranking=runs[0].ranking)
    wide, narrow = ({row.setting: row for row in rows} for rows in (as_run, as_baseline))
    assert narrow["counted"].high - narrow["counted"].low < 0.14 < wide["counted"].high - wide["counted"].low
    assert narrow["a"] == wide["a"] and narrow["counted"].p < wide["counted"].p
