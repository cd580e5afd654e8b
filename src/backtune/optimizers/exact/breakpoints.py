"""Where a bar changes its state: the offsets at which it is filled, filled at the open, at its take-profit.

A breakpoint is the last float on its side: the largest high offset (smallest low offset) at which
``forecast + offset``, as a float, still falls on the right side of the move. It is found from the rounding of
that sum, not searched for: the largest x with fl(f + x) <= y is the midpoint between y and the next
float, less f, or a float beside it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backtune.compiled import njit
from backtune.problem.kernels import (
    CAUSAL,
    CLOSE,
    HIGH,
    HIGH_FORECAST,
    LOW,
    LOW_FORECAST,
    MAX_DOWN,
    MAX_UP,
    OPEN,
    OPEN_BEYOND,
    PROOF,
    PUBLISHED,
    Fee,
)

Array = NDArray[np.float64]


@njit()
def next_float(x: float) -> float:
    """The next float above a finite x: one step in its bits, which the library function takes longer for."""
    bits = np.float64(x + 0.0).view(np.int64)  # of -0.0 those of 0.0
    return np.int64(bits + (1 if bits >= 0 else -1)).view(np.float64)


@njit()
def previous_float(x: float) -> float:
    """The next float below a finite x."""
    return -next_float(-x)


@njit()
def largest_at_most(f: float, y: float) -> float:
    """Largest float x with fl(f + x) <= y.

    Two-sum says what rounding took from y - f, so that x comes within a rounding of the midpoint less f: it
    is the float looked for or one beside it. Nothing branches, here and in what calls it for many legs, so
    that loops over it become vector instructions.
    """
    x = y - f
    part = x - y
    x += ((y - (x - part)) - (f + part)) + 0.5 * (next_float(y) - y)
    below, above = previous_float(x), next_float(x)
    x = x if f + x <= y else below
    return above if f + above <= y else x


@njit()
def last_level(f: float, y: float, ceiling: float) -> float:
    """Largest offset x with clip(f + x, 0, ceiling) <= y; -inf where none has, inf where all have."""
    x = largest_at_most(f, y)
    x = -np.inf if y < 0.0 else x
    return np.inf if y >= ceiling else x


@njit(cache=True, part=True)
def _last_levels(
    forecasts: Array, moves: Array, n: int, sign: float, strict: bool, ceiling: float, levels: Array
) -> None:
    """`last_level` of the first n legs, or of their mirror images where `sign` is -1, into `levels`.

    Where `strict`, the level stays below the move.
    """
    for t in range(n):
        y = sign * moves[t]
        y = previous_float(y) if strict else y
        levels[t] = sign * last_level(sign * forecasts[t], y, ceiling)


@njit(cache=True, part=True)
def breakpoints(legs: Array, n: int, side: float, fills: int, eod: bool, fee: Fee) -> Array:
    """Breakpoints of one side's first n legs, shape (3, n); `side` is 1 for longs, -1 for shorts.

    Of a long: the last high offset at which its take-profit is reached, the first low offsets at which it
    is filled, and filled at the open. Of a short: the first low offset at which its take-profit is reached,
    the last high offsets at which it is filled, and filled at the open. Infinite where it never or always is.

    Where limit and market fills cost different amounts there is a fourth: where a leg that is filled inside
    the bar turns from the close to its take-profit, which is a jump then.
    """
    # a lower level falls short of a move as the upper level of the opposite signs exceeds the opposite move
    short, sign, strict = side < 0.0, -side, fills != PUBLISHED  # by that rule a level is reached if touched
    entry, leave = (HIGH, LOW) if short else (LOW, HIGH)
    entry_forecast, exit_forecast = (HIGH_FORECAST, LOW_FORECAST) if short else (LOW_FORECAST, HIGH_FORECAST)
    entry_ceiling, exit_ceiling = (MAX_UP, -MAX_DOWN) if short else (-MAX_DOWN, MAX_UP)
    result, opens = np.empty((3, n)), legs[OPEN]
    if isinstance(fee, tuple):
        result, opens = np.empty((4, n)), legs[OPEN_BEYOND]
    taken, filled, at_open = result[0], result[1], result[2]
    if eod:
        for t in range(n):
            taken[t] = -side * np.inf
    else:
        _last_levels(legs[exit_forecast], legs[leave], n, side, strict, exit_ceiling, taken)
    _last_levels(legs[entry_forecast], legs[entry], n, sign, True, entry_ceiling, filled)
    if strict:  # an open at the level fills nothing
        _last_levels(legs[entry_forecast], opens, n, sign, True, entry_ceiling, at_open)
        for t in range(n):
            filled[t] = sign * max(sign * at_open[t], sign * filled[t])
    else:
        for t in range(n):
            at_open[t] = -sign * np.inf
    if isinstance(fee, tuple):
        turns, turned = np.empty(n), result[3]
        for t in range(n):
            turns[t], turned[t] = legs[leave, t], sign * np.inf
            if fills == CAUSAL:
                turns[t] = side * max(side * legs[PROOF, t], min(side * legs[CLOSE, t], side * turns[t]))
        if not eod:
            _last_levels(legs[exit_forecast], turns, n, side, strict, exit_ceiling, turned)
    return result
