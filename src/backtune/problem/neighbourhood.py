"""What a one-bar problem earns on the mean over a rectangle of offsets, in closed form.

A leg enters at one level and leaves at the other, and each level moves with an offset of its own. So a bar's
return is a sum of products of a function of one offset and a function of the other, and so is its mean over a
rectangle: of each factor the mean over an interval. Upside down a short is a long, so write e for the entry
level times the sign s of the side (1 long, -1 short), x for the exit level times s, o for the open times s,
and f for the fee. Then a leg of size 1 returns

    s (1 - s f) [ X_open(x) 1{e > o} / (1 + s o)  +  X_inside(x) 1{w < e <= o} / (1 + s e) ]
      - s (1 + s f) 1{e > min(o, w)}

where w is the bar's extreme on the entry's side, and X is 1 + s x where the level is reached, 1 + close where
it is not. Levels are clipped sums of forecast and offset: over an interval of offsets a level runs through an
interval at unit speed, and stands where it is clipped. So what has to be integrated is 1, x, 1 / (1 + s e),
between breakpoints: x, x**2 / 2, s log(1 + s e). By the published rule a leg returns (x - e - f) 1{e > w}.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backtune.problem import kernels
from backtune.problem.entry_exit import EntryExitProblem
from backtune.problem.legs import side_of
from backtune.problem.rules import MAX_DOWN, MAX_UP

Array = NDArray[np.float64]
Function = Callable[[Array], Array]

VARIES = 1e-14  # least deviation of returns that is not their rounding


class Factors(NamedTuple):
    """Means over intervals; bar t returns sum(highs[:, i, t] * lows[:, j, t]) at the centre (i, j)."""

    highs: Array  # (6, m, n)
    lows: Array  # (6, k, n)


def mean_totals(
    problem: EntryExitProblem, highs: ArrayLike, lows: ArrayLike, half: tuple[float, float]
) -> Array:
    """Mean total return over rectangles of offsets, exact but for rounding.

    Parameters
    ----------
    problem : EntryExitProblem
    highs, lows : array_like, shapes (m,) and (k,)
        Centres: high offsets and low offsets. Each pair of them is one rectangle.
    half : tuple of float
        Half widths of the rectangles along high and low offset, >= 0; 0 is the point itself.

    Returns
    -------
    ndarray, shape (m, k)
    """
    each = factors(problem, highs, lows, half)
    total: Array = np.einsum("jmt,jkt->mk", each.highs, each.lows, optimize=True)
    return total


def sharpe_ratios(problem: EntryExitProblem, highs: ArrayLike, lows: ArrayLike) -> Array:
    """Mean over standard deviation (ddof 1) of the bars' returns at every pair of offsets, shape (m, k).

    0 where nothing varies, as by `backtune.problem.objectives.sharpe`.
    """
    each = factors(problem, highs, lows, (0.0, 0.0))
    returns = np.matmul(
        each.highs.transpose(2, 1, 0), each.lows.transpose(2, 0, 1)
    )  # a bar, high and low each
    total = returns.sum(axis=0)
    if problem.size < 2:
        return np.zeros_like(total)
    deviation = np.sqrt(np.square(returns - total / problem.size).sum(axis=0) / (problem.size - 1))
    moved = deviation > VARIES
    return np.where(moved, total / problem.size / np.where(moved, deviation, 1.0), 0.0)


def factors(
    problem: EntryExitProblem, highs: ArrayLike, lows: ArrayLike, half: tuple[float, float]
) -> Factors:
    """Return the factors of the mean returns of every bar; for the arguments see `mean_totals`."""
    centres = [np.asarray(values, dtype=np.float64)[:, None] for values in (highs, lows)]
    kept = Factors(*(np.zeros((6, len(values), problem.size)) for values in centres))
    for first, short in ((0, False), (3, True)):
        side = side_of(problem.moves, problem.costs, short=short)
        sign, legs = (-1.0 if short else 1.0), side.columns
        forecasts = legs[kernels.HIGH_FORECAST], legs[kernels.LOW_FORECAST]
        spans = [
            np.sort(sign * (forecast + np.stack([values - width, values + width])), axis=0)
            for forecast, values, width in zip(forecasts, centres, half, strict=True)
        ]
        into, out = (kept.highs, kept.lows) if short else (kept.lows, kept.highs)
        span_in, span_out = spans if short else spans[::-1]
        into[first : first + 3, :, side.bars] = _entries(problem, legs, span_in, sign)
        out[first : first + 3, :, side.bars] = _exits(problem, legs, span_out, sign)
    return kept


def _entries(problem: EntryExitProblem, legs: Array, span: Array, sign: float) -> Array:
    """Factors by the entry's offset, shape (3, m, legs): filled at the open, inside, and what that costs."""
    lowest = sign * MAX_DOWN if sign > 0.0 else -MAX_UP
    size, worst = legs[kernels.SIZE], sign * legs[kernels.LOW if sign > 0.0 else kernels.HIGH]
    if problem.fills == "published":
        filled = _mean(span, worst, np.inf, (lowest, 0.0), _one, _identity)
        level = _mean(span, worst, np.inf, (lowest, 0.0), _identity, _half_square)
        return np.stack([0.0 * filled, size * filled, -size * (level + problem.fee * filled)])
    opened = legs[kernels.OPEN if problem.costs.is_plain else kernels.OPEN_BEYOND] * sign
    at_open = _mean(span, opened, np.inf, (lowest, 0.0), _one, _identity)
    inside = _mean(span, worst, opened, (lowest, 0.0), _one, _identity)
    bought = _mean(
        span, worst, opened, (lowest, 0.0),
        lambda e: 1.0 / (1.0 + sign * e), lambda e: sign * np.log1p(sign * e),
    )  # fmt: skip
    kept, paid = (sign * size * (1.0 + way * sign * problem.fee) for way in (-1.0, 1.0))
    return np.stack([kept * at_open / (1.0 + legs[kernels.OPEN]), kept * bought, -paid * (at_open + inside)])


