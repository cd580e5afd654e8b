"""Where a bar changes its state: the offsets at which it is filled, filled at the open, at its take-profit.

A breakpoint is the last float on its side: the largest high offset (smallest low offset) at which
``forecast + offset``, as a float, still falls on the right side of the move. It is found from the rounding of
that sum, not searched for: the largest x with fl(f + x) <= y lies within a few floats of the midpoint between
y and the next float, less f.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from backtune.kernels import HIGH, HIGH_FORECAST, LOW, LOW_FORECAST, MAX_DOWN, MAX_UP, OPEN, PUBLISHED

Array = NDArray[np.float64]


@njit(cache=True)
def next_float(x: float) -> float:
    """The next float above a finite x: one step in its bits, which the library function takes longer for."""
    if x == 0.0:
        return 5e-324
    bits = np.float64(x).view(np.int64)
    return np.int64(bits + 1 if x > 0.0 else bits - 1).view(np.float64)


@njit(cache=True)
def previous_float(x: float) -> float:
    """The next float below a finite x."""
    return -next_float(-x)


@njit(cache=True)
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


@njit(cache=True)
def last_up(f: float, y: float, strict: bool) -> float:
    """Largest high offset with U < y (strict) or U <= y; -inf where none has, inf where all have."""
    if y < 0.0 or (strict and y <= 0.0):
        return -np.inf
    if y > MAX_UP or (not strict and y >= MAX_UP):
        return np.inf
    return largest_at_most(f, previous_float(y) if strict else y)


@njit(cache=True)
def first_down(f: float, y: float, strict: bool) -> float:
    """Smallest low offset with D > y (strict) or D >= y; inf where none has, -inf where all have."""
    if y > 0.0 or (strict and y >= 0.0):
        return np.inf
    if y < MAX_DOWN or (not strict and y <= MAX_DOWN):
        return -np.inf
    return -largest_at_most(-f, -(next_float(y) if strict else y))


@njit(cache=True)
def long_breakpoints(legs: Array, fills: int, eod: bool) -> Array:
    """Breakpoints of long legs, shape (3, legs): last high offset at which the take-profit is reached, first
    low offsets at which the leg is filled, and filled at the open.
    """
    n = legs.shape[1]
    result = np.empty((3, n))
    for t in range(n):
        hf, lf = legs[HIGH_FORECAST, t], legs[LOW_FORECAST, t]
        result[0, t] = -np.inf if eod else last_up(hf, legs[HIGH, t], fills != PUBLISHED)
        result[1, t] = first_down(lf, legs[LOW, t], True)
        if fills == PUBLISHED:
            result[2, t] = np.inf
        else:
            result[2, t] = first_down(lf, legs[OPEN, t], False)
            result[1, t] = min(result[1, t], result[2, t])
    return result


@njit(cache=True)
def short_breakpoints(legs: Array, fills: int, eod: bool) -> Array:
    """Breakpoints of short legs, shape (3, legs): first low offset at which the take-profit is reached, last
    high offsets at which the leg is filled, and filled at the open.
    """
    n = legs.shape[1]
    result = np.empty((3, n))
    for t in range(n):
        hf, lf = legs[HIGH_FORECAST, t], legs[LOW_FORECAST, t]
        result[0, t] = np.inf if eod else first_down(lf, legs[LOW, t], fills != PUBLISHED)
        result[1, t] = last_up(hf, legs[HIGH, t], True)
        if fills == PUBLISHED:
            result[2, t] = -np.inf
        else:
            result[2, t] = last_up(hf, legs[OPEN, t], False)
            result[1, t] = max(result[1, t], result[2, t])
    return result
