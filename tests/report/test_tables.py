import csv
import io
import json
import math

import pytest

from hftk.report.runs import read_runs
from hftk.report.tables import (
    epochs_table,
    failures_table,
    ranked_table,
    results_csv,
    settings_table,
    terminal_table,
)


def test_results_csv_has_fixed_columns_and_full_figures(write_run):
    metrics = {"test_loss": 0.5, "test_accuracy": 1 / 3, "validation_loss": math.nan, "validation_f1": 0.1}
    write_run("a", metrics=metrics | {"validation_accuracy": 0.25}, swept={"model.cell": "gru", "peft": {"r": 8}})
    folder = write_run("b", status="failed", reason="a\nb,c", metrics={}, swept={"model.cell": "한국어", "peft": None})
    assert results_csv(read_runs(folder)) == (
        "run,model.cell,peft,seed,status,reason,epochs,best_epoch,seconds,parameters,"
        "validation_accuracy,validation_f1,validation_loss,test_accuracy,test_loss\n"
        'a,gru,"{""r"": 8}",0,finished,,3.0,2.0,65.2,22713602,0.25,0.1,nan,0.3333333333333333,0.5\n'
        'b,한국어,,0,failed,"a\nb,c",3.0,2.0,65.2,22713602,,,,,\n'
    )


def test_results_csv_without_a_test_split(write_run):
    folder = write_run("a", metrics={"validation_accuracy": 0.5, "validation_loss": 0.5})
    [header, _] = csv.reader(io.StringIO(results_csv(read_runs(folder))))
    assert not [column for column in header if column.startswith("test_")]


def test_ranked_table(write_run):
    write_run("a", accuracy=0.7, keep="last")
    write_run("b", accuracy=0.8)
    folder = write_run("c", status="failed", metrics={}, parameters=None, trainable_parameters=None, epochs=None)
    table = ranked_table(read_runs(folder))
    assert [table.columns, *table.rows] == [
        ["rank", "run", "status", "validation accuracy", "validation loss", "test accuracy", "test loss"]
        + ["epochs", "kept epoch", "parameters", "time"],
        ["1", "b", "finished", "0.8000", "0.4400", "0.8000", "0.5000", "3", "2", "22,713,602", "1 min 05 s"],
        ["2", "a", "finished", "0.7000", "0.4400", "0.7000", "0.5000", "3", "3", "22,713,602", "1 min 05 s"],
        ["–", "c", "failed", "–", "–", "–", "–", "3", "–", "–", "1 min 05 s"],
    ]


def test_no_status_where_all_finished_and_no_rank_without_a_figure(write_run):
    write_run("a", accuracy=math.nan)
    folder = write_run("b")
    table = ranked_table(read_runs(folder))
    assert "status" not in table.columns
    assert [row[:3] for row in table.rows] == [["1", "b", "0.8123"], ["–", "a", "NaN"]]


def test_the_terminal_sees_the_same_figures(write_run):
    folder = write_run("a")
    table = terminal_table(read_runs(folder))
    assert table.columns == ["rank", "run", "validation accuracy", "test accuracy", "kept epoch", "time"]
    assert table.rows == [["1", "a", "0.8123", "0.8123", "2", "1 min 05 s"]]


def test_a_smaller_test_set_shows_its_n_beside_every_test_figure(write_run, data):
    smaller = data(rows={"train": 10, "validation": 10, "test": 1020}, rows_before={"test": 1043})
    write_run("a,seed=1", setting="a", seed=1, data=smaller)
    folder = write_run("a,seed=2", setting="a", seed=2, data=smaller)
    runs = read_runs(folder)
    for table in (ranked_table(runs), settings_table(runs), epochs_table(runs[0]), terminal_table(runs)):
        tested = [place for place, column in enumerate(table.columns) if column.startswith("test ")]
        figures = [row[place] for row in table.rows for place in tested if row[place]]
        assert figures
        assert all(figure.endswith(" (n=1,020 of 1,043)") for figure in figures)


def test_settings_over_seeds(write_run):
    for seed, accuracy in [(1, 0.5), (2, 0.7), (3, 0.6)]:
        write_run(f"a,seed={seed}", setting="a", seed=seed, accuracy=accuracy)
    write_run("b,seed=1", setting="b", seed=1, accuracy=0.65)
    write_run("b,seed=2", setting="b", seed=2, status="failed", metrics={})
    write_run("c,seed=1", setting="c", seed=1, accuracy=math.nan)
    folder = write_run("d,seed=1", setting="d", seed=1, status="failed", metrics={})
    table = settings_table(read_runs(folder)).only(["setting", "n", "validation accuracy (mean)", "sd"])
    assert table.rows == [
        ["b", "1 of 2", "0.6500", "–"],
        ["a", "3", "0.6000", "0.1000"],
        ["c", "1", "NaN", "–"],
        ["d", "0 of 1", "–", "–"],
    ]


def test_one_seed_each_needs_no_settings(write_run):
    write_run("a")
    assert settings_table(read_runs(write_run("b"))) is None


@pytest.mark.parametrize(("keep", "tested"), [("best", ["", "0.8123", ""]), ("last", ["", "", "0.8123"])])
def test_epochs_show_the_test_figure_once_where_the_weights_were_kept(write_run, keep, tested):
    [run] = read_runs(write_run("a", keep=keep))
    table = epochs_table(run)
    assert table.columns == ["epoch", "training loss", "validation accuracy", "validation loss", "test accuracy"]
    assert table.rows == [
        ["1", "0.5700", "0.8000", "0.4800", tested[0]],
        ["2", "0.3100", "0.8123", "0.4400", tested[1]],
        ["3", "0.0700", "0.8123", "0.7100", tested[2]],
    ]


def test_epochs_of_another_ranking_metric_and_within_an_epoch(write_run):
    ranking = {"metric": "validation_loss", "goal": "minimize"}
    epochs = [(0.5, None, 0.48, 0.8), (0.75, math.nan, math.nan, 0.8)]
    [run] = read_runs(write_run("a", ranking=ranking, epochs=epochs, best_epoch=0.5))
    table = epochs_table(run)
    assert table.columns == ["epoch", "training loss", "validation loss", "test loss"]
    assert table.rows == [["0.5", "–", "0.4800", "0.5000"], ["0.75", "NaN", "NaN", ""]]


def test_failures(write_run):
    write_run("a", status="failed", reason="CUDA out of memory", metrics={})
    folder = write_run("b", status="interrupted", metrics={}, epochs=None)
    assert failures_table(read_runs(folder)).rows == [
        ["a", "failed", "CUDA out of memory", "3"],
        ["b", "interrupted", "–", "3"],
    ]


def test_a_run_that_ended_early_tells_how_far_it_came(write_run):
    folder = write_run("a", status="failed", epochs=[(1.0, 0.5, 0.5, 0.5)], metrics={})
    record = json.loads((folder / "a" / "run.json").read_text()) | {"epochs": None}
    (folder / "a" / "run.json").write_text(json.dumps(record))
    assert failures_table(read_runs(folder)).rows == [["a", "failed", "–", "1"]]


def test_parameters_that_stay_frozen_are_told(write_run):
    table = ranked_table(read_runs(write_run("a", trainable_parameters=147456)))
    assert table.only(["parameters"]).rows == [["22,713,602 (147,456 trained)"]]


def test_no_failures(write_run):
    assert failures_table(read_runs(write_run("a"))) is None
