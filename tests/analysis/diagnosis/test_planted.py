"""The short form of benchmarks/diagnosis.py: real trainings with a planted fault, and healthy ones."""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="module")
def benchmark():
    path = Path(__file__).resolve().parents[3] / "benchmarks" / "diagnosis.py"
    spec = importlib.util.spec_from_file_location("diagnosis_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    before = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = before  # it is a script
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def place(benchmark, tmp_path_factory):
    """A folder with the digits, and those with wrong labels."""
    folder = tmp_path_factory.mktemp("planted")
    (folder / "data").mkdir()
    sys.modules["benchmarks.planted_data"].write_digits(folder / "data", draw=np.random.default_rng(0))
    return folder


def found(benchmark, place, name, *, seed):
    data = place / "data"
    case = next(case for case in benchmark.cases(data) if case.name == name)
    case = replace(case, seeds=(seed,))
    folder = benchmark.train(benchmark.recipe_of(case, data=data, out=place), baselines=place / "baselines")
    baseline = json.loads((place / "baselines" / f"{name}.json").read_text())
    (row,) = [row for row in benchmark.judge(case, folder, baseline=baseline) if row["seed"] == seed]
    return row["found"]


@pytest.mark.parametrize("kind", ["stopped-too-early"])
def test_what_was_planted_is_named(kind, benchmark, place):
    assert found(benchmark, place, f"{kind}-digits", seed=5) == [kind]


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["learning-rate-too-low", "learning-rate-too-high", "vanishing-gradients", "label-noise"]
)
def test_what_was_planted_is_named_in_longer_trainings(kind, benchmark, place):
    assert found(benchmark, place, f"{kind}-digits", seed=5) == [kind]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gru", "smoothed"])
def test_a_healthy_run_is_silent(name, benchmark, place):
    assert found(benchmark, place, f"healthy-digits-{name}", seed=5) == []
