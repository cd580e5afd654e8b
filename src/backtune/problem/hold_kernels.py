"""Positions that live over bars, as compiled code: what a pair of offsets earns along a whole path.

A side's bars are an array (17, n), mirrored for shorts (moves and forecasts with their signs changed), so
that either side buys at a level below, D = clip(ENTRY_FORECAST + entry offset), and takes its profit at a
level above, U = clip(EXIT_FORECAST + exit offset). A long's entry offset is the low offset and its exit
offset the high one; a short's are the high offset and the low one with their signs changed. Both put their
stop at S = clip(STOP_FORECAST + stop offset). FILL and TAKE are the prices that an entry, and an exit, begins
with, made such that one comparison with a level that is not clipped yet decides it; DROP and GAP are the
worst price of a bar and its open in units of the first bar's previous close. Where finer bars tell more of
the order of events, a bar has several columns, its *parts* (see `parts`), with the same levels: AT is the bar
of a part, NEXT the first part of the next bar, LAST the part at whose close a trade of a part leaves at the
latest. A bar places one order: who left in a part of it is flat again at the first part of the next. The
rules are those of the package's `docs/holding.md`; `tests/support/hold_reference.py` states them once more as
a tree of everything that may have happened.

The only question that a bar leaves open, and on which it depends when the next order can be placed, is
whether the take-profit was reached after a fill inside the bar. So a total is a shortest (longest) way:
`flat[t]` is the least (greatest) total of the ways that are flat before bar t. Every operation on it is
monotone in a trade's return, and that in its prices: a total never falls when a level moves in its favour and
no comparison changes. The exact optimum relies on that."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backtune.compiled import njit
from backtune.problem.costs import Costs
from backtune.problem.kernels import MAX_DOWN, MAX_UP
from backtune.problem.parts import Parts

OPEN, BEST, WORST, CLOSE, ENTRY_FORECAST, EXIT_FORECAST, STOP_FORECAST, SIZE = range(8)
BASE, ANCHOR, FILL, TAKE, DROP, GAP = range(8, 14)  # BASE is the previous close, ANCHOR one over it
AT, NEXT, LAST = range(14, 17)
ROWS = 17
STRIDE = 4  # bars looked at together
BLOCK = 1024  # bars that points pass together
TOUCH = (
    2.0**-40
)  # a price is at a stop of an earlier bar from here on: moves of two bars are joined by rounding
TAKE_PROFIT, STOP, TIME, END = range(4)  # why a trade was left

Array = NDArray[np.float64]


class Terms(NamedTuple):
    """What holds for every bar of a problem."""

    fee: float  # of a limit fill
    carry: float  # of a long, for each close
    short_carry: float
    market: float  # what is left of a market fill over what is left of a limit fill: see `Costs.of_market`
    short_market: float
    through: float  # how far beyond a level a limit is filled
    max_bars: int
    stop: bool  # whether there is one
    most: bool  # the greatest total over orders, not the least
    parts: bool  # whether bars have parts; else AT, NEXT and LAST need not be looked at


def terms_of(costs: Costs, carry: float, max_bars: int, stop: bool, most: bool, parts: bool) -> Terms:
    """Terms of a problem; `carry` is what either side pays beside its costs."""
    long, short = (carry + costs.carry(short=short) for short in (False, True))
    market = costs.of_market(short=False), costs.of_market(short=True)
    return Terms(costs.maker, long, short, *market, costs.fill_through, max_bars, stop, most, parts)


@njit()
def under(terms: Terms, stop: bool, most: bool) -> Terms:
    """The same terms with or without a stop, for the least or the greatest total."""
    return Terms(
        terms.fee, terms.carry, terms.short_carry, terms.market, terms.short_market, terms.through,
        terms.max_bars, stop, most, terms.parts,
    )  # fmt: skip


@njit(inline="always")
def clip(x: float, low: float, high: float) -> float:
    """`x` moved into [low, high]."""
    return min(max(x, low), high)


@njit(inline="always")
def entry_floor(side: float) -> float:
    """Lowest level that an entry or a stop can lie at; the highest is 0."""
    return MAX_DOWN if side > 0.0 else -MAX_UP


@njit(inline="always")
def exit_ceiling(side: float) -> float:
    """Highest level that a take-profit can lie at; the lowest is 0."""
    return MAX_UP if side > 0.0 else -MAX_DOWN


@njit(inline="always")
def market_of(side: float, terms: Terms) -> float:
    """What is left of a market fill over what is left of a limit fill."""
    return terms.market if side > 0.0 else terms.short_market


@njit(inline="always")
def carry_of(side: float, terms: Terms) -> float:
    """Cost of each close that a position is held through."""
    return terms.carry if side > 0.0 else terms.short_carry


@njit(inline="always")
def paid(ratio: float, reason: int, side: float, terms: Terms) -> float:
    """Exit price over entry price of a trade, less what its exit costs beyond that of a limit."""
    return ratio if reason == TAKE_PROFIT else ratio * market_of(side, terms)


@njit(error_model="numpy", inline="always")
def earned(ratio: float, held: float, size: float, side: float, terms: Terms) -> float:
    """Return of a trade that left at `ratio` times its entry price, as `paid`, held through `held` closes."""
    gain = side * (1.0 - side * terms.fee) * ratio - side * (1.0 + side * terms.fee)
    return size * (gain - carry_of(side, terms) * held)


@njit(error_model="numpy", inline="always")
def next_fill(m: Array, t: int, b: float) -> int:
    """The first bar from t on whose order is filled; n where none is.

    Looks at STRIDE bars at a time, which the compiler turns into vector instructions; indices are unsigned,
    as signed ones are checked for counting from the end."""
    n = m.shape[1]
    while t + STRIDE <= n:
        hit, start = False, np.uint64(t)
        for i in range(STRIDE):
            u = start + np.uint64(i)
            hit |= m[FILL, u] < m[ENTRY_FORECAST, u] + b
        if hit:
            break
        t += STRIDE
    while t < n and not m[FILL, t] < m[ENTRY_FORECAST, t] + b:
        t += 1
    return t


@njit(error_model="numpy", inline="always")
def next_take(m: Array, j: int, last: int, a: float) -> int:
    """The first of bars j..last that reaches its take-profit; last + 1 where none does."""
    while j + STRIDE <= last:
        hit, start = False, np.uint64(j)
        for i in range(STRIDE):
            u = start + np.uint64(i)
            hit |= m[TAKE, u] > m[EXIT_FORECAST, u] + a
        if hit:
            break
        j += STRIDE
    while j <= last and not m[TAKE, j] > m[EXIT_FORECAST, j] + a:
        j += 1
    return j


@njit(error_model="numpy", inline="always")
def stop_reached(price: float, anchor: float, side: float) -> float:
    """The lowest stop that a price of a later bar reaches, as a move on the close before the entry bar.

    Through the closes between them a price that meets the stop may come out some floats beside it, so that
    `TOUCH` is given to it."""
    return side * (price * anchor - 1.0) - TOUCH


@njit(error_model="numpy", inline="always")
def next_stop(m: Array, j: int, last: int, stop: float, anchor: float, side: float) -> int:
    """The first of bars j..last that reaches the stop; last + 1 where none does."""
    while j <= last and not stop_reached(m[DROP, j], anchor, side) <= stop:
        j += 1
    return j


@njit(error_model="numpy", inline="always")
def leave(
    m: Array, j: int, last: int, a: float, stop: float, anchor: float, scale: float, side: float, terms: Terms
) -> tuple[int, float, int]:
    """Where a position that is open before bar j leaves, at the latest in bar `last`.

    `anchor` is one over the previous close of its entry bar, on which its stop is a move; `scale` one over
    its entry price, in the same unit.

    Returns
    -------
    tuple
        The bar, its exit price over its entry price, and the reason.
    """
    taken = next_take(m, j, last, a)
    j = min(taken, next_stop(m, j, min(taken, last), stop, anchor, side)) if terms.stop else taken
    if j > last:
        return last, (1.0 + side * m[CLOSE, last]) * m[BASE, last] * scale, TIME
    at_open = m[GAP, j] * scale
    if terms.stop and stop_reached(m[GAP, j], anchor, side) <= stop:
        return j, at_open, STOP
    up = clip(m[EXIT_FORECAST, j] + a, 0.0, exit_ceiling(side))
    if m[OPEN, j] - terms.through > up:
        return j, at_open, TAKE_PROFIT
    at_level = (1.0 + side * up) * m[BASE, j] * scale
    if terms.stop and stop_reached(m[DROP, j], anchor, side) <= stop:
        at_stop = (1.0 + side * stop) / anchor * scale
        passed = m[BEST, j] - terms.through > up
        if terms.most and passed and side * at_level > side * paid(at_stop, STOP, side, terms):
            return j, at_level, TAKE_PROFIT
        return j, at_stop, STOP
    return j, at_level, TAKE_PROFIT


@njit(error_model="numpy", inline="always")
def trade(
    m: Array, t: int, a: float, b: float, s: float, side: float, terms: Terms
) -> tuple[int, float, int, float]:
    """Trade of the order that is filled in bar t.

    Returns
    -------
    tuple
        The bar in which it leaves, its exit price over its entry price, the reason; and the same ratio where
        it may also have left at its take-profit in bar t, NaN where that cannot be.
    """
    down = clip(m[ENTRY_FORECAST, t] + b, entry_floor(side), 0.0)
    up = clip(m[EXIT_FORECAST, t] + a, 0.0, exit_ceiling(side))
    opened = m[OPEN, t] + terms.through < down
    price = m[OPEN, t] if opened else down
    money = 1.0 + side * price
    taken = m[BEST, t] - terms.through > up
    stop = 0.0
    if terms.stop:
        stop = clip(m[STOP_FORECAST, t] + s, entry_floor(side), 0.0)
        if opened and price <= stop:
            return t, 1.0, STOP, np.nan
        if m[WORST, t] <= stop:
            if terms.most and taken:
                return t, (1.0 + side * up) / money, TAKE_PROFIT, np.nan
            return t, (1.0 + side * min(stop, price)) / money, STOP, np.nan
    may_leave = np.nan
    if taken:
        may_leave = (1.0 + side * up) / money
        if opened or m[CLOSE, t] - terms.through > up:
            return t, may_leave, TAKE_PROFIT, np.nan
    last = int(m[LAST, t]) if terms.parts else min(t + terms.max_bars, m.shape[1]) - 1
    if last == t:
        return t, (1.0 + side * m[CLOSE, t]) / money, TIME, may_leave
    anchor = m[ANCHOR, t]
    j, ratio, reason = leave(m, t + 1, last, a, stop, anchor, anchor / money, side, terms)
    return j, ratio, reason, may_leave


@njit(error_model="numpy", inline="always")
def side_total(
    m: Array, t: int, until: int, value: float, a: float, b: float, s: float, side: float, terms: Terms,
    flat: Array,
) -> tuple[float, int]:  # fmt: skip
    """Least, or greatest, total of one side over the orders that its bars allow, and where it came to.

    Goes on from bar `t`, before which `value` was earned, to the first bar from `until` on before which there
    is one way only, at the latest behind the last. `flat` is scratch of n + 1 floats; those behind `last`
    mean nothing."""
    none = -np.inf if terms.most else np.inf  # the value of no way at all
    n, last = m.shape[1], 0
    while True:
        if last <= t:  # one way only
            if t >= until:
                return value, t
            t = next_fill(m, t, b)
            if t >= n:
                return value, n
        elif value == none or not m[FILL, t] < m[ENTRY_FORECAST, t] + b:
            t += 1
            value = max(value, flat[t]) if terms.most else min(value, flat[t])
            if t >= n:
                return value, n
            continue
        j, ratio, reason, other = trade(m, t, a, b, s, side, terms)
        held, after, soon = float(j - t), j + 1, t + 1
        if terms.parts:
            held, after, soon = m[AT, j] - m[AT, t], int(m[NEXT, j]), int(m[NEXT, t])
        result = value + earned(paid(ratio, reason, side, terms), held, m[SIZE, t], side, terms)
        if last <= t and other != other:
            value, t = result, after
            continue
        last = max(last, t)
        while last < after:
            last += 1
            flat[last] = none
        if other == other:
            also = value + earned(other, 0.0, m[SIZE, t], side, terms)
            flat[soon] = max(also, flat[soon]) if terms.most else min(also, flat[soon])
        flat[after] = max(result, flat[after]) if terms.most else min(result, flat[after])
        t += 1
        value = flat[t]
        if t >= n:
            return value, n


@njit(error_model="numpy")
def hold_total(longs: Array, shorts: Array, a: float, b: float, s: float, terms: Terms, flat: Array) -> float:
    """Total of both sides at (high offset, low offset, stop offset)."""
    result, n = 0.0, longs.shape[1]
    if n:
        result, _ = side_total(longs, 0, n, 0.0, a, b, s, 1.0, terms, flat)
    n = shorts.shape[1]
    if n:
        other, _ = side_total(shorts, 0, n, 0.0, -b, -a, s, -1.0, terms, flat)
        result += other
    return result


@njit(cache=True, error_model="numpy")
def hold_totals(longs: Array, shorts: Array, points: Array, terms: Terms) -> Array:
    """Totals at `points` (m, 3), each equal to the bit to `hold_total` there.

    All points pass BLOCK bars before any goes on: the bars of a block stay in the processor's cache."""
    flat = np.empty(max(longs.shape[1], shorts.shape[1]) + 1)
    result, value = np.zeros(points.shape[0]), np.empty(points.shape[0])
    for m, side in ((longs, 1.0), (shorts, -1.0)):
        at = np.zeros(points.shape[0], np.int64)
        value[:] = 0.0
        for until in range(BLOCK, m.shape[1] + BLOCK, BLOCK):
            for i in range(points.shape[0]):
                a, b, s = points[i, 0], points[i, 1], points[i, 2]
                if side < 0.0:
                    a, b = -b, -a
                value[i], at[i] = side_total(m, at[i], until, value[i], a, b, s, side, terms, flat)
        result += value
    return result


