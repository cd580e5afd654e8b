"""Simulated price paths and the bars made of them, for tests that know what happened inside a bar."""

from __future__ import annotations

import numpy as np

TICK = 0.5  # of a price around 100: a level often lies exactly on a price


def price_paths(rng, bars, steps=24, ticks=False):
    """Prices (bars, steps + 1) of one symbol, each row from its open to its close.

    Steps of a random size a bar, drift, a jump inside some bars, a gap before most. With `ticks` every price
    is a whole number of ticks, so that prices meet levels, opens and one another exactly.
    """
    scale = 0.004 * np.exp(0.5 * rng.standard_normal((bars, 1)))
    moves = scale * (rng.standard_normal((bars, steps)) + 0.15 * rng.standard_normal((bars, 1)))
    moves += np.where(rng.random((bars, steps)) < 0.01, 6.0 * scale * rng.standard_normal((bars, steps)), 0.0)
    gaps = np.where(rng.random((bars, 1)) < 0.7, 2.0 * scale * rng.standard_normal((bars, 1)), 0.0)
    walk = np.cumsum(np.hstack([gaps, moves]).ravel())
    prices = 100.0 * np.exp(0.3 * np.sin(walk))  # bounded, so that a tick stays a share of the price
    if ticks:
        prices = np.round(prices / TICK) * TICK
    return prices.reshape(bars, steps + 1)


def moves_of(paths):
    """Paths, open, high, low and close as moves on the previous close, of every row but the first."""
    moves = paths[1:] / paths[:-1, -1:] - 1.0
    return moves, moves[:, 0], moves.max(axis=1), moves.min(axis=1), moves[:, -1]


def levels_on(rng, paths, ticks, far=0.012):
    """Upper and lower levels (bars - 1,) as moves, some at 0; with `ticks` at prices that a path can meet."""
    before = paths[:-1, -1]
    levels = []
    for sign in (1.0, -1.0):
        away = far * np.abs(rng.standard_normal(len(before)))
        away[rng.random(len(before)) < 0.1] = 0.0
        price = before * (1.0 + sign * away)
        if ticks:
            price = np.round(price / TICK) * TICK
        levels.append(price / before - 1.0)
    return levels
