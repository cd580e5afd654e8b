"""Parts of bars: what finer bars tell of the order of events inside a bar, in as few pieces as that takes.

The levels of a bar stand still while its finer bars pass. So of these only some matter, seen from a side that
buys below and sells above (a short is mirrored). An order is filled, and a stop reached, by a price below all
before it. A take-profit is reached by a price above all since the last fill that there may have been; without
a stop it does not matter when, so that only a price above all behind it counts. No order fills at or above
the previous close, and no take-profit lies below it. Neighbouring prices of which none matters, or all matter
in the same direction, are put together to one part: whatever the levels, it allows the same ways of events as
they do. A test compares both.

Between two finer bars the price has gone from the close of the one to the open of the other, and nothing is
known of its way: both are prices, and no order is filled at a better price than its level.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backtune.bars.detail import FineBars
from backtune.compiled import njit
from backtune.errors import ProblemError

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
OPEN, HIGH, LOW, CLOSE = range(4)
FALL, RISE = 1, 2  # directions in which a price matters
ROUNDING = 1e-12


class Parts(NamedTuple):
    """Parts of n bars as one side sees them: those of bar t are first[t]..first[t + 1] - 1, at least one."""

    first: Ints  # (n + 1,)
    prices: Array  # (4, parts): moves on the previous close of their bar

    def window(self, start: int, stop: int) -> Parts:
        """Return those of bars start..stop-1 alone."""
        first = self.first[start : stop + 1]
        return Parts(first - first[0], self.prices[:, first[0] : first[-1]])


def both_parts(bars: Array, fine: FineBars, stop: bool) -> tuple[Parts, Parts]:
    """Parts of bars (4, n) for longs and for shorts; `stop` says whether positions have one.

    Raises
    ------
    ProblemError
        The finer bars are of other bars.
    """
    _check(bars, fine)
    long = _parts(bars, fine.first, np.ascontiguousarray(fine.prices), stop)
    flipped = [OPEN, LOW, HIGH, CLOSE]
    short = _parts(-bars[flipped], fine.first, -fine.prices[flipped], stop)
    return Parts(*long), Parts(short[0], -short[1][flipped])


def _check(bars: Array, fine: FineBars) -> None:
    known, (o, h, lo, c) = fine.known, fine.prices
    if len(known) != bars.shape[1] or fine.first[0] or (np.diff(fine.first) < 0).any():
        raise ProblemError(
            f"detail has finer bars of {len(known)} bars and the problem has {bars.shape[1]}; give FineBars "
            "whose first says of each bar, and behind the last, where they begin"
        )
    if fine.first[-1] != len(c):
        raise ProblemError(f"detail has {len(c)} finer bars and its first ends at {fine.first[-1]}; cut both")
    wrong = ~((lo <= np.minimum(o, c)) & (h >= np.maximum(o, c)) & np.isfinite(h) & (lo > -1.0))
    bad = np.zeros(len(known), np.bool_)
    bad[np.searchsorted(fine.first, np.flatnonzero(wrong), side="right") - 1] = True
    if known.any():
        begins, ends = fine.first[:-1][known], fine.first[1:][known] - 1
        high, low = np.maximum.reduceat(h, begins), np.minimum.reduceat(lo, begins)
        away = np.abs(np.stack([o[begins], high, low, c[ends]]) - bars[:, known])
        bad[known] |= ~(away <= ROUNDING).all(axis=0)
    if bad.any():
        raise ProblemError(
            f"detail of bar {int(np.argmax(bad))} does not open, reach and close as the bar does; give moves "
            "on the same previous close, each with low <= open, close <= high"
        )


@njit(cache=True)
def _parts(bars: Array, first: Ints, fine: Array, stop: bool) -> tuple[Ints, Array]:
    """Where the parts of each bar begin, and their prices, as a side that buys below sees them."""
    n, m = bars.shape[1], fine.shape[1]
    begins, parts, count = np.empty(n + 1, np.int64), np.empty((4, n + 3 * m)), 0
    most = 0
    for t in range(n):
        most = max(most, first[t + 1] - first[t])
    later = np.empty(3 * most + 1)
    for t in range(n):
        begins[t] = count
        if first[t] == first[t + 1]:
            parts[:, count] = bars[:, t]
            count += 1
            continue
        count = _of_bar(fine[:, first[t] : first[t + 1]], stop, later, parts, count)
        parts[OPEN, begins[t]], parts[CLOSE, count - 1] = bars[OPEN, t], bars[CLOSE, t]
    begins[n] = count
    return begins, parts[:, :count].copy()


@njit()
def _of_bar(fine: Array, stop: bool, later: Array, parts: Array, count: int) -> int:
    """Write the parts of a bar, and give their number then.

    Its prices are looked at in order of time: of each finer bar its open, its range and its close. The first
    open and the last close are those of the bar: what they decide is decided there.
    """
    places = 3 * fine.shape[1]
    above = 0.0
    for k in range(places - 2, 0, -1):
        later[k] = above  # the highest price behind, the previous close at least
        above = max(above, fine[_highest(k), k // 3])
    lowest, highest, kind = np.inf, 0.0, 0
    for k in range(1, places - 1):
        low, high, last = fine[_lowest(k), k // 3], fine[_highest(k), k // 3], fine[_ends(k), k // 3]
        falls = low < lowest and (stop or low < 0.0)
        fills = falls and low < 0.0
        rises = high > later[k]
        if stop:
            rises = high > 0.0 if fills else high > highest
        highest = 0.0 if fills else max(highest, high)
        lowest = min(lowest, low)
        own = (FALL if falls else 0) + (RISE if rises else 0)
        apart = own and kind and (own != kind or own == FALL + RISE)
        if k == 1 or apart or (stop and fills and parts[HIGH, count - 1] > 0.0):  # which no fill is to follow
            parts[OPEN, count] = parts[CLOSE, count - 1] if k > 1 else fine[OPEN, 0]
            parts[HIGH, count], parts[LOW, count] = high, low
            count += 1
            kind = own
        else:
            parts[HIGH, count - 1] = max(parts[HIGH, count - 1], high)
            parts[LOW, count - 1] = min(parts[LOW, count - 1], low)
            kind = own if own else kind
        parts[CLOSE, count - 1] = last
    return count


@njit()
def _highest(k: int) -> int:
    return (OPEN, HIGH, CLOSE)[k % 3]


@njit()
def _lowest(k: int) -> int:
    return (OPEN, LOW, CLOSE)[k % 3]


@njit()
def _ends(k: int) -> int:
    return (OPEN, CLOSE, CLOSE)[k % 3]
