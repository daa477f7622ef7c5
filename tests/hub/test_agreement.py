"""Two records of a run: which figures agree, and by what they are judged."""

import math

import numpy as np
import pandas as pd
import pytest

from hftk.hub.agreement import agreement
from hftk.hub.stated import StatedRun

ROWS, RIGHT = 400, 320
FIGURES = {"validation_accuracy": 0.75, "test_accuracy": 0.8, "test_loss": 0.5}
HARDWARE = {"machine": "x86_64", "cpu": "A CPU", "threads": 2, "gpus": [], "cpus": 4}


def record(**changes) -> StatedRun:
    content = {
        "run": "seed=0",
        "status": "finished",
        "seed": 0,
        "identity": "0123456789abcdef",
        "metrics": FIGURES,
        "data": {
            "path": "reviews.csv",
            "fingerprint": "f",
            "split_fingerprints": {"train": "a", "validation": "b", "test": "c"},
            "labels": ["neg", "pos"],
        },
        "versions": {"torch": "2.13.0", "hftk": "0.6.0"},
        "hardware": HARDWARE,
        "device": "cpu",
        "files": {"model/model.safetensors": {"bytes": 1, "sha256": "w"}},
    }
    return StatedRun.model_validate(content | changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """400 rows of each split, of which 320 are right: probability 0.9 or 0.1 of the true label."""
    frames = []
    for split in ("validation", "test"):
        label = np.array(["neg", "pos"])[np.arange(ROWS) % 2]
        right = np.arange(ROWS) < RIGHT
        given = np.where(right, 0.9, 0.1)
        prediction = np.where(right, label, np.where(label == "neg", "pos", "neg"))
        chances = [[p, 1 - p] if one == "neg" else [1 - p, p] for p, one in zip(given, label, strict=True)]
        frames.append(
            pd.DataFrame(
                {
                    "row": np.arange(ROWS),
                    "source": "reviews.csv",
                    "split": split,
                    "label": label,
                    "prediction": prediction,
                    "probabilities": chances,
                }
            )
        )
    path = tmp_path_factory.mktemp("run")
    pd.concat(frames).to_parquet(path / "predictions.parquet")
    return path


def verdicts(found) -> dict[str, str]:
    return {one.name: one.verdict for one in found.figures}


def test_the_same_to_the_bit(folder):
    found = agreement(record(), record(), folder=folder, changed=False)
    assert found.exact_expected
    assert found.exact
    assert found.reproduced
    assert found.weights is True
    assert found.splits == {"train": True, "validation": True, "test": True}
    assert set(verdicts(found).values()) == {"exact"}
    assert {one.tolerance for one in found.figures} == {0.0}


def test_where_every_bit_must_agree_the_last_one_counts(folder):
    other = record(metrics=FIGURES | {"test_accuracy": math.nextafter(0.8, 1)})
    found = agreement(record(), other, folder=folder, changed=False)
    assert verdicts(found)["test_accuracy"] == "differs"
    assert not found.reproduced


def test_equal_figures_of_other_weights_are_not_the_same_to_the_bit(folder):
    other = record(files={"model/model.safetensors": {"bytes": 1, "sha256": "v"}})
    found = agreement(record(), other, folder=folder, changed=False)
    assert (found.weights, found.exact, found.reproduced) == (False, False, False)
    unknown = agreement(record(files={}), other, folder=folder, changed=False)
    assert (unknown.weights, unknown.reproduced) == (None, True)


@pytest.mark.parametrize(
    ("stated", "here", "changed"),
    [
        ({"versions": {"torch": "2.12.0", "hftk": "0.6.0"}}, {}, False),
        ({"versions": {}}, {}, False),
        ({"hardware": HARDWARE | {"threads": 1}}, {}, False),
        ({"hardware": HARDWARE | {"cpu": "Another CPU"}}, {}, False),
        ({"hardware": {key: value for key, value in HARDWARE.items() if key != "cpu"}}, {}, False),
        ({"device": "cuda"}, {"device": "cuda"}, False),
        ({"world_size": 2}, {}, False),
        ({}, {}, True),
    ],
)
def test_elsewhere_a_difference_within_the_sampling_error_is_none(stated, here, changed, folder):
    other = record(**here, metrics=FIGURES | {"test_accuracy": 0.77, "test_loss": 0.55})
    found = agreement(record(**stated), other, folder=folder, changed=changed)
    assert not found.exact_expected
    assert not found.exact
    assert found.reproduced
    assert verdicts(found) == {
        "validation_accuracy": "exact",
        "test_accuracy": "within tolerance",
        "test_loss": "within tolerance",
    }


def test_the_number_of_cores_says_nothing(folder):
    found = agreement(record(hardware=HARDWARE | {"cpus": 64}), record(), folder=folder, changed=False)
    assert found.exact_expected
    assert found.hardware == {}


def test_the_tolerance_is_that_of_two_samples(folder):
    """Against the textbook: √2 × 1.96 standard errors of a share, and of a mean."""
    found = agreement(record(versions={}), record(), folder=folder, changed=False)
    allowed = {one.name: one.tolerance for one in found.figures}
    share = RIGHT / ROWS
    assert allowed["test_accuracy"] == pytest.approx(
        math.sqrt(2) * 1.96 * math.sqrt(share * (1 - share) / ROWS), rel=0.03
    )
    losses = -np.log(np.where(np.arange(ROWS) < RIGHT, 0.9, 0.1))
    assert allowed["test_loss"] == pytest.approx(math.sqrt(2) * 1.96 * losses.std() / math.sqrt(ROWS), rel=0.03)


@pytest.mark.parametrize(("here", "verdict"), [(0.72, "differs"), (0.88, "differs"), (None, "differs")])
def test_a_larger_difference_is_one(here, verdict, folder):
    found = agreement(
        record(versions={}), record(metrics=FIGURES | {"test_accuracy": here}), folder=folder, changed=False
    )
    assert verdicts(found)["test_accuracy"] == verdict
    assert not found.reproduced


def test_a_figure_that_is_missing_here_differs(folder):
    metrics = {key: value for key, value in FIGURES.items() if key != "test_loss"}
    found = agreement(record(), record(metrics=metrics), folder=folder, changed=False)
    assert verdicts(found)["test_loss"] == "differs"


def test_nan_is_nan(folder):
    nan = FIGURES | {"test_loss": math.nan}
    found = agreement(record(metrics=nan), record(metrics=nan), folder=folder, changed=False)
    assert found.exact


def test_other_rows_are_not_compared(folder):
    data = record().data.model_dump()
    here = record(data=data | {"fingerprint": "g", "split_fingerprints": data["split_fingerprints"] | {"test": "d"}})
    found = agreement(record(), here, folder=folder, changed=True)
    assert found.splits == {"train": True, "validation": True, "test": False}
    assert verdicts(found) == {
        "validation_accuracy": "exact",
        "test_accuracy": "not compared",
        "test_loss": "not compared",
    }


def test_nothing_to_judge_is_not_reproduced(folder):
    metrics = {"test_unheard_of": 1.0}
    found = agreement(
        record(versions={}, metrics=metrics), record(metrics={"test_unheard_of": 2.0}), folder=folder, changed=False
    )
    assert verdicts(found) == {"test_unheard_of": "not compared"}
    assert not found.reproduced


def test_what_differs_is_listed_stated_first(folder):
    stated = record(versions={"torch": "2.12.0", "peft": "0.1"}, hardware=HARDWARE | {"gpus": ["H100"]}, device="cuda")
    found = agreement(stated, record(), folder=folder, changed=False)
    assert found.versions == {"torch": ("2.12.0", "2.13.0"), "peft": ("0.1", None), "hftk": (None, "0.6.0")}
    assert found.hardware == {"gpus": (["H100"], []), "device": ("cuda", "cpu")}
