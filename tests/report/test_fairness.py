"""hftk/report/fairness.py: what differs between runs though it should not."""

import pytest

from hftk.report.fairness import footnotes
from hftk.report.runs import read_runs


@pytest.fixture
def told(write_run, tmp_path):
    """Writes runs of these changes, names a, b, c …; returns the footnotes as (text, letters of the runs)."""

    def write(*runs: dict) -> list[tuple[str, str]]:
        for name, changes in zip("abcdef", runs, strict=False):
            write_run(name, **changes)
        return [(note.text, "".join(note.runs)) for note in footnotes(read_runs(tmp_path / "grid"))]

    return write


def test_runs_that_differ_in_what_was_swept_only_have_none(told):
    assert told({"swept": {"training.learning_rate": 1e-5}}, {"swept": {"training.learning_rate": 1e-4}}) == []


def test_one_run_has_none(told):
    assert told({"world_size": 4}) == []


def test_runs_that_did_not_finish_have_none(told):
    assert told({}, {}, {"status": "failed", "world_size": 4}) == []


def test_other_data_in_train(told, data):
    parts = {"train": "1" * 64, "validation": "2" * 64, "test": "3" * 64}
    same = data() | {"split_fingerprints": parts}
    other = data() | {"split_fingerprints": parts | {"train": "4" * 64}, "relabelled": {"train": 0.547}}
    assert told({"data": same}, {"data": same}, {"data": other}) == [
        (
            "Trained on other data: 7,696 rows, 54.7% of their labels made anew (fingerprint 444444444444), elsewhere "
            "7,696 rows (fingerprint 111111111111).",
            "c",
        )
    ]


def test_another_maximum_length(told, data):
    short = data() | {"max_length": 64, "truncated": {"test": 149}}
    long = data() | {"max_length": 512, "truncated": {"test": 0}}
    assert told({"data": long}, {"data": long}, {"data": short}) == [
        (
            "Texts of at most 64 tokens (14.3 % of test longer), elsewhere 512 (0.0 % of test longer).".replace(
                " %", "%"
            ),
            "c",
        )
    ]


def test_another_number_of_updates(told, tmp_path, write_run):
    for name, step in (("a", 100), ("b", 104), ("c", 200)):
        (write_run(name, epochs=None) / name / "epochs.csv").write_text(f"step,epoch\n{step},1\n", encoding="utf-8")
    notes = footnotes(read_runs(tmp_path / "grid"))
    assert [(note.text, note.runs) for note in notes] == [("Trained for 200 optimizer steps; usual here: 104.", ("c",))]


def test_other_versions(told):
    old = {"versions": {"torch": "2.6.0", "scikit-learn": "1.6.0", "accelerate": "1.0"}}
    new = {"versions": {"torch": "2.13.0", "scikit-learn": "1.6.0", "accelerate": "1.15"}}
    assert told(new, new, old) == [("Computed with torch 2.6.0, elsewhere torch 2.13.0.", "c")]


def test_other_processes_and_another_device(told):
    assert told({}, {}, {"world_size": 2, "device": "cuda"}) == [
        ("Trained by 2 processes, elsewhere 1.", "c"),
        ("Trained on cuda, elsewhere on cpu.", "c"),
    ]


def test_a_model_that_was_tried_more_often(told):
    def run(cell, rate):
        return {"swept": {"model.cell": cell, "training.learning_rate": rate}}

    assert told(run("gru", 1), run("gru", 2), run("gru", 3), run("lstm", 1)) == [
        (
            "Of this model 3 settings were tried, of others as few as 1: the best of more tries looks better on "
            "validation than it is.",
            "abc",
        ),
        ("Of this model only 1 setting was tried, of others up to 3.", "d"),
    ]


def test_a_setting_with_fewer_seeds(told):
    assert told({"setting": "x", "seed": 1}, {"setting": "x", "seed": 2}, {"setting": "y", "seed": 1}) == [
        ("1 seed finished, elsewhere up to 2.", "c")
    ]
