"""The fill rules as compiled code: what one bar returns at given levels, and sums of that over bars.

A *leg* is one side (long or short) of one bar with a size above zero. A problem keeps its legs in two
arrays, one a side, of shape (8, legs) with the rows OPEN, HIGH, LOW, CLOSE, HIGH_FORECAST, LOW_FORECAST,
SIZE, REACH. They ascend in REACH: no long is filled at a low offset below its reach, no short at a high
offset whose negative is below it. So a sum ends at the first legs out of reach, which would add zeros to
it. Legs of size zero out of any reach pad them to a multiple of LANES: no sum has a remainder.
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

CAUSAL, OPTIMISTIC, PUBLISHED = 0, 1, 2
OPEN, HIGH, LOW, CLOSE, HIGH_FORECAST, LOW_FORECAST, SIZE, REACH = range(8)
MAX_UP, MAX_DOWN = 10.0, -1.0
LANES = 16

Array = NDArray[np.float64]


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
def total(
    long_legs: Array, short_legs: Array, a: float, b: float, fee: float, fills: int, eod: bool, lanes: Array
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
def _add_longs(legs: Array, a: float, b: float, fee: float, fills: int, eod: bool, lanes: Array) -> None:
    o, h, lo, c, hf, lf, s = legs[0], legs[1], legs[2], legs[3], legs[4], legs[5], legs[6]
    for k in range(legs.shape[1] // LANES):
        if legs[REACH, k * LANES] > b:
            break
        for j in range(LANES):
            t = k * LANES + j
            lanes[j] += s[t] * long_return(
                o[t], h[t], lo[t], c[t], up_level(hf[t], a), down_level(lf[t], b), fee, fills, eod
            )


@njit(error_model="numpy", inline="always")
def _add_shorts(legs: Array, a: float, b: float, fee: float, fills: int, eod: bool, lanes: Array) -> None:
    o, h, lo, c, hf, lf, s = legs[0], legs[1], legs[2], legs[3], legs[4], legs[5], legs[6]
    for k in range(legs.shape[1] // LANES):
        if legs[REACH, k * LANES] > -a:
            break
        for j in range(LANES):
            t = k * LANES + j
            lanes[j] += s[t] * short_return(
                o[t], h[t], lo[t], c[t], up_level(hf[t], a), down_level(lf[t], b), fee, fills, eod
            )


@njit(cache=True, error_model="numpy")
def total_one(
    long_legs: Array, short_legs: Array, a: float, b: float, fee: float, fills: int, eod: bool
) -> float:
    """`total` with scratch of its own."""
    return total(long_legs, short_legs, a, b, fee, fills, eod, np.empty(LANES))


@njit(cache=True, error_model="numpy")
def totals(long_legs: Array, short_legs: Array, points: Array, fee: float, fills: int, eod: bool) -> Array:
    """Totals at `points` (m, 2), each equal to the bit to `total` at that point."""
    lanes = np.empty(LANES)
    result = np.empty(points.shape[0])
    for i in range(points.shape[0]):
        result[i] = total(long_legs, short_legs, points[i, 0], points[i, 1], fee, fills, eod, lanes)
    return result


@njit(cache=True, error_model="numpy")
def leg_returns(legs: Array, a: float, b: float, fee: float, fills: int, eod: bool, short: bool) -> Array:
    """Return of each leg (size included)."""
    o, h, lo, c, hf, lf, s = legs[0], legs[1], legs[2], legs[3], legs[4], legs[5], legs[6]
    result = np.empty(legs.shape[1])
    for t in range(legs.shape[1]):
        up, down = up_level(hf[t], a), down_level(lf[t], b)
        if short:
            result[t] = s[t] * short_return(o[t], h[t], lo[t], c[t], up, down, fee, fills, eod)
        else:
            result[t] = s[t] * long_return(o[t], h[t], lo[t], c[t], up, down, fee, fills, eod)
    return result


@njit(cache=True)
def leg_filled(legs: Array, a: float, b: float, fills: int, short: bool) -> NDArray[np.bool_]:
    """Whether each leg is filled."""
    result = np.empty(legs.shape[1], dtype=np.bool_)
    for t in range(legs.shape[1]):
        o, h, lo = legs[OPEN, t], legs[HIGH, t], legs[LOW, t]
        up, down = up_level(legs[HIGH_FORECAST, t], a), down_level(legs[LOW_FORECAST, t], b)
        at_open = fills != PUBLISHED and (o > up if short else o < down)
        result[t] = at_open or (up < h if short else lo < down)
    return result
