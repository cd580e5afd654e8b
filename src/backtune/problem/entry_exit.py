"""EntryExitProblem: what a pair of offsets earns on a stretch of bars, by one of three fill rules."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from math import isnan
from typing import Any, ClassVar, Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backtune.errors import ProblemError, one_of
from backtune.problem import kernels, rules
from backtune.problem.checks import (
    Bounds,
    checked_bounds,
    flag,
    idle_rows,
    point,
    rows_of,
)
from backtune.problem.costs import DEFAULT_FEE, Costs, costs_of, shown
from backtune.problem.legs import Layout, side_of
from backtune.problem.protocol import Outcome, joined_ledgers

FillRule = Literal["causal", "optimistic", "published"]
Array = NDArray[np.float64]

FILLS = rules.FILLS
DEFAULT_BOUNDS: Bounds = ((-0.03, 0.03), (-0.03, 0.03))


class EntryExitProblem:
    """Total return of limit entries and take-profits resting at forecast extremes plus two offsets.

    Each bar rests a limit entry at one level and a take-profit at the other:
    ``U = clip(high_forecast + high_offset, 0, 10)`` and ``D = clip(low_forecast + low_offset, -1, 0)``.
    A long enters at D and leaves at U, a short enters at U and leaves at D. What a bar can prove about those
    orders is decided by `fills`. All prices are moves: price / previous close - 1.

    Parameters
    ----------
    open, high, low, close : array_like, shape (n,)
        Moves of the bars, finite and above -1, with low <= close <= high. (The open may lie outside the
        range: synthetic data sets in the literature fix it at 0. Bars from `load_bars` never do.)
    high_forecast, low_forecast : array_like, shape (n,)
        Forecast moves of the extremes, finite.
    long_size, short_size : array_like, shape (n,) or scalar
        Size of each side, >= 0, in units of capital.
    fee : float
        Fraction of notional for one fill, 0 <= fee < 1.
    costs : Costs, optional
        In place of `fee`: what limit and market fills cost. Entries and take-profits are limits, leaving at
        the close is a market fill; nothing is held through a close.
    close_at_eod : bool
        True: the position leaves at the close and nowhere else. False: at the take-profit where the rule
        says it was reached, else at the close.
    fills : {"causal", "optimistic", "published"}
        "causal" books only what the bar proves; use it unless you reproduce something. "optimistic" is the
        upper end of what the bar allows. "published" takes a touch for a fill, knows no gaps, charges one
        fee, and assumes the order of the extremes in the trader's favour: for comparing with such results.
    bounds : pair of (low, high)
        Box of (high_offset, low_offset). A side of zero width fixes that offset.

    Attributes
    ----------
    bounds : tuple of (low, high)
        As given, as floats.
    size : int
        Number of bars n.

    Raises
    ------
    ProblemError
        Naming the argument, the position, the value and the rule, when an input breaks one.

    Examples
    --------
    >>> import backtune as bt
    >>> p = bt.EntryExitProblem([0.0], [0.02], [-0.02], [0.01], [0.015], [-0.015], 1.0, 0.0, fee=0.0)
    >>> round(p((0.0, 0.0)), 6)   # bought at -1.5 %, closed at +1 %
    0.025381
    """

    parameters: ClassVar[tuple[str, ...]] = ("high_offset", "low_offset")

    def __init__(
        self,
        open: ArrayLike,
        high: ArrayLike,
        low: ArrayLike,
        close: ArrayLike,
        high_forecast: ArrayLike,
        low_forecast: ArrayLike,
        long_size: ArrayLike,
        short_size: ArrayLike,
        *,
        fee: float = DEFAULT_FEE,
        costs: Costs | None = None,
        close_at_eod: bool = False,
        fills: FillRule = "causal",
        bounds: Sequence[Sequence[float]] = DEFAULT_BOUNDS,
    ) -> None:
        moves = rows_of(open, high, low, close, high_forecast, low_forecast, long_size, short_size)
        self.costs = costs_of(fee, costs)
        self.fee = self.costs.maker
        # as the kernels take it: the fee, or where that is not all, a tuple of the maker's
        self.charge: kernels.Fee = self.fee if self.costs.is_plain else (self.fee,)
        self.close_at_eod = flag("close_at_eod", close_at_eod)
        self.fills: FillRule = cast(FillRule, one_of("fill rule", fills, FILLS))
        self.bounds = checked_bounds(bounds)
        self._require_fee()
        self._lay(Layout(moves, *(side_of(moves, self.costs, short=short) for short in (False, True))))

    def _require_fee(self) -> None:
        if self.fills == "published" and not self.costs.is_plain:
            raise ProblemError("fills is 'published', whose rule has one fee; give fee instead of costs")

    def _lay(self, layout: Layout) -> EntryExitProblem:
        """Take moves and legs from a layout."""
        self._layout, self.moves, self.size = layout, layout.moves, layout.moves.shape[1]
        self.long_legs, self.short_legs = layout.long_legs, layout.short_legs
        return self

    def __copy__(self) -> EntryExitProblem:
        """Return the same problem; `copy.copy` alone takes several times as long, a window of each."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    @property
    def sizes(self) -> Array:
        """Sizes of both sides, long and short, shape (2, n)."""
        return self.moves[kernels.SIZE : kernels.SIZE + 2]

    def with_sizes(self, sizes: Array) -> EntryExitProblem:
        """Return the same problem with other sizes, shape (2, n)."""
        return self._of(np.concatenate([self.moves[: kernels.SIZE], sizes]))

    def weighted(self, weights: Array) -> EntryExitProblem:
        """Return the same problem with each bar counted so many times, shape (n,), >= 0: sizes times that."""
        moves = np.concatenate([self.moves[: kernels.SIZE], self.sizes * weights])
        sides = (side.weighted(weights) for side in (self._layout.longs, self._layout.shorts))
        return copy(self)._lay(Layout(moves, *sides))

    def _of(self, moves: Array) -> EntryExitProblem:
        """Return the same problem of other moves (8, n)."""
        return EntryExitProblem(
            *moves, costs=self.costs, close_at_eod=self.close_at_eod, fills=self.fills, bounds=self.bounds
        )

    def __call__(self, x: ArrayLike) -> float:
        """Total return at x = (high_offset, low_offset), the sum over all bars; 0 at NaN: no order."""
        a, b = point(x)
        if isnan(a):
            return 0.0
        return float(
            kernels.total_one(
                self.long_legs, self.short_legs, a, b, self.charge, FILLS[self.fills], self.close_at_eod
            )
        )

    def batch(self, points: ArrayLike) -> Array:
        """Total returns at many points.

        Parameters
        ----------
        points : array_like, shape (m, 2)
            Pairs (high_offset, low_offset); a pair of NaN places no order.

        Returns
        -------
        ndarray, shape (m,)
            Equal to the bit to calling the problem at each point.
        """
        array = np.ascontiguousarray(points, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != 2:
            raise ProblemError(f"points have shape {array.shape}; expected (m, 2): high_offset, low_offset")
        idle = idle_rows("points", array)
        result: Array = kernels.totals(
            self.long_legs, self.short_legs, array, self.charge, FILLS[self.fills], self.close_at_eod
        )
        result[idle] = 0.0
        return result

    def returns(self, x: ArrayLike) -> Array:
        """Return of each bar at x, shape (n,): long plus short, sizes and fees included."""
        a, b = point(x)
        result = np.zeros(self.size)
        if np.isnan(a):
            return result
        for bars, legs, short in self._sides():
            returns = kernels.leg_returns(
                legs, a, b, self.charge, FILLS[self.fills], self.close_at_eod, short
            )
            result[bars] += returns[: len(bars)]
        return result

    def trades(self, x: ArrayLike) -> NDArray[np.int64]:
        """Number of fills of each bar at x, shape (n,): 0, 1, or 2 where both sides are filled."""
        a, b = point(x)
        result = np.zeros(self.size, dtype=np.int64)
        if np.isnan(a):
            return result
        for bars, legs, short in self._sides():
            result[bars] += kernels.leg_filled(legs, a, b, self.charge, FILLS[self.fills], short)[: len(bars)]
        return result

    def ambiguous(self, x: ArrayLike) -> NDArray[np.int64]:
        """Number of trades of each bar whose result depends on the order inside the bar, shape (n,).

        A trade is ambiguous where the causal and the optimistic rule book different returns for it at the
        same offsets. None is with close_at_eod.
        """
        a, b = point(x)
        result = np.zeros(self.size, dtype=np.int64)
        if np.isnan(a):
            return result
        for bars, legs, short in self._sides():
            causal, optimistic = (
                kernels.leg_returns(legs, a, b, self.charge, rule, self.close_at_eod, short)
                for rule in (kernels.CAUSAL, kernels.OPTIMISTIC)
            )
            result[bars] += (causal != optimistic)[: len(bars)]
        return result

    def outcome(self, x: ArrayLike, state: None = None) -> Outcome:
        """Return what x earns bar by bar; nothing stays open after a bar, so `state` is always None.

        Parameters
        ----------
        x : array_like, shape (2,), or (n, 2) for a row a bar
            (high_offset, low_offset); both NaN place no order.
        """
        resting = self._resting(x)
        here = (0.0, 0.0)
        turnover, costs = resting._turnover_and_costs()
        return Outcome(
            value=resting.returns(here),
            causal=resting.under("causal").returns(here),
            optimistic=resting.under("optimistic").returns(here),
            trades=resting.trades(here),
            ambiguous=resting.ambiguous(here),
            turnover=turnover,
            position=np.zeros(self.size),
            costs=costs,
            make_ledger=resting._ledger,
        )

    def _resting(self, x: ArrayLike) -> EntryExitProblem:
        """Return the problem whose forecasts are the levels of x themselves, before they are clipped.

        A level is ``forecast + offset``, so at offsets 0 it gives the same to the bit.
        """
        offsets = np.asarray(x, dtype=np.float64)
        if offsets.shape != (self.size, 2):
            offsets = np.broadcast_to(np.array(point(x)), (self.size, 2))
        idle = idle_rows("x", offsets)
        moves = self.moves.copy()
        moves[kernels.HIGH_FORECAST : kernels.LOW_FORECAST + 1] += np.where(idle, 0.0, offsets.T)
        moves[kernels.SIZE :, idle] = 0.0
        return self._of(moves)

    def _turnover_and_costs(self) -> tuple[Array, Array | None]:
        """Notional that changes hands at offsets 0, and what that costs; None where it is one fee."""
        if self.costs.is_plain:  # a return is linear in the fee, which is paid on the notional
            here = (0.0, 0.0)
            without_fee, with_fee = (self._at_fee(fee).returns(here) for fee in (0.0, 0.5))
            return (without_fee - with_fee) / 0.5, None
        turnover, costs = np.zeros((2, self.size))
        for side, short in ((0, False), (1, True)):
            filled, entry, exits, at_level = self._fills(short=short)
            size = np.where(filled, self.sizes[side], 0.0)
            left = np.where(filled, 1.0 + exits, 0.0) / np.where(filled, 1.0 + entry, 1.0)
            turnover += size * (1.0 + left)
            costs += size * (self.fee + left * np.where(at_level, self.fee, self.costs.market))
        return turnover, costs

    def _at_fee(self, fee: float) -> EntryExitProblem:
        other = copy(self)
        other.fee = other.charge = fee
        return other

    def _fills(self, *, short: bool) -> tuple[NDArray[np.bool_], Array, Array, NDArray[np.bool_]]:
        """Which bars fill a side at offsets 0, at which entry, which exit, and whether that is its level."""
        o, h, lo, c, high, low = self.moves[: kernels.SIZE]
        bar = (np, o, h, lo, c, *rules.levels(np, high, low), FILLS[self.fills], self.close_at_eod)
        if not self.costs.is_plain:
            return rules.charged_leg(*bar, self.costs, short=short)
        filled, entry, exits = (rules.short_leg if short else rules.long_leg)(*bar)
        return filled, entry, exits, exits != c

    def _ledger(self) -> dict[str, NDArray[Any]]:
        """Trades at offsets 0, in the order of the bars, the long before the short."""

        parts = []
        for side, short in (("long", False), ("short", True)):
            sizes = self.sizes[int(short)]
            filled, entry, exits, at_level = self._fills(short=short)
            at = np.flatnonzero(filled & (sizes > 0))
            opened, left, limit = entry[at], exits[at], at_level[at]
            if self.costs.is_plain:
                earned = rules.leg_return(opened, left, self.fee, FILLS[self.fills], short=short)
            else:
                earned = rules.charged_return(opened, left, limit, self.costs, np, short=short)
            trades = {
                "entry": at,
                "exit": at,
                "side": np.full(len(at), side),
                "size": sizes[at],
                "entry_price": opened,
                "exit_price": left,
                "reason": np.where(limit, "take_profit", "close"),
                "value": sizes[at] * earned,
            }
            parts.append(trades)
        return joined_ledgers(parts)

    def under(self, fills: FillRule) -> EntryExitProblem:
        """Return the same problem valued by another fill rule."""
        other = copy(self)
        other.fills = cast(FillRule, one_of("fill rule", fills, FILLS))
        return other

    def leaving(self, *, close_at_eod: bool, fills: FillRule) -> EntryExitProblem:
        """Return the problem of the same orders with another exit and fill rule; both share what is laid out.

        Raises
        ------
        ProblemError
            `fills` is "published", and the costs are more than one fee.
        """
        other = self.under(fills)
        other.close_at_eod = flag("close_at_eod", close_at_eod)
        other._require_fee()
        return other

    abstains = True  # offsets of NaN are no order

    def fitted(self) -> EntryExitProblem:
        """Return the same problem in the box that fits its bars; a side of zero width stays."""
        other = copy(self)
        other.bounds = tuple(
            own if own[0] == own[1] else fit for own, fit in zip(self.bounds, self._layout.box, strict=True)
        )
        return other

    def window(self, start: int, stop: int) -> EntryExitProblem:
        """Return the problem of bars start..stop-1 alone; what was validated once is not validated again.

        Raises
        ------
        ProblemError
            There are no such bars.
        """
        if not 0 <= start < stop <= self.size:
            raise ProblemError(f"bars {start}..{stop - 1} were asked for; the problem has 0..{self.size - 1}")
        return copy(self)._lay(self._layout.window(start, stop))

    def _sides(self) -> tuple[tuple[NDArray[np.int64], Array, bool], ...]:
        return (
            (self._layout.longs.in_order(), self.long_legs, False),
            (self._layout.shorts.in_order(), self.short_legs, True),
        )

    def __repr__(self) -> str:
        """Show size, policy, rule and bounds."""
        return (
            f"EntryExitProblem({self.size} bars, close_at_eod={self.close_at_eod}, fills={self.fills!r}, "
            f"{shown(self.costs)}, bounds={self.bounds})"
        )
