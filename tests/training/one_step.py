"""Trains for one epoch under each of several settings and writes what the equality test compares.

Started alone or in two processes: python one_step.py OUT TINY_BERT SETTINGS_JSON
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import TrainerCallback, set_seed

from hftk.data.encoded import IGNORED_LABEL, TokenRows
from hftk.launcher import leave
from hftk.models._pretrained import load_model
from hftk.training.arguments import training_arguments
from hftk.training.callbacks import EpochTable
from hftk.training.loss import ClassificationLoss
from hftk.training.processes import quiet_libraries, start_processes
from hftk.training.trainer import SweepTrainer

ROWS = 37  # ragged for 16 rows a step: 16, 16, 5
LABELS = ["a", "b", "c"]


def split(rows: int, *, per_token: bool) -> TokenRows:
    """Rows of 3 to 39 tokens. Of tagged ones, some have a single label that counts and some one at each token."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 40, size=rows).astype(np.int32)
    ends = np.cumsum(lengths)
    labels = rng.integers(0, 3, size=ends[-1] if per_token else rows)
    if per_token:
        counting = np.repeat(rng.uniform(0, 1, size=rows), lengths)
        labels[rng.uniform(size=len(labels)) > counting] = IGNORED_LABEL
        labels[ends - 1] = 1
    return TokenRows(
        values={"input_ids": rng.integers(5, 60, size=ends[-1])},
        padding={"input_ids": 0},
        starts=ends - lengths,
        lengths=lengths,
        labels=labels,
        per_token=per_token,
        attention_mask=True,
        padding_side="right",
        truncated=0,
    )


class Recorder(TrainerCallback):
    """Gradient norms after clipping, as the optimizer sees them."""

    def __init__(self) -> None:
        self.clipped: list[float] = []

    def on_pre_optimizer_step(self, args, state, control, model, **kwargs) -> None:
        norms = [parameter.grad.norm() for parameter in model.parameters() if parameter.grad is not None]
        self.clipped.append(torch.stack(norms).norm().item())


class KeepNorms(TrainerCallback):
    """Gradient norms of the epoch before the table takes them."""

    def __init__(self, norms: list) -> None:
        self.norms, self.kept = norms, []

    def on_epoch_end(self, args, state, control, **kwargs) -> None:
        self.kept = [float(norm) for norm in self.norms]


def train(tiny_bert: str, task: str, training: dict, class_weights: list[float] | None, unused: Path) -> dict:
    args = training_arguments(
        {"num_train_epochs": 1, "learning_rate": 1e-3, "max_grad_norm": 0.05, "use_cpu": True, **training},
        output_dir=str(unused),
        seed=0,
        run_name="",
    )
    set_seed(0)
    model = load_model(tiny_bert, task=task, revision=None, config_overrides={}, labels=LABELS).model
    loss = ClassificationLoss(label_smoothing=args.label_smoothing_factor, class_weights=class_weights)
    norms: list[torch.Tensor] = []
    recorder, keeper = Recorder(), KeepNorms(norms)
    table = EpochTable(loss=loss, grad_norms=norms, on_row=lambda rows: None)
    per_token = task == "token-classification"
    trainer = SweepTrainer(
        model=model,
        args=args,
        train=split(ROWS, per_token=per_token),
        validation=split(21, per_token=per_token),
        loss=loss,
        metrics=["accuracy"],
        labels=LABELS,
        callbacks=[table, recorder, keeper],
        grad_norms=norms,
    )
    trainer.train()
    (row,) = table.rows
    return {
        "grad_norms": keeper.kept,
        "clipped": recorder.clipped,
        "row": {name: value for name, value in row.items() if name != "seconds"},
        "weights": {name: tensor.double().flatten()[::7].tolist() for name, tensor in model.state_dict().items()},
    }


def main() -> None:
    out, tiny_bert, settings = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
    quiet_libraries()
    processes = start_processes(use_cpu=True)
    found = [train(tiny_bert, unused=out.parent / "unused", **one) for one in settings]
    if processes.main:
        out.write_text(json.dumps({"processes": processes.world_size, "found": found}))


if __name__ == "__main__":
    main()
    leave(0)
