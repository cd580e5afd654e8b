"""HoldProblem: what offsets earn where positions stay open until a take-profit, a stop or a longest stay."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backtune.bars.detail import FineBars
from backtune.errors import ProblemError, one_of
from backtune.problem import hold_kernels as kernels
from backtune.problem.box import fitted_box
from backtune.problem.checks import Bounds, idle_rows, rows_of
from backtune.problem.costs import DEFAULT_FEE, Costs, costs_of, shown
from backtune.problem.hold_outcome import HoldState, hold_outcome
from backtune.problem.parts import Parts, both_parts
from backtune.problem.protocol import Outcome

Array = NDArray[np.float64]
HoldFills = Literal["causal", "optimistic"]
LONG_SIZE, SHORT_SIZE = 6, 7  # rows of the moves
RULES = ("causal", "optimistic")
OFFSETS = ("high_offset", "low_offset", "stop_offset")
DEFAULT_BOUNDS: Bounds = ((-0.03, 0.03), (-0.03, 0.03))


class HoldProblem:
    """Total return of limit entries whose positions stay open over bars.

    The levels of a bar are ``U = clip(high_forecast + high_offset, 0, 10)`` and ``D = clip(low_forecast +
    low_offset, -1, 0)``. A long enters at D and leaves at the U of any later bar, at its stop, set at entry
    to ``clip(low_forecast + stop_offset, -1, 0)`` and kept, or at the close of its `max_bars`-th bar, the
    entry bar counted. A short is the mirror image: in at U, out at D, its stop at ``clip(high_forecast -
    stop_offset, 0, 10)``. One position a side at a time; the sides run apart and add. What is open after the
    last bar is sold at its close. All prices are moves: price / previous close - 1. The rules are told, with
    examples, in docs/holding.md.

    Parameters
    ----------
    open, high, low, close : array_like, shape (n,)
        Moves of the bars, finite and above -1, with low <= close <= high.
    high_forecast, low_forecast : array_like, shape (n,)
        Forecast moves of the extremes, finite.
    long_size, short_size : array_like, shape (n,) or scalar
        Size of each side, >= 0, in units of capital; a position keeps that of its entry bar.
    fee : float
        Fraction of notional for one fill, 0 <= fee < 1.
    costs : Costs, optional
        In place of `fee`: what limit and market fills, and closes that are held through, cost. Entries and
        take-profits are limits; stops and exits at a close are market fills.
    max_bars : int
        Bars that a position may span, at least 1. At 1 without a stop this is `EntryExitProblem`.
    stop_offset : None, float or pair of (low, high)
        None: no stop. A number: that offset. A pair: it is tuned, as a third parameter.
    carry : float
        Cost of each close that a position is held through, as a fraction of its entry notional; below zero,
        it is paid.
    fills : {"causal", "optimistic"}
        A bar does not show the order of its high and its low. "causal" is the least total over every order
        that the bars allow along the whole path, "optimistic" the greatest; the truth lies between.
    bounds : pair of (low, high)
        Box of (high_offset, low_offset). A side of zero width fixes that offset.
    detail : FineBars, optional
        Finer bars inside these, as moves on the same previous closes, which decide the order of events as far
        as they tell it. They decide no price: an order inside a bar is filled at its level, as without them.

    Attributes
    ----------
    parameters : tuple of str
        ``("high_offset", "low_offset")``, and ``"stop_offset"`` where it is tuned.
    bounds : tuple of (low, high)
        One a parameter.
    size : int
        Number of bars n.

    Raises
    ------
    ProblemError
        Naming the argument, the position, the value and the rule, when an input breaks one.

    Examples
    --------
    >>> import backtune as bt
    >>> p = bt.HoldProblem([0.0, 0.01], [0.005, 0.03], [-0.02, 0.0], [0.0, 0.02], [0.015] * 2, [-0.015] * 2,
    ...                    1.0, 0.0, fee=0.0)
    >>> round(p((0.0, 0.0)), 6)   # bought at -1.5 %, sold in the next bar at +1.5 %
    0.030457
    """

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
        max_bars: int = 20,
        stop_offset: float | Sequence[float] | None = None,
        carry: float = 0.0,
        fills: HoldFills = "causal",
        bounds: Sequence[Sequence[float]] = DEFAULT_BOUNDS,
        detail: FineBars | None = None,
    ) -> None:
        self.moves = rows_of(open, high, low, close, high_forecast, low_forecast, long_size, short_size)
        self.size = self.moves.shape[1]
        self.costs = costs_of(fee, costs)
        self.fee = self.costs.maker
        self.max_bars = _count("max_bars", max_bars)
        self.carry = _number("carry", carry)
        self.fills: HoldFills = _fill_rule(fills)
        self.stop_offset, pairs = _stop(stop_offset)
        self.parameters = OFFSETS[: 2 + len(pairs)]
        self.bounds = _box((*bounds, *pairs), self.parameters, bounds)
        self.parts: tuple[Parts, Parts] | None = None
        if detail is not None:
            self.parts = both_parts(self.moves[:4], detail, self.has_stop)
        self._lay_out()

    def side_bars(self, side: float) -> Array:
        """Bars of one side (1.0 long, -1.0 short), or their parts, as the kernels take them."""
        parts = self.parts[side < 0.0] if self.parts else None
        return kernels.side_bars(self.moves, self.base, side, self.costs.fill_through, self.max_bars, parts)

    def _lay_out(self) -> None:
        """Make what the kernels run over."""
        rule = self.carry, self.max_bars, self.has_stop
        self._terms = {
            fills: kernels.terms_of(self.costs, *rule, fills == "optimistic", self.parts is not None)
            for fills in RULES
        }
        base = np.empty(self.size)
        base[0] = 1.0
        with np.errstate(over="ignore", under="ignore"):
            np.cumprod(1.0 + self.moves[kernels.CLOSE, :-1], out=base[1:])
        bad = ~((base > 1e-150) & (base < 1e150))
        if bad.any():
            raise ProblemError(
                f"close[{int(np.argmax(bad)) - 1}] brings the price to {base[np.argmax(bad)]:g} times its "
                "first, which no price does; check the moves of close"
            )
        self.base = base
        sides = ((1.0, self.moves[LONG_SIZE]), (-1.0, self.moves[SHORT_SIZE]))
        self.longs, self.shorts = (
            self.side_bars(side) if size.any() else np.empty((kernels.ROWS, 0)) for side, size in sides
        )

    def terms(self, fills: str | None = None) -> kernels.Terms:
        """Return what holds for every bar, as the kernels take it, under the problem's rule or another."""
        return self._terms[self.fills if fills is None else fills]

    @property
    def sizes(self) -> Array:
        """Sizes of both sides, long and short, shape (2, n)."""
        return self.moves[LONG_SIZE : SHORT_SIZE + 1]

    def with_sizes(self, sizes: Array) -> HoldProblem:
        """Return the same problem with other sizes, shape (2, n)."""
        other = copy(self)
        other.moves = np.concatenate([self.moves[:LONG_SIZE], sizes])
        other._lay_out()
        return other

    def weighted(self, weights: Array) -> HoldProblem:
        """Return the same problem with what enters in each bar counted so many times, shape (n,), >= 0."""
        return self.with_sizes(self.sizes * weights)

    @property
    def holds(self) -> bool:
        """Whether a position may stay open after its bar."""
        return self.max_bars > 1

    @property
    def has_stop(self) -> bool:
        """Whether positions have a stop, at a fixed offset or a tuned one."""
        return self.stop_offset is not None or len(self.parameters) == 3

    def __call__(self, x: ArrayLike) -> float:
        """Total return at x, shape (d,), the sum over all trades; 0 at offsets that are all NaN: no order."""
        point = self._point(x)
        if np.isnan(point[0]):
            return 0.0
        full = self.with_stop(point[None, :])
        return float(kernels.hold_totals(self.longs, self.shorts, full, self.terms())[0])

    def batch(self, points: ArrayLike) -> Array:
        """Total returns at many points.

        Parameters
        ----------
        points : array_like, shape (m, d)
            Offsets in the order of `parameters`; a row of NaN places no order.

        Returns
        -------
        ndarray, shape (m,)
            Equal to the bit to calling the problem at each point.
        """
        array = self._points("points", points)
        idle = np.isnan(array[:, 0])
        full = self.with_stop(array)
        full[idle] = 0.0
        result: Array = kernels.hold_totals(self.longs, self.shorts, full, self.terms())
        result[idle] = 0.0
        return result

    def with_stop(self, points: Array) -> Array:
        """Return points (m, d) with a third column, the stop's offset, where it is not a parameter."""
        full = np.zeros((len(points), 3))
        full[:, : points.shape[1]] = points
        if points.shape[1] == 2 and self.stop_offset is not None:
            full[:, 2] = self.stop_offset
        return full

    def outcome(self, x: ArrayLike, state: HoldState | None = None, *, keep_open: bool = False) -> Outcome:
        """Return what x earns bar by bar, and the trades behind it.

        A bar's return is the change of value of the open position over its entry price, so that the bars of a
        trade sum to its return, costs included. Under either rule they are those of the whole path that is
        least (greatest): give a stretch as a whole, with a row of offsets a bar, for a floor that holds
        jointly.

        Parameters
        ----------
        x : array_like, shape (d,), or (n, d) for a row a bar
            Offsets; a row of NaN places no order in that bar, and an open position then has no take-profit in
            it.
        state : HoldState, optional
            What the bars before left open, an `Outcome`'s `state`. It goes on with its stop and its entry
            price, and its take-profit follows `x`.
        keep_open : bool
            Book what is open after the last bar at its close without selling it there: no exit fee. Else it
            is sold, as in the problem's own total, and going on from `state` books it back.
        """
        if np.ndim(x) == 2:
            offsets = self._points("x", x)
            if len(offsets) != self.size:
                raise ProblemError(
                    f"x has {len(offsets)} rows; expected one point, or a row for each of {self.size} bars"
                )
        else:
            offsets = np.broadcast_to(self._point(x), (self.size, len(self.parameters)))
        if state is not None and not isinstance(state, HoldState):
            raise ProblemError(f"state is {state!r}; expected the state of an earlier outcome, or None")
        return hold_outcome(self, self.with_stop(offsets), state, keep_open)

    def under(self, fills: HoldFills) -> HoldProblem:
        """Return the same problem valued by the other fill rule."""
        other = copy(self)
        other.fills = _fill_rule(fills)
        return other

    abstains = True  # offsets of NaN are no order

    def fitted(self) -> HoldProblem:
        """Return the same problem in the box that fits its bars; sides of zero width and the stop's stay."""
        other = copy(self)
        fits = (*fitted_box(self), *self.bounds[2:])
        other.bounds = tuple(
            own if own[0] == own[1] else fit for own, fit in zip(self.bounds, fits, strict=True)
        )
        return other

    def without_detail(self) -> HoldProblem:
        """Return the same problem by its bars alone."""
        other = copy(self)
        other.parts = None
        other._lay_out()
        return other

    def window(self, start: int, stop: int) -> HoldProblem:
        """Return the problem of bars start..stop-1 alone.

        Raises
        ------
        ProblemError
            There are no such bars.
        """
        if not 0 <= start < stop <= self.size:
            raise ProblemError(f"bars {start}..{stop - 1} were asked for; the problem has 0..{self.size - 1}")
        other = copy(self)
        other.moves, other.size = self.moves[:, start:stop], stop - start
        if self.parts:
            other.parts = self.parts[0].window(start, stop), self.parts[1].window(start, stop)
        other._lay_out()
        return other

    slice = window

    def _points(self, name: str, points: ArrayLike) -> Array:
        """Return rows of offsets, each finite or all NaN."""
        try:
            array = np.asarray(points, dtype=np.float64)
        except (TypeError, ValueError):
            array = np.empty(0)
        if array.ndim != 2 or array.shape[1] != len(self.parameters):
            raise ProblemError(
                f"{name} must be numbers of shape (m, {len(self.parameters)}): {', '.join(self.parameters)}"
            )
        idle_rows(name, array)
        return array

    def _point(self, x: Any) -> Array:
        try:
            array = np.array([float(offset) for offset in x])
        except (TypeError, ValueError):
            array = np.full(1, np.inf)
        idle = len(array) and np.isnan(array).all()
        if len(array) != len(self.parameters) or not (idle or np.isfinite(array).all()):
            raise ProblemError(
                f"x is {x!r}; expected {len(self.parameters)} finite numbers ({', '.join(self.parameters)}), "
                "or all NaN for no order"
            )
        return array

    def __repr__(self) -> str:
        """Show size, rules and bounds."""
        return (
            f"HoldProblem({self.size} bars, max_bars={self.max_bars}, stop_offset={self.stop_offset}, "
            f"fills={self.fills!r}, {shown(self.costs)}, carry={self.carry}, bounds={self.bounds})"
        )


