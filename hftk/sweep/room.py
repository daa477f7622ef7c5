"""Memory and disk: what a sweep needs at most, and what is free."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_CGROUPS = (  # limit and use, of cgroup 2 and 1: what a container may have, which psutil does not look at
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ),
)
_ROW_BYTES = 64
"""Of predictions.parquet, beside the probabilities: numbers, names of labels, which repeat."""


@dataclass(frozen=True)
class Need:
    """Bytes."""

    needed: int
    free: int

    @property
    def fits(self) -> bool:
        return self.needed <= self.free


def free_memory_bytes() -> int:
    """That processes may still take, of this computer or of the container that this is."""
    free = psutil.virtual_memory().available
    for limit, used in _CGROUPS:
        try:
            free = min(free, int(limit.read_text()) - int(used.read_text()))
        except (OSError, ValueError):  # no cgroup, or `max`
            continue
    return max(free, 0)


def free_disk_bytes(folder: Path) -> int:
    """Of the volume of `folder`, which is there."""
    return shutil.disk_usage(folder).free


def memory_needed(peaks: Sequence[float], *, jobs: int, shared: float) -> int:
    """peaks: bytes of a worker, one per shape. shared: bytes of it that all workers share. jobs: side by side."""
    highest = max(peaks, default=0)
    return int(shared + jobs * max(0, highest - shared))


@dataclass(frozen=True)
class RunDisk:
    """Bytes of one run."""

    kept: int
    """When it is finished."""
    more: int
    """Beside that while it trains, at most: checkpoints and best weights, of which a new one is written before the old
    one goes."""


def run_disk(
    *,
    model: float,
    best: float,
    checkpoint: float,
    rows: int,
    labels: int,
    save_strategy: str,
    limit: int | None,
    saves: int,
) -> RunDisk:
    """rows: of predictions.parquet. limit: save_total_limit. saves: checkpoints that the run writes in all."""
    predictions = rows * (4 * labels + _ROW_BYTES)
    if save_strategy == "timed":
        limit = limit or 1
    # a checkpoint names the best weights that it goes with, so that old ones may stay
    best_ones = 2 * best if saves == 0 else 3 * best
    if save_strategy in ("steps", "epoch"):
        left = saves if limit is None else min(saves, limit)
        return RunDisk(kept=int(model + predictions + left * checkpoint + best_ones), more=int(checkpoint))
    return RunDisk(kept=int(model + predictions), more=int(best_ones + min(saves, (limit or 0) + 1) * checkpoint))


def disk_needed(runs: Sequence[RunDisk], *, jobs: int) -> int:
    """At most: all are kept, and those that need most beside are trained at once."""
    most = sorted((run.more for run in runs), reverse=True)[:jobs]
    return sum(run.kept for run in runs) + sum(most)


def size(count: float) -> str:
    """Three digits, as disks are sold: 1.23 GB."""
    for unit, bytes_ in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= bytes_:
            return f"{count / bytes_:.3g} {unit}"
    return f"{count:.0f} bytes"
