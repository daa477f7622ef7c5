"""Encoded rows → batches: global batches by length and their shares per process."""

import math
from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler

BATCHES_PER_BUCKET = 50  # rows are sorted by length inside buckets of this many batches: order stays random enough


def global_batches(
    *,
    lengths: np.ndarray,
    batch_size: int,
    strategy: str,
    drop_last: bool,
    seed: int,
    epoch: int,
) -> list[np.ndarray]:
    """The rows of each optimizer step of one epoch: a pure function of its arguments.

    lengths: (rows,) tokens per row. batch_size: rows per optimizer step over all processes and accumulation steps.
    strategy: `group_by_length` (rows of similar length share a batch), `random` or `sequential`.
    Every row appears exactly once (less the ragged batch if drop_last); the ragged batch, if any, comes last,
    as Trainer's gradient accumulation expects.
    """
    rows = len(lengths)
    if strategy == "sequential":
        order = np.arange(rows)
    else:
        rng = np.random.default_rng([seed, epoch])
        order = rng.permutation(rows)
    whole = rows - rows % batch_size
    full, ragged = order[:whole], order[whole:]
    if strategy == "group_by_length":
        bucket = batch_size * BATCHES_PER_BUCKET
        # a stable sort keeps the random order among rows of equal length
        full = np.concatenate(
            [part[np.argsort(lengths[part], kind="stable")] for part in np.split(full, range(bucket, whole, bucket))]
        )
    batches = list(full.reshape(-1, batch_size))
    if strategy == "group_by_length":
        batches = [batches[i] for i in rng.permutation(len(batches))]
    if len(ragged) and not drop_last:
        batches.append(ragged)
    return batches


class ProcessBatches(Sampler[list[int]]):
    """The micro-batches of one process: its share of each global batch.

    A global batch is cut into micro-batches of `per_device_batch_size` × `world_size` rows, and each micro-batch is
    dealt out over the processes. A process that a ragged micro-batch leaves without a row gets the micro-batch's first
    row marked as ignored (index + number of rows, see `EncodedSplit`), so that all take the same number of steps and
    no row counts twice.
    """

    def __init__(
        self,
        *,
        lengths: np.ndarray,
        per_device_batch_size: int,
        gradient_accumulation_steps: int,
        world_size: int,
        rank: int,
        strategy: str,
        drop_last: bool,
        seed: int,
    ) -> None:
        self.lengths = lengths
        self.micro_batch_size = per_device_batch_size * world_size
        self.batch_size = self.micro_batch_size * gradient_accumulation_steps
        self.world_size = world_size
        self.rank = rank
        self.strategy = strategy
        self.drop_last = drop_last
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        for batch in global_batches(
            lengths=self.lengths,
            batch_size=self.batch_size,
            strategy=self.strategy,
            drop_last=self.drop_last,
            seed=self.seed,
            epoch=self.epoch,
        ):
            for start in range(0, len(batch), self.micro_batch_size):
                micro_batch = batch[start : start + self.micro_batch_size]
                share = micro_batch[self.rank :: self.world_size].tolist()
                yield share or [int(micro_batch[0]) + len(self.lengths)]

    def __len__(self) -> int:
        rows = len(self.lengths)
        if self.drop_last:
            rows -= rows % self.batch_size
        return math.ceil(rows / self.micro_batch_size)