def _exits(problem: EntryExitProblem, legs: Array, span: Array, sign: float) -> Array:
    """Factors by the exit's offset, shape (3, m, legs): filled at the open, inside, and 1."""
    close, best = legs[kernels.CLOSE], sign * legs[kernels.HIGH if sign > 0.0 else kernels.LOW]
    proof = sign * (close if problem.costs.is_plain else legs[kernels.PROOF])
    first, after = np.minimum(best, np.maximum(proof, sign * close)), np.full_like(best, np.inf)
    if problem.fills == "optimistic":  # its level where that is proved, or reached and better than the close
        first = np.minimum(best, proof)
        unproved = np.nextafter(first, -np.inf)  # a level at `first` is not proved; it may be better, though
        after = np.where(sign * close < first, unproved, sign * close)
    limits = (0.0, MAX_UP if sign > 0.0 else -MAX_DOWN)
    if problem.fills == "published":
        first = np.nextafter(best, np.inf)  # its levels are reached where they are touched
    base, scale = (0.0, sign) if problem.fills == "published" else (1.0, 1.0)
    closed = base + scale * close
    if problem.close_at_eod:
        shape = span.shape[1:]
        return np.stack([np.broadcast_to(closed, shape), np.broadcast_to(closed, shape), np.ones(shape)])

    def price(left: Array | float, right: Array) -> Array:
        """Mean of what the level earns above the close, where it lies between two others."""
        right = np.nextafter(right, -np.inf)
        share = _mean(span, left, right, limits, _one, _identity)
        level = _mean(span, left, right, limits, _identity, _half_square)
        above: Array = base * share + scale * sign * level - closed * share
        return above

    inside = price(-np.inf, first) + (price(after, best) if problem.fills == "optimistic" else 0.0)
    return np.stack([closed + price(-np.inf, best), closed + inside, np.ones(span.shape[1:])])


def _mean(
    span: Array, left: Array | float, right: Array | float, limits: tuple[float, float], function: Function,
    integral: Function,
) -> Array:  # fmt: skip
    """Mean over y in a span of function(clip(y, *limits)) where that level is in (left, right], 0 elsewhere.

    `span` are both ends, shape (2, m, legs).
    """
    start, stop = span
    width = stop - start
    level = np.clip(start, *limits)
    inside = (left < level) & (level <= right)
    here = np.where(inside, function(np.where(inside, level, 0.0)), 0.0)
    low = np.maximum(np.maximum(start, left), limits[0])
    high = np.minimum(np.minimum(stop, right), limits[1])
    some = high > low
    total = np.where(some, integral(np.where(some, high, 0.0)) - integral(np.where(some, low, 0.0)), 0.0)
    stands = np.minimum(stop, limits[0]) - start, stop - np.maximum(start, limits[1])
    for limit, stand in zip(limits, stands, strict=True):
        held = (left < limit) & (limit <= right)
        if np.any(held):
            total = total + np.where(held, np.maximum(stand, 0.0) * function(np.array(limit)), 0.0)
    mean: Array = np.where(width > 0.0, total / np.where(width > 0.0, width, 1.0), here)
    return mean


def _one(x: Array) -> Array:
    return np.ones_like(x)


def _identity(x: Array) -> Array:
    return x


def _half_square(x: Array) -> Array:
    return 0.5 * x * x
