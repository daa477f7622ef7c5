"""hftk/report/gathering.py: runs of several sweeps in one comparison."""

import shutil

import pytest

from hftk.errors import RunError
from hftk.report.gathering import gather


@pytest.fixture
def sweep(write_run, tmp_path):
    """Writes tmp_path/<sweep>/<name> for each name, with these changes; returns the sweep's folder."""

    def write(sweep: str, *names: str, **changes):
        for name in names:
            folder = write_run(name, **changes)
            (tmp_path / sweep).mkdir(exist_ok=True)
            shutil.move(folder / name, tmp_path / sweep / name)
        return tmp_path / sweep

    return write


def test_one_sweep_keeps_its_names(sweep):
    assert [run.name for run in gather([sweep("one", "a", "b")])] == ["a", "b"]


def test_run_folders_of_one_sweep(sweep):
    folder = sweep("one", "a", "b", "c")
    assert [run.name for run in gather([folder / "a", folder / "c"])] == ["a", "c"]


def test_a_folder_that_is_named_twice_counts_once(sweep):
    folder = sweep("one", "a", "b")
    assert [run.name for run in gather([folder, folder / "a", folder.parent / "one"])] == ["a", "b"]


def test_several_sweeps_are_ranked_together(sweep):
    one = sweep("one", "a", accuracy=0.7)
    two = sweep("two", "a", accuracy=0.8, setting="")
    runs = gather([one, two / "a"])
    assert [(run.name, run.setting) for run in runs] == [("two/a", "two"), ("one/a", "one/a")]


def test_other_rows_of_test_are_refused(sweep, data):
    one = sweep("one", "a", data=data(split_fingerprints={"train": "1", "test": "2"}))
    two = sweep("two", "b", data=data(split_fingerprints={"train": "1", "test": "3"}, path="reviews.csv"))
    with pytest.raises(RunError) as told:
        gather([one, two])
    assert "not judged on the same rows of test" in str(told.value)
    assert f"{two / 'b'}: 1,043 rows of reviews.csv, labels unacceptable, acceptable" in str(told.value)


def test_the_same_rows_of_test_beside_another_train_split(sweep, data):
    one = sweep("one", "a", data=data(fingerprint="x", split_fingerprints={"train": "1", "test": "2"}))
    two = sweep("two", "b", data=data(fingerprint="y", split_fingerprints={"train": "9", "test": "2"}))
    assert len(gather([one, two])) == 2


def test_records_without_a_fingerprint_per_split(sweep, data):
    one, two = sweep("one", "a"), sweep("two", "b")
    assert len(gather([one, two])) == 2
    with pytest.raises(RunError, match="not judged on the same rows of test"):
        gather([one, two, sweep("three", "c", data=data(fingerprint="other"))])


def test_two_sweeps_of_the_same_name(sweep, tmp_path):
    one = sweep("one", "a")
    (tmp_path / "copy").mkdir()
    shutil.copytree(one, tmp_path / "copy" / "one")
    with pytest.raises(RunError, match=r"one/a: two folders hold a run of this name: .*Rename the folder"):
        gather([one, tmp_path / "copy" / "one"])


def test_a_folder_without_runs(tmp_path):
    with pytest.raises(RunError, match="no runs found"):
        gather([tmp_path])
