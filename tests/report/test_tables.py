import csv
import io
import json
import math

import pytest

from hftk.report.comparison import compared
from hftk.report.runs import read_runs
from hftk.report.tables import epochs_table, failures_table, results_csv


@pytest.fixture
def written():
    def write(folder):
        runs = read_runs(folder)
        return results_csv(runs, compared(runs, title="grid", notices=[]))

    return write


def test_results_csv_has_fixed_columns_and_full_figures(write_run, written):
    metrics = {"test_loss": 0.5, "test_accuracy": 1 / 3, "validation_loss": math.nan, "validation_f1": 0.1}
    write_run("a", metrics=metrics | {"validation_accuracy": 0.25}, swept={"model.cell": "gru", "peft": {"r": 8}})
    folder = write_run("b", status="failed", reason="a\nb,c", metrics={}, swept={"model.cell": "한국어", "peft": None})
    assert written(folder) == (
        "run,model.cell,peft,seed,status,reason,epochs,best_epoch,seconds,parameters,"
        "validation_accuracy,validation_f1,validation_loss,test_accuracy,test_loss,"
        "over_baseline,verdict\n"
        'a,gru,"{""r"": 8}",0,finished,,3.0,2.0,65.2,22713602,0.25,0.1,nan,0.3333333333333333,0.5,,\n'
        'b,한국어,,0,failed,"a\nb,c",3.0,2.0,65.2,22713602,,,,,,,\n'
    )


def test_results_csv_without_a_test_split(write_run, written):
    folder = write_run("a", metrics={"validation_accuracy": 0.5, "validation_loss": 0.5})
    [header, _] = csv.reader(io.StringIO(written(folder)))
    assert not [column for column in header if column.startswith("test_")]


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


def test_results_csv_tells_what_was_compared(write_judged, written):
    write_judged("a", right=0.9)
    rows = list(csv.DictReader(io.StringIO(written(write_judged("b", right=0.6)))))
    assert [(row["run"], row["verdict"]) for row in rows] == [("a", "reference"), ("b", "worse")]
    assert float(rows[0]["test_ece"]) == pytest.approx(0.1, abs=1e-6)
    assert float(rows[0]["test_brier"]) == pytest.approx(0.2, abs=1e-6)


def test_no_failures(write_run):
    assert failures_table(read_runs(write_run("a"))) is None
