"""The trades behind a total of a path: the way that is least (or greatest), bar by bar, trade by trade.

The same rules and sums as `hold_kernels`, which keeps no record. Here every way's last trade is kept, so that
the best one can be walked back from the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backtune.compiled import njit
from backtune.problem.hold_kernels import (
    AT,
    BASE,
    CLOSE,
    END,
    ENTRY_FORECAST,
    FILL,
    NEXT,
    OPEN,
    SIZE,
    TAKE_PROFIT,
    TIME,
    TOUCH,
    Array,
    Terms,
    carry_of,
    clip,
    earned,
    entry_floor,
    leave,
    market_of,
    paid,
    trade,
    under,
)

REASONS = np.array(["take_profit", "stop", "time", "end"])
ONE_BAR_REASONS = np.array(["take_profit", "stop", "close", "close"])


@dataclass(frozen=True)
class OpenPosition:
    """A position that is open after the last bar of a problem. Prices are in units of that bar's close.

    Attributes
    ----------
    size : float
        As it was entered.
    held : int
        Closes that it has been held through, that of its entry bar first.
    entry_price : float
    base : float
        Previous close of its entry bar.
    stop : float
        Its stop as a move on that close; NaN where there is none.
    booked : float
        Return that the bars so far have booked for it.
    unclear : bool
        Whether it depends on the order inside a bar that it is still open.
    """

    size: float
    held: int
    entry_price: float
    base: float
    stop: float
    booked: float
    unclear: bool = False


class Start(NamedTuple):
    """An open position, as one side's bars see it; held 0 where there is none."""

    size: float
    held: int
    unclear: bool
    stop: float  # a move on the close before its entry bar; NaN where there is none
    anchor: float  # one over that close
    scale: float  # one over its entry price


class Trades(NamedTuple):
    """Trades, an array each; those of a way in its order."""

    entry: NDArray[np.int64]  # bar; below 0 where it was entered before the first
    leave: NDArray[np.int64]
    reason: NDArray[np.int64]
    unclear: NDArray[np.bool_]  # whether its result depends on the order inside a bar
    ratio: Array  # exit price over entry price
    price: Array  # entry price, in units of the first bar's previous close
    size: Array
    value: Array


def start_of(position: OpenPosition | None) -> Start:
    """What a side goes on from."""
    if position is None:
        return Start(0.0, 0, False, np.nan, 1.0, 1.0)
    anchor, scale = 1.0 / position.base, 1.0 / position.entry_price
    return Start(position.size, position.held, position.unclear, position.stop, anchor, scale)


@njit(cache=True, error_model="numpy")
def side_trades(m: Array, side: float, start: Start, terms: Terms, keep_open: bool, other: Array) -> Trades:
    """Trades of one side on the least, or greatest, way at the levels of its forecasts.

    `other` (n,) is what a way earns besides in a bar that it is flat before and places no order in; of a bar
    that has several parts, in its first.

    With `keep_open` what is open after the last bar is booked at its close without being sold: it pays no fee
    there, and carries.
    """
    n = m.shape[1]
    none = -np.inf if terms.most else np.inf
    flat, source = np.full(n + 1, none), np.full(n + 1, -1)  # the trade by which a way became flat
    trades = _room(2 * n + 2)
    count, first = 0, 0
    if start.held:
        _go_on(m, side, start, terms, keep_open, trades)
        count, first = 1, int(m[NEXT, trades.leave[0]])
        flat[first], source[first] = trades.value[0], 0
    else:
        flat[0] = 0.0
    for t in range(first, n):
        if flat[t] == none:
            continue
        if not m[FILL, t] < m[ENTRY_FORECAST, t]:
            if _better(flat[t] + other[t], flat[t + 1], terms.most):
                flat[t + 1], source[t + 1] = flat[t] + other[t], -1
            continue
        stop = _enter(m, t, side, terms, keep_open, trades, count)
        for k in range(count, stop):
            after = int(m[NEXT, trades.leave[k]])
            if _better(flat[t] + trades.value[k], flat[after], terms.most):
                flat[after], source[after] = flat[t] + trades.value[k], k
        count = stop
    way = _walked_back(source, trades)
    for k in range(len(way.entry)):  # bars, not parts of them
        if way.entry[k] >= 0:
            way.entry[k] = int(m[AT, way.entry[k]])
        way.leave[k] = int(m[AT, way.leave[k]])
    return way


@njit()
def _room(count: int) -> Trades:
    ints = np.int64
    return Trades(
        np.empty(count, ints), np.empty(count, ints), np.empty(count, ints), np.empty(count, np.bool_),
        np.empty(count), np.empty(count), np.empty(count), np.empty(count),
    )  # fmt: skip


@njit()
def _better(value: float, than: float, most: bool) -> bool:
    return value > than if most else value < than


