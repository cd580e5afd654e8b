"""A run that is told to end: what is done stays done, a line says how to go on, no process is left."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest

import backtune as bt
from runs_under_fire import (
    SYMBOLS,
    caught,
    ended,
    go_on,
    receipts,
    record,
    stamps,
    undisturbed,
)  # fmt: skip

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")]
REPEATS = range(3)
TABLES = ("returns", "summary", "configurations")


@pytest.fixture(scope="module")
def expected():
    return undisturbed()


def goes_on_as_if_nothing_had_been(folder, expected, repeat):
    done = stamps(folder)
    go_on(folder, repeat)
    run = bt.Run.open(folder)
    assert run.complete
    assert len(run) == SYMBOLS
    assert {name: stamp for name, stamp in stamps(folder).items() if name in done} == done
    for symbol in expected:
        for table in TABLES:
            assert getattr(run[symbol], table).equals(getattr(expected[symbol], table))
    assert not list(folder.rglob("*.tmp"))


@pytest.mark.parametrize("repeat", REPEATS)
@pytest.mark.parametrize(
    ("signs", "workers"),
    [
        ((signal.SIGTERM,), 1),
        ((signal.SIGTERM,), 2),
        ((signal.SIGHUP,), 2),
        ((signal.SIGINT, signal.SIGINT), 1),
        ((signal.SIGINT, signal.SIGINT), 2),
    ],
)
def test_a_run_told_to_end_says_how_to_go_on_and_loses_nothing(tmp_path, expected, signs, workers, repeat):
    folder = tmp_path / "run"
    process = caught(folder, 1 + 3 * repeat, workers=workers)
    family = psutil.Process(process.pid).children(recursive=True)
    for sign in signs:
        os.kill(process.pid, sign)
        time.sleep(0.02 * repeat)
    status, lines = ended(process)
    assert status == 128 + signs[-1]
    assert f"--resume {folder}" in lines[-1]
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    assert record(folder)["status"] == "interrupted"
    assert 1 <= len(receipts(folder)) < SYMBOLS
    goes_on_as_if_nothing_had_been(folder, expected, repeat)
