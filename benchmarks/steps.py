"""One training step of hftk beside a plain PyTorch loop: a tiny Transformer, and a GRU over news.

    python benchmarks/steps.py [FOLDER_OF_TWENTY_NEWSGROUPS] [--steps N] [--repeats N]

Both sides train the same rows in batches of the same size with AdamW, clipping and a learning rate that falls to zero,
one after the other and again, in one process.

- transformer: scikit-learn's digits as 8 rows of 8 pixels, hidden size 20, 2 heads, 1 layer, batch 20. Both sides have
  the same model, so that what differs is the work around it.
- gru: 2 layers of 128, both directions, over frozen vectors of 100 numbers, batch 64, 150 tokens at most. The plain
  loop pads every row to 150 and runs nn.GRU over the padding. Without the folder: rows whose lengths are drawn from a
  lognormal distribution (median 113, sigma 1) over 20,000 words, near those of 20 Newsgroups' bodies.

Times are CPU time of the process, evaluation and set-up left out: on a busy machine wall time says little.
"""

import argparse
import itertools
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset
from transformers import PreTrainedModel, TrainerCallback, get_scheduler, set_seed

from hftk.data import load
from hftk.data.encoded import EncodedSplit, ImageRows, TokenRows
from hftk.data.tokens import tokenize
from hftk.data.words import build_tokenizer
from hftk.models.rnn import RnnConfig, RnnForSequenceClassification
from hftk.models.transformer import TransformerConfig, TransformerForImageClassification
from hftk.recipe import schema
from hftk.training.arguments import sampling_strategy, training_arguments
from hftk.training.callbacks import EpochTable, Report
from hftk.training.loss import ClassificationLoss
from hftk.training.processes import quiet_libraries, start_processes
from hftk.training.trainer import SweepTrainer

WARM_UP = 5  # steps that are not timed: the first ones allocate
LEARNING_RATE, MAX_GRAD_NORM = 1e-3, 5.0
MAX_LENGTH, WORDS, VECTOR_SIZE = 150, 20_000, 100


@dataclass(frozen=True)
class Case:
    name: str
    batch_size: int
    rows: EncodedSplit
    model: Callable[[], PreTrainedModel]
    plain_model: Callable[[], nn.Module]
    plain_rows: TensorDataset
    steps: int
    """Timed steps of hftk per repeat, where the command does not say another number."""
    plain_steps: int
    """Of the plain loop, whose steps are all alike."""


def main() -> None:
    asked = _arguments()
    quiet_libraries()
    start_processes(use_cpu=True)
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}; milliseconds of CPU time per step")
    print("| step | plain loop | plain loop, fused AdamW | hftk | ratio | ratio to fused | least, most |")
    print("|---|---|---|---|---|---|---|")
    for case in (_transformer(), _gru(asked.data)):
        steps, plain_steps = asked.steps or case.steps, asked.steps or case.plain_steps
        print(_line(case, steps=steps, plain_steps=plain_steps, repeats=asked.repeats), flush=True)


def _line(case: Case, *, steps: int, plain_steps: int, repeats: int) -> str:
    sides = {
        "plain": partial(_plain, steps=plain_steps + WARM_UP, fused=False),
        "fused": partial(_plain, steps=plain_steps + WARM_UP, fused=True),
        "hftk": partial(_hftk, steps=steps + WARM_UP),
    }
    measured: dict[str, list[float]] = {side: [] for side in sides}
    for seed in range(repeats):
        for side, train in sides.items():
            set_seed(seed)
            measured[side].append(train(case, seed=seed) * 1000)
    plain, fused, own = (np.array(measured[side]) for side in sides)
    return (
        f"| {case.name} | {median(plain):.2f} | {median(fused):.2f} | {median(own):.2f} | {median(own / plain):.2f} | "
        f"{median(own / fused):.2f} | {min(own / plain):.2f}, {max(own / plain):.2f} |"
    )


class Clock(TrainerCallback):
    """CPU seconds per step after the warm-up."""

    def on_step_end(self, args, state, control, **kwargs) -> None:
        if state.global_step == WARM_UP:
            self.start = time.process_time()
        self.per_step = (time.process_time() - self.start) / max(state.global_step - WARM_UP, 1)

    start = 0.0
    per_step = 0.0


class Unseen:
    """A display that shows nothing."""

    def step(self, *told: Any) -> None: ...

    def evaluated(self, *told: Any) -> None: ...


def _hftk(case: Case, *, seed: int, steps: int) -> float:
    training = {
        "max_steps": steps,
        "per_device_train_batch_size": case.batch_size,
        "learning_rate": LEARNING_RATE,
        "max_grad_norm": MAX_GRAD_NORM,
        "use_cpu": True,
    }
    args = training_arguments(training, output_dir=tempfile.gettempdir(), seed=seed, run_name="")
    args.eval_strategy = "no"  # only steps are timed
    loss = ClassificationLoss()
    norms: list[Any] = []
    table = EpochTable(loss=loss, grad_norms=norms, on_row=lambda rows: None)
    clock = Clock()
    trainer = SweepTrainer(
        model=case.model(),
        args=args,
        train=case.rows,
        validation=case.rows,
        loss=loss,
        metrics=["accuracy"],
        labels=[str(number) for number in range(20)],
        callbacks=[table, Report(Unseen(), table), clock],
        grad_norms=norms,
        sampling_strategy=sampling_strategy({}),
    )
    trainer.train()
    return clock.per_step


