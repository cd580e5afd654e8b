"""Runs in processes of their own, to be hurt: how they are started, what must hold after it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SYMBOLS = 24
SMALL = ("--universe", SYMBOLS, "--universe-bars", 400, "--simulations", 20, "--window", 60)


def start(folder, *more, workers=1, before=(), env=None, arguments=SMALL):
    """Start a run; its own process group, as a shell gives it."""
    command = [sys.executable, "-m", "backtune", "run", *arguments, "--workers", workers]
    return subprocess.Popen(
        [*before, *map(str, [*command, "--run-folder", folder, *more])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(env or {})},
        start_new_session=True,
        text=True,
        preexec_fn=_hears_signals if os.name == "posix" else None,
    )


def _hears_signals():
    """As a shell starts a run; under nohup, or behind another's script, the tests may ignore them."""
    for name in ("SIGINT", "SIGHUP", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def receipts(folder):
    return sorted(Path(folder).glob("receipts/*.json"))


def wait_for_receipts(folder, count, process, seconds=120):
    deadline = time.monotonic() + seconds
    while len(receipts(folder)) < count:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ended(process, seconds=120):
    """Exit status, and its lines on standard error that are not the progress of symbols."""
    _, errors = process.communicate(timeout=seconds)
    assert "Traceback" not in errors, errors[-3000:]
    return process.returncode, [line for line in errors.splitlines() if line.startswith("backtune:")]


def resume(folder):
    """Go on with a run by the command line."""
    command = [sys.executable, "-m", "backtune", "run", "--resume", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def stamps(folder):
    return {path.name: path.stat().st_mtime_ns for path in receipts(folder)}


def record(folder):
    return json.loads((Path(folder) / "run.json").read_text())
