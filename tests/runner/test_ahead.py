"""A second process that shares a first run's compiling: it changes nothing but the time, and never stays."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backtune import compiled
from backtune.optimizers.exact import solver
from backtune.runner import ahead

SOLVE = """
import numpy as np
from numba.core import event
import backtune as bt
from backtune.optimizers.exact.parts import compile_parts
from backtune.runner import ahead

compile_parts()

class Compiled(event.Listener):
    names = []
    def on_start(self, event): pass
    def on_end(self, event):
        store = getattr(event.data["dispatcher"], "_cache", None)
        if type(store).__name__ == "_Kept":
            self.names.append(event.data["dispatcher"].py_func.__name__)

with event.install_listener("numba:compile", Compiled()):
    bt.optimize(bt.EntryExitProblem([0.0], [0.02], [-0.02], [0.01], [0.015], [-0.015], 1.0, 1.0))
print(sorted(Compiled.names))
"""


@pytest.fixture
def environment(tmp_path):
    """Of a process that has kept nothing yet."""
    folders = {"NUMBA_CACHE_DIR": "code", "XDG_CACHE_HOME": "cache", "XDG_STATE_HOME": "state"}
    own = {name: str(tmp_path / place) for name, place in folders.items()}
    return os.environ | own | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@pytest.mark.slow
def test_what_is_compiled_ahead_is_what_the_search_takes(environment):
    """Of other types it would be compiled for nothing, and the search would compile its own."""
    done = subprocess.run(
        [sys.executable, "-c", SOLVE], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "['_more_room', '_report', '_side', '_solve']\n"


@pytest.mark.slow
def test_what_a_run_takes_beside_the_search_is_compiled_ahead(environment):
    script = "from backtune.runner import ahead; ahead._evaluations(); ahead._verdicts()"
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    kept = {path.name.partition("-")[0] for path in (Path(environment["NUMBA_CACHE_DIR"])).rglob("*.nbi")}
    assert {"kernels.total_one", "kernels.totals", "kernels.leg_returns", "kernels.leg_filled"} <= kept
    assert {"bootstrap._means", "eprocess._wealth", "eprocess._excess"} <= kept


def started(monkeypatch, **changes):
    """How many processes `compile_ahead` starts where these things are so."""
    count = []
    monkeypatch.setattr(ahead, "_process", None)
    monkeypatch.setattr(ahead, "_cores", lambda: 2)
    monkeypatch.setattr(ahead, "_load", lambda: 0.5)
    monkeypatch.setattr(ahead, "is_kept", lambda function: False)
    monkeypatch.setattr(ahead, "_started", lambda: count.append(1) or "a process")
    for name, value in changes.items():
        monkeypatch.setattr(ahead, name, value)
    ahead.compile_ahead()
    ahead.compile_ahead()
    return len(count)


def test_one_process_is_started_and_none_where_it_would_not_help(monkeypatch):
    assert started(monkeypatch) == 1
    assert started(monkeypatch, _cores=lambda: 1) == 0
    assert started(monkeypatch, is_kept=lambda function: True) == 0
    assert started(monkeypatch, _load=lambda: 2.5) == 0


def test_a_system_that_does_not_tell_its_load_is_idle(monkeypatch):
    monkeypatch.delattr(os, "getloadavg", raising=False)
    assert ahead._load() == 0.0


def test_nothing_is_compiled_ahead_where_nothing_can_be_kept(monkeypatch):
    monkeypatch.setattr(solver._solve, "_cache", compiled._NotKept())
    assert compiled.is_kept(solver._solve)


@pytest.mark.parametrize("error", [OSError("no process can be started"), ValueError("null byte")])
def test_where_no_process_can_be_started_there_is_none(monkeypatch, error):
    def refuse(*arguments, **options):
        raise error

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert ahead._started() is None


def test_a_program_that_is_no_python_is_not_started_again(monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert ahead._started() is None


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_it_ends_where_the_first_process_is_killed(environment):
    script = "from backtune.runner import ahead; import time\n"
    script += "p = ahead._started(); print(p.pid, flush=True); time.sleep(600)"
    first = subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE)
    second = int(first.stdout.readline())
    time.sleep(3)  # it compiles by now
    first.kill()
    first.wait()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and _lives(second):
        time.sleep(0.1)
    assert not _lives(second)


def _lives(process):
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
