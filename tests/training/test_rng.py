"""Random numbers go on where they were."""

import random

import numpy as np
import torch

from hftk.training.packing import pack, unpack
from hftk.training.rng import restore_rng_state, rng_state

CPU = torch.device("cpu")


def drawn():
    return [random.random(), random.gauss(0, 1), float(np.random.rand()), np.random.randn(), torch.rand(3).tolist()]


def test_every_generator_goes_on_where_it_was():
    drawn()  # each gauss keeps a second number back
    tensors = {}
    packed = pack(rng_state(CPU), tensors, at="rng")
    expected = drawn()
    assert drawn() != expected
    restore_rng_state(unpack(packed, tensors), CPU)
    assert drawn() == expected
