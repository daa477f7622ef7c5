import os
import re
from pathlib import Path

import pytest

from hftk.errors import RunError
from hftk.report import write_comparison, write_report
from hftk.report.result import SweepResult

EXPECTED = Path(__file__).with_name("expected_report.md")


def summary(folder: Path) -> str:
    return write_report(folder).markdown.read_text(encoding="utf-8").split("\n\n")[1].replace("\n", " ")


def test_the_whole_page(write_judged, write_run, data):
    cut = data(
        rows={"train": 800, "validation": 100, "test": 200},
        rows_before={"train": 800, "validation": 100, "test": 209},
        truncated={"train": 77, "validation": 0},
        labels=["negative", "positive"],
        max_length=64,
    )
    finding = {"kind": "overfitting", "message": "Validation loss rises from epoch 2 on.", "epoch": 2.0, "numbers": {}}
    write_judged(
        "lr=1e-05",
        right=0.8,
        data=cut,
        keep="last",
        notices=["test: 23 rows skipped"],
        epochs=[(3.0, 0.1, 0.2, 0.8)],
        attention=[{"position": 0, "tokens": ["<b>", "good|film"], "weights": [0.25, 0.75]}],
    )
    write_judged(
        "lr=2e-05",
        right=0.9,
        data=cut,
        keep="last",
        notices=["slow"],
        command="hftk train x.yaml a|b",
        world_size=2,
        findings=[finding | {"suggestion": {"key": "early_stopping", "value": {"metric": "loss", "patience": 2}}}],
    )
    folder = write_run(
        "lr=9", data=cut, status="failed", reason="loss is nan | stopped", metrics={}, epochs=None, keep="last"
    )
    paths = write_report(folder)
    assert paths.notices == []
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == [
        "curves.png",
        "report.html",
        "report.md",
        "results.csv",
    ]
    assert paths.markdown.read_text(encoding="utf-8") == EXPECTED.read_text(encoding="utf-8")


def test_one_run_claims_no_rank(write_run):
    assert summary(write_run("a")) == (
        "a: validation accuracy 0.8123, test accuracy 0.8123 (n=1,043). 1 run: 1 finished. Test was looked at once per "
        "finished run, 1 time in all."
    )


def test_a_shared_first_place(write_run):
    write_run("a")
    assert summary(write_run("b")).startswith("2 runs share the first place with validation accuracy 0.8123. ")


def test_several_seeds(write_judged):
    write_judged("a,seed=1", setting="a", seed=1, right=0.8)
    write_judged("a,seed=2", setting="a", seed=2, right=0.9)
    folder = write_judged("b,seed=1", setting="b", seed=1, right=0.85)
    assert "over seeds and test examples, corrected for their number)." in summary(folder)
    page = (folder / "report.md").read_text(encoding="utf-8")
    assert "## Settings over seeds\n\n| setting | n |" in page
    assert "| a | 2 | 0.8500 | 0.8500 | 0.0707 |" in page
    assert "- seeds: 1, 2\n" in page


def test_no_figures_at_all(write_run):
    folder = write_run("a", status="failed", reason="x", metrics={}, epochs=None, data=None)
    assert summary(folder) == "1 run: 1 failed. No run has a validation_accuracy."


def test_only_one_figure(write_run):
    write_run("a", status="failed", metrics={})
    assert summary(write_run("b")).startswith(
        "Only b has a figure: validation accuracy 0.8123, test accuracy 0.8123 (n=1,043)."
    )


def test_no_test_split(write_run):
    folder = write_run("a", metrics={"validation_accuracy": 0.5, "validation_loss": 0.7})
    assert summary(folder) == (
        "a: validation accuracy 0.5000. 1 run: 1 finished. There is no test split: nothing here says how the first "
        "would do on data that it was not chosen on."
    )


def test_different_data_are_said_first_and_crown_nobody(write_run, data):
    write_run("a", accuracy=0.9, data=data(fingerprint="aa" * 32))
    write_run("b")
    folder = write_run("c")
    assert "The runs saw different data, so that none is called the first." in summary(folder)
    page = (folder / "report.md").read_text(encoding="utf-8")
    warning = page.index("> **These runs did not see the same data.**")
    assert warning < page.index("## Comparison")
    assert "| A | nyu-mll/glue | 0f0f0f0f0f0f | 7,696 | 855 | 1,043 | unacceptable, acceptable | b, c |" in page
    assert "| 1 | a | B | 0.9000 |" in page


def test_rankings_that_differ_are_told(write_run):
    write_run("a")
    write_run("b", accuracy=0.7)
    folder = write_run("c", ranking={"metric": "validation_loss", "goal": "minimize"})
    assert "Not ranked, because another metric was asked of them: c." in summary(folder)
    assert write_report(folder).notices == [
        "The runs are ranked by validation_accuracy (maximize); not so: c by validation_loss (minimize)."
    ]


