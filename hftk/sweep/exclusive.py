"""Short exclusive sections in a sweep's folder, for all processes that train in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from hftk.errors import RunError

CLAIMS = ".claims"
"""The folder of the lock and of the claims, in the sweep's folder: nothing that moves or removes runs goes there."""
_LOCK = ".lock"
_LONGEST_END = 60.0  # seconds
_PATIENCE = 600.0  # seconds; a turn takes less than one


@contextmanager
def exclusive(folder: Path, *, patience: float = _PATIENCE) -> Iterator[None]:
    """The block is run by one process at a time, of all machines that share `folder`. Keep it short; never nest it.

    The lock is gone with its process, however that ends. Its file is never deleted: one process could wait on the
    deleted file while another makes it anew, and both would go in. Between machines it needs a file system whose flock
    reaches the server, as NFS does unless mounted with nolock or local_lock; where it does not, a run is still claimed
    once (see claims.py), and lines of the ledger that were written over each other are found by their checksums.
    patience: seconds. Raises RunError where the lock is not had within them, or cannot be made.
    """
    path = folder / CLAIMS / _LOCK
    lock = FileLock(path, timeout=patience, poll_interval=0.01)
    try:
        _acquire(lock, path)
    except Timeout as error:
        raise RunError(
            f"{path}: held by another process for {patience:.0f} seconds; a paused one (Ctrl-Z) must go on or be ended"
        ) from error
    except OSError as error:
        raise RunError(f"{path}: cannot be locked ({error.strerror}); write another output_dir") from error
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: FileLock, path: Path) -> None:
    for last in (False, False, True):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
            return
        except FileNotFoundError:  # another command has just removed the folders that it had made for nothing
            if last:
                raise


@contextmanager
def alone_in(folder: Path, *, run: str) -> Iterator[None]:
    """The block is the only one that writes into this run's folder, of all processes of this machine.

    A claim belongs to a command; its worker, when the command is killed, needs a moment to see it and end. folder: the
    sweep's. Raises RunError where a worker that should be gone is still there after a minute.
    """
    path = folder / CLAIMS / run / _LOCK
    lock = FileLock(path, timeout=_LONGEST_END, poll_interval=0.05)
    try:
        _acquire(lock, path)
    except Timeout as error:
        raise RunError(
            f"{path}: the worker of a command that is gone still trains {run}; end it, then give the same command again"
        ) from error
    try:
        yield
    finally:
        lock.release()
