"""An objective whose batches are spread over processes: for those of 0.1 s and more an evaluation."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backtune.bench.limits import TICK, Board, Ended, Limits, beat, join
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
    pool : EvaluationPool
        From `evaluation_pool`.
    """

    def __init__(self, objective: Objective, pool: EvaluationPool) -> None:
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
        Ended
            A process died, or was ended for a limit.
        """
        outcomes = self._pool.map(partial(_value, self._pickled), points)
        errors = [error for _, error in outcomes if error]
        if errors and len(errors) == len(outcomes):
            raise ValueError(errors[0])
        return np.array([value for value, _ in outcomes])


class EvaluationPool:
    """Fresh processes of one thread each that evaluate rows, and are begun again after one of them died."""

    def __init__(self, processes: int, limits: Limits) -> None:
        self._processes, self._limits = processes, limits
        self._executor: ProcessPoolExecutor | None = None
        self._board = Board(limits, processes)

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """Call a function with each of the items, in the processes; what it gave, in their order.

        Raises
        ------
        Ended
            A process died, or was ended for a limit.
        """
        try:
            futures = [self._running().submit(function, item) for item in items]
            while wait(futures, TICK).not_done:
                overdue = self._board.overdue()
                if overdue:
                    self.close(kill=True)
                    raise Ended(overdue[0].reason)
            return [future.result() for future in futures]
        except BrokenProcessPool as error:
            self.close(kill=True)
            raise Ended("a process that evaluates died") from error

    def close(self, kill: bool = False) -> None:
        """End the processes."""
        executor, self._executor = self._executor, None
        if executor is None:
            return
        if kill:
            self._board.kill()
        executor.shutdown(cancel_futures=True)

    def _running(self) -> ProcessPoolExecutor:
        if self._executor is None:
            self._board = Board(self._limits, self._processes)
            context = multiprocessing.get_context("spawn")
            row = self._board.cells, self._board.rows
            self._executor = ProcessPoolExecutor(self._processes, context, initializer=_begin, initargs=row)
        return self._executor


@contextmanager
def evaluation_pool(processes: int, limits: Limits | None = None) -> Iterator[EvaluationPool | None]:
    """Processes that evaluate rows; None for none of them."""
    if not processes:
        yield None
        return
    pool = EvaluationPool(processes, limits or Limits())
    try:
        with inherited():
            yield pool
    except BaseException:
        pool.close(kill=True)
        raise
    pool.close()


def _begin(cells: Any, rows: Any) -> None:
    """One thread for the libraries; and an end with the process that asks, however that one ends."""
    pin()
    join(cells, rows)
    parent = multiprocessing.parent_process()

    def end_with_parent() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


@lru_cache(maxsize=1)
def _objective(pickled: bytes) -> Any:
    """The objective, made once in a process: it may read data."""
    return pickle.loads(pickled)


def _value(pickled: bytes, point: NDArray[np.float64]) -> tuple[float, str]:
    """Value at a point, or what was wrong there."""
    try:
        with beat().evaluating():
            return number(_objective(pickled)(point)), ""
    except (Exception, SystemExit) as error:
        return float("nan"), in_a_line(error)
