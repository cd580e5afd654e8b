"""The lattice of held positions: the offsets at which any comparison of a price with a level changes.

Lines of each axis are kept from the end at which every return is highest: high offsets descending, low
offsets ascending, stop offsets descending. As its bars are mirrored (see `hold_kernels`), a short enters
along the high offsets and leaves along the low ones as a long does the other way round, and both sides read
the lines in the same order. A *mark* is the line from which on a comparison holds; a stop is reached on the
lines before its mark."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backtune.compiled import njit
from backtune.optimizers.exact.breakpoints import last_level, previous_float
from backtune.problem.hold_kernels import (
    ANCHOR,
    BEST,
    CLOSE,
    DROP,
    ENTRY_FORECAST,
    EXIT_FORECAST,
    GAP,
    LAST,
    OPEN,
    SIZE,
    STOP_FORECAST,
    WORST,
    Terms,
    entry_floor,
    exit_ceiling,
    stop_reached,
)

Array = NDArray[np.float64]
Ids = NDArray[np.int32]

# Rows of a side's marks: entry filled, filled at the open; take-profit passed by the best price, the open,
# the close, the best or the open; stop reached by the open, by the worst price of the entry bar.
FILLED, AT_OPEN, TAKEN, GAPPED, ENDED, PASSED, STOP_OPEN, STOP_WORST = range(8)


class Side(NamedTuple):
    """One side of a problem, seen from its own entry and exit."""

    bars: Array  # see `hold_kernels`
    side: float
    entries: Array  # lines, ascending
    exits: Array  # lines, descending
    stops: Array  # lines, descending
    marks: Ids  # (8, n)
    firsts: Ids  # (n + 1,): where the stops of each bar's trade begin in the next three
    stop_bars: Ids  # twice each later bar that goes lower than all before it, plus 1 where its open does
    stop_marks: Ids


class Lattice(NamedTuple):
    """A problem as the search sees it."""

    longs: Side
    shorts: Side
    highs: Array  # lines of the high offset, with signs changed: all three axes ascend
    lows: Array
    stops: Array  # of the stop offset, with signs changed
    terms: Terms


def lay_out(long_bars: Array, short_bars: Array, bounds: Array, terms: Terms) -> Lattice:
    """Lay out the lattice of a problem in the box `bounds` (3, 2)."""
    long_breaks, short_breaks = (
        _breaks(long_bars, 1.0, terms.through), _breaks(short_bars, -1.0, terms.through)
    )  # fmt: skip
    lows = _lines(*bounds[1], long_breaks[:TAKEN], short_breaks[TAKEN:])
    highs = _lines(-bounds[0, 1], -bounds[0, 0], short_breaks[:TAKEN], long_breaks[TAKEN:])
    long_stops = _stop_offsets(long_bars, 1.0, terms, long_breaks[FILLED], bounds[1, 1])
    short_stops = _stop_offsets(short_bars, -1.0, terms, short_breaks[FILLED], -bounds[0, 0])
    points = [-np.nextafter(side[place], -np.inf) for side in (long_stops, short_stops) for place in (2, 3)]
    stops = _lines(-bounds[2, 1], -bounds[2, 0], *points)  # the last offsets before each that reach nothing
    return Lattice(
        _side(long_bars, 1.0, long_breaks, long_stops, lows, highs, stops),
        _side(short_bars, -1.0, short_breaks, short_stops, highs, lows, stops),
        highs, lows, stops, terms,
    )  # fmt: skip


def _lines(low: float, high: float, *points: Array) -> Array:
    """Points inside [low, high] and `low` itself, ascending, each once."""
    every = np.concatenate([array.ravel() for array in points])
    return np.unique(np.append(every[(every >= low) & (every <= high)], low))


def _side(
    bars: Array, side: float, breaks: Array, stop_offsets: tuple[Ids, Ids, Array, Array], entries: Array,
    exits: Array, stops: Array,
) -> Side:  # fmt: skip
    firsts, where, offsets, own = stop_offsets
    marks = np.empty((8, bars.shape[1]), np.int32)
    marks[:TAKEN] = entries.searchsorted(breaks[:TAKEN])
    marks[TAKEN:PASSED] = exits.searchsorted(breaks[TAKEN:])
    marks[PASSED] = np.minimum(marks[TAKEN], marks[GAPPED])
    marks[STOP_OPEN:] = stops.searchsorted(-own, side="right")
    stop_marks = stops.searchsorted(-offsets, side="right").astype(np.int32)
    return Side(bars, side, entries, -exits, -stops, marks, firsts, where, stop_marks)


@njit(error_model="numpy")
def _entry_break(forecast: float, price: float, side: float) -> float:
    """The lowest entry offset whose level is above a price; inf where none is, -inf where all are."""
    return -last_level(-forecast, previous_float(-price), -entry_floor(side))


@njit(error_model="numpy")
def _exit_break(forecast: float, price: float, side: float) -> float:
    """The highest exit offset whose level is below a price, with its sign changed; inf where none is."""
    return -last_level(forecast, previous_float(price), exit_ceiling(side))


@njit(error_model="numpy")
def _stop_break(forecast: float, move: float, side: float) -> float:
    """The lowest stop offset whose level is at a price or above it; inf where none is, -inf where all are."""
    return -last_level(-forecast, -move, -entry_floor(side))


@njit(cache=True, error_model="numpy")
def _breaks(bars: Array, side: float, through: float) -> Array:
    """Where each comparison of a bar begins to hold along the lines of its axis: rows FILLED to ENDED.

    `through` is how far beyond a level a price must be."""
    n = bars.shape[1]
    result = np.empty((5, n))
    for t in range(n):
        entry, leaves = bars[ENTRY_FORECAST, t], bars[EXIT_FORECAST, t]
        opened = _entry_break(entry, bars[OPEN, t] + through, side)
        filled = min(opened, _entry_break(entry, bars[WORST, t] + through, side))
        result[FILLED, t] = filled if bars[SIZE, t] > 0.0 else np.inf
        result[AT_OPEN, t] = opened if bars[SIZE, t] > 0.0 else np.inf
        result[TAKEN, t] = _exit_break(leaves, bars[BEST, t] - through, side)
        result[GAPPED, t] = _exit_break(leaves, bars[OPEN, t] - through, side)
        result[ENDED, t] = _exit_break(leaves, bars[CLOSE, t] - through, side)
    return result


@njit(cache=True, error_model="numpy")
def _stop_offsets(
    bars: Array, side: float, terms: Terms, fills: Array, highest: float
) -> tuple[Ids, Ids, Array, Array]:
    """New worst prices in the life of each bar's trade: bars that `highest` does not fill have none.

    Gives where those of each bar begin (n + 1,), for each twice its bar, plus 1 where it is the bar's open,
    and the stop offset that reaches it; and (2, n) the offsets that reach the open and the worst price of the
    entry bar."""
    n = bars.shape[1]
    firsts, room, count = np.empty(n + 1, np.int32), 4 * n + 8, 0
    where, offsets, own = np.empty(room, np.int32), np.empty(room), np.full((2, n), np.inf)
    for t in range(n):
        firsts[t] = count
        if not terms.stop or fills[t] > highest:
            continue
        lowest, anchor, forecast = bars[WORST, t], bars[ANCHOR, t], bars[STOP_FORECAST, t]
        own[0, t] = _stop_break(forecast, bars[OPEN, t], side)
        own[1, t] = _stop_break(forecast, lowest, side)
        for j in range(t + 1, int(bars[LAST, t]) + 1):
            if stop_reached(bars[DROP, j], anchor, side) >= lowest:
                continue
            if count + 2 > room:
                room *= 2
                where, offsets = _longer_ids(where, room), _longer(offsets, room)
            for row, gap in ((GAP, 1), (DROP, 0)):
                move = stop_reached(bars[row, j], anchor, side)
                if move < lowest:
                    where[count], offsets[count] = 2 * j + gap, _stop_break(forecast, move, side)
                    lowest = move
                    count += 1
    firsts[n] = count
    return firsts, where[:count], offsets[:count], own


@njit()
def _longer(array: Array, room: int) -> Array:
    result = np.empty(room)
    result[: len(array)] = array
    return result


@njit()
def _longer_ids(array: Ids, room: int) -> Ids:
    result = np.empty(room, np.int32)
    result[: len(array)] = array
    return result
