"""EntryExitProblem: what a pair of offsets earns on a stretch of bars, by one of three fill rules."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backtune.errors import ProblemError, one_of
from backtune.problem import kernels
from backtune.problem.surface import surface

FillRule = Literal["causal", "optimistic", "published"]
Bounds = tuple[tuple[float, float], ...]
Array = NDArray[np.float64]

FILLS: dict[str, int] = {
    "causal": kernels.CAUSAL,
    "optimistic": kernels.OPTIMISTIC,
    "published": kernels.PUBLISHED,
}
ROUNDING = 2.0**-50  # more than a sum and a difference can be rounded by, relative to their terms
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
    close_at_eod : bool
        True: the position leaves at the close and nowhere else. False: at the take-profit where the rule
        says it was reached, else at the close.
    fills : {"causal", "optimistic", "published"}
        "causal" books only what the bar proves; use it unless you reproduce something. "optimistic" is the
        upper end of what the bar allows. "published" is the rule of the study this project began with: no
        gaps, one fee, the order of the extremes assumed in the trader's favour.
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
        fee: float = 0.0005,
        close_at_eod: bool = False,
        fills: FillRule = "causal",
        bounds: Sequence[Sequence[float]] = DEFAULT_BOUNDS,
    ) -> None:
        o, h, lo, c = (
            _vector(name, value)
            for name, value in (("open", open), ("high", high), ("low", low), ("close", close))
        )
        self.size = len(c)
        hf, lf = _vector("high_forecast", high_forecast), _vector("low_forecast", low_forecast)
        ls, ss = _vector("long_size", long_size, self.size), _vector("short_size", short_size, self.size)
        _check_bars(o, h, lo, c)
        for name, array in (
            ("high_forecast", hf),
            ("low_forecast", lf),
            ("long_size", ls),
            ("short_size", ss),
        ):
            if len(array) != self.size:
                raise ProblemError(
                    f"{name} has {len(array)} values but close has {self.size}; all must be equally long"
                )
        for name, array in (("long_size", ls), ("short_size", ss)):
            _refuse(name, array, array < 0, "must be >= 0; a short is a positive short_size")
        self.fee = _fraction("fee", fee)
        self.close_at_eod = _flag("close_at_eod", close_at_eod)
        self.fills: FillRule = cast(FillRule, one_of("fill rule", fills, FILLS))
        self.bounds = _bounds(bounds)
        self.moves: Array = np.stack([o, h, lo, c, hf, lf, ls, ss])
        self.moves.flags.writeable = False
        self._longs, self._shorts = _side(self.moves, short=False), _side(self.moves, short=True)
        self.long_legs, self.short_legs = self._longs.legs(), self._shorts.legs()

    def __call__(self, x: ArrayLike) -> float:
        """Total return at x = (high_offset, low_offset), the sum over all bars."""
        a, b = _point(x)
        return float(
            kernels.total_one(
                self.long_legs, self.short_legs, a, b, self.fee, FILLS[self.fills], self.close_at_eod
            )
        )

    def batch(self, points: ArrayLike) -> Array:
        """Total returns at many points.

        Parameters
        ----------
        points : array_like, shape (m, 2)
            Pairs (high_offset, low_offset).

        Returns
        -------
        ndarray, shape (m,)
            Equal to the bit to calling the problem at each point.
        """
        array = np.ascontiguousarray(points, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != 2:
            raise ProblemError(f"points have shape {array.shape}; expected (m, 2): high_offset, low_offset")
        if not np.isfinite(array).all():
            raise ProblemError("points hold NaN or infinite offsets; offsets must be finite")
        result: Array = kernels.totals(
            self.long_legs, self.short_legs, array, self.fee, FILLS[self.fills], self.close_at_eod
        )
        return result

    def surface(self, high_offsets: ArrayLike, low_offsets: ArrayLike) -> Array:
        """Total returns at every pair of offsets, in one pass over the bars.

        Parameters
        ----------
        high_offsets : array_like, shape (H,)
        low_offsets : array_like, shape (L,)

        Returns
        -------
        ndarray, shape (H, L)
            Equal to `batch` at those points up to rounding.
        """
        highs, lows = (
            np.atleast_1d(np.asarray(axis, dtype=np.float64)) for axis in (high_offsets, low_offsets)
        )
        if highs.ndim != 1 or lows.ndim != 1 or not (np.isfinite(highs).all() and np.isfinite(lows).all()):
            raise ProblemError("high_offsets and low_offsets must each be a list of finite numbers")
        return surface(
            self.long_legs, self.short_legs, highs, lows, self.fee, FILLS[self.fills], self.close_at_eod
        )

    def returns(self, x: ArrayLike) -> Array:
        """Return of each bar at x, shape (n,): long plus short, sizes and fees included."""
        a, b = _point(x)
        result = np.zeros(self.size)
        for bars, legs, short in self._sides():
            returns = kernels.leg_returns(legs, a, b, self.fee, FILLS[self.fills], self.close_at_eod, short)
            result[bars] += returns[: len(bars)]
        return result

    def trades(self, x: ArrayLike) -> NDArray[np.int64]:
        """Number of fills of each bar at x, shape (n,): 0, 1, or 2 where both sides are filled."""
        a, b = _point(x)
        result = np.zeros(self.size, dtype=np.int64)
        for bars, legs, short in self._sides():
            result[bars] += kernels.leg_filled(legs, a, b, FILLS[self.fills], short)[: len(bars)]
        return result

    def ambiguous(self, x: ArrayLike) -> NDArray[np.int64]:
        """Number of trades of each bar whose result hangs on the order inside the bar, shape (n,).

        A trade is ambiguous where the causal and the optimistic rule book different returns for it at the
        same offsets. None is with close_at_eod.
        """
        a, b = _point(x)
        result = np.zeros(self.size, dtype=np.int64)
        for bars, legs, short in self._sides():
            causal, optimistic = (
                kernels.leg_returns(legs, a, b, self.fee, rule, self.close_at_eod, short)
                for rule in (kernels.CAUSAL, kernels.OPTIMISTIC)
            )
            result[bars] += (causal != optimistic)[: len(bars)]
        return result

    def under(self, fills: FillRule) -> EntryExitProblem:
        """Return the same problem valued by another fill rule."""
        other = copy(self)
        other.fills = cast(FillRule, one_of("fill rule", fills, FILLS))
        return other

    def slice(self, start: int, stop: int) -> EntryExitProblem:
        """Return the problem of bars start..stop-1 alone; what was validated once is not validated again.

        Raises
        ------
        ProblemError
            There are no such bars.
        """
        if not 0 <= start < stop <= self.size:
            raise ProblemError(f"bars {start}..{stop - 1} were asked for; the problem has 0..{self.size - 1}")
        other = copy(self)
        other.moves, other.size = self.moves[:, start:stop], stop - start
        other._longs, other._shorts = self._longs.slice(start, stop), self._shorts.slice(start, stop)
        other.long_legs, other.short_legs = other._longs.legs(), other._shorts.legs()
        return other

    def _sides(self) -> tuple[tuple[NDArray[np.int64], Array, bool], ...]:
        return (
            (self._longs.in_order(), self.long_legs, False),
            (self._shorts.in_order(), self.short_legs, True),
        )

    def __repr__(self) -> str:
        """Show size, policy, rule and bounds."""
        return (
            f"EntryExitProblem({self.size} bars, close_at_eod={self.close_at_eod}, fills={self.fills!r}, "
            f"fee={self.fee}, bounds={self.bounds})"
        )


@dataclass(frozen=True, eq=False)
class _Side:
    """Bars with a size above zero on one side, a leg for each, in the order of the bars; see `kernels`."""

    bars: NDArray[np.int64]
    columns: Array  # (8, len(bars))
    padding: Array  # (8, 1): a leg out of reach of any level

    def slice(self, start: int, stop: int) -> _Side:
        """Return those of bars start..stop-1, which are then counted from zero."""
        first, last = self.bars.searchsorted((start, stop))
        return _Side(self.bars[first:last] - start, self.columns[:, first:last], self.padding)

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
        legs = np.empty((len(self.columns), -(-count // kernels.LANES) * kernels.LANES))
        legs[:, :count] = self.columns.take(self.order(), axis=1)
        legs[:, count:] = self.padding
        return legs


def _side(moves: Array, short: bool) -> _Side:
    size_row = kernels.SIZE + short
    bars = np.flatnonzero(moves[size_row] > 0)
    columns = np.empty((kernels.REACH + 1, len(bars)))
    columns[: kernels.SIZE] = moves[: kernels.SIZE].take(bars, axis=1)
    columns[kernels.SIZE] = moves[size_row].take(bars)
    columns[kernels.REACH] = _reach(columns, short)
    padding = np.zeros((len(columns), 1))
    padding[[kernels.OPEN, kernels.HIGH, kernels.LOW], 0] = (-0.5 if short else 0.5), -0.5, 0.5
    padding[kernels.REACH] = np.inf
    return _Side(bars, columns, padding)


def _reach(moves: Array, short: bool) -> Array:
    """Reach of each bar's order, shape (n,); see `kernels`.

    An order is filled only where ``forecast + offset`` comes as far as the bar's extreme or its open, with
    room for the rounding of that sum and of this difference. A short of a bar beyond the highest level that
    there is can be filled at any offset.
    """
    if short:
        price, forecast = np.maximum(moves[kernels.HIGH], moves[kernels.OPEN]), moves[kernels.HIGH_FORECAST]
    else:
        price, forecast = np.minimum(moves[kernels.LOW], moves[kernels.OPEN]), moves[kernels.LOW_FORECAST]
    away = forecast - price if short else price - forecast
    reach: Array = away - ROUNDING * (np.abs(price) + np.abs(forecast))
    return np.where(price >= kernels.MAX_UP, -np.inf, reach) if short else reach


def _vector(name: str, value: ArrayLike, length: int | None = None) -> Array:
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ProblemError(f"{name} is not numeric; give an array of numbers") from None
    if array.ndim == 0 and length is not None:
        array = np.full(length, array)
    if array.ndim != 1:
        raise ProblemError(f"{name} has shape {array.shape}; expected one value a bar, shape (n,)")
    _refuse(name, array, ~np.isfinite(array), "must be finite; drop or fill such bars first")
    return array


def _refuse(name: str, array: Array, bad: NDArray[np.bool_], rule: str) -> None:
    if bad.any():
        where = int(np.argmax(bad))
        raise ProblemError(f"{name}[{where}] is {array[where]:g}; {name} {rule}")


def _check_bars(o: Array, h: Array, lo: Array, c: Array) -> None:
    for name, array in (("open", o), ("high", h), ("low", lo), ("close", c)):
        if len(array) != len(c):
            raise ProblemError(
                f"{name} has {len(array)} values but close has {len(c)}; all must be equally long"
            )
        _refuse(name, array, array <= -1.0, "is a move (price / previous close - 1) and must be above -1")
    if len(c) == 0:
        raise ProblemError("a problem needs at least one bar; got empty arrays")
    for name, array, bad, rule in (
        ("low", lo, lo > c, "must not be above close"),
        ("high", h, h < c, "must not be below close"),
    ):
        _refuse(name, array, bad, rule)


def _fraction(name: str, value: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not 0.0 <= number < 1.0:
        raise ProblemError(f"{name} is {value!r}; it is a fraction of notional, 0 <= {name} < 1")
    return number


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise ProblemError(f"{name} is {value!r}; expected True or False")
    return bool(value)


def _point(x: ArrayLike) -> tuple[float, float]:
    try:
        a, b = (float(offset) for offset in x)  # type: ignore[union-attr, arg-type]
    except (TypeError, ValueError):
        a = b = np.nan
    if not (np.isfinite(a) and np.isfinite(b)):
        raise ProblemError(f"x is {x!r}; expected a pair (high_offset, low_offset) of finite numbers")
    return a, b


def _bounds(bounds: Sequence[Sequence[float]]) -> Bounds:
    try:
        pairs = tuple((float(low), float(high)) for low, high in bounds)
    except (TypeError, ValueError):
        raise ProblemError(f"bounds are {bounds!r}; expected ((low, high), (low, high))") from None
    if len(pairs) != 2:
        raise ProblemError(f"bounds name {len(pairs)} parameters; expected 2: high_offset, low_offset")
    for name, (low, high) in zip(("high_offset", "low_offset"), pairs, strict=True):
        if not (np.isfinite(low) and np.isfinite(high) and low <= high):
            raise ProblemError(f"bounds of {name} are ({low:g}, {high:g}); expected finite low <= high")
    return pairs
