"""The objective as a search sees it: counted, kept inside its box, never past the budget."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from typing import Any, NoReturn, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backtune.errors import OptimizerError, SettingError, StrategyError, in_a_line
from backtune.optimizers.numbers import number, numbers
from backtune.space import Space

Array = NDArray[np.float64]
FIRST_TRACE = 4096  # places of the trace at first; a budget may be as good as endless
TIMED_CHUNK = 64  # points of a batch between two looks at the clock, where there is a time limit


@runtime_checkable
class Objective(Protocol):
    """Anything that can be optimized."""

    @property
    def bounds(self) -> Sequence[Sequence[float]]:
        """A (low, high) for each parameter."""

    def __call__(self, x: Any, /) -> float:
        """Value at x, shape (d,)."""


class Stop(BaseException):
    """Ends a search from inside the objective; not an Exception, so that no library swallows it."""


class Evaluator:
    """What a search asks for values.

    The search sees the parameters that have room to move, d of them; sides of zero width are filled in.
    Points are clipped to the box (NaN goes to its lower end). An evaluation that raises, or gives NaN or an
    infinity, counts, is never the best, and reads as a finite value below every one seen so far, so that no
    library meets a NaN. The evaluation that spends the budget, or the time, ends the search: the call does
    not return.

    Attributes
    ----------
    dimension : int
        Number d of parameters with room to move.
    low, high, width : ndarray, shape (d,)
        Their box.
    budget, count, failures : int
        Evaluations allowed, made, and failed.
    trace : ndarray
        Best value after each evaluation made, in its first `count` places; -inf until the first finite one.
    space : Space or None
        Of an objective that has one and all of whose parameters can move.
    counts : ndarray of int, shape (d,)
        Number of values of each parameter that has finitely many: whole places on its line, from 0 on. 0: a
        float.
    best, best_x
        Highest value, and the whole point (fixed parameters included) that gave it; None until there is one.
    fault : StrategyError or None
        Of a strategy that failed at a point: `Search.optimize` raises it.
    """

    def __init__(self, objective: Objective, budget: int, time_limit: float | None = None) -> None:
        low, high = box(objective)
        moving = low < high
        self._fixed = None if moving.all() else (moving, low)
        self.low, self.high = low[moving], high[moving]
        self.dimension = len(self.low)
        self.width = self.high - self.low
        space = getattr(objective, "space", None)
        self.space = space if isinstance(space, Space) and moving.all() else None
        self.counts = np.zeros(self.dimension, dtype=np.int64)
        if self.space is not None:
            self.counts[:] = [0 if p.logarithmic else p.count for p in self.space.parameters.values()]
        self.budget = budget
        self.trace = np.empty(min(budget, FIRST_TRACE))
        self.count = self.failures = 0
        self.best_x: Array | None = None
        self.best = -math.inf
        self.stopped = "converged"
        self.error: Exception | None = None
        self.fault: StrategyError | None = None
        self._worst = math.inf
        self._objective = objective
        self._batch = getattr(objective, "batch", None)
        self._timed = time_limit is not None
        self._deadline = math.inf if time_limit is None else time.perf_counter() + time_limit

    @property
    def remaining(self) -> int:
        """Evaluations left."""
        return self.budget - self.count

    def values(self, points: ArrayLike) -> Array:
        """Values at points (m, d), shape (m,); the objective's `batch` does the work where it has one."""
        return self._several(np.array(points, dtype=np.float64).reshape(-1, self.dimension))

    def _several(self, array: Array) -> Array:
        """Values at the rows of `array`, which is the evaluator's to write to."""
        if self.count == self.budget:
            raise Stop
        if len(array) == 0:
            return np.empty(0)
        if len(array) == 1:
            return np.array([self._single(array[0])])
        np.fmin(np.fmax(array, self.low, out=array), self.high, out=array)
        array = self._with_fixed(array[: self.remaining])
        step = self._step(len(array))
        if len(array) <= step:
            return self._chunk(array)
        return np.concatenate([self._chunk(array[at : at + step]) for at in range(0, len(array), step)])

    def value(self, point: ArrayLike) -> float:
        """Value at one point (d,)."""
        return self._single(np.array(point, dtype=np.float64).reshape(self.dimension))

    def _single(self, x: Array) -> float:
        """Value at x, which is the evaluator's to write to."""
        if self.count == self.budget:  # a library went on although it was stopped
            raise Stop
        np.fmin(np.fmax(x, self.low, out=x), self.high, out=x)
        if self._fixed is not None:
            x = self._with_fixed(x)
        value = self._evaluate_one(x)
        if math.isfinite(value):
            if value > self.best:
                self.best, self.best_x = value, x
            if value < self._worst:
                self._worst = value
        else:
            self.failures += 1
            value = self._penalty()
        if self.count == len(self.trace):
            self._grow(self.count + 1)
        self.trace[self.count] = self.best
        self.count += 1
        if self.count == self.budget or self._timed:
            self._stop_if_spent()
        return value

    def unit(self, points: ArrayLike) -> Array:
        """Values at points (m, d) of the unit cube, shape (m,)."""
        array = np.asarray(points, dtype=np.float64).reshape(-1, self.dimension)
        return self._several(array * self.width + self.low)

    def unit_value(self, point: ArrayLike) -> float:
        """Value at one point (d,) of the unit cube."""
        return self._single(np.asarray(point, dtype=np.float64) * self.width + self.low)

    def _step(self, points: int) -> int:
        """Points to evaluate between two looks at the clock."""
        if not self._timed:
            return max(points, 1)
        return 1 if self._batch is None else TIMED_CHUNK

    def _with_fixed(self, points: Array) -> Array:
        """Points with the fixed parameters filled in, along the last axis."""
        if self._fixed is None:
            return points
        moving, low = self._fixed
        full = np.broadcast_to(low, (*points.shape[:-1], len(low))).copy()
        full[..., moving] = points
        return full

    def _chunk(self, points: Array) -> Array:
        values = self._evaluate(points)
        finite = np.isfinite(values)
        all_finite = bool(finite.all())
        scores = values if all_finite else np.where(finite, values, -np.inf)
        if self.count + len(scores) > len(self.trace):
            self._grow(self.count + len(scores))
        trace = self.trace[self.count : self.count + len(scores)]
        np.maximum(np.maximum.accumulate(scores, out=trace), self.best, out=trace)
        best = int(scores.argmax())
        if scores[best] > self.best:
            self.best, self.best_x = float(scores[best]), points[best].copy()
        self._worst = min(self._worst, float(values.min(where=finite, initial=math.inf)))
        self.count += len(scores)
        if not all_finite:
            self.failures += len(scores) - int(finite.sum())
            values = np.where(finite, values, self._penalty())
        self._stop_if_spent()
        return values

    def _grow(self, least: int) -> None:
        longer = np.empty(min(self.budget, max(least, 2 * len(self.trace))))
        longer[: self.count] = self.trace[: self.count]
        self.trace = longer

    def _evaluate(self, points: Array) -> Array:
        if self._batch is None:
            return np.array([self._evaluate_one(point) for point in points])
        try:
            values = self._batch(points.copy())
            if hasattr(values, "detach"):  # a torch tensor, which may be on another device
                values = values.detach().cpu().numpy()
            values = numbers(values)
        except StrategyError as error:
            self._end(error)
        except Exception as error:
            return self._one_by_one(points, error)
        if values.shape != (len(points),):
            raise OptimizerError(
                f"the objective's batch gave shape {values.shape} for {len(points)} points; "
                f"expected ({len(points)},)"
            )
        return values

    def _one_by_one(self, points: Array, error: Exception) -> Array:
        """Values at points whose batch raised: which of them it was, is found by calling the objective."""
        self.error = error
        values = np.array([self._evaluate_one(point) for point in points])
        if np.isfinite(values).all():
            raise OptimizerError(
                f"the objective's batch raised {in_a_line(error)}; each of the {len(points)} "
                "points alone gave a number: correct batch, or leave it out"
            )
        return values

    def _evaluate_one(self, point: Array) -> float:
        try:
            return number(self._objective(point.copy()))  # a copy: an objective may write to what it is given
        except StrategyError as error:
            self._end(error)
        except Exception as error:
            self.error = error
            return math.nan

    def _end(self, fault: StrategyError) -> NoReturn:
        """End the search for a strategy's own fault, in a way that no library swallows."""
        self.fault, self.stopped, self.budget = fault, "fault", self.count
        raise Stop from fault

    def _penalty(self) -> float:
        """A finite value below all seen: by their spread, so that a failure does not dwarf them."""
        if math.isinf(self._worst):
            return -1.0
        spread = max(self.best - self._worst, 1e-6 * abs(self._worst), 1e-9)
        return max(self._worst - spread, -sys.float_info.max)

    def _stop_if_spent(self) -> None:
        if self.count == self.budget:
            self.stopped = "budget"
            raise Stop
        if self._timed and time.perf_counter() > self._deadline:
            self.stopped = "time"
            raise Stop

    def no_value(self, method: str) -> str:
        """Why there is no best point, in a line."""
        if not self.count:
            return f"{method} ended without evaluating the objective"
        if self.error is not None:
            cause = f"the last error was {in_a_line(self.error)}"
        else:
            cause = "it gave NaN or infinities"
        return f"{method}: none of {self.count} evaluations of the objective gave a finite number; {cause}"


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
    with np.errstate(over="ignore", invalid="ignore"):
        width = array[:, 1] - array[:, 0]
    if not (np.isfinite(array).all() and np.isfinite(width).all() and (width >= 0.0).all()):
        raise SettingError(
            f"the objective's bounds are {bounds!r}; each must be finite with low <= high, and so their width"
        )
    return array[:, 0].copy(), array[:, 1].copy()
