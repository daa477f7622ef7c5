"""Loss, gradient norm, clipping and the weights after an epoch are equal however a global batch is shared out.

Batch 16, batch 4 × accumulation 4 and 2 processes × batch 8, with a ragged last batch of 5 rows; labels per text, and
labels per token, of which every row has another number.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("one_step.py")
ALONE = [sys.executable, str(SCRIPT)]
TOGETHER = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone", str(SCRIPT)]
TASKS = ("text-classification", "token-classification")
LOSSES = {
    "plain": (0.0, None),
    "smoothed": (0.1, None),
    "weighted": (0.0, [0.5, 2.0, 1.0]),
    "smoothed and weighted": (0.1, [0.5, 2.0, 1.0]),
}
WHOLE = (1, {"per_device_train_batch_size": 16})
SHARED_OUT = {
    "4 × accumulation 4": (1, {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 4}),
    "2 processes × 8": (2, {"per_device_train_batch_size": 8}),
    "2 processes × 2 × accumulation 4": (2, {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 4}),
}


@pytest.fixture(scope="module")
def trained(tiny_bert, tmp_path_factory) -> dict:
    """(number of processes, training settings, task, loss) → what an epoch gave; one launch per number of processes."""
    folder = tmp_path_factory.mktemp("equal_steps")
    found = {}
    for processes, command in ((1, ALONE), (2, TOGETHER)):
        cases = [
            (name, training, task, loss)
            for name, (needed, training) in {"whole": WHOLE, **SHARED_OUT}.items()
            if needed == processes
            for task in TASKS
            for loss in LOSSES
        ]
        settings = [
            {
                "task": task,
                "training": {**training, "label_smoothing_factor": LOSSES[loss][0]},
                "class_weights": LOSSES[loss][1],
            }
            for _, training, task, loss in cases
        ]
        out = folder / f"{processes}.json"
        done = subprocess.run(
            [*command, str(out), str(tiny_bert), json.dumps(settings)], capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr[-3000:]
        written = json.loads(out.read_text())
        assert written["processes"] == processes
        found |= {(name, task, loss): one for (name, _, task, loss), one in zip(cases, written["found"], strict=True)}
    return found


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("shared_out", SHARED_OUT)
def test_an_epoch_is_equal_however_the_batch_is_shared_out(shared_out, task, loss, trained):
    whole, found = trained["whole", task, loss], trained[shared_out, task, loss]
    assert found["grad_norms"] == pytest.approx(whole["grad_norms"], abs=1e-5)
    assert found["clipped"] == pytest.approx(whole["clipped"], abs=1e-5)
    assert found["row"] == pytest.approx(whole["row"], abs=1e-5)
    assert found["weights"].keys() == whole["weights"].keys()
    for name, weights in whole["weights"].items():
        assert found["weights"][name] == pytest.approx(weights, abs=1e-5), name


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("task", TASKS)
def test_clipping_bites_here(task, loss, trained):
    whole = trained["whole", task, loss]
    assert len(whole["grad_norms"]) == 3
    assert max(whole["clipped"]) <= 0.05 + 1e-6 < min(whole["grad_norms"])


def test_the_settings_differ_from_each_other(trained):
    norms = {tuple(trained["whole", task, loss]["grad_norms"]) for task in TASKS for loss in LOSSES}
    assert len(norms) == len(TASKS) * len(LOSSES)
