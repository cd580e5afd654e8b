"""An objective whose batches are spread over processes: for those of 0.1 s and more an evaluation."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backtune.errors import in_a_line
from backtune.optimizers import Objective
from backtune.optimizers.numbers import number
from backtune.runner.threads import inherited, pin


class PooledObjective:
    """An objective with a `batch` whose rows are evaluated in the processes of a pool, in any order.

    What a search meets does not depend on the number of processes: the values come back in the order of the
    rows, and how many points it asks for at once is its own affair. A single point is evaluated in this
    process.

    Parameters
    ----------
    objective : Objective
        One that can be pickled. A batch of its own is not used: each row is a call.
    pool : ProcessPoolExecutor
        From `evaluation_pool`.
    """

    def __init__(self, objective: Objective, pool: ProcessPoolExecutor) -> None:
        self.bounds = objective.bounds
        self._objective, self._pool = objective, pool
        self._pickled = pickle.dumps(objective)

    def __call__(self, x: ArrayLike) -> float:
        """Value at x, shape (d,)."""
        return number(self._objective(x))

    def batch(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values at points (m, d), shape (m,); NaN where the objective raises.

        Raises
        ------
        ValueError
            It raises at every point: the first of its errors, in a line.
        """
        outcomes = list(self._pool.map(partial(_value, self._pickled), points))
        errors = [error for _, error in outcomes if error]
        if errors and len(errors) == len(outcomes):
            raise ValueError(errors[0])
        return np.array([value for value, _ in outcomes])


@contextmanager
def evaluation_pool(processes: int) -> Iterator[ProcessPoolExecutor | None]:
    """Fresh processes of one thread each that evaluate rows; None for none of them."""
    if not processes:
        yield None
        return
    context = multiprocessing.get_context("spawn")
    with inherited(), ProcessPoolExecutor(processes, context, initializer=_begin) as pool:
        yield pool


def _begin() -> None:
    """One thread for the libraries; and an end with the process that asks, however that one ends."""
    pin()
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


@lru_cache(maxsize=1)
def _objective(pickled: bytes) -> Any:
    """The objective, made once in a process: it may read data."""
    return pickle.loads(pickled)


def _value(pickled: bytes, point: NDArray[np.float64]) -> tuple[float, str]:
    """Value at a point, or what was wrong there."""
    try:
        return number(_objective(pickled)(point)), ""
    except (Exception, SystemExit) as error:
        return float("nan"), in_a_line(error)
