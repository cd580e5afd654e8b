"""What every optimizer is: a search over a box, with a budget kept to the evaluation.

An objective is any callable x -> float with `.bounds` ((low, high) per parameter) and, if it can,
`.batch(X)`: (m, d) -> (m,). Optimizers maximize.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backtune.errors import BacktuneError, OptimizerError, SettingError

Array = NDArray[np.float64]


@runtime_checkable
class Objective(Protocol):
    """Anything that can be optimized."""

    @property
    def bounds(self) -> Sequence[Sequence[float]]:
        """A (low, high) for each parameter."""

    def __call__(self, x: Any, /) -> float:
        """Value at x, shape (d,)."""


@dataclass(frozen=True)
class Optimum:
    """The best point that a method found, and what it cost.

    Attributes
    ----------
    x : ndarray, shape (d,)
        Best offsets.
    value : float
        ``objective(x)``, to the bit.
    evaluations : int
        Points evaluated.
    seconds : float
        Wall-clock time of the search, the objective's own included.
    method : str
        ``library:algorithm``.
    exact : bool
        True only where no point of the box has a higher value, which is proved.
    bound : float
        No point of the box is better than this; inf where nothing is proved.
    stopped : str
        What ended the search: "proved", "budget", "time", "converged" (the method had nothing more to try).
    trace : ndarray, shape (evaluations,)
        Best value after each evaluation; -inf until the first finite one.
    failures : int
        Evaluations that raised, or gave NaN or an infinity. Each counts as an evaluation of value -inf.
    """

    x: Array
    value: float
    evaluations: int
    seconds: float
    method: str
    exact: bool = False
    bound: float = math.inf
    stopped: str = "budget"
    trace: Array = field(default_factory=lambda: np.empty(0), repr=False)
    failures: int = 0


class _Stop(BaseException):
    """Ends a search from inside the objective; not an Exception, so that no library swallows it."""


class Evaluator:
    """The objective as a search sees it: counted, clipped to the box, never past the budget.

    A search calls `values` with points (m, d), or `value` with one, and gets finite numbers: a failed
    evaluation gives `worst`, below every value seen so far. Points past the budget are not evaluated and end
    the search.
    """

    def __init__(self, objective: Objective, budget: int, time_limit: float | None) -> None:
        self.low, self.high = box(objective)
        self.dimension = len(self.low)
        self.width = self.high - self.low
        self.budget = budget
        self.trace = np.empty(budget)
        self.count = self.failures = 0
        self.best_x: Array | None = None
        self.best = -math.inf
        self.stopped = "converged"
        self.error: Exception | None = None
        self._worst = 0.0
        self._objective = objective
        self._batch = getattr(objective, "batch", None)
        self._deadline = math.inf if time_limit is None else time.perf_counter() + time_limit

    @property
    def remaining(self) -> int:
        """Evaluations left."""
        return self.budget - self.count

    def values(self, points: ArrayLike) -> Array:
        """Values at points (m, d), shape (m,)."""
        array = np.array(points, dtype=np.float64).reshape(-1, self.dimension)
        np.clip(array, self.low, self.high, out=array)
        allowed = array[: self.remaining]
        if len(allowed):
            result = self._record(allowed, self._evaluate(allowed))
        if len(allowed) < len(array):
            self.stopped = "budget"
            raise _Stop
        if time.perf_counter() > self._deadline:
            self.stopped = "time"
            raise _Stop
        return result

    def value(self, point: ArrayLike) -> float:
        """Value at one point (d,)."""
        return float(self.values(point)[0])

    def unit(self, points: ArrayLike) -> Array:
        """Values at points of the unit cube."""
        return self.values(self.low + self.width * np.asarray(points, dtype=np.float64))

    def _evaluate(self, points: Array) -> Array:
        try:
            if self._batch is not None:
                values = np.asarray(self._batch(points), dtype=np.float64)
                if values.shape != (len(points),):
                    raise OptimizerError(
                        f"the objective's batch gave shape {values.shape} for {len(points)} points"
                    )
                return values
        except BacktuneError:
            raise
        except Exception as error:
            self.error = error
        return np.array([self._evaluate_one(point) for point in points])

    def _evaluate_one(self, point: Array) -> float:
        try:
            return float(self._objective(point))
        except BacktuneError:
            raise
        except Exception as error:
            self.error = error
            return math.nan

    def _record(self, points: Array, values: Array) -> Array:
        failed = ~np.isfinite(values)
        scores = np.where(failed, -np.inf, values)
        best = int(np.argmax(scores))
        running = np.maximum(np.maximum.accumulate(scores), self.best)
        if scores[best] > self.best:
            self.best, self.best_x = float(scores[best]), points[best].copy()
        self.trace[self.count : self.count + len(scores)] = running
        self.count += len(scores)
        self.failures += int(failed.sum())
        if not failed.all():
            self._worst = min(self._worst, float(values[~failed].min()))
        return np.where(failed, self._worst - 1.0, values)


class Optimizer(ABC):
    """A method that finds the highest value of an objective over its box.

    A subclass names its `library` and lists its `algorithms`. Most are a `Search`.
    """

    library: ClassVar[str]
    algorithms: ClassVar[tuple[str, ...]] = ()

    def __init__(self, algorithm: str = "") -> None:
        self.algorithm = algorithm

    @property
    def method(self) -> str:
        """``library:algorithm``, or the library alone where it has one algorithm."""
        return f"{self.library}:{self.algorithm}" if self.algorithm else self.library

    @abstractmethod
    def optimize(
        self, objective: Objective, *, budget: int = 500, seed: int = 0, time_limit: float | None = None
    ) -> Optimum:
        """Maximize `objective`; see `backtune.optimize`."""


class Search(Optimizer):
    """An optimizer that evaluates points until its budget is spent.

    A subclass writes `search`, which calls ``evaluator.values`` until it has nothing more to try; budget,
    time limit, bounds, failures and trace are kept for it.
    """

    def optimize(
        self, objective: Objective, *, budget: int = 500, seed: int = 0, time_limit: float | None = None
    ) -> Optimum:
        """Maximize `objective`; see `backtune.optimize`."""
        check_budget(budget, seed, time_limit)
        started = time.perf_counter()
        evaluator = Evaluator(objective, budget, time_limit)
        with suppress(_Stop):
            self.search(evaluator, seed)
        if evaluator.remaining == 0:
            evaluator.stopped = "budget"
        if evaluator.best_x is None:
            raise OptimizerError(_no_value(self.method, evaluator))
        return Optimum(
            x=evaluator.best_x,
            value=evaluator.best,
            evaluations=evaluator.count,
            seconds=time.perf_counter() - started,
            method=self.method,
            stopped=evaluator.stopped,
            trace=evaluator.trace[: evaluator.count].copy(),
            failures=evaluator.failures,
        )

    @abstractmethod
    def search(self, evaluator: Evaluator, seed: int) -> None:
        """Evaluate points until there is nothing more to try."""


def box(objective: Objective) -> tuple[Array, Array]:
    """Lower and upper corner of the objective's bounds, each shape (d,).

    Raises
    ------
    SettingError
        Where `.bounds` is missing or not a finite (low, high) per parameter.
    """
    bounds = getattr(objective, "bounds", None)
    try:
        array = np.array(bounds, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.ndim != 2 or array.shape[1] != 2 or len(array) == 0:
        raise SettingError(
            f"the objective's bounds are {bounds!r}; give it .bounds with a (low, high) for each parameter"
        )
    if not np.isfinite(array).all() or (array[:, 0] > array[:, 1]).any():
        raise SettingError(f"the objective's bounds are {bounds!r}; each must be finite with low <= high")
    return array[:, 0].copy(), array[:, 1].copy()


def check_budget(budget: int, seed: int, time_limit: float | None) -> None:
    """Refuse a budget, seed or time limit that means nothing."""
    for name, value, least in (("budget", budget, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise SettingError(f"{name} is {value!r}; expected a whole number >= {least}")
    if seed >= 2**32:
        raise SettingError(f"seed is {seed}; expected a whole number below 2**32")
    if time_limit is not None and not time_limit > 0:
        raise SettingError(f"time_limit is {time_limit!r}; expected seconds > 0, or None")


def _no_value(method: str, evaluator: Evaluator) -> str:
    count = evaluator.count
    if evaluator.error is not None:
        cause = f"the last error was {type(evaluator.error).__name__}: {evaluator.error}"
    else:
        cause = "it gave NaN or infinities"
    return f"{method}: none of {count} evaluations of the objective gave a finite number; {cause}"
