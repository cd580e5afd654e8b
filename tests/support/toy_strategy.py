"""A strategy, an exit and an objective of somebody else's: three parameters, nothing of them known to src.

Follows the trend of closes: long where the mean of the last `fast` moves is above that of the last `slow` by
`threshold`, from one close to the next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

import backtune as bt
from backtune.problem import Outcome

FEE = 0.0005


@dataclass(frozen=True, eq=False)
class TrendProblem:
    """See `backtune.problem.Problem`; `past` holds the moves before the first bar as well."""

    past: NDArray[np.float64]
    start: int
    size: int
    bounds: tuple[tuple[float, float], ...] = ((1.0, 5.0), (6.0, 20.0), (-0.002, 0.002))
    parameters: tuple[str, ...] = ("fast", "slow", "threshold")

    def __call__(self, x):
        return float(self.outcome(x).value.sum())

    def batch(self, points):
        return np.array([self(x) for x in points])

    def outcome(self, x, state=None):
        points = np.broadcast_to(np.asarray(x, float), (self.size, 3))
        held = np.array([self._is_long(bar, *points[bar]) for bar in range(self.size)])
        value = np.where(held, self.past[self.start :][: self.size] - FEE, 0.0)
        trades = held.astype(np.int64)
        nothing = np.zeros(self.size, np.int64)
        return Outcome(value, value, value, trades, nothing, 2.0 * trades, np.zeros(self.size))

    def _is_long(self, bar, fast, slow, threshold):
        before = self.past[: self.start + bar]
        return before[-round(fast) :].mean() - before[-round(slow) :].mean() > threshold

    def window(self, start, stop):
        return replace(self, start=self.start + start, size=stop - start)


class Trend:
    """The strategy; its exit is called next_close."""

    name = "trend"

    def problems(self, bars, forecast, settings):
        return {"next_close": TrendProblem(bars.moves[3], 30, len(bars) - 30)}


def calm(outcome):
    """An objective: mean return less twice the spread of the returns."""
    return float(outcome.value.mean() - 2.0 * outcome.value.std())


def half_way(orders, settings):
    """An exit for backtune's own strategies: at the close, with half the size."""
    from backtune.strategies.exits import close

    half = replace(orders, long_size=orders.long_size / 2, short_size=orders.short_size / 2)
    return close(half, settings)


class Still(bt.Forecaster):
    """A forecaster: the range of the last bar, around its close."""

    name = "still"
    warm_up = 2

    def moves(self, bars):
        high, low = np.roll(bars.moves[1], 1), np.roll(bars.moves[2], 1)
        return np.maximum(high, 0.0), np.minimum(low, 0.0), np.zeros(len(bars))


class Middle(bt.Search):
    """An optimizer: the middle of the box."""

    library = "middle"

    def search(self, evaluator, seed):
        evaluator.unit_value(np.full(evaluator.dimension, 0.5))


def no_sizes(forecast, can_short):
    return np.zeros(len(forecast.high)), np.zeros(len(forecast.high))


NEVER = bt.Strategy("never", no_sizes)
