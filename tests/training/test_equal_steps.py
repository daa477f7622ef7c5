"""Loss, gradient norm, clipping and the weights after an epoch are equal however a global batch is shared out.

Batch 16, batch 4 × accumulation 4 and 2 processes × batch 8, with a ragged last batch of 5 rows.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("one_step.py")
ALONE = [sys.executable, str(SCRIPT)]
TOGETHER = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone", str(SCRIPT)]
SHARED_OUT = {
    "4 × accumulation 4": (ALONE, {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 4}),
    "2 processes × 8": (TOGETHER, {"per_device_train_batch_size": 8}),
    "2 processes × 2 × accumulation 4": (
        TOGETHER,
        {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 4},
    ),
}
LOSSES = {
    "plain": {"label_smoothing_factor": 0.0, "class_weights": None},
    "smoothed": {"label_smoothing_factor": 0.1, "class_weights": None},
    "weighted": {"label_smoothing_factor": 0.0, "class_weights": [0.5, 2.0, 1.0]},
    "smoothed and weighted": {"label_smoothing_factor": 0.1, "class_weights": [0.5, 2.0, 1.0]},
}


def train(command, out: Path, tiny_bert: Path, training: dict, loss: dict) -> dict:
    settings = {
        "training": {**training, "label_smoothing_factor": loss["label_smoothing_factor"]},
        "class_weights": loss["class_weights"],
    }
    done = subprocess.run(
        [*command, str(out), str(tiny_bert), json.dumps(settings)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(out.read_text())


@pytest.mark.parametrize("loss", LOSSES)
def test_one_epoch_is_equal_however_the_batch_is_shared_out(loss, tiny_bert, tmp_path):
    whole = train(ALONE, tmp_path / "whole.json", tiny_bert, {"per_device_train_batch_size": 16}, LOSSES[loss])
    assert len(whole["grad_norms"]) == 3
    assert max(whole["clipped"]) <= 0.05 + 1e-6 < min(whole["grad_norms"]), "clipping must bite for this to test it"
    for name, (command, training) in SHARED_OUT.items():
        found = train(command, tmp_path / "shared.json", tiny_bert, training, LOSSES[loss])
        assert found["processes"] == (2 if command is TOGETHER else 1)
        assert found["grad_norms"] == pytest.approx(whole["grad_norms"], abs=1e-5), name
        assert found["clipped"] == pytest.approx(whole["clipped"], abs=1e-5), name
        assert found["row"] == pytest.approx(whole["row"], abs=1e-5), name
        assert found["weights"] == pytest.approx(whole["weights"], abs=1e-3), name
