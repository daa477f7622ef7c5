"""A call comes back in time, with what it returned or raised."""

import time

import pytest

from hftk.tracking.bounded import TooSlow, bounded, reason_of


def test_a_call_that_returns():
    assert bounded(lambda: 3, seconds=5) == 3
    assert bounded(lambda: None, seconds=5) is None


def test_a_call_that_raises():
    with pytest.raises(ZeroDivisionError):
        bounded(lambda: 1 / 0, seconds=5)


def test_a_call_that_exits():
    with pytest.raises(RuntimeError, match="it wanted to exit with 3"):
        bounded(lambda: exit(3), seconds=5)


def test_a_call_that_hangs():
    started = time.monotonic()
    with pytest.raises(TooSlow, match=r"no answer in 0\.1 s"):
        bounded(lambda: time.sleep(2), seconds=0.1)
    assert time.monotonic() - started < 1


def test_a_reason_is_one_short_line():
    assert reason_of(ValueError("first\nsecond")) == "first"
    assert reason_of(ValueError()) == "ValueError"
    assert len(reason_of(ValueError("x" * 300))) == 201
