"""What orders earn along simulated prices, price by price: by the path alone, not by a fill rule."""

from __future__ import annotations

import numpy as np

FEE = 0.0005


def true_returns(moves, up, down, short, at_close):
    """Return of a bar (n,) along its path, NaN where nothing is filled: by the path alone, not by a rule."""
    prices = -moves if short else moves  # mirrored, a short buys below and leaves above as a long does
    enter, leave = (-up, -down) if short else (down, up)
    beyond = prices < enter[:, None]
    first = beyond.argmax(axis=1)
    filled = beyond.any(axis=1)
    after = np.arange(moves.shape[1]) > first[:, None]
    taken = filled & (after & (prices > leave[:, None])).any(axis=1) & (not at_close)
    paid = np.where(first == 0, prices[:, 0], enter)
    got = np.where(taken, leave, prices[:, -1])
    ratio = (1.0 - got) / (1.0 - paid) if short else (1.0 + got) / (1.0 + paid)
    result = (1.0 - FEE) - ratio * (1.0 + FEE) if short else ratio * (1.0 - FEE) - (1.0 + FEE)
    return np.where(filled, result, np.nan)


def held_total(moves, opens, up, down, stops, max_bars, short):
    """Total of positions held along a path, price by price: an order is filled by the next price beyond it.

    `opens` are the previous closes as prices. A stop needs a touch, a limit a price beyond it; a position
    that leaves in a bar lets the next bar's order be the next entry."""
    total = paid = 0.0
    entry = stop = None
    fills = 0
    for t, row in enumerate(moves):
        prices = -row if short else row  # mirrored, as above
        enter, goal = (-up[t], -down[t]) if short else (down[t], up[t])
        ordered = entry is None
        for i, price in enumerate(prices):
            left = None
            if entry is None and ordered and price < enter:
                entry, ordered, fills = t, False, fills + 1
                at = price if i == 0 else enter
                paid = opens[t] * (1.0 - at if short else 1.0 + at)
                stop = None if stops is None else opens[t] * (1.0 + stops[t])
                here = opens[t] * (1.0 - price if short else 1.0 + price)
                if stop is not None and (here >= stop if short else here <= stop):  # one jump went as far
                    level = -(stop / opens[t] - 1.0) if short else stop / opens[t] - 1.0
                    left = min(level, at)
            elif entry is not None:
                here = opens[t] * (1.0 - price if short else 1.0 + price)
                if stop is not None and (here >= stop if short else here <= stop):
                    level = -(stop / opens[t] - 1.0) if short else stop / opens[t] - 1.0
                    left = price if i == 0 else level
                elif price > goal:
                    left = price if i == 0 and entry < t else goal
            last = t == len(moves) - 1 or (entry is not None and t - entry + 1 == max_bars)
            if left is None and entry is not None and last and i == len(prices) - 1:
                left = price
            if left is not None:
                ratio = opens[t] * (1.0 - left if short else 1.0 + left) / paid
                total += (1.0 - FEE) - ratio * (1.0 + FEE) if short else ratio * (1.0 - FEE) - (1.0 + FEE)
                entry = stop = None
                ordered = False
    return total, fills
