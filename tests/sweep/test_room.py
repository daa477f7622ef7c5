"""Memory and disk: needed and free."""

import shutil

import psutil
import pytest

from hftk.sweep import room
from hftk.sweep.room import Need, disk_needed, free_disk_bytes, free_memory_bytes, memory_needed, run_disk, size


def test_free_memory_is_at_most_that_of_the_computer():
    assert 0 < free_memory_bytes() <= psutil.virtual_memory().total


@pytest.mark.parametrize(("limit", "expected"), [("3000", 1000), ("max", None), ("1000", 0)])
def test_a_container_may_have_less(tmp_path, monkeypatch, limit, expected):
    (tmp_path / "max").write_text(limit)
    (tmp_path / "current").write_text("2000")
    monkeypatch.setattr(room, "_CGROUPS", ((tmp_path / "max", tmp_path / "current"),))
    assert free_memory_bytes() == expected or (expected is None and free_memory_bytes() > 10**6)


def test_free_disk(tmp_path):
    assert free_disk_bytes(tmp_path) == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.05)


def test_what_workers_share_counts_once():
    assert memory_needed([700, 900], jobs=1, shared=400) == 900
    assert memory_needed([700, 900], jobs=3, shared=400) == 400 + 3 * 500
    assert memory_needed([], jobs=0, shared=0) == 0


def test_a_run_keeps_its_model_and_needs_more_while_it_trains():
    sizes = {"model": 100, "best": 90, "checkpoint": 270, "rows": 10, "labels": 2}
    predictions = 10 * (4 * 2 + 64)
    short = run_disk(**sizes, save_strategy="timed", limit=None, saves=0)
    assert (short.kept, short.more) == (100 + predictions, 180)
    # the old checkpoint stays until the new one is sealed, and each names best weights
    long = run_disk(**sizes, save_strategy="timed", limit=None, saves=9)
    assert (long.kept, long.more) == (100 + predictions, 270 + 2 * 270)
    none = run_disk(**sizes, save_strategy="no", limit=None, saves=0)
    assert none == short
    all_kept = run_disk(**sizes, save_strategy="epoch", limit=None, saves=5)
    assert (all_kept.kept, all_kept.more) == (100 + predictions + 5 * 270 + 270, 270)
    two_kept = run_disk(**sizes, save_strategy="epoch", limit=2, saves=5)
    assert two_kept.kept == 100 + predictions + 2 * 270 + 270


def test_all_are_kept_and_the_largest_are_trained_at_once():
    runs = [room.RunDisk(kept=10, more=more) for more in (1, 7, 5)]
    assert disk_needed(runs, jobs=1) == 30 + 7
    assert disk_needed(runs, jobs=2) == 30 + 12
    assert disk_needed([], jobs=2) == 0


def test_it_fits_to_the_last_byte():
    assert Need(needed=5, free=5).fits and not Need(needed=6, free=5).fits


@pytest.mark.parametrize(
    ("count", "words"),
    [(12, "12 bytes"), (1_234, "1.23 kB"), (91_600_000, "91.6 MB"), (2e9, "2 GB"), (3.5e12, "3.5 TB")],
)
def test_sizes_in_words(count, words):
    assert size(count) == words
