"""Findings go into run.json and from a worker process to its parent."""

import json
import math
import pickle

from hftk.errors import RunError
from hftk.training.findings import Finding, FindingError, Suggestion
from hftk.training.guards import NonFinite

FOUND = Finding(
    kind="non-finite",
    message="non-finite: …",
    numbers={"what": "loss", "value": math.nan, "step": 3},
    epoch=0.5,
    suggestion=Suggestion("training.learning_rate", 1e-3),
)


def test_a_finding_is_strict_json():
    written = json.loads(json.dumps(FOUND.to_json(), allow_nan=False))
    assert written == {
        "kind": "non-finite",
        "message": "non-finite: …",
        "numbers": {"what": "loss", "value": "nan", "step": 3},
        "epoch": 0.5,
        "suggestion": {"key": "training.learning_rate", "value": 0.001},
    }
    assert Finding(kind="x", message="y").to_json()["suggestion"] is None


def test_an_error_takes_its_finding_along():
    error = pickle.loads(pickle.dumps(NonFinite(FOUND)))
    assert isinstance(error, FindingError) and isinstance(error, RunError)
    assert str(error) == FOUND.message
    assert error.finding.to_json() == FOUND.to_json()
