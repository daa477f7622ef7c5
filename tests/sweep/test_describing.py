"""Runs that train on the same data share one description of them, and those that cut alike what they lose by it."""

import pytest

from hftk.analysis.cutting import read_cutting
from hftk.recipe import read_sweep
from hftk.sweep.describing import describe_each
from hftk.sweep.inputs import Preparation


@pytest.fixture
def described(tiny_csv, tmp_path):
    """Describes the data of a small sweep; gives the folder and what was told and warned of."""

    def described(*values: int, key: str = "data.limit"):
        recipe = {"name": "x", "data": {"path": str(tiny_csv)}, "model": {"architecture": "rnn"}, "seeds": [1, 2]}
        recipe["sweep"] = {"parameters": {key: {"values": list(values)}}}
        plan = read_sweep(recipe)
        preparation = Preparation(world_size=1)
        inputs = {run.name: preparation.inputs(run) for run in plan.runs}
        warned: list[str] = []
        describe_each(plan.runs, inputs, folder=tmp_path, tell=lambda text: None, warn=warned.append)
        return inputs, warned

    return described


def test_each_data_set_once(described, tmp_path):
    inputs, warned = described(20, 30)
    assert len(inputs) == 4 and warned == []
    fingerprints = {one.data.fingerprint[:16] for one in inputs.values()}
    assert len(fingerprints) == 2
    assert {folder.name for folder in (tmp_path / "baselines").iterdir()} == fingerprints


def test_a_disk_that_refuses_stops_nothing(described, tmp_path):
    (tmp_path / "baselines").touch()
    _, warned = described(20)
    [text] = warned
    assert text.startswith(f"the report will have no baselines: {tmp_path / 'baselines'}")
    assert "cannot be written (" in text


def test_nor_does_a_mistake_of_ours(described, monkeypatch):
    def fail(data, **more):
        raise MemoryError("no room")

    monkeypatch.setattr("hftk.sweep.describing.describe_data", fail)
    _, warned = described(20)
    assert warned == ["the report will have no baselines: MemoryError: no room"]


def kept(tmp_path):
    return sorted(tmp_path.glob("baselines/*/cut-*.json"))


def test_each_cut_once_and_only_where_many_texts_are_cut(described, tiny_csv, tmp_path, monkeypatch):
    inputs, warned = described(3, 6, 16, key="data.max_length")
    assert warned == [] and len(inputs) == 6
    assert len(kept(tmp_path)) == 2, "no text has more than 16"
    for length in (3, 6):
        data = {"path": str(tiny_csv), "max_length": length}
        plan = read_sweep({"name": "x", "data": data, "model": {"architecture": "rnn"}})
        fingerprint = next(iter(inputs.values())).data.fingerprint
        found = read_cutting(tmp_path, fingerprint, plan.runs[0].recipe.model_dump(mode="json"))
        assert found.max_length == length and found.cut_share > 0.1
    before = [file.stat().st_mtime_ns for file in kept(tmp_path)]
    monkeypatch.setattr("hftk.sweep.describing.measure_cutting", None)
    assert described(3, 6, key="data.max_length")[1] == []
    assert [file.stat().st_mtime_ns for file in kept(tmp_path)] == before


def test_a_cut_that_cannot_be_measured_stops_nothing(described, tmp_path, monkeypatch):
    def fail(data, **more):
        raise MemoryError("no room")

    monkeypatch.setattr("hftk.sweep.describing.measure_cutting", fail)
    _, warned = described(3, key="data.max_length")
    assert warned == ["no run is told whether data.max_length is too short: MemoryError: no room"]
    assert len(list(tmp_path.glob("baselines/*/baselines.json"))) == 1 and kept(tmp_path) == []
