"""The weights of a model that training changes."""

from collections.abc import Mapping

import torch

from hftk.errors import RunError


def changing_weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Trained parameters and persistent buffers, by name; a tied weight once.

    Frozen weights are left out: whoever builds the model again has them, and an adapter's set is small.
    """
    persistent = model.state_dict(keep_vars=True).keys()
    tensors = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    return tensors | {name: buffer for name, buffer in model.named_buffers() if name in persistent}


def put_weights(model: torch.nn.Module, stored: Mapping[str, torch.Tensor], *, source: str) -> None:
    """Into the model, in place. source: where they come from. Raises RunError if names or shapes differ."""
    tensors = changing_weights(model)
    shapes = [{name: tuple(tensor.shape) for name, tensor in found.items()} for found in (stored, tensors)]
    if shapes[0] != shapes[1]:
        differing = sorted(name for name in shapes[0].keys() | shapes[1].keys() if _differs(name, *shapes))
        raise RunError(f"{source} holds other weights than the model that it is read into: {differing[0]}")
    with torch.no_grad():
        for name, tensor in tensors.items():
            tensor.copy_(stored[name])


def check_finite(weights: Mapping[str, torch.Tensor]) -> None:
    """Raises RunError with the first weight that holds a number that is not finite."""
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise RunError(f"non-finite: the weight {name} holds a number that is not finite, and is not saved")


def _differs(name: str, stored: Mapping[str, tuple], expected: Mapping[str, tuple]) -> bool:
    return stored.get(name) != expected.get(name)
