"""The weights that a run may go back to."""

from pathlib import Path

import torch
from accelerate import PartialState
from accelerate.utils import broadcast
from safetensors.torch import load_file, save_file


class KeptWeights:
    """One set of weights beside the run: what training changes, in safetensors.

    Frozen weights are not written: an adapter's set is small, and restoring leaves them alone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def store(self, model: torch.nn.Module) -> None:
        """Written by the main process, beside and then renamed."""
        if PartialState().is_main_process:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            beside = self.path.with_name(self.path.name + ".part")
            save_file({name: tensor.detach().contiguous().cpu() for name, tensor in _changing(model).items()}, beside)
            beside.replace(self.path)

    def restore(self, model: torch.nn.Module) -> None:
        """Read by the main process and sent to the others. Raises RuntimeError if the names or shapes differ."""
        state = PartialState()
        tensors = _changing(model)
        stored = load_file(self.path) if state.is_main_process else {}
        if state.is_main_process and stored.keys() != tensors.keys():
            raise RuntimeError(f"{self.path} holds other weights than the model that it is read into")
        with torch.no_grad():
            for name, tensor in tensors.items():
                if state.is_main_process:
                    tensor.copy_(stored[name])
                if state.num_processes > 1:
                    tensor.copy_(broadcast(tensor.clone()))


def _changing(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Trained parameters and persistent buffers, by name; a tied weight once."""
    persistent = model.state_dict(keep_vars=True).keys()
    tensors = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    return tensors | {name: buffer for name, buffer in model.named_buffers() if name in persistent}