def _plain(case: Case, *, seed: int, steps: int, fused: bool) -> float:
    model = case.plain_model().train()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=LEARNING_RATE, weight_decay=0.0, fused=fused)
    scheduler = get_scheduler("linear", optimizer, num_warmup_steps=0, num_training_steps=steps)
    loader = DataLoader(case.plain_rows, batch_size=case.batch_size, shuffle=True)
    start = 0.0
    for step, (inputs, labels) in enumerate(itertools.islice(_epochs(loader), steps), start=1):
        loss = cross_entropy(model(inputs)["logits"], labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained, MAX_GRAD_NORM)
        optimizer.step()
        scheduler.step()
        if step == WARM_UP:
            start = time.process_time()
    return (time.process_time() - start) / (steps - WARM_UP)


def _epochs(loader: DataLoader) -> Iterator[list[torch.Tensor]]:
    while True:
        yield from loader


def _transformer() -> Case:
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.round(digits.images * 255 / 16).astype(np.uint8)[:, None]
    mean, std = float(pixels.mean() / 255), float(pixels.std() / 255)
    labels = digits.target.astype(np.int64)

    def model() -> PreTrainedModel:
        return TransformerForImageClassification(
            TransformerConfig(
                image_size=[8, 8], hidden_size=20, num_attention_heads=2, num_hidden_layers=1, num_labels=10
            )
        )

    normalised = (torch.from_numpy(pixels).float() / 255 - mean) / std
    return Case(
        name="transformer",
        batch_size=20,
        rows=ImageRows(pixels=pixels, labels=labels, mean=[mean], std=[std]),
        model=model,
        plain_model=model,
        plain_rows=TensorDataset(normalised, torch.from_numpy(labels)),
        steps=400,
        plain_steps=400,
    )


class PlainGru(nn.Module):
    """As it is commonly written: every row padded, the padding read like words."""

    def __init__(self, *, vectors: torch.Tensor, classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding.from_pretrained(vectors, padding_idx=0)
        self.gru = nn.GRU(vectors.shape[1], 128, num_layers=2, bidirectional=True, dropout=0.5, batch_first=True)
        self.dropout = nn.Dropout(0.5)
        self.classifier = nn.Linear(256, classes)

    def forward(self, input_ids: torch.Tensor) -> dict[str, torch.Tensor]:
        """input_ids: (batch, MAX_LENGTH)."""
        _, states = self.gru(self.embedding(input_ids))
        return {"logits": self.classifier(self.dropout(torch.cat([states[-2], states[-1]], dim=1)))}


def _gru(folder: Path | None) -> Case:
    rows = _drawn() if folder is None else _news(folder)
    padded = torch.zeros(len(rows), MAX_LENGTH, dtype=torch.long)
    for start in range(0, len(rows), 1000):
        part = rows.__getitems__(range(start, min(start + 1000, len(rows))))["input_ids"]
        padded[start : start + len(part), : part.shape[1]] = part
    words = int(padded.max()) + 1
    vectors = torch.randn(words, VECTOR_SIZE, generator=torch.Generator().manual_seed(0)) * 0.1

    def model() -> PreTrainedModel:
        config = RnnConfig(
            vocab_size=words,
            embedding_size=VECTOR_SIZE,
            cell="gru",
            hidden_size=128,
            num_layers=2,
            bidirectional=True,
            dropout=0.5,
            head_dropout=0.5,
            num_labels=20,
        )
        made = RnnForSequenceClassification(config)
        made.load_word_vectors(vectors, torch.arange(words), freeze=True)
        return made

    return Case(
        name="gru" if folder else "gru, lengths drawn",
        batch_size=64,
        rows=rows,
        model=model,
        plain_model=lambda: PlainGru(vectors=vectors, classes=20),
        plain_rows=TensorDataset(padded, torch.from_numpy(rows.label_ids())),
        steps=math.ceil(len(rows) / 64),  # an epoch: its batches differ in length
        plain_steps=25,
    )


def _news(folder: Path) -> TokenRows:
    data = load(
        schema.Data(
            path=str(folder / "twenty_newsgroups.parquet"),
            columns=schema.Columns(text="body", label="label"),
            splits=schema.Splits(
                train=schema.ColumnSplit(column="split", value="train"),
                validation=schema.ColumnSplit(column="split", value="test"),
            ),
            on_bad_rows="keep",
        )
    )
    tokenizer = build_tokenizer(
        data.splits["train"], schema.Tokenizer(min_count=5, split="words"), max_length=MAX_LENGTH
    )
    return tokenize(data, tokenizer, MAX_LENGTH)["train"]


def _drawn() -> TokenRows:
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(np.log(113), 1.0, size=11_314), 1, MAX_LENGTH).astype(np.int32)
    ends = np.cumsum(lengths)
    return TokenRows(
        values={"input_ids": rng.integers(2, WORDS, size=ends[-1])},
        padding={"input_ids": 0},
        starts=ends - lengths,
        lengths=lengths,
        labels=rng.integers(0, 20, size=len(lengths)),
        per_token=False,
        attention_mask=True,
        padding_side="right",
        truncated=0,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, nargs="?", help="the folder with twenty_newsgroups.parquet")
    parser.add_argument("--steps", type=int, help="timed steps per repeat (transformer 400; gru an epoch, plain 25)")
    parser.add_argument("--repeats", type=int, default=5, help="of each case, the sides in turn")
    return parser.parse_args()


if __name__ == "__main__":
    main()
