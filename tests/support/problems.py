"""Random problems for the tests: gapped, tied, clamped, one-sided, empty and one-bar ones among them."""

from __future__ import annotations

import numpy as np

from backtune.problem import EntryExitProblem

FILLS = ("causal", "optimistic", "published")


def random_problem(seed, n=None, fills=None, close_at_eod=None, kind=None, bounds=None):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 24)) if n is None else n
    fills = FILLS[seed % 3] if fills is None else fills
    close_at_eod = bool(seed // 3 % 2) if close_at_eod is None else close_at_eod
    kind = (
        ("plain", "tied", "clamped", "gapped", "wild", "exact-floats")[seed // 6 % 6]
        if kind is None
        else kind
    )
    scale = {"wild": 0.6, "clamped": 0.004}.get(kind, 0.015)
    c = scale * rng.standard_normal(n)
    o = c * 0.0 if kind == "plain" else scale * rng.standard_normal(n) * (3 if kind == "gapped" else 0.5)
    c, o = np.maximum(c, -0.9), np.maximum(o, -0.9)
    h = np.maximum(o, c) + scale * np.abs(rng.standard_normal(n))
    lo = np.maximum(np.minimum(o, c) - scale * np.abs(rng.standard_normal(n)), -0.95)
    hf = 0.6 * c + scale * rng.standard_normal(n) + (0 if kind == "clamped" else 0.005)
    lf = 0.6 * c + scale * rng.standard_normal(n) - (0 if kind == "clamped" else 0.005)
    if kind == "tied":
        o, h, lo, c, hf, lf = (np.round(v, 2) for v in (o, h, lo, c, hf, lf))
    if (
        kind == "at-the-open"
    ):  # sums without rounding: levels lie exactly at the open, clipped ones at an open of 0
        o, h, lo, c, hf, lf = (np.round(v * 64) / 64 for v in (o, h, lo, c, hf, lf))
        o = np.where(
            rng.random(n) < 0.3, 0.0, np.where(rng.random(n) < 0.5, lf + rng.integers(-2, 2, n) / 64, o)
        )
        h, lo = np.maximum(h, o), np.minimum(lo, o)
    if kind == "exact-floats":  # sums that round: forecasts far larger or far smaller than offsets
        hf, lf = hf * 10.0 ** rng.integers(-12, 2, n), lf * 10.0 ** rng.integers(-12, 2, n)
    ls, ss = (np.where(rng.random(n) < 0.3, 0.0, rng.random(n)) for _ in range(2))
    side = rng.integers(0, 4)
    if side == 0:
        ls = np.zeros(n)
    elif side == 1:
        ss = np.zeros(n)
    fee = float(rng.choice([0.0, 0.0005, 0.0015]))
    if bounds is None:
        bounds = [((-0.03, 0.03), (-0.03, 0.03)), ((-0.5, 0.7), (-0.2, 0.1)), ((0.0, 0.0), (-0.01, 0.02))][
            int(rng.integers(0, 3))
        ]
    return EntryExitProblem(
        o, h, lo, c, hf, lf, ls, ss, fee=fee, close_at_eod=close_at_eod, fills=fills, bounds=bounds
    )


def candidates(problem, axis, spread=3):
    """Every offset of one axis at which anything changes, by definition, and its neighbouring floats."""
    o, h, lo, c, hf, lf, _, _ = problem.moves
    low, high = problem.bounds[axis]
    forecast, moves = (hf, (o, h, c, 0 * c)) if axis == 0 else (lf, (o, lo, c, 0 * c))
    points = [np.array([low, high, 0.5 * (low + high)])]
    for move in moves:
        point = down = up = np.asarray(move - forecast)
        points.append(point)
        for _ in range(spread):
            down, up = np.nextafter(down, -np.inf), np.nextafter(up, np.inf)
            points += [down, up]
        points += [point + 2.0**-k * np.abs(move) for k in (50, 51, 52, 53, 54)]
        points += [point - 2.0**-k * np.abs(move) for k in (50, 51, 52, 53, 54)]
    every = np.unique(np.concatenate(points))
    return every[(every >= low) & (every <= high)]


def brute_force(problem):
    """Highest value over the lattice of all candidates, by the problem's own evaluation."""
    highs, lows = candidates(problem, 0), candidates(problem, 1)
    mesh = np.stack(np.meshgrid(highs, lows, indexing="ij"), axis=-1).reshape(-1, 2)
    return float(problem.batch(mesh).max())
