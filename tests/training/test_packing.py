"""Nested values as JSON and tensors: what goes in comes out, to the bit."""

import io
import json
import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from hftk.sealed import HashedFile
from hftk.training.packing import pack, read_tensors, unpack, write_tensors


def through(value):
    tensors = {}
    packed = json.loads(json.dumps(pack(value, tensors, at="state")))
    return unpack(packed, tensors)


def test_containers_keep_their_kind_and_keys():
    value = {
        "state": {0: {"step": 3.0, "betas": (0.9, 0.999)}, 1: {}},
        "list": [1, [2.5, None], True, "tensor"],
        "tuple": (),
        "named": {"list": "tuple"},
        "python": (3, (1, 2**32 - 1), None),
    }
    assert through(value) == value
    assert isinstance(through(value)["state"][0]["betas"], tuple)


def test_numbers_keep_every_bit():
    for value in (0.1 + 0.2, 1e-320, -0.0, math.inf, -math.inf, 2**70):
        assert repr(through(value)) == repr(value)
    assert math.isnan(through(math.nan))
    assert through(np.float32(0.1)) == float(np.float32(0.1))


def test_tensors_come_back_with_type_and_shape():
    value = [torch.tensor(2, dtype=torch.int64), {"a": torch.rand(2, 3)}]
    found = through(value)
    assert torch.equal(found[0], value[0]) and found[0].shape == ()
    assert torch.equal(found[1]["a"], value[1]["a"])


@pytest.mark.parametrize("value", [object(), {1.5: 2}, {1, 2}, b"bytes", torch.float32])
def test_what_json_has_no_form_for_is_refused_with_its_place(value):
    with pytest.raises(TypeError, match=r"optimizer\.0\.x is a "):
        pack([{"x": value}], {}, at="optimizer")


@pytest.mark.parametrize("packed", [["list", ["tensor", "a"]], ["object", 1], ["dict", [1]], []])
def test_what_pack_does_not_write_is_refused(packed):
    with pytest.raises((ValueError, KeyError, TypeError)):
        unpack(packed, {})


def test_files_are_those_of_safetensors(tmp_path):
    tensors = {
        "odd": torch.tensor([True, False, True]),
        "bytes": torch.arange(5, dtype=torch.uint8),
        "half": torch.rand(3).to(torch.bfloat16),
        "double": torch.rand(2, 2, dtype=torch.float64),
        "transposed": torch.rand(2, 3).T,
        "empty": torch.empty(0, 4),
        "one": torch.tensor(7),
        "trained": torch.nn.Parameter(torch.rand(2)),
    }
    with open(tmp_path / "file", "wb") as file:
        write_tensors(HashedFile(file), tensors)
    for found in (load_file(tmp_path / "file"), read_tensors(tmp_path / "file")):
        assert found.keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor), name


def test_a_type_that_the_format_lacks_is_refused():
    with pytest.raises(TypeError, match="state.x is a tensor of torch.complex128"):
        write_tensors(HashedFile(io.BytesIO()), {"state.x": torch.zeros(1, dtype=torch.complex128)})
