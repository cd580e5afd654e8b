"""A first run's compiling, shared with a second process that compiles what the run is about to need.

A function is compiled by one process at a time, and the other waits for it and takes what was kept (see
`backtune.compiled`). So nothing is agreed on: whichever needs a function first compiles it, and where the
second process cannot be started, or ends early, the run compiles everything itself, as it would alone.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading

import numpy as np

from backtune.compiled import is_kept
from backtune.optimizers.exact.solver import _solve
from backtune.room import with_room
from backtune.runner.threads import COLLECT_AFTER

LEAST_CORES = 2
CODE = "import sys; sys.path[:] = {path!r}; from backtune.runner import ahead; ahead.work()"

_process: subprocess.Popen[bytes] | None = None  # which ends where this one does


def compile_ahead() -> None:
    """Have a second process compile while this one works, if the one-bar search is yet to be compiled.

    None is started on a machine that is at work: two do more in all than one, and wait for each other.
    """
    global _process
    if _process is None and _cores() >= LEAST_CORES and _load() < _cores() and not is_kept(_solve):
        _process = _started()


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _load() -> float:
    """Processes that ran or waited for a core in the last minute; none where the system does not tell."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has none
        return 0.0


def _started() -> subprocess.Popen[bytes] | None:
    """Start the process; None where that cannot be done."""
    if not sys.executable or getattr(sys, "frozen", False):
        return None
    command = [sys.executable, "-c", CODE.format(path=sys.path)]
    quiet = subprocess.DEVNULL
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def work() -> None:
    """Compile, in the second process."""
    threading.Thread(target=_end_with_the_first, daemon=True).start()
    gc.set_threshold(COLLECT_AFTER)
    for part in (_parts, _evaluations, _verdicts):
        with_room(part)


def _end_with_the_first() -> None:
    """End when the first process does: its end of the pipe is closed then."""
    while os.read(0, 1):
        pass
    os._exit(0)


def _parts() -> None:
    from backtune.optimizers.exact.parts import compile_parts

    compile_parts()


def _evaluations() -> None:
    """What the bars after a window earned."""
    from backtune.problem import EntryExitProblem

    bar = ([0.0], [0.02], [-0.02], [0.01], [0.015], [-0.015])
    problem = EntryExitProblem(*bar, 1.0, 1.0)
    here = (0.0, 0.0)
    problem(here)
    problem.returns(here)
    problem.trades(here)
    problem.batch([here])


def _verdicts() -> None:
    from backtune.verdict.bootstrap import resampled_means
    from backtune.verdict.eprocess import wealth

    resampled_means(np.zeros((2, 1)), 1.0, 1, 0)
    wealth(np.zeros(2), np.zeros(2))
