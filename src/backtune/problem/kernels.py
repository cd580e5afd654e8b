"""The fill rules as compiled code: what one bar returns at given levels, and sums of that over bars.

A *leg* is one side (long or short) of one bar with a size above zero. A problem keeps its legs in two
arrays, one a side, of shape (8, legs) with the rows OPEN, HIGH, LOW, CLOSE, HIGH_FORECAST, LOW_FORECAST,
SIZE, REACH. They ascend in REACH: no long is filled at a low offset below its reach, no short at a high
offset whose negative is below it. So a sum ends at the first legs out of reach, which would add zeros to
it. Legs of size zero out of any reach pad them to a multiple of LANES: no sum has a remainder.
With costs other than one fee, `fee` is a tuple of the maker's alone, so that either is compiled by itself,
and legs have two more rows, OPEN_BEYOND and PROOF: see `charged_legs`.
The rules are those of the package's `docs/fills.md`; `tests/fills_reference.py` states them once more in
plain NumPy, and the tests hold the two together.

Sums run over `LANES` interleaved partial sums, which the compiler turns into vector instructions, and end in
a fixed tree. The order of additions is therefore the same for a single evaluation and for a batch, and every
addition is monotone in its operands: a total never falls when one bar's return rises. The exact optimum
relies on that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backtune.compiled import njit
from backtune.problem.costs import Costs

CAUSAL, OPTIMISTIC, PUBLISHED = 0, 1, 2
OPEN, HIGH, LOW, CLOSE, HIGH_FORECAST, LOW_FORECAST, SIZE, REACH, OPEN_BEYOND, PROOF = range(10)
MAX_UP, MAX_DOWN = 10.0, -1.0
LANES = 16

Array = NDArray[np.float64]
Fee = float | tuple[float]


@njit()
def rate(fee: Fee) -> float:
    """What a limit fill costs."""
    if isinstance(fee, tuple):
        return fee[0]
    return fee


@njit()
def is_charged(fee: Fee) -> bool:
    """Whether limit and market fills cost different amounts, see `charged_legs`."""
    return isinstance(fee, tuple)


@njit()
def up_level(forecast: float, offset: float) -> float:
    """Upper level U = clip(high_forecast + high_offset, 0, 10)."""
    return min(max(forecast + offset, 0.0), MAX_UP)


@njit()
def down_level(forecast: float, offset: float) -> float:
    """Lower level D = clip(low_forecast + low_offset, -1, 0)."""
    return min(max(forecast + offset, MAX_DOWN), 0.0)


@njit(error_model="numpy")
def long_return(
    o: float,
    h: float,
    lo: float,
    c: float,
    up: float,
    down: float,
    fee: float,
    fills: int,
    close_at_eod: bool,
) -> float:
    """Return of one long leg of size 1: buy at `down`, take profit at `up`."""
    if fills == PUBLISHED:
        out = up if (not close_at_eod and up <= h) else c
        return out - down - fee if down > lo else 0.0
    at_open = o < down
    entry = min(down, o)
    reached = up if h > up else c
    if close_at_eod:
        out = c
    elif fills == OPTIMISTIC:
        out = reached
    else:
        out = reached if at_open else min(c, up)
    result = (1.0 + out) / (1.0 + entry) * (1.0 - fee) - (1.0 + fee)
    return result if (at_open or lo < down) else 0.0


@njit(error_model="numpy")
def short_return(
    o: float,
    h: float,
    lo: float,
    c: float,
    up: float,
    down: float,
    fee: float,
    fills: int,
    close_at_eod: bool,
) -> float:
    """Return of one short leg of size 1: sell at `up`, take profit at `down`."""
    if fills == PUBLISHED:
        out = down if (not close_at_eod and down >= lo) else c
        return up - out - fee if up < h else 0.0
    at_open = o > up
    entry = max(up, o)
    reached = down if lo < down else c
    if close_at_eod:
        out = c
    elif fills == OPTIMISTIC:
        out = reached
    else:
        out = reached if at_open else max(c, down)
    result = (1.0 - fee) - (1.0 + out) / (1.0 + entry) * (1.0 + fee)
    return result if (at_open or h > up) else 0.0


@njit(error_model="numpy")
def charged_return(
    side: float, leg: Array, t: int, up: float, down: float, fee: float, fills: int, close_at_eod: bool
) -> float:
    """Return of one leg of size 1 where limit and market fills cost different amounts, see `charged_legs`.

    A leg filled inside the bar has certainly left at its take-profit where PROOF is beyond that; where only
    the extreme is, the order decides, and the causal rule takes the worse of the level and the close, the
    optimistic one the better.
    """
    entry, leaves = (down, up) if side > 0.0 else (up, down)
    worst, best = (leg[LOW, t], leg[HIGH, t]) if side > 0.0 else (leg[HIGH, t], leg[LOW, t])
    at_open = side * leg[OPEN_BEYOND, t] < side * entry
    close = leg[CLOSE, t]
    better = side * leaves > side * close if fills == OPTIMISTIC else side * leaves < side * close
    level = side * best > side * leaves and (at_open or side * leg[PROOF, t] > side * leaves or better)
    out = leaves if level and not close_at_eod else close
    paid = leg[OPEN, t] if at_open else entry
    ratio = (1.0 + out) / (1.0 + paid)
    result = side * (ratio * (1.0 - side * fee) - (1.0 + side * fee))
    return result if at_open or side * worst < side * entry else 0.0


def charged_legs(columns: Array, costs: Costs, short: bool) -> Array:
    """Legs of one side (REACH rows and one) as they are under `costs`, two rows more.

    Prices that are compared with levels are moved by `Costs.fill_through` against the trade: HIGH, LOW,
    OPEN_BEYOND (the open) and PROOF (the close). OPEN stays what is paid; CLOSE is made such that leaving
    there as a limit leaves what a market fill at the close does.
    """
    sign = -1.0 if short else 1.0
    legs = np.concatenate([columns, columns[[OPEN, CLOSE]]])
    legs[HIGH] -= costs.fill_through
    legs[LOW] += costs.fill_through
    legs[OPEN_BEYOND] += sign * costs.fill_through
    legs[PROOF] -= sign * costs.fill_through
    legs[CLOSE] = (1.0 + legs[CLOSE]) * costs.of_market(short=short) - 1.0
    return legs


@njit(cache=True, part=True, error_model="numpy")
def total(
    long_legs: Array, short_legs: Array, a: float, b: float, fee: Fee, fills: int, eod: bool, lanes: Array
) -> float:
    """Total return at offsets (a, b). `lanes` is scratch of LANES floats."""
    for j in range(LANES):
        lanes[j] = 0.0
    _add_longs(long_legs, a, b, fee, fills, eod, lanes)
    _add_shorts(short_legs, a, b, fee, fills, eod, lanes)
    width = LANES // 2
    while width > 0:
        for j in range(width):
            lanes[j] += lanes[j + width]
        width //= 2
    return lanes[0]


@njit(error_model="numpy", inline="always")
def _add_longs(legs: Array, a: float, b: float, fee: Fee, fills: int, eod: bool, lanes: Array) -> None:
    o, h, lo, c, hf, lf, s = legs[0], legs[1], legs[2], legs[3], legs[4], legs[5], legs[6]
    for k in range(legs.shape[1] // LANES):
        if legs[REACH, k * LANES] > b:
            break
        for j in range(LANES):
            t = k * LANES + j
            up, down = up_level(hf[t], a), down_level(lf[t], b)
            if isinstance(fee, tuple):
                lanes[j] += s[t] * charged_return(1.0, legs, t, up, down, fee[0], fills, eod)
            else:
                lanes[j] += s[t] * long_return(o[t], h[t], lo[t], c[t], up, down, fee, fills, eod)


@njit(error_model="numpy", inline="always")
def _add_shorts(legs: Array, a: float, b: float, fee: Fee, fills: int, eod: bool, lanes: Array) -> None:
    o, h, lo, c, hf, lf, s = legs[0], legs[1], legs[2], legs[3], legs[4], legs[5], legs[6]
    for k in range(legs.shape[1] // LANES):
        if legs[REACH, k * LANES] > -a:
            break
        for j in range(LANES):
            t = k * LANES + j
            up, down = up_level(hf[t], a), down_level(lf[t], b)
            if isinstance(fee, tuple):
                lanes[j] += s[t] * charged_return(-1.0, legs, t, up, down, fee[0], fills, eod)
            else:
                lanes[j] += s[t] * short_return(o[t], h[t], lo[t], c[t], up, down, fee, fills, eod)


@njit(cache=True, error_model="numpy")
def total_one(
    long_legs: Array, short_legs: Array, a: float, b: float, fee: Fee, fills: int, eod: bool
) -> float:
    """`total` with scratch of its own."""
    return total(long_legs, short_legs, a, b, fee, fills, eod, np.empty(LANES))


@njit(cache=True, error_model="numpy")
def totals(long_legs: Array, short_legs: Array, points: Array, fee: Fee, fills: int, eod: bool) -> Array:
    """Totals at `points` (m, 2), each equal to the bit to `total` at that point."""
    lanes = np.empty(LANES)
    result = np.empty(points.shape[0])
    for i in range(points.shape[0]):
        result[i] = total(long_legs, short_legs, points[i, 0], points[i, 1], fee, fills, eod, lanes)
    return result


@njit(cache=True, error_model="numpy")
def leg_returns(legs: Array, a: float, b: float, fee: Fee, fills: int, eod: bool, short: bool) -> Array:
    """Return of each leg (size included)."""
    o, h, lo, c, hf, lf, s = legs[0], legs[1], legs[2], legs[3], legs[4], legs[5], legs[6]
    result = np.empty(legs.shape[1])
    for t in range(legs.shape[1]):
        up, down = up_level(hf[t], a), down_level(lf[t], b)
        if isinstance(fee, tuple):
            result[t] = s[t] * charged_return(-1.0 if short else 1.0, legs, t, up, down, fee[0], fills, eod)
        elif short:
            result[t] = s[t] * short_return(o[t], h[t], lo[t], c[t], up, down, fee, fills, eod)
        else:
            result[t] = s[t] * long_return(o[t], h[t], lo[t], c[t], up, down, fee, fills, eod)
    return result


@njit(cache=True)
def leg_filled(legs: Array, a: float, b: float, fee: Fee, fills: int, short: bool) -> NDArray[np.bool_]:
    """Whether each leg is filled."""
    result = np.empty(legs.shape[1], dtype=np.bool_)
    for t in range(legs.shape[1]):
        o, h, lo = legs[OPEN, t], legs[HIGH, t], legs[LOW, t]
        if isinstance(fee, tuple):
            o = legs[OPEN_BEYOND, t]
        up, down = up_level(legs[HIGH_FORECAST, t], a), down_level(legs[LOW_FORECAST, t], b)
        at_open = fills != PUBLISHED and (o > up if short else o < down)
        result[t] = at_open or (up < h if short else lo < down)
    return result
