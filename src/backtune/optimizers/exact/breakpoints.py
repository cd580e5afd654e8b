"""Where a bar changes its state: the offsets at which it is filled, filled at the open, at its take-profit.

A breakpoint is the last float on its side: the largest high offset (smallest low offset) at which
``forecast + offset``, as a float, still falls on the right side of the move. It is found from the rounding of
that sum, not searched for: the largest x with fl(f + x) <= y lies within a few floats of the midpoint between
y and the next float, less f.
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
    """Largest float x with fl(f + x) <= y."""
    above = next_float(y)
    x = y - f
    part = x - y
    x += ((y - (x - part)) - (f + part)) + 0.5 * (above - y)  # two-sum: what rounding took from y - f
    while f + x > y:
        x = previous_float(x)
    step = next_float(x)
    while f + step <= y:
        x = step
        step = next_float(x)
    return x


@njit()
def last_level(f: float, y: float, ceiling: float) -> float:
    """Largest offset x with clip(f + x, 0, ceiling) <= y; -inf where none has, inf where all have."""
    if y < 0.0:
        return -np.inf
    return np.inf if y >= ceiling else largest_at_most(f, y)


@njit()
def breakpoints(legs: Array, n: int, side: float, fills: int, eod: bool, fee: Fee) -> Array:
    """Breakpoints of one side's first n legs, shape (3, n); `side` is 1 for longs, -1 for shorts.

    Of a long: the last high offset at which its take-profit is reached, the first low offsets at which it
    is filled, and filled at the open. Of a short: the first low offset at which its take-profit is reached,
    the last high offsets at which it is filled, and filled at the open. Infinite where it never or always is.

    Where limit and market fills cost different amounts there is a fourth: where a leg that is filled inside
    the bar turns from the close to its take-profit, which is a jump then.
    """
    result, opens = np.empty((3, n)), legs[OPEN]
    if isinstance(fee, tuple):
        result, opens = np.empty((4, n)), legs[OPEN_BEYOND]
    # a lower level falls short of a move as the upper level of the opposite signs exceeds the opposite move
    short, sign = side < 0.0, -side
    entry, leave = (HIGH, LOW) if short else (LOW, HIGH)
    entry_forecast, exit_forecast = (HIGH_FORECAST, LOW_FORECAST) if short else (LOW_FORECAST, HIGH_FORECAST)
    entry_ceiling, exit_ceiling = (MAX_UP, -MAX_DOWN) if short else (-MAX_DOWN, MAX_UP)
    for t in range(n):
        reached, at_open = -sign * legs[leave, t], -np.inf
        if fills != PUBLISHED:  # whose levels are reached where they are touched
            reached = previous_float(reached)
            opened = previous_float(sign * opens[t])  # an open at the level fills nothing
            at_open = last_level(sign * legs[entry_forecast, t], opened, entry_ceiling)
        taken = -np.inf if eod else last_level(-sign * legs[exit_forecast, t], reached, exit_ceiling)
        crossed = previous_float(sign * legs[entry, t])
        filled = last_level(sign * legs[entry_forecast, t], crossed, entry_ceiling)
        result[0, t] = -sign * taken
        result[1, t] = sign * (filled if filled > at_open else at_open)
        result[2, t] = sign * at_open
        if isinstance(fee, tuple):
            turned = reached
            if fills == CAUSAL:
                proof, close = -sign * legs[PROOF, t], -sign * legs[CLOSE, t]
                turned = previous_float(max(proof, min(close, -sign * legs[leave, t])))
            result[3, t] = (
                sign * np.inf
                if eod
                else -sign * last_level(-sign * legs[exit_forecast, t], turned, exit_ceiling)
            )
    return result
