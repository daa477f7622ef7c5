"""The processes that train together, as the launcher started them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list

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

    @property
    def where(self) -> str:
        """The device, in words."""
        return self.device if self.world_size == 1 else f"{self.world_size} processes on {self.device}"


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
    return Processes(rank=state.process_index, world_size=state.num_processes, device=str(state.device))


def _train_alone(launched: int, *, together: int) -> RunError:
    return RunError(
        f"{launched} processes were launched but {together} train together: each would train alone into the same "
        f"folder. Start them with: accelerate launch --config_file accelerate_config.yaml --num_processes {launched} "
        "hftk/train.py RECIPE"
    )


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