def side_bars(
    moves: Array, base: Array, side: float, through: float, max_bars: int, parts: Parts | None = None
) -> Array:
    """Bars of one side, or their parts, shape (17, n).

    `moves` are those of the problem (8, n): open, high, low, close, forecasts, sizes; `base` the previous
    closes; `through` how far beyond a level a limit is filled."""
    bars = np.arange(len(base) + 1)
    first = bars if parts is None else parts.first
    if parts is not None:
        at = bars[:-1].repeat(np.diff(first))
        moves, base = np.concatenate([parts.prices, moves[4:, at]]), base[at]
    o, h, lo, c, hf, lf, long_size, short_size = moves
    size = long_size if side > 0.0 else short_size
    result = np.empty((ROWS, len(o)))
    best, worst, entry, leaves = (h, lo, lf, hf) if side > 0.0 else (-lo, -h, -hf, -lf)
    result[OPEN], result[BEST], result[WORST], result[CLOSE] = side * o, best, worst, side * c
    result[ENTRY_FORECAST], result[EXIT_FORECAST], result[STOP_FORECAST] = entry, leaves, entry
    result[SIZE], result[BASE], result[ANCHOR] = size, base, 1.0 / base
    lowest, highest = np.minimum(result[OPEN], worst), np.maximum(result[OPEN], best)
    low, high = lowest + through, highest - through  # must be beyond a level
    fill = np.where(low < entry_floor(side), -np.inf, np.where(low < 0.0, low, np.inf))
    result[FILL] = np.where(size > 0.0, fill, np.inf)
    take = np.where(high > exit_ceiling(side), np.inf, np.where(high > 0.0, high, -np.inf))
    result[TAKE] = take
    result[DROP], result[GAP] = (1.0 + side * lowest) * base, (1.0 + o) * base
    count = np.diff(first)
    result[AT], result[NEXT] = bars[:-1].repeat(count), first[1:].repeat(count)
    result[LAST] = (first[np.minimum(bars[:-1] + max_bars, bars[-1])] - 1).repeat(count)
    return result
