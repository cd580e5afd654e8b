"""The lattice of a problem: its breakpoints, sorted, and where each leg changes its state on them.

Rows are low offsets in ascending order, columns high offsets in descending order: on both axes the first
line is the one at which every return is highest. A long enters along the rows and leaves along the columns,
a short the other way round. With the lines in this order a leg of either side is filled, filled at the open,
and at its level from some line on, to the last. Marks are those lines, so that the state of a leg at a
lattice point is a comparison of whole numbers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backtune.compiled import njit
from backtune.optimizers.exact.breakpoints import breakpoints
from backtune.problem.checks import Bounds
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
    PUBLISHED,
    REACH,
    SIZE,
    Fee,
    rate,
)

Array = NDArray[np.float64]
Ids = NDArray[np.int32]

# Columns of a side's legs. A filled leg returns WEIGHT * (1 + exit) / (1 + entry) + BASE, by the published
# rule WEIGHT * (exit - entry) + BASE; INVERSE is 1 / (1 + OPENED).
ENTRY_FORECAST, EXIT_FORECAST, OPENED, CLOSED, WEIGHT, BASE, INVERSE = range(7)
# Columns of its marks: filled, filled at the open, at its level after a fill inside the bar, and at the
# open; its two levels clipped at the previous close.
FILLED, AT_OPEN, LEVEL_INSIDE, LEVEL_OPEN, ENTRY_CLIPPED, EXIT_CLIPPED = range(6)


AHEAD = 3  # lines that are compared at once


class Lattice(NamedTuple):
    """A problem as the search sees it; longs and shorts are numbered apart.

    Legs are there twice: a row each, for the search, which picks single legs, and a column each, as the
    problem keeps them, for its own sum.
    """

    rows: Array
    columns: Array
    longs: Array
    shorts: Array
    long_marks: Ids
    short_marks: Ids
    long_legs: Array
    short_legs: Array
    fee: Fee
    fills: int
    eod: bool


class Axis(NamedTuple):
    """Lines of one axis in ascending order, and the first of each of equally wide stretches of it.

    `padded` are the lines and AHEAD infinities behind them.
    """

    lines: Array
    padded: Array
    firsts: Ids
    low: float
    high: float
    scale: float  # stretches in one unit of the offset


@njit(cache=True, error_model="numpy", inline="always")
def lay_out(long_legs: Array, short_legs: Array, bounds: Bounds, fee: Fee, fills: int, eod: bool) -> Lattice:
    """Lay out the lattice of a problem's legs, (8, legs) a side, in the box `bounds`.

    Legs that no offset in it brings into reach are left out: they add zeros, and their breakpoints would be
    lines at which nothing changes.
    """
    (a0, a1), (b0, b1) = bounds
    long_breaks = breakpoints(long_legs, _within_reach(long_legs, b1), 1.0, fills, eod, fee)
    short_breaks = breakpoints(short_legs, _within_reach(short_legs, -a0), -1.0, fills, eod, fee)
    # high offsets with their signs changed ascend from the favourable end, as low offsets do
    long_lines = np.empty(long_breaks.shape, dtype=np.int32)
    short_lines = np.empty(short_breaks.shape, dtype=np.int32)
    rows = _axis(b0, b1, 1.0, short_breaks, long_breaks, short_lines, long_lines, eod)
    columns = _axis(-a1, -a0, -1.0, long_breaks, short_breaks, long_lines, short_lines, eod)
    longs, long_marks = _side(long_legs, long_lines, 1.0, rows, columns, fee, fills, eod)
    shorts, short_marks = _side(short_legs, short_lines, -1.0, columns, rows, fee, fills, eod)
    for i in range(len(columns.lines)):
        columns.lines[i] = -columns.lines[i]
    return Lattice(
        rows.lines, columns.lines, longs, shorts, long_marks, short_marks, long_legs, short_legs,
        fee, fills, eod,
    )  # fmt: skip


@njit()
def _within_reach(legs: Array, offset: float) -> int:
    """Number of legs, which ascend in their reach, that `offset` may fill."""
    first, last = 0, legs.shape[1]
    while first < last:
        middle = (first + last) // 2
        if legs[REACH, middle] > offset:
            last = middle
        else:
            first = middle + 1
    return first


@njit(cache=True, part=True, error_model="numpy")
def _axis(
    low: float, high: float, sign: float, exits: Array, entries: Array, exit_lines: Ids, entry_lines: Ids,
    eod: bool,
) -> Axis:  # fmt: skip
    """Axis of the breakpoints in [low, high]: of one side's exits and the other's entries, and `low` itself.

    Writes the line of each of these breakpoints: the first one if it is below `low`, the number of lines if
    above `high`. Legs that leave at the close have no exits there, and get no lines for them.
    """
    taken, every = (1, 3) if eod else (0, exits.shape[0])
    inside, count = _inside(low, high, sign, exits, entries, exit_lines, entry_lines, taken, every)
    stretches = 2 * count
    scale = stretches / (high - low)
    if not scale < 1e300:  # a box without width
        scale = 0.0
    # where stretch k begins comes to be in firsts[k + 1], which moves on with each point that is put there
    firsts, order = np.empty(stretches + 2, dtype=np.int32), np.empty(count + 1, dtype=np.int32)
    places, lines = np.empty(count + 1, dtype=np.int32), np.empty(count + AHEAD)
    for k in range(stretches + 2):
        firsts[k] = 0
    for i in range(count):
        k = min(int((inside[i] - low) * scale), stretches - 1)
        places[i] = k + 1
        firsts[k + 2] += 1
    largest = count - count
    for k in range(2, stretches + 2):
        largest = max(largest, firsts[k])
        firsts[k] += firsts[k - 1]
    for i in range(count):
        k = firsts[places[i]]
        lines[k], order[k] = inside[i], i
        firsts[places[i]] = k + 1
    _sort(lines, order, count, largest)
    kept, before = 0, low
    for i in range(count):
        x = lines[i]
        kept += x != before
        lines[kept] = before = x
        places[order[i]] = order[i] = kept
    kept += 1
    places[count] = order[count] = kept
    if kept < count:
        for k in range(stretches + 1):
            firsts[k] = order[firsts[k]]
    for i in range(kept, kept + AHEAD):
        lines[i] = np.inf
    for spots, first, stop in ((exit_lines, taken, 1), (entry_lines, 1, 3), (exit_lines, 3, every)):
        for i in range(first, stop):
            for t in range(spots.shape[1]):
                spots[i, t] = places[spots[i, t]]
    return Axis(lines[:kept], lines, firsts, low, high, scale)


@njit(inline="always")
def _inside(
    low: float, high: float, sign: float, exits: Array, entries: Array, exit_lines: Ids, entry_lines: Ids,
    taken: int, every: int,
) -> tuple[Array, int]:  # fmt: skip
    """The breakpoints in [low, high] behind `low`, and how many they are.

    Writes the place of each: 0 where it is below `low`, -1 above `high`.
    """
    inside = np.empty((every - 2) * exits.shape[1] + 2 * entries.shape[1] + 1)
    inside[0] = low
    count = 1
    for points, spots, first, stop in (
        (exits, exit_lines, taken, 1), (entries, entry_lines, 1, 3), (exits, exit_lines, 3, every)
    ):  # fmt: skip
        for i in range(first, stop):
            for t in range(points.shape[1]):
                x = sign * points[i, t]
                inside[count] = x
                spots[i, t] = count if x >= low else 0
                spots[i, t] = -1 if x > high else spots[i, t]
                count += (x >= low) & (x <= high)
    return inside, count


@njit(inline="always")
def _sort(lines: Array, order: Ids, count: int, reach: int) -> None:
    """Sort `count` lines none of which is `reach` places from its own, and `order` with them.

    Shell's sort with Knuth's gaps (The Art of Computer Programming, volume 3, 5.2.1); an insertion sort where
    the reach is short.
    """
    gap = 1
    while 9 * gap < reach:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, count):
            x, number, k = lines[i], order[i], i
            while k >= gap and lines[k - gap] > x:
                lines[k], order[k] = lines[k - gap], order[k - gap]
                k -= gap
            lines[k], order[k] = x, number
        gap //= 3


@njit(error_model="numpy")
def _first_at(axis: Axis, x: float) -> int:
    """The first line at or above x, the number of lines where there is none."""
    k = min(int((min(max(x, axis.low), axis.high) - axis.low) * axis.scale), len(axis.firsts) - 3)
    first, last = axis.firsts[k], axis.firsts[k + 1]
    while last - first > AHEAD:
        middle = (first + last) // 2
        if axis.padded[middle] < x:
            first = middle + 1
        else:
            last = middle
    # without a branch, which could not be predicted; lines of later stretches are above x
    passed = int(axis.padded[first] < x) + int(axis.padded[first + 1] < x) + int(axis.padded[first + 2] < x)
    return first + passed


@njit(cache=True, part=True, error_model="numpy")
def _side(
    legs: Array, lines: Ids, side: float, entries: Axis, exits: Axis, fee: Fee, fills: int, eod: bool
) -> tuple[Array, Ids]:
    """Legs of one side that have lines, shape (n, 7), and their marks, (n, 6); `side` is -1 for shorts."""
    n = lines.shape[1]
    result, marks = np.empty((n, 7)), np.empty((n, 6), dtype=np.int32)
    entry, leave = (LOW_FORECAST, HIGH_FORECAST) if side > 0.0 else (HIGH_FORECAST, LOW_FORECAST)
    paid, kept = (rate(fee), 0.0) if fills == PUBLISHED else (1.0 + side * rate(fee), side * rate(fee))
    for t in range(n):
        size, opened, close = legs[SIZE, t], legs[OPEN, t], legs[CLOSE, t]
        result[t, ENTRY_FORECAST], result[t, EXIT_FORECAST] = legs[entry, t], legs[leave, t]
        result[t, OPENED], result[t, CLOSED], result[t, INVERSE] = opened, close, 1.0 / (1.0 + opened)
        result[t, WEIGHT] = side * size * (1.0 - kept)
        result[t, BASE] = -size * paid if fills == PUBLISHED else -side * size * paid
        marks[t, FILLED], marks[t, AT_OPEN] = lines[1, t], lines[2, t]
        # an open beyond the previous close is passed before the level is clipped there
        passed = legs[OPEN_BEYOND, t] if isinstance(fee, tuple) else opened
        clipped = _first_at(entries, -side * legs[entry, t])
        clips = (fills == PUBLISHED) | (side * passed >= 0.0)
        marks[t, ENTRY_CLIPPED] = clipped if clips else lines[2, t]
        taken = inside = clipped = len(exits.lines)
        if not eod:
            taken = inside = lines[0, t]
            clipped = _first_at(exits, side * legs[leave, t])
            if isinstance(fee, tuple):
                inside = lines[3, t]
            elif fills == CAUSAL:  # from where the close is beyond the level, which the price then crossed
                crossed = _first_at(exits, side * (legs[leave, t] - close))
                inside = crossed if side * close > 0.0 else len(exits.lines)
        marks[t, LEVEL_INSIDE], marks[t, LEVEL_OPEN], marks[t, EXIT_CLIPPED] = inside, taken, clipped
    return result, marks


@njit(cache=True, part=True, error_model="numpy")
def rounding(lattice: Lattice) -> float:
    """Room for rounding in any sum of the search.

    Each leg's terms are rounded by a few floats of the size of its money in and out; their sums have at most
    32 n terms, whose sizes are bounded by the move between its prices and by what the offsets can change.
    """
    reach = 0.0
    for axis in (lattice.rows, lattice.columns):
        reach = max(reach, abs(axis[0]), abs(axis[-1]))
    alone = together = 0.0
    fee = abs(rate(lattice.fee))
    n = len(lattice.rows) + len(lattice.columns) + len(lattice.longs) + len(lattice.shorts)
    for legs, count, side in (
        (lattice.long_legs, len(lattice.longs), 1.0), (lattice.short_legs, len(lattice.shorts), -1.0)
    ):  # fmt: skip
        sizes = money = moved = 0.0
        enters = 1.0
        for t in range(count):
            size = legs[SIZE, t]
            most = max(legs[HIGH, t], legs[OPEN, t], legs[CLOSE, t], 0.0)
            least = min(legs[LOW, t], legs[OPEN, t], 0.0)
            if side < 0.0:
                least = min(least, max(legs[LOW_FORECAST, t] + lattice.rows[0], MAX_DOWN))
            else:
                enters = min(enters, 1.0 + least)
                most = max(most, min(legs[HIGH_FORECAST, t] + lattice.columns[0], MAX_UP))
            sizes += size
            money += size * (1.0 + most)
            moved += size * (most - least)
        inverse = 1.0 / enters  # the largest, for all: a division of each leg takes as long as all the rest
        alone += money * inverse
        together += moved * inverse + sizes * fee + money * reach * inverse * inverse
    return 2.0**-52 * (64.0 * alone + 32.0 * n * together)
