from hftk.report.differences import data_letters, data_table
from hftk.report.runs import read_runs


def test_the_same_data(write_run):
    write_run("a")
    assert data_letters(read_runs(write_run("b"))) is None


def test_any_difference_tells_runs_apart_the_most_common_data_first(write_run, data):
    write_run("a", data=data(fingerprint="11" * 32))
    write_run("b")
    write_run("c")
    write_run("d", data=data(rows={"train": 7696, "validation": 855, "test": 1}))
    write_run("e", data=data(labels=["acceptable", "unacceptable"]))
    folder = write_run("f", status="failed", data=None)
    runs = sorted(read_runs(folder), key=lambda run: run.name)
    assert data_letters(runs) == {"a": "B", "b": "A", "c": "A", "d": "C", "e": "D", "f": "–"}
    assert data_table(runs).rows[1] == [
        "B", "nyu-mll/glue", "111111111111", "7,696", "855", "1,043", "unacceptable, acceptable", "a",
    ]  # fmt: skip


def test_what_differs_in_train_only_can_be_compared(write_run, data):
    """Relabelled, or fewer rows to learn from: validation and test, which figures are of, are the same."""
    parts = {"train": "1" * 64, "validation": "2" * 64, "test": "3" * 64}
    write_run("a", data=data(fingerprint="11" * 32, split_fingerprints=parts))
    fewer = {"train": 700, "validation": 855, "test": 1043}
    changed = {"split_fingerprints": parts | {"train": "4" * 64}, "rows": fewer}
    folder = write_run("b", data=data(fingerprint="22" * 32, **changed))
    assert data_letters(read_runs(folder)) is None
    changed = {"split_fingerprints": parts | {"validation": "4" * 64}}
    folder = write_run("c", data=data(fingerprint="33" * 32, **changed))
    assert data_letters(read_runs(folder)) == {"a": "A", "b": "A", "c": "B"}


def test_a_run_of_an_earlier_version_saw_the_same_data_as_one_that_tells_of_its_splits(write_run, data):
    write_run("a", data=data(fingerprint="11" * 32))
    parts = {"train": "1" * 64, "validation": "2" * 64, "test": "3" * 64}
    folder = write_run("b", data=data(fingerprint="11" * 32, split_fingerprints=parts))
    assert data_letters(read_runs(folder)) is None
    folder = write_run("c", data=data(fingerprint="22" * 32))
    assert data_letters(read_runs(folder)) == {"a": "A", "b": "A", "c": "B"}


def test_a_run_that_never_saw_data_is_no_difference(write_run):
    write_run("a")
    assert data_letters(read_runs(write_run("b", status="failed", data=None))) is None


def test_more_data_than_letters(write_run, data):
    for number in range(28):
        folder = write_run(f"{number:02}", data=data(fingerprint=f"{number:064}"))
    assert list(data_letters(read_runs(folder)).values())[-3:] == ["Z", "Z1", "Z2"]
