"""The processes that train together, as the launcher started them."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psutil
import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather_object

from hftk.errors import HftkError, RunError

# the others wait while the main process loads and tokenises: torch's own limit is ten minutes
LONGEST_WAIT = timedelta(hours=2)


@dataclass(frozen=True)
class Processes:
    rank: int
    world_size: int
    device: str

    @property
    def main(self) -> bool:
        return self.rank == 0


def start_processes(*, use_cpu: bool) -> Processes:
    """Joins the processes of this launch; on a machine without an accelerator, over gloo.

    Raises RunError where the launcher started several processes that would each train alone into the same folder
    (seen with `accelerate launch` on CPU, accelerate 1.15), or where the launcher sets a mixed precision: that belongs
    to the recipe, and the launcher's would win unseen.
    """
    launched_precision = os.environ.get("ACCELERATE_MIXED_PRECISION", "no")
    if launched_precision != "no":
        raise RunError(
            f"accelerate launch sets mixed_precision: {launched_precision}, which belongs to the recipe: write "
            f"training.{launched_precision}: true there, and mixed_precision: 'no' in the accelerate config"
        )
    launched = int(os.environ.get("WORLD_SIZE", "1"))
    if launched > 1 and "LOCAL_RANK" not in os.environ:
        raise _train_alone(launched, together=1)
    state = PartialState(cpu=use_cpu or not torch.accelerator.is_available(), timeout=LONGEST_WAIT)
    if state.num_processes != launched:
        raise _train_alone(launched, together=state.num_processes)
    if launched == 1 and state.device.type == "cpu":
        _use_every_core()
    return Processes(rank=state.process_index, world_size=state.num_processes, device=str(state.device))


def _use_every_core() -> None:
    """accelerate launch gives a process one thread where nobody said how many; alone on a CPU it may have them all."""
    if os.environ.get("OMP_NUM_THREADS") != "1" or "ACCELERATE_MIXED_PRECISION" not in os.environ:
        return
    try:
        asked = psutil.Process(os.getppid()).environ()
    except psutil.Error:
        return
    if "OMP_NUM_THREADS" not in asked:
        usable = len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else math.inf
        torch.set_num_threads(min(psutil.cpu_count(logical=False) or 1, usable))


def _train_alone(launched: int, *, together: int) -> RunError:
    return RunError(
        f"{launched} processes were launched but {together} train together: each would train alone into the same "
        f"folder. Start them with: accelerate launch --config_file accelerate_config.yaml --num_processes {launched} "
        "hftk/train.py RECIPE"
    )


def agree(reason: str | None) -> str | None:
    """The first reason that any process gives, on all of them; None if none has one."""
    if PartialState().num_processes == 1:
        return reason
    return next((given for given in gather_object([reason]) if given is not None), None)


def wait_for_all() -> None:
    PartialState().wait_for_everyone()


@contextmanager
def main_first() -> Iterator[None]:
    """The main process goes through the block before the others; an HftkError of its own is raised on all of them."""
    main = PartialState().is_main_process
    if not main and (error := share(None)) is not None:
        raise error
    try:
        yield
    except HftkError as error:
        if main:
            share(error)
        raise
    if main:
        share(None)


def share(value: Any) -> Any:
    """The main process's value, on all of them."""
    return broadcast_object_list([value])[0] if PartialState().num_processes > 1 else value


def quiet_libraries() -> None:
    """hftk's display speaks for them; what it needs to know of a model's loading it asks for."""
    import warnings

    import datasets
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.utils.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    warnings.filterwarnings("ignore", module=r"torch\.utils\.data")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
