"""What the main process does or reads for all processes of a launch."""

import math
from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast

from hftk.errors import RunError
from hftk.training.checkpoint import Checkpoint
from hftk.training.packing import pack, unpack
from hftk.training.processes import share

T = TypeVar("T")


def main_does(action: Callable[[], T]) -> T | None:
    """What the action gives in the main process, None in the others, which wait for its end.

    Where it raises, all processes do: the main one its own exception, the others RunError with its text.
    """
    if PartialState().num_processes == 1:
        return action()
    value, error = None, None
    if PartialState().is_main_process:
        try:
            value = action()
        except Exception as raised:
            error = raised
    text = share(None if error is None else f"in the main process: {error}")
    if error is not None:
        raise error
    if text is not None:
        raise RunError(text)
    return value


def shared_tensors(tensors: Mapping[str, torch.Tensor] | None) -> dict[str, torch.Tensor]:
    """The main process's tensors, on the CPU of all of them; one after another, so that little memory is needed."""
    state = PartialState()
    if state.num_processes == 1:
        return dict(tensors or {})
    told = share([(name, one.dtype, tuple(one.shape)) for name, one in (tensors or {}).items()])
    received = {}
    for name, dtype, shape in told:
        size = math.prod(shape) * dtype.itemsize
        main = state.is_main_process and size
        raw = tensors[name].contiguous().reshape(-1).view(torch.uint8) if main else torch.empty(size, dtype=torch.uint8)
        raw = broadcast(raw.to(state.device)).cpu() if size else raw
        received[name] = raw.view(dtype).reshape(shape)
    return received


def share_checkpoint(checkpoint: Checkpoint | None) -> Checkpoint | None:
    """The main process's checkpoint, in all of them; only the main one needs to see the folder."""
    if PartialState().num_processes == 1:
        return checkpoint
    tensors: dict[str, torch.Tensor] = {}
    told = share(checkpoint and (checkpoint.path, checkpoint.about, pack(checkpoint.state, tensors, at="state")))
    if told is None:
        return None
    weights = shared_tensors(checkpoint and checkpoint.weights)
    path, about, packed = told
    return Checkpoint(path=path, about=about, weights=weights, state=unpack(packed, shared_tensors(tensors)))
