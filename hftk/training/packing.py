"""Nested values and tensors as JSON and safetensors: what a checkpoint holds is written and read without pickle."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from hftk.sealed import HashedFile

_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
}


def pack(value: Any, tensors: dict[str, torch.Tensor], *, at: str) -> Any:
    """The JSON value of numbers, texts, lists, tuples, mappings and tensors; a tensor goes into `tensors`.

    at: where the value stands, such as `optimizer`; names its tensors. A mapping with text keys is a JSON object, and
    all else that holds something a list that begins with its kind. Raises TypeError at any other value: its place and
    class.
    """
    if isinstance(value, torch.Tensor):
        tensors[at] = value
        return ["tensor", at]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return [kind, *(pack(item, tensors, at=f"{at}.{number}") for number, item in enumerate(value))]
    if isinstance(value, Mapping):
        packed = [[key, pack(item, tensors, at=f"{at}.{key}")] for key, item in value.items()]
        if all(isinstance(key, str) for key in value):
            return dict(packed)
        if all(isinstance(key, int | str) for key in value):
            return ["dict", *packed]
    raise TypeError(f"{at} is a {type(value).__name__}")


def unpack(packed: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    """What `pack` was given. Raises ValueError, KeyError or TypeError where that is not what it is given."""
    if isinstance(packed, dict):
        return {key: unpack(item, tensors) for key, item in packed.items()}
    if not isinstance(packed, list):
        return packed
    kind, *items = packed
    if kind == "tensor":
        return tensors[items[0]]
    if kind == "dict":
        return {key: unpack(item, tensors) for key, item in items}
    if kind not in ("list", "tuple"):
        raise ValueError(f"{kind!r} is no kind of value")
    unpacked = (unpack(item, tensors) for item in items)
    return list(unpacked) if kind == "list" else tuple(unpacked)


def write_json(file: HashedFile, packed: Any) -> None:
    file.write(json.dumps(packed, ensure_ascii=False).encode())


def read_json(path: Path) -> Any:
    return json.loads(path.read_bytes())


def write_tensors(file: HashedFile, tensors: Mapping[str, torch.Tensor]) -> None:
    """In safetensors' format, one tensor after another: all of them never stand twice in memory.

    Raises TypeError for a type that the format has no name for.
    """
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0]))  # each one aligned
    header, end = {}, 0
    for name, tensor in ordered:
        if tensor.dtype not in _DTYPES:
            raise TypeError(f"{name} is a tensor of {tensor.dtype}")
        begin, end = end, end + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for _, tensor in ordered:
        if tensor.numel():
            raw = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            file.write(memoryview(raw.numpy()))


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """On the CPU, each with memory of its own: what is done to one never reaches the file."""
    return {name: tensor.clone() for name, tensor in load_file(path).items()}
