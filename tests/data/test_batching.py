"""Global batches are a pure function of (seed, epoch); processes only share them out."""

import numpy as np
import pytest

from hftk.data.batching import ProcessBatches, global_batches

LENGTHS = np.random.default_rng(0).integers(3, 60, size=1013)


def batches(**changes):
    arguments = {
        "lengths": LENGTHS,
        "batch_size": 16,
        "strategy": "group_by_length",
        "drop_last": False,
        "seed": 1,
        "epoch": 0,
    }
    return global_batches(**(arguments | changes))


@pytest.mark.parametrize("strategy", ["group_by_length", "random", "sequential"])
def test_every_row_appears_once_and_the_ragged_batch_is_last(strategy):
    found = batches(strategy=strategy)
    assert sorted(np.concatenate(found)) == list(range(1013))
    assert [len(batch) for batch in found] == [16] * 63 + [5]


@pytest.mark.parametrize("strategy", ["group_by_length", "random"])
def test_the_order_is_a_function_of_seed_and_epoch(strategy):
    def order(**changes):
        return np.concatenate(batches(strategy=strategy, **changes)).tolist()

    assert order() == order()
    assert order(epoch=1) != order()
    assert order(seed=2) != order()


def test_sequential_keeps_the_order_of_the_rows():
    assert np.concatenate(batches(strategy="sequential")).tolist() == list(range(1013))


def test_drop_last_leaves_out_the_ragged_batch_only():
    assert [len(batch) for batch in batches(drop_last=True)] == [16] * 63


def test_grouping_by_length_pads_little():
    def padding(strategy):
        padded = sum(len(batch) * LENGTHS[batch].max() for batch in batches(strategy=strategy))
        return padded / LENGTHS.sum() - 1

    assert padding("group_by_length") < 0.1 < 0.5 < padding("random")


def test_fewer_rows_than_a_batch_are_one_ragged_batch():
    assert [len(batch) for batch in batches(lengths=LENGTHS[:5])] == [5]


def process_batches(rank, world_size, per_device, accumulation, *, rows=1013, drop_last=False):
    return ProcessBatches(
        lengths=LENGTHS[:rows],
        per_device_batch_size=per_device,
        gradient_accumulation_steps=accumulation,
        world_size=world_size,
        rank=rank,
        strategy="group_by_length",
        drop_last=drop_last,
        seed=1,
    )


@pytest.mark.parametrize("rows", [1013, 1012, 1009, 17])
@pytest.mark.parametrize(
    ("world_size", "per_device", "accumulation"), [(1, 16, 1), (1, 4, 4), (2, 8, 1), (2, 2, 4), (4, 4, 1)]
)
def test_processes_and_accumulation_share_out_the_same_global_batches(rows, world_size, per_device, accumulation):
    shares = []
    for rank in range(world_size):
        sampler = process_batches(rank, world_size, per_device, accumulation, rows=rows)
        sampler.set_epoch(3)
        shares.append(list(sampler))
        assert len(sampler) == len(shares[-1])
    assert len({len(share) for share in shares}) == 1, "every process takes the same number of steps"
    micro_batches = [sorted(row for share in step for row in share if row < rows) for step in zip(*shares, strict=True)]
    steps = [sum(micro_batches[i : i + accumulation], []) for i in range(0, len(micro_batches), accumulation)]
    expected = batches(lengths=LENGTHS[:rows], epoch=3)
    assert [sorted(step) for step in steps] == [sorted(batch.tolist()) for batch in expected]


def test_a_process_without_a_row_gets_one_that_is_ignored():
    sampler = process_batches(1, 2, 8, 1, rows=17)
    shares = list(sampler)
    (last,) = shares[-1]
    assert last >= 17, "EncodedSplit ignores the labels of a row that is asked for so"
    assert all(row < 17 for share in shares[:-1] for row in share)
