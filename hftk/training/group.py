"""How a failure of one process ends a run on all that train together, and how they go on with the next run."""

from itertools import count

import torch.distributed as dist
from accelerate import PartialState

from hftk.training.processes import LONGEST_WAIT


class Group:
    """The processes of a launch. In each of them the same calls in the same order, one per run.

    A process that fails in the middle of a step would leave the others waiting for it until torch's time is up. It
    leaves the group instead, which ends their waiting with an error (seen with gloo, torch 2.13); then all meet in a
    new group, over the store that the launcher keeps.
    """

    def __init__(self) -> None:
        state = PartialState()
        self.size, self.rank = state.num_processes, state.process_index
        self._rounds = count()
        if self.size > 1:
            self._backend = dist.get_backend()
            self._store = dist.distributed_c10d._get_default_store()

    def agree(self, reason: str | None) -> str | None:
        """The first reason that any process gives for the failure of a run, on all of them; None if none has one."""
        if self.size == 1:
            return reason
        key = f"hftk/failed/{next(self._rounds)}"
        if reason is None:
            try:
                PartialState().wait_for_everyone()
                return None
            except RuntimeError as error:  # another process has left
                reason = f"RuntimeError: {error}"
        told = self._store.compare_set(key, "", reason).decode()
        self._meet_anew(key)
        return told

    def _meet_anew(self, key: str) -> None:
        dist.distributed_c10d._abort_process_group()
        store = dist.PrefixStore(key, self._store)
        dist.init_process_group(self._backend, store=store, rank=self.rank, world_size=self.size, timeout=LONGEST_WAIT)
