"""What a worker was at when it died: it stands in a file that is mapped into its memory, which no kill can lose."""

import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers.trainer_callback import CallbackHandler

from hftk.sweep import worker

FOLDER = "HFTK_TORTURE_FOLDER"
"""Environment variable of a command: where the files of its workers are."""
COMMAND = "HFTK_TORTURE_COMMAND"
"""Another: the beginning of their names."""
_SIZE = 1024
_STEP, _ELSE = b"s", b"-"


@dataclass(frozen=True)
class Watched:
    """A worker, as its file tells."""

    pid: int
    run: str | None
    """The last that it began."""
    in_step: bool
    """Is it in a training step, between the first of its rows and the new weights?"""

    @classmethod
    def at(cls, path: Path) -> "Watched":
        content = path.read_bytes().rstrip(b"\0")
        return cls(
            pid=int(path.name.rpartition("-")[2]), run=content[1:].decode() or None, in_step=content[:1] == _STEP
        )


def watched(folder: Path, command: str) -> list[Path]:
    """The file of every worker that this command has started."""
    return sorted(folder.glob(f"{command}-*"))


def watch() -> None:
    """To be called in the server from which the workers are forked."""
    memory = _Memory()
    worker.work = memory.of_worker(worker.work)
    worker.train_run = memory.of_run(worker.train_run)
    CallbackHandler.on_step_begin = memory.of_step(CallbackHandler.on_step_begin, then=_STEP)
    CallbackHandler.on_step_end = memory.of_step(CallbackHandler.on_step_end, then=_ELSE)


class _Memory:
    def __init__(self) -> None:
        self.shared: mmap.mmap | None = None

    def of_worker(self, work: Callable[..., None]) -> Callable[..., None]:
        def watched_work(plan: Any, **told: Any) -> None:
            path = Path(os.environ[FOLDER]) / f"{os.environ[COMMAND]}-{os.getpid()}"
            path.write_bytes(_ELSE.ljust(_SIZE, b"\0"))
            with open(path, "r+b") as file:
                self.shared = mmap.mmap(file.fileno(), _SIZE)
            work(plan, **told)

        return watched_work

    def of_run(self, train_run: Callable[..., Any]) -> Callable[..., Any]:
        def watched_run(plan: Any, *, run: Any, **told: Any) -> Any:
            self.shared[:] = (_ELSE + run.name.encode()).ljust(_SIZE, b"\0")
            return train_run(plan, run=run, **told)

        return watched_run

    def of_step(self, event: Callable[..., Any], *, then: bytes) -> Callable[..., Any]:
        def watched_event(*given: Any) -> Any:
            self.shared[:1] = then
            return event(*given)

        return watched_event
