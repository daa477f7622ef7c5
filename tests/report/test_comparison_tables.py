"""hftk/report/comparison_tables.py: rows and settings as tables."""

import math
import re
from dataclasses import fields

import pytest

from hftk.report.comparison import compared
from hftk.report.comparison_tables import ranked_table, settings_table, terminal_table
from hftk.report.content import Content, Row
from hftk.report.runs import read_runs
from hftk.report.tables import epochs_table


@pytest.fixture
def content():
    return lambda folder: compared(read_runs(folder), title="grid", notices=[])


def test_ranked_table(write_run, content):
    write_run("a", accuracy=0.7, keep="last")
    write_run("b", accuracy=0.8)
    folder = write_run("c", status="failed", metrics={}, parameters=None, trainable_parameters=None, epochs=None)
    table = ranked_table(content(folder))
    assert [table.columns, *table.rows] == [
        ["rank", "run", "status", "validation accuracy", "test accuracy", "validation loss", "test loss"]
        + ["epochs", "kept epoch", "parameters", "time"],
        ["1", "b", "finished", "0.8000", "0.8000", "0.4400", "0.5000", "3", "2", "22,713,602", "1 min 05 s"],
        ["2", "a", "finished", "0.7000", "0.7000", "0.4400", "0.5000", "3", "3", "22,713,602", "1 min 05 s"],
        ["–", "c", "failed", "–", "–", "–", "–", "3", "–", "–", "1 min 05 s"],
    ]


def test_no_status_where_all_finished_and_no_rank_without_a_figure(write_run, content):
    write_run("a", accuracy=math.nan)
    folder = write_run("b")
    table = ranked_table(content(folder))
    assert "status" not in table.columns
    assert [row[:3] for row in table.rows] == [["1", "b", "0.8123"], ["–", "a", "NaN"]]


def test_the_terminal_sees_the_same_figures(write_run, content):
    folder = write_run("a")
    table = terminal_table(content(folder))
    assert table.columns == ["rank", "run", "validation accuracy", "test accuracy", "kept epoch", "time"]
    assert table.rows == [["1", "a", "0.8123", "0.8123", "2", "1 min 05 s"]]


def test_a_smaller_test_set_shows_its_n_beside_every_test_figure(write_run, data, content):
    smaller = data(rows={"train": 10, "validation": 10, "test": 1020}, rows_before={"test": 1043})
    write_run("a,seed=1", setting="a", seed=1, data=smaller)
    folder = write_run("a,seed=2", setting="a", seed=2, data=smaller)
    runs, found = read_runs(folder), content(folder)
    for table in (ranked_table(found), settings_table(found), epochs_table(runs[0]), terminal_table(found)):
        tested = [place for place, column in enumerate(table.columns) if column.startswith("test ")]
        figures = [row[place] for row in table.rows for place in tested if row[place]]
        assert figures
        assert all(figure.endswith(" (n=1,020 of 1,043)") for figure in figures)


def test_settings_over_seeds(write_run, content):
    for seed, accuracy in [(1, 0.5), (2, 0.7), (3, 0.6)]:
        write_run(f"a,seed={seed}", setting="a", seed=seed, accuracy=accuracy)
    write_run("b,seed=1", setting="b", seed=1, accuracy=0.65)
    write_run("b,seed=2", setting="b", seed=2, status="failed", metrics={})
    write_run("c,seed=1", setting="c", seed=1, accuracy=math.nan)
    folder = write_run("d,seed=1", setting="d", seed=1, status="failed", metrics={})
    table = settings_table(content(folder)).only(
        ["setting", "n", "validation accuracy (mean)", "test accuracy (mean)", "sd"]
    )
    assert table.rows == [
        ["b", "1 of 2", "0.6500", "0.6500", "–"],
        ["a", "3", "0.6000", "0.6000", "0.1000"],
        ["c", "1", "–", "–", "–"],
        ["d", "0 of 1", "–", "–", "–"],
    ]


def test_one_seed_each_needs_no_settings(write_run, content):
    write_run("a")
    assert settings_table(content(write_run("b"))) is None


def test_parameters_that_stay_frozen_are_told(write_run, content):
    table = ranked_table(content(write_run("a", trainable_parameters=147456)))
    assert table.only(["parameters"]).rows == [["22,713,602 (147,456 trained)"]]


def test_verdicts_and_intervals(write_judged, content):
    write_judged("a", right=0.9)
    table = ranked_table(content(write_judged("b", right=0.6)))
    [first, second] = table.only(["run", "95 %", "beside the first", "test brier", "test ece"]).rows
    assert first[0] == "a" and first[2:] == ["first", "0.2000", "0.1000"]
    assert re.fullmatch(r"0\.8\d\d to 0\.9\d\d", first[1])
    assert second[2] == "worse"


def test_differences_between_settings(write_judged, content):
    for seed in (1, 2, 3):
        write_judged(f"a,seed={seed}", right=0.9 + seed / 100, setting="a", seed=seed)
        folder = write_judged(f"b,seed={seed}", right=0.6 + seed / 100, setting="b", seed=seed)
    table = settings_table(content(folder))
    [first, second] = table.only(["difference to the first", "95 % of it", "p", "beside the first"]).rows
    assert first == ["–", "–", "–", "first"]
    assert second[0] == "-0.3000" and re.fullmatch(r"-0\.\d{3} to -0\.\d{3}", second[1])
    assert second[2:] == ["< 0.001", "worse"]


def test_baselines_stand_in_their_place():
    rows = [
        row("good", rank=1, validation=0.9, over=0.1),
        row("majority class", kind="baseline", validation=0.8),
        row("bad", rank=2, validation=0.7, over=-0.1),
    ]
    table = ranked_table(made(rows)).only(["rank", "run", "validation accuracy", "over baseline"])
    assert table.rows == [
        ["1", "good", "0.9000", "+0.1000"],
        ["–", "baseline: majority class", "0.8000", "–"],
        ["2", "bad", "0.7000", "-0.1000"],
    ]


def test_footnotes_are_numbered():
    table = ranked_table(made([row("a", rank=1, validation=0.9, footnotes=(1, 3)), row("b", rank=2, validation=0.8)]))
    assert table.only(["run", "notes"]).rows == [["a", "[1] [3]"], ["b", ""]]


def row(name, *, kind="run", rank=None, validation, over=None, footnotes=()):
    figures = {"validation_accuracy": validation}
    return Row(name, kind, "finished", rank, figures, over_baseline=over, footnotes=footnotes)


def made(rows):
    empty = dict.fromkeys([field.name for field in fields(Content) if field.name != "about_suspicious"], [])
    return Content(**empty | {"title": "grid", "metric": "validation_accuracy", "goal": "maximize", "rows": rows})
