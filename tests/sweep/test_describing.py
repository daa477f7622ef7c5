"""Runs that train on the same data share one description of them."""

from types import SimpleNamespace

import pytest

from hftk.data import load
from hftk.recipe import read_sweep
from hftk.sweep.describing import describe_each


@pytest.fixture
def described(tiny_csv, tmp_path):
    """Describes the data of a small sweep; gives the folder and what was told and warned of."""

    def described(*limits: int):
        recipe = {"name": "x", "data": {"path": str(tiny_csv)}, "model": {"architecture": "rnn"}, "seeds": [1, 2]}
        recipe["sweep"] = {"parameters": {"data.limit": {"values": list(limits)}}}
        plan = read_sweep(recipe)
        inputs = {run.name: SimpleNamespace(data=load(run.recipe.data, task=run.recipe.task)) for run in plan.runs}
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
