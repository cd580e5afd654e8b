"""The legs of one side of an `EntryExitProblem`, laid out as `kernels` takes them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from backtune.problem import kernels
from backtune.problem.box import fitted_box
from backtune.problem.checks import Bounds
from backtune.problem.costs import Costs

Array = NDArray[np.float64]
ROUNDING = 2.0**-50  # more than a sum and a difference can be rounded by, relative to their terms


@dataclass(frozen=True, eq=False)
class Side:
    """Bars with a size above zero on one side, a leg for each, in the order of the bars; see `kernels`."""

    bars: NDArray[np.int64]
    columns: Array  # (8, len(bars))
    padding: Array  # (8, 1): a leg out of reach of any level

    def slice(self, start: int, stop: int) -> Side:
        """Return those of bars start..stop-1, which are then counted from zero."""
        if not len(self.bars):
            return self
        first, last = self.bars.searchsorted((start, stop))
        return Side(self.bars[first:last] - start, self.columns[:, first:last], self.padding)

    def weighted(self, weights: Array) -> Side:
        """Return the legs of each bar so many times, shape (n,); those of weight zero are left out."""
        own = weights[self.bars]
        kept = np.flatnonzero(own)
        columns = self.columns.take(kept, axis=1)
        columns[kernels.SIZE] *= own[kept]
        return Side(self.bars[kept], columns, self.padding)

    def order(self) -> NDArray[np.int64]:
        """Places of the legs in the order of their reach."""
        order: NDArray[np.int64] = self.columns[kernels.REACH].argsort(kind="stable")
        return order

    def in_order(self) -> NDArray[np.int64]:
        """Bars in the order of `legs`."""
        return self.bars[self.order()]

    def legs(self) -> Array:
        """Legs in the order of their reach, padded to a multiple of LANES."""
        count = len(self.bars)
        if not count:
            return self.columns
        legs = np.empty((len(self.columns), -(-count // kernels.LANES) * kernels.LANES))
        legs[:, :count] = self.columns.take(self.order(), axis=1)
        legs[:, count:] = self.padding
        return legs


class Layout:
    """Moves and the legs of both sides: what the exits of the same orders share.

    The exits ask for each window one after the other, so the last one that was cut is kept.

    Parameters
    ----------
    moves : ndarray, shape (8, n)
        See `kernels`.
    longs, shorts : Side
    """

    def __init__(self, moves: Array, longs: Side, shorts: Side) -> None:
        self.moves, self.longs, self.shorts = moves, longs, shorts
        self.long_legs, self.short_legs = longs.legs(), shorts.legs()
        self._last: tuple[int, int, Layout] | None = None

    def window(self, start: int, stop: int) -> Layout:
        """Return that of bars start..stop-1 alone."""
        last = self._last
        if last is None or last[:2] != (start, stop):
            sides = (side.slice(start, stop) for side in (self.longs, self.shorts))
            last = self._last = (start, stop, Layout(self.moves[:, start:stop], *sides))
        return last[2]

    @cached_property
    def box(self) -> Bounds:
        """See `backtune.problem.box.fitted_box`."""
        return fitted_box(self)


def side_of(moves: Array, costs: Costs, *, short: bool) -> Side:
    """Legs of one side of moves (8, n)."""
    size_row = kernels.SIZE + short
    bars = np.flatnonzero(moves[size_row] > 0)
    columns = np.empty((kernels.REACH + 1, len(bars)))
    columns[: kernels.SIZE] = moves[: kernels.SIZE].take(bars, axis=1)
    columns[kernels.SIZE] = moves[size_row].take(bars)
    opened = kernels.OPEN
    if not costs.is_plain:
        columns, opened = kernels.charged_legs(columns, costs, short), kernels.OPEN_BEYOND
    columns[kernels.REACH] = _reach(columns, columns[opened], short)
    padding = np.zeros((len(columns), 1))
    padding[[kernels.OPEN, kernels.HIGH, kernels.LOW], 0] = (-0.5 if short else 0.5), -0.5, 0.5
    padding[opened], padding[kernels.REACH] = padding[kernels.OPEN], np.inf
    return Side(bars, columns, padding)


def _reach(moves: Array, opened: Array, short: bool) -> Array:
    """Reach of each bar's order, shape (n,); see `kernels`. `opened` are the opens that fill it.

    An order is filled only where ``forecast + offset`` comes as far as the bar's extreme or its open, with
    room for the rounding of that sum and of this difference. A short of a bar beyond the highest level that
    there is can be filled at any offset.
    """
    if short:
        price, forecast = np.maximum(moves[kernels.HIGH], opened), moves[kernels.HIGH_FORECAST]
    else:
        price, forecast = np.minimum(moves[kernels.LOW], opened), moves[kernels.LOW_FORECAST]
    away = forecast - price if short else price - forecast
    reach: Array = away - ROUNDING * (np.abs(price) + np.abs(forecast))
    return np.where(price >= kernels.MAX_UP, -np.inf, reach) if short else reach
