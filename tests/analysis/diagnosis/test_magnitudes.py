"""Gradients that vanish and gradients that explode."""

import numpy as np

from hftk.analysis.diagnosis import diagnose


def stack(lowest, layers=8):
    values = np.geomspace(lowest, 1.0, layers)
    row = {f"recurrent.forwards.{number}": float(value) for number, value in enumerate(values)}
    return [{"step": 1.0, "epoch": 0.0, "embedding": 1e-9, **row, "classifier.1": 1.0}] * 5


SGD = {"training.optim": "sgd", "training.max_grad_norm": 0}


def test_vanishing(make, kinds, the_one, one_class, flat):
    changes = {"model.num_layers": 24}
    finding = the_one(
        make(
            curve=flat(1.386),
            changes=changes,
            gradients=stack(1e-6, 24),
            validation=one_class(shares=(0.25, 0.25, 0.25, 0.25)),
        )
    )
    assert finding.kind == "vanishing-gradients" and finding.suggestion.value == 3
    assert "the lowest of 24 layers (recurrent.forwards.0) got a median of 1e-06" in finding.message
    assert "vanishing-gradients" not in kinds(make(changes=changes, gradients=stack(1e-6, 24))), "it learnt"
    assert "vanishing-gradients" not in kinds(make(curve=flat(1.386), changes=changes, gradients=stack(0.1, 24)))
    assert "vanishing-gradients" not in kinds(make(curve=flat(1.386), gradients=stack(1e-6, 2))), "two layers"


def test_exploding(make, kinds, the_one, trace):
    evidence = {
        "curve": {"train_loss": [8.0, 4.0, 3.0], "validation_loss": [3.0, 3.0, 3.0]},
        "trace": trace([1.4, 1.5, 9.0, 4.0], [1.0, 2.0, 500.0, 3.0]),
        "gradients": stack(1.0),
    }
    finding = the_one(make(changes=SGD, **evidence))
    assert finding.kind == "exploding-gradients" and finding.numbers["step"] == 3
    assert (finding.suggestion.key, finding.suggestion.value) == ("training.max_grad_norm", 1.0)
    for cure in ({"training.max_grad_norm": 1.0}, {"training.optim": "adamw_torch"}):
        assert kinds(make(changes=SGD | cure, **evidence)) == ["learning-rate-too-high"]


def test_a_large_gradient_that_does_no_harm_is_none(make, trace):
    assert diagnose(make(changes=SGD, trace=trace([1.4, 1.3, 1.0, 0.9], [1.0, 2.0, 500.0, 3.0]))) == []


def test_exploding_from_the_first_steps_on(make, kinds, trace):
    """Seven times the first norm, as the loss is far above that of even shares from the second step on."""
    curve = {"train_loss": [8.0, 4.0, 3.0], "validation_loss": [3.0, 3.0, 3.0]}
    steps = trace([1.4, 9.0, 20.0, 9.0], [4.0, 8.0, 28.0, 7.0])
    assert kinds(make(curve=curve, changes=SGD, trace=steps)) == ["exploding-gradients"]
    even = trace([1.4, 9.0, 20.0, 9.0], [4.0, 8.0, 12.0, 7.0])
    assert kinds(make(curve=curve, changes=SGD, trace=even)) == ["learning-rate-too-high"]
