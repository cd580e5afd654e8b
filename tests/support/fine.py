"""Simulated prices as bars and as the finer bars inside them."""

from __future__ import annotations

import numpy as np

from backtune import FineBars, HoldProblem
from price_paths import levels_on, moves_of, price_paths


def finer(moves, width):
    """Finer bars of `width` prices each, of paths as moves (bars, prices)."""
    rows = [[] for _ in range(4)]
    first = [0]
    for prices in moves:
        for start in range(0, len(prices), width):
            piece = prices[start : start + width]
            for row, value in zip(rows, (piece[0], piece.max(), piece.min(), piece[-1]), strict=True):
                row.append(value)
        first.append(len(rows[0]))
    return FineBars(np.array(first), np.array(rows))


def without(fine, bars):
    """The same with no finer bars in some of the bars."""
    count = np.diff(fine.first)
    keep = ~np.isin(np.arange(len(count)), bars)
    return FineBars(
        np.append(0, np.cumsum(count * keep)), np.ascontiguousarray(fine.prices[:, keep.repeat(count)])
    )


def inside(fine):
    """A list of (open, high, low, close) a bar."""
    return [fine.prices[:, a:b].T.tolist() for a, b in zip(fine.first[:-1], fine.first[1:], strict=True)]


def detailed(seed, bars=6, steps=11, width=3, **changes):
    """A random problem of held positions, its finer bars, and what it was made with."""
    rng = np.random.default_rng([seed, 2])
    ticks = bool(rng.integers(0, 2))
    paths = price_paths(rng, bars + 1, steps=steps, ticks=ticks)
    moves, o, h, lo, c = moves_of(paths)
    up, down = levels_on(rng, paths, ticks, far=0.01)
    fine = without(finer(moves, width), np.flatnonzero(rng.random(bars) < 0.15))
    arguments = {
        "fee": 0.0005,
        "max_bars": int(rng.choice([1, 2, 3, 20])),
        "stop_offset": (None, -0.0101, -0.0257)[seed % 3],
        "carry": float(rng.choice([0.0, 0.0003])),
    } | changes
    sizes = rng.choice([0.0, 0.5, 1.0], (2, bars))
    coarse = HoldProblem(o, h, lo, c, up, down, *sizes, **arguments)
    return HoldProblem(o, h, lo, c, up, down, *sizes, detail=fine, **arguments), coarse, fine
