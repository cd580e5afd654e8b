"""The lattice of a problem: its breakpoints, sorted, and where each leg changes its state on them.

Columns are high offsets in ascending order, the last one the box's upper end; rows are low offsets in
ascending order, the first one the box's lower end. Marks count lattice lines, so that the state of a leg at
a lattice point is a comparison of whole numbers.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Marks = NDArray[np.int32]


@njit(cache=True)
def axis(low: float, high: float, exits: Array, entries: Array, end: float) -> Array:
    """Breakpoints (a row a kind) inside [low, high] and one `end` of the box, sorted, each once."""
    inside = np.empty(exits.size + entries.size + 1)
    inside[0] = end
    count = 1
    for points in (exits, entries):
        for i in range(points.shape[0]):
            for t in range(points.shape[1]):
                if low <= points[i, t] <= high:
                    inside[count] = points[i, t]
                    count += 1
    inside = np.sort(inside[:count])
    kept = 1
    for i in range(1, count):
        if inside[i] != inside[kept - 1]:
            inside[kept] = inside[i]
            kept += 1
    return inside[:kept].copy()


@njit(cache=True)
def below(points: Array, x: float, inclusive: bool) -> int:
    """How many of the sorted `points` are below (inclusive: at or below) x."""
    first, last = 0, len(points)
    while first < last:
        middle = (first + last) // 2
        if points[middle] < x or (inclusive and points[middle] == x):
            first = middle + 1
        else:
            last = middle
    return first


@njit(cache=True)
def marks(breakpoints: Array, highs: Array, lows: Array, short: bool) -> Marks:
    """Marks of one side's legs, shape (legs, 3).

    Long: columns at which the take-profit is reached are [0, m0); rows at which the leg is filled [m1, rows),
    filled at the open [m2, rows). Short: the take-profit is reached at rows [m0, rows); the leg is filled
    at columns [0, m1), at the open [0, m2).
    """
    n = breakpoints.shape[1]
    result = np.empty((n, 3), dtype=np.int32)
    for t in range(n):
        for k in range(3):
            if short != (k == 0):  # a high offset
                result[t, k] = below(highs, breakpoints[k, t], True)
            else:
                result[t, k] = below(lows, breakpoints[k, t], False)
    return result