def test_a_folder_still_in_work_is_told(write_run):
    folder = write_run("a")
    (folder / "b").mkdir()
    (folder / "b" / "recipe.yaml").touch()
    assert write_report(folder).notices == ["No run.json yet, so not in the table: b."]
    assert "- No run.json yet, so not in the table: b.\n" in (folder / "report.md").read_text(encoding="utf-8")


def test_weights_of_an_epoch_that_has_no_row(write_run):
    folder = write_run("a", best_epoch=2.5)
    page = write_report(folder).markdown.read_text(encoding="utf-8")
    assert "test accuracy of the kept weights (epoch 2.5): 0.8123" in page


def test_a_command_with_a_fence_in_it_stays_a_command(write_run):
    page = write_report(write_run("a", command="echo ```")).markdown.read_text(encoding="utf-8")
    assert "````\necho ```\n````" in page


def test_the_same_folder_gives_the_same_files(write_run):
    folder = write_run("a")
    paths = write_report(folder)
    written = (paths.results, paths.markdown, paths.page, paths.curves)
    before = [path.read_bytes() for path in written]
    write_report(os.fspath(folder))
    assert [path.read_bytes() for path in written] == before


def test_a_broken_run_leaves_the_last_report_whole(write_run):
    folder = write_run("a")
    before = write_report(folder).markdown.read_bytes()
    write_run("b")
    (folder / "b" / "run.json").write_text("{")
    with pytest.raises(RunError, match=r"b/run\.json: not valid JSON"):
        write_report(folder)
    assert (folder / "report.md").read_bytes() == before


def test_a_picture_that_fails_leaves_nothing_behind(write_run, monkeypatch):
    folder = write_run("a")

    def fail(runs, path, *, title):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr("hftk.report.curves.draw_curves", fail)
    with pytest.raises(RunError, match=r"curves.png: cannot be written \(disk full\)"):
        write_report(folder)
    assert [path.name for path in folder.iterdir()] == ["a"]


def test_a_data_frame_with_numbers_and_a_picture_for_a_notebook(write_run):
    write_run("1", swept={"model.cell": "None", "training.learning_rate": 1e-5})
    folder = write_run("한국어|b", status="failed", reason=None, metrics={}, swept={"model.cell": "gru"})
    result = SweepResult(write_report(folder), exit_code=1)
    frame = result.results
    assert list(frame["run"]) == ["1", "한국어|b"]
    assert list(frame["model.cell"]) == ["None", "gru"]
    assert frame["validation_accuracy"].dtype == float
    assert frame["test_accuracy"].isna().tolist() == [False, True]
    assert result.statuses == {"1": "finished", "한국어|b": "failed"}
    assert (result.report, result.curves) == (folder / "report.md", folder / "curves.png")
    assert repr(result) == f"SweepResult(folder={str(folder)!r}, runs=2, exit_code=1)"
    html = result._repr_html_()
    assert '<td style="text-align: left">한국어|b</td>' in html
    assert re.search(r'<img src="data:image/png;base64,iVBOR[\w+/=]+"', html)
    assert result._repr_markdown_().startswith(result.paths.table.markdown())


def test_a_notebook_shows_it(write_run):
    formatters = pytest.importorskip("IPython.core.formatters")
    result = SweepResult(write_report(write_run("a")), exit_code=0)
    shown, _ = formatters.DisplayFormatter().format(result)
    assert "data:image/png;base64," in shown["text/html"]


def test_runs_of_two_sweeps_in_a_folder_of_their_own(write_judged, tmp_path, monkeypatch):
    folder = write_judged("a", right=0.9)
    folder.rename(tmp_path / "one")
    folder = write_judged("b", right=0.6)
    monkeypatch.chdir(tmp_path)
    paths = write_comparison(["one", folder])
    assert paths.markdown == Path("comparison/report.md")
    assert [row[:2] for row in paths.table.rows] == [["1", "one/a"], ["2", "grid/b"]]
    assert not (folder / "report.md").exists()
    again = write_comparison([tmp_path / "one" / "a", folder / "b"], output=tmp_path / "두 실험")
    assert again.page.is_file() and "두 실험" in again.page.read_text(encoding="utf-8")


def test_one_sweep_is_reported_where_it_lies(write_judged):
    folder = write_judged("a", right=0.9)
    assert write_comparison([folder]).markdown == folder / "report.md"


def test_a_report_elsewhere_spares_other_runs(write_judged, tmp_path):
    folder = write_judged("a", right=0.9)
    with pytest.raises(RunError, match=r"grid: holds runs, whose own report would be overwritten; .* by --output"):
        write_comparison([folder / "a"], output=folder)
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"file: cannot be made \(File exists\); name another folder by --output"):
        write_comparison([folder / "a"], output=tmp_path / "file")
