"""What a run changes of its process for a while is as before afterwards."""

import gc
from contextlib import suppress

import pytest

from backtune.backtest import Settings
from backtune.runner import task
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


def test_a_worker_looks_for_it_less_often_too(monkeypatch):
    """With the usual threshold it took a worker a tenth of its time."""
    seen, usual = [], gc.get_threshold()
    monkeypatch.setattr(task, "with_room", lambda work: seen.append(gc.get_threshold()[0]))
    task.do_in_worker(task.Task("run", "ONE", Settings(), None, {}))
    assert seen == [max(usual[0], COLLECT_AFTER)]
    assert gc.get_threshold() == usual
