"""The exact optimum in its quadratic form: all lattice totals by sweeps, the near-best settled exactly.

Written before the branch and bound and independently of it; the tests hold the two together at sizes that
brute force cannot reach.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from backtune.optimizers.exact.breakpoints import breakpoints
from backtune.problem import FILLS
from backtune.problem.kernels import (
    CAUSAL,
    CLOSE,
    HIGH,
    HIGH_FORECAST,
    LANES,
    LOW,
    LOW_FORECAST,
    MAX_UP,
    OPEN,
    PUBLISHED,
    SIZE,
    down_level,
    total,
    up_level,
)

EPSILON = 2.0**-52


def quadratic_optimum(problem):
    """Offsets and value of the optimum."""
    (a_low, a_high), (b_low, b_high) = problem.bounds
    a, b, value, _ = solve(
        problem.long_legs,
        problem.short_legs,
        a_low,
        a_high,
        b_low,
        b_high,
        problem.fee,
        FILLS[problem.fills],
        problem.close_at_eod,
    )
    return (a, b), value


@njit
def lattice_axis(low, high, first, second, ends_high):
    """Breakpoints inside [low, high], sorted, each once, with the favourable end of the box added."""
    points = np.empty(len(first) + len(second) + 1)
    points[0] = high if ends_high else low
    k = 1
    for source in (first, second):
        for x in source:
            if low <= x <= high:
                points[k] = x
                k += 1
    return np.unique(points[:k])


@njit(error_model="numpy")
def solve(
    long_legs, short_legs, a_low, a_high, b_low, b_high,
    fee, fills, eod,
):  # fmt: skip
    """Best offsets (a, b) in the box, their total, and the number of totals evaluated to settle them."""
    long_marks = breakpoints(long_legs, long_legs.shape[1], 1.0, fills, eod, 0.0)
    short_marks = breakpoints(short_legs, short_legs.shape[1], -1.0, fills, eod, 0.0)
    first_long = long_marks[1:].copy().reshape(-1)
    last_short = short_marks[1:].copy().reshape(-1)
    highs = lattice_axis(a_low, a_high, long_marks[0], last_short, True)
    lows = lattice_axis(b_low, b_high, first_long, short_marks[0], False)
    values = np.zeros((len(lows), len(highs)))
    _add_side(values, lows, highs, long_legs, long_marks, fee, fills, eod, False)
    _add_side(values.T, highs, lows, short_legs, short_marks, fee, fills, eod, True)
    legs = long_legs.shape[1] + short_legs.shape[1]
    slack = 64.0 * (legs + 16) * EPSILON * (long_legs[SIZE].sum() + short_legs[SIZE].sum()) * (1.0 + MAX_UP)
    floor = values.max() - slack
    lanes = np.empty(LANES)
    best, best_a, best_b, evaluations = -np.inf, a_high, b_low, 0
    for i in range(len(lows)):
        for j in range(len(highs) - 1, -1, -1):
            if values[i, j] >= floor:
                value = total(long_legs, short_legs, highs[j], lows[i], fee, fills, eod, lanes)
                evaluations += 1
                if value > best:
                    best, best_a, best_b = value, highs[j], lows[i]
    return best_a, best_b, best, evaluations


@njit(error_model="numpy")
def _add_side(
    values, entries, exits, legs, marks,
    fee, fills, eod, short,
):  # fmt: skip
    """Add one side's totals at (entry offset i, exit offset j) to values[i, j].

    At a given entry offset a filled leg returns ``constant + weight * exit``, and its exit is its level (a
    clipped linear function of the exit offset) on a range of exit offsets and the close elsewhere. The
    changes along the exit offsets are scattered, then summed in one sweep.
    """
    n, m = legs.shape[1], len(exits)
    floor, ceiling = (-1.0, 0.0) if short else (0.0, MAX_UP)
    forecast = legs[LOW_FORECAST] if short else legs[HIGH_FORECAST]
    entry_forecast = legs[HIGH_FORECAST] if short else legs[LOW_FORECAST]
    # counts of exit offsets: level at its floor, below its ceiling; take-profit reached; level short of close
    cuts = np.empty((4, n), dtype=np.int64)
    for t in range(n):
        cuts[0, t] = _count(exits, forecast[t], floor, True)
        cuts[1, t] = _count(exits, forecast[t], ceiling, False)
        reached = _count(exits, 0.0, marks[0, t], not short)
        beyond_close = _count(exits, forecast[t], legs[CLOSE, t], short)
        if legs[CLOSE, t] < floor or (legs[CLOSE, t] == floor and not short):
            beyond_close = 0
        if legs[CLOSE, t] > ceiling or (legs[CLOSE, t] == ceiling and short):
            beyond_close = m
        cuts[2, t], cuts[3, t] = reached, beyond_close
    constant, slope = np.empty(m + 1), np.empty(m + 1)
    for i in range(len(entries)):
        constant[:] = 0.0
        slope[:] = 0.0
        for t in range(n):
            level = _entry_level(entry_forecast[t], entries[i], short)
            at_open = fills != PUBLISHED and (legs[OPEN, t] > level if short else legs[OPEN, t] < level)
            if not (at_open or (legs[HIGH, t] > level if short else legs[LOW, t] < level)):
                continue
            entry = legs[OPEN, t] if at_open else level
            size, close = legs[SIZE, t], legs[CLOSE, t]
            if fills == PUBLISHED:
                weight, base = (-size, size * (entry - fee)) if short else (size, -size * (entry + fee))
            elif short:
                weight = -size * (1.0 + fee) / (1.0 + entry)
                base = size * (1.0 - fee) + weight
            else:
                weight = size * (1.0 - fee) / (1.0 + entry)
                base = weight - size * (1.0 + fee)
            cut = cuts[3, t] if (fills == CAUSAL and not at_open and not eod) else cuts[2, t]
            if eod:
                cut = m if short else 0
            start, stop = (cut, m) if short else (0, cut)
            at_close = base + weight * close
            if short:
                constant[0] += at_close
                constant[start] -= at_close
            else:
                constant[stop] += at_close
            low, high = min(max(cuts[0, t], start), stop), min(max(cuts[1, t], start), stop)
            constant[start] += base + weight * floor
            constant[low] += weight * (forecast[t] - floor)
            slope[low] += weight
            slope[high] -= weight
            constant[high] += weight * (ceiling - forecast[t])
            constant[stop] -= base + weight * ceiling
        c = k = 0.0
        for j in range(m):
            c += constant[j]
            k += slope[j]
            values[i, j] += c + k * exits[j]


@njit
def _entry_level(forecast, offset, short):
    return up_level(forecast, offset) if short else down_level(forecast, offset)


@njit
def _count(points, forecast, level, inclusive):
    """How many of the sorted `points` have forecast + point below (or, inclusive, at) `level`."""
    first, last = 0, len(points)
    while first < last:
        middle = (first + last) // 2
        moved = forecast + points[middle]
        if moved < level or (inclusive and moved == level):
            first = middle + 1
        else:
            last = middle
    return first