def _fill_rule(fills: str) -> HoldFills:
    if fills == "published":
        raise ProblemError(
            "fills is 'published', a rule of one bar; hold positions under 'causal' or 'optimistic'"
        )
    return cast(HoldFills, one_of("fill rule", fills, RULES))


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value < 2**31:
        raise ProblemError(f"{name} is {value!r}; expected a whole number of bars, at least 1")
    return int(value)


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise ProblemError(f"{name} is {value!r}; expected a finite number")
    return number


def _stop(value: Any) -> tuple[float | None, tuple[Any, ...]]:
    """Fixed offset of the stop, if any, and the bounds of a tuned one."""
    if value is None:
        return None, ()
    if np.ndim(value) == 0:
        return _number("stop_offset", value), ()
    return None, (value,)


def _box(pairs: Sequence[Any], parameters: tuple[str, ...], bounds: Any) -> Bounds:
    if len(pairs) != len(parameters):
        raise ProblemError(
            f"bounds are {bounds!r}; expected (low, high) of high_offset and of low_offset; that of a tuned "
            "stop is stop_offset=(low, high)"
        )
    result = []
    for name, pair in zip(parameters, pairs, strict=True):
        try:
            low, high = (float(end) for end in pair)
        except (TypeError, ValueError):
            raise ProblemError(f"bounds of {name} are {pair!r}; expected a pair (low, high)") from None
        if not (np.isfinite(low) and np.isfinite(high) and low <= high):
            raise ProblemError(f"bounds of {name} are ({low:g}, {high:g}); expected finite low <= high")
        result.append((low, high))
    return tuple(result)
