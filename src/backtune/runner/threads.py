"""One thread a process: with a process a core, more would only get in each other's way.

It also keeps sums of matrix libraries, whose order depends on the number of threads, the same everywhere.
"""

from __future__ import annotations

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
