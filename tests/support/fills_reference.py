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


def charged(bar, a, b, costs, close_at_eod, fills):
    """Least (greatest) return of one bar where limit and market fills cost different amounts: a tree.

    `costs` are maker, market, and how far beyond a level a limit is filled.
    """
    o, h, lo, c, hf, lf, long_size, short_size = bar
    up, down = min(max(hf + a, 0.0), 10.0), min(max(lf + b, -1.0), 0.0)
    maker, market, through = costs
    result = 0.0
    for short, size in ((False, long_size), (True, short_size)):
        entry, goal = (up, down) if short else (down, up)
        beyond = [(p > entry + through) if short else (p < entry - through) for p in (o, h if short else lo)]
        if size == 0 or not any(beyond):
            continue
        price = o if beyond[0] else entry
        reached = (lo if short else h, c)
        passed, proved = ((p < goal - through) if short else (p > goal + through) for p in reached)
        ways = [(c, market)]
        if passed and not close_at_eod:
            certain = beyond[0] or proved
            ways = [(goal, maker), *([] if certain else ways)]
        returns = []
        for left, cost in ways:
            ratio = (1 + left) / (1 + price)
            returns.append((1 - maker) - ratio * (1 + cost) if short else ratio * (1 - cost) - (1 + maker))
        result += size * (max(returns) if fills == "optimistic" else min(returns))
    return result
