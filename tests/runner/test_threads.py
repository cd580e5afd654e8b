"""What a run changes of its process for a while is as before afterwards."""

import gc
from contextlib import suppress

import pytest

from backtune.runner.threads import COLLECT_AFTER, fewer_collections


@pytest.mark.parametrize("before", [(700, 10, 10), (0, 10, 10), (10 * COLLECT_AFTER, 5, 5)])
def test_garbage_is_looked_for_less_often_meanwhile_and_as_before_afterwards(before):
    usual = gc.get_threshold()
    try:
        gc.set_threshold(*before)
        with suppress(ValueError), fewer_collections():
            assert gc.get_threshold()[0] == (before[0] and max(before[0], COLLECT_AFTER))
            raise ValueError("it ends early")
        assert gc.get_threshold() == before
    finally:
        gc.set_threshold(*usual)