@njit(error_model="numpy")
def _go_on(m: Array, side: float, start: Start, terms: Terms, keep_open: bool, trades: Trades) -> None:
    """Write the trade of a position that was open at the start."""
    stay, last = max(terms.max_bars - start.held, 1), 0
    while last + 1 < m.shape[1] and m[AT, last + 1] < stay:
        last += 1
    kept = under(terms, start.stop == start.stop, terms.most)
    stop = side * start.stop
    j, ratio, reason = _leave(m, last, stop, start, side, kept)
    other = _leave(m, last, stop, start, side, under(kept, kept.stop, not kept.most))
    unclear = start.unclear or paid(other[1], other[2], side, terms) != paid(ratio, reason, side, terms)
    trades.entry[0], trades.price[0], trades.size[0] = -start.held, 1.0 / start.scale, start.size
    held = int(m[AT, j]) + start.held
    _write(trades, 0, j, held, ratio, reason, unclear, side, terms, keep_open)


@njit(error_model="numpy")
def _enter(m: Array, t: int, side: float, terms: Terms, keep_open: bool, trades: Trades, count: int) -> int:
    """Write the trades that the order of bar t may become; gives the number of trades then."""
    j, ratio, reason, sooner = _trade(m, t, side, terms)
    opposite = _trade(m, t, side, under(terms, terms.stop, not terms.most))
    left = paid(ratio, reason, side, terms)
    unclear = paid(opposite[1], opposite[2], side, terms) != left
    if sooner == sooner:
        unclear = unclear or m[AT, j] > m[AT, t] or abs(sooner - left) > TOUCH * sooner
    price = clip(m[ENTRY_FORECAST, t], entry_floor(side), 0.0)
    if m[OPEN, t] + terms.through < price:
        price = m[OPEN, t]
    for k in range(count, count + 2):
        trades.entry[k], trades.size[k] = t, m[SIZE, t]
        trades.price[k] = (1.0 + side * price) * m[BASE, t]
    _write(trades, count, j, int(m[AT, j] - m[AT, t]), ratio, reason, unclear, side, terms, keep_open)
    if sooner != sooner:
        return count + 1
    _write(trades, count + 1, t, 0, sooner, TAKE_PROFIT, unclear, side, terms, keep_open)
    return count + 2


@njit(error_model="numpy")
def _trade(m: Array, t: int, side: float, terms: Terms) -> tuple[int, float, int, float]:
    """`trade` at the levels of the forecasts, compiled once: where it is called it is copied."""
    return trade(m, t, 0.0, 0.0, 0.0, side, terms)


@njit(error_model="numpy")
def _leave(
    m: Array, last: int, stop: float, start: Start, side: float, terms: Terms
) -> tuple[int, float, int]:
    return leave(m, 0, last, 0.0, stop, start.anchor, start.scale, side, terms)


@njit(error_model="numpy")
def _write(
    trades: Trades, k: int, j: int, held: int, ratio: float, reason: int, unclear: bool, side: float,
    terms: Terms, keep_open: bool,
) -> None:  # fmt: skip
    ends = reason == TIME and held + 1 < terms.max_bars
    trades.leave[k], trades.ratio[k], trades.unclear[k] = j, ratio, unclear
    trades.reason[k] = END if ends else reason
    trades.value[k] = earned(paid(ratio, reason, side, terms), held, trades.size[k], side, terms)
    if ends and keep_open:
        carry = carry_of(side, terms) * (held + 1)
        trades.value[k] = trades.size[k] * (side * (ratio - 1.0) - terms.fee - carry)


@njit(cache=True, error_model="numpy")
def bar_by_bar(
    m: Array, side: float, trades: Trades, booked: float, terms: Terms, keep_open: bool
) -> tuple[Array, Array, Array, Array]:
    """Return, turnover, position and costs of each bar; `booked` is what bars before the first have booked.

    An open position is worth its close over its entry price; the fee of its entry is paid in its first bar.
    """
    n, carry = m.shape[1], carry_of(side, terms)
    value, turnover, position, costs = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    kept = 1.0 - side * terms.fee
    for k in range(len(trades.entry)):
        entry, last, size = trades.entry[k], trades.leave[k], trades.size[k]
        before = booked if entry < 0 else 0.0
        for j in range(max(entry, 0), last):
            close = (1.0 + side * m[CLOSE, j]) * m[BASE, j] / trades.price[k]
            worth = size * (side * (close - 1.0) - terms.fee - carry * (j - entry + 1))
            value[j] += worth - before
            position[j] += side * size
            costs[j] += size * carry
            before = worth
        value[last] += trades.value[k] - before
        if entry >= 0:
            turnover[entry] += size
            costs[entry] += size * terms.fee
        if keep_open and trades.reason[k] == END:
            position[last] += side * size
            costs[last] += size * carry
        else:
            left = 1.0 if trades.reason[k] == TAKE_PROFIT else market_of(side, terms)
            turnover[last] += size * trades.ratio[k]
            costs[last] += size * trades.ratio[k] * side * (1.0 - kept * left)
    return value, turnover, position, costs


@njit()
def _walked_back(source: NDArray[np.int64], trades: Trades) -> Trades:
    """Trades of the way that ends flat after the last bar."""
    chain, t = np.empty(len(source), np.int64), len(source) - 1
    count = 0
    while t > 0:
        k = source[t]
        if k < 0:
            t -= 1
            continue
        chain[count] = k
        count += 1
        t = trades.entry[k]
    order = chain[:count][::-1].copy()
    return Trades(
        trades.entry[order], trades.leave[order], trades.reason[order], trades.unclear[order],
        trades.ratio[order], trades.price[order], trades.size[order], trades.value[order],
    )  # fmt: skip
