"""Runs in processes of their own, to be hurt: how they are started, what must hold after it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import backtune as bt
import preloaded

SYMBOLS = 24
FEW = ("--universe", 3, "--universe-bars", 200, "--simulations", 3, "--window", 60)  # soon done
SMALL = ("--universe", SYMBOLS, "--universe-bars", 400, "--simulations", 20, "--window", 60)


def start(folder, *more, workers=1, before=(), env=None, arguments=SMALL, fresh=False):
    """Start a run; its own process group, as a shell gives it.

    It is `fresh`, and pays its imports, where what is amiss is there before these are; so is one that another
    program starts.
    """
    run = ["-m", "backtune", "run", *arguments, "--workers", workers, "--run-folder", folder, *more]
    if not (before or fresh):
        return preloaded.start(run, env={**os.environ, **(env or {})})
    return subprocess.Popen(
        [*before, sys.executable, *map(str, run)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(env or {})},
        start_new_session=True,
        text=True,
        preexec_fn=preloaded.hears_signals if os.name == "posix" else None,
    )


def receipts(folder):
    return sorted(Path(folder).glob("receipts/*.json"))


def wait_for_receipts(folder, count, process, seconds=120):
    deadline = time.monotonic() + seconds
    while len(receipts(folder)) < count:
        assert process.poll() is None, process.communicate(timeout=10)
        assert time.monotonic() < deadline
        time.sleep(0.01)


def caught(folder, count=1, attempts=10, **options):
    """Start a run of `SYMBOLS`, and give it where `count` of them are done and half are not yet.

    It is stopped for a look at that, and started again where it had gone further before it was looked at.
    """
    for _ in range(attempts):
        process = start(folder, **options)
        wait_for_receipts(folder, count, process)
        with suppress(ProcessLookupError):  # it has ended
            process.send_signal(signal.SIGSTOP)
        if process.poll() is None and len(receipts(folder)) <= SYMBOLS // 2:
            process.send_signal(signal.SIGCONT)
            return process
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        shutil.rmtree(folder)
    raise AssertionError(f"{attempts} runs went further before they were looked at")


def ended(process, seconds=120):
    """Exit status, and its lines on standard error that are not the progress of symbols."""
    _, errors = process.communicate(timeout=seconds)
    assert "Traceback" not in errors, errors[-3000:]
    return process.returncode, [line for line in errors.splitlines() if line.startswith("backtune:")]


def resume(folder):
    """Go on with a run by the command line."""
    return preloaded.call(["-m", "backtune", "run", "--resume", folder])


def go_on(folder, repeat):
    """Go on with a run: at first by the command line, as it is told, then by the call that this makes."""
    if repeat == 0:
        done = resume(folder)
        assert done.returncode == 0, done.stderr
    else:
        bt.resume_run(folder)


def undisturbed():
    """The same run where nothing is amiss, in this process."""
    bars = bt.Universe(0, SMALL[3])
    return bt.run_parallel_backtests(bars.symbols(SYMBOLS), SMALL[5], 1, window=SMALL[7], data=bars)


def stamps(folder):
    return {path.name: path.stat().st_mtime_ns for path in receipts(folder)}


def record(folder):
    return json.loads((Path(folder) / "run.json").read_text())
