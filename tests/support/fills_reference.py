"""The fill rules once more, in plain Python straight from their definition, for the tests to compare with."""

from __future__ import annotations

import numpy as np


def bar_return(o, h, lo, c, hf, lf, long_size, short_size, a, b, fee, close_at_eod, fills):
    up = min(max(hf + a, 0.0), 10.0)
    down = min(max(lf + b, -1.0), 0.0)
    result = 0.0
    if long_size > 0:
        result += long_size * _long(o, h, lo, c, up, down, fee, close_at_eod, fills)
    if short_size > 0:
        result += short_size * _short(o, h, lo, c, up, down, fee, close_at_eod, fills)
    return result


def _long(o, h, lo, c, up, down, f, close_at_eod, fills):
    if fills == "published":
        if not down > lo:
            return 0.0
        leaves = up if not close_at_eod and up <= h else c
        return leaves - down - f
    at_open = o < down
    if not at_open and not lo < down:
        return 0.0
    price = min(down, o)
    if close_at_eod:
        leaves = c
    elif at_open or fills == "optimistic":
        leaves = up if h > up else c
    else:
        leaves = min(c, up)
    return (1 + leaves) / (1 + price) * (1 - f) - (1 + f)


def _short(o, h, lo, c, up, down, f, close_at_eod, fills):
    if fills == "published":
        if not up < h:
            return 0.0
        leaves = down if not close_at_eod and down >= lo else c
        return up - leaves - f
    at_open = o > up
    if not at_open and not h > up:
        return 0.0
    price = max(up, o)
    if close_at_eod:
        leaves = c
    elif at_open or fills == "optimistic":
        leaves = down if lo < down else c
    else:
        leaves = max(c, down)
    return (1 - f) - (1 + leaves) / (1 + price) * (1 + f)


def returns(moves, a, b, fee, close_at_eod, fills):
    """Per-bar returns of moves (8, n): open, high, low, close, forecasts, sizes."""
    return np.array(
        [bar_return(*bar, a, b, fee, close_at_eod, fills) for bar in np.asarray(moves).T.tolist()]
    )
