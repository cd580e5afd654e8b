"""One thread a process: with a process a core, more would only get in each other's way.

It also keeps sums of matrix libraries, whose order depends on the number of threads, the same everywhere.
Beside it, how often a process looks for garbage.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

# read when a library is loaded, so they must be set before a worker starts
ENVIRONMENT = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "POLARS_MAX_THREADS",
        "RAYON_NUM_THREADS",
    ),
    "1",
)

COLLECT_AFTER = (
    100_000  # objects: with the usual 700, a run of many symbols looks at all of them over and over
)


@contextmanager
def fewer_collections() -> Iterator[None]:
    """Look for garbage less often meanwhile: what a run leaves behind is freed without that."""
    before = gc.get_threshold()
    if before[0]:  # 0: it is off
        gc.set_threshold(max(before[0], COLLECT_AFTER), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def inherited() -> Iterator[None]:
    """Set the thread counts that processes started meanwhile inherit, and take them back."""
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    # numba reads its own again at each compilation, the driver's included: a process is told, or pins itself
    os.environ.update({name: value for name, value in ENVIRONMENT.items() if name != "NUMBA_NUM_THREADS"})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold the libraries that are loaded to one thread, and give them back what they had."""
    import numba

    with ExitStack() as stack:
        stack.callback(numba.set_num_threads, numba.get_num_threads())
        torch = sys.modules.get("torch")
        if torch is not None:
            stack.callback(torch.set_num_threads, torch.get_num_threads())
        pin()
        try:
            from threadpoolctl import threadpool_limits
        except ImportError:
            pass
        else:
            stack.enter_context(threadpool_limits(1))
        yield


def pin() -> None:
    """Hold numba, and torch where it is loaded, to one thread."""
    import numba

    numba.set_num_threads(1)
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != 1:
        torch.set_num_threads(1)
