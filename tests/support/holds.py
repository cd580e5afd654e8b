"""Random problems of held positions for the tests, and points of their boxes."""

from __future__ import annotations

import numpy as np

from backtune import Costs, HoldProblem
from problems import random_problem

KINDS = ("plain", "tied", "clamped", "gapped", "wild", "at-the-open")


def hold_problem(seed, n=8, kind="plain", fills="causal", tuned=False, **changes):
    """Random problem of held positions on the bars of `random_problem`: both sides, fractional sizes."""
    rng = np.random.default_rng([seed, 1])
    base = random_problem(seed, n=n, kind=kind)
    scale = {"wild": 0.6, "clamped": 0.004}.get(kind, 0.015)
    stop = (None, -scale, -2.5 * scale, 0.0, scale)[seed % 5]
    arguments = {
        "fee": base.fee,
        "max_bars": int(rng.choice([1, 2, 3, 5, 20])),
        "stop_offset": (-3 * scale, scale) if tuned else stop,
        "carry": float(rng.choice([0.0, 0.0004, -0.0002])),
        "bounds": base.bounds,
        "fills": fills,
    } | changes
    return HoldProblem(*base.moves, **arguments)


def random_points(problem, rng, count):
    low, high = np.array(problem.bounds).T
    points = low + (high - low) * rng.random((count, len(low)))
    points[: count // 2] = np.round(points[: count // 2] * 64) / 64  # levels that meet prices
    return np.clip(points, low, high)


def random_costs(rng, scale=0.002):
    """Costs of every kind; now and then a limit costs as much as a market fill, or is paid for."""
    maker = float(rng.choice([0.0, -0.0001, 0.3 * scale]))
    costs = {
        "maker": maker,
        "taker": max(maker, 0.0) + scale * float(rng.random()),
        "half_spread": scale * float(rng.random()) * float(rng.integers(0, 2)),
        "slippage": scale * float(rng.random()) * float(rng.integers(0, 2)),
        "borrow": float(rng.choice([0.0, 0.0003])),
        "funding": float(rng.choice([0.0, 0.0002, -0.0005])),
        "fill_through": float(rng.choice([0.0, 0.0, 0.5 * scale, 2.0**-9])),
    }
    if maker >= 0.0 and rng.random() < 0.1:
        costs |= {"taker": maker, "half_spread": 0.0, "slippage": 0.0}
    return Costs(**costs)
