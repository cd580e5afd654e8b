"""Symbols without an edge by construction, and a forecaster that plants one of known strength."""

from __future__ import annotations

import numpy as np
import pandas as pd

from backtune.bars import Bars, load_bars
from backtune.forecasts.base import Forecaster
from backtune.forecasts.range import Range

STEPS = 48


def random_walk(seed: int, n: int, symbol: str = "") -> Bars:
    """Daily bars of a martingale: gaps at the open, clustered volatility, fat tails, no drift.

    A day's volatility follows a GARCH(1, 1) around 0.8 to 4 % a day and is spread over an overnight gap and
    `STEPS` steps of Student's t with 5 degrees of freedom. Between two steps the price is a Brownian bridge,
    of which the highs and lows are drawn: where steps jump, a limit order is filled at its price when the
    market is already beyond it, and each fill loses a part of a step that no real order would lose.
    """
    rng = np.random.default_rng([seed, 7])
    level = np.exp(rng.uniform(np.log(0.008), np.log(0.04))) ** 2
    normal = rng.standard_normal((n, STEPS + 1))
    mixing = 3.0 / rng.chisquare(5, (n, STEPS + 1))  # normal x sqrt(mixing): Student's t of variance 1
    above, below = np.log(rng.random((2, n, STEPS)))
    shares = np.concatenate([[0.2], np.full(STEPS, 0.8 / STEPS)])
    variance, spread, step = level, np.empty((n, STEPS + 1)), np.empty((n, STEPS + 1))
    for t in range(n):
        spread[t] = np.minimum(variance * shares * mixing[t], 0.04)
        step[t] = np.sqrt(spread[t]) * normal[t] - 0.5 * spread[t]  # E[price] does not move
        variance = 0.02 * level + 0.90 * variance + 0.08 * step[t].sum() ** 2
    path = np.log(100.0) + np.cumsum(step.ravel()).reshape(n, STEPS + 1)
    middle, jump, local = 0.5 * (path[:, 1:] + path[:, :-1]), step[:, 1:], spread[:, 1:]
    high = middle + 0.5 * np.sqrt(jump**2 - 2.0 * local * above)
    low = middle - 0.5 * np.sqrt(jump**2 - 2.0 * local * below)
    moves = {"open": path[:, 0], "high": high.max(1), "low": low.min(1), "close": path[:, -1]}
    frame = pd.DataFrame(
        {name: np.exp(log) for name, log in moves.items()}, index=pd.bdate_range("2015-01-01", periods=n)
    )
    return load_bars(frame, symbol or f"RW{seed:03d}", asset="stock")


class Oracle(Forecaster):
    """The range forecaster, corrected by a noisy sight of the future: an edge of known strength.

    For high, low and close alike, the correction is `strength` times a signal whose correlation with the
    range forecaster's error is `strength`: 0 sees nothing, 1 sees all.
    """

    name = "oracle"
    warm_up = Range.warm_up
    causal = True  # a lie, which is the point

    def __init__(self, strength: float, seed: int = 0) -> None:
        self.strength, self.seed = strength, seed

    def moves(self, bars: Bars):
        """High, low and close moves, each shape (n,)."""
        rng = np.random.default_rng([self.seed, 11])
        seen = []
        for blind, truth in zip(Range().moves(bars), bars.moves[1:], strict=True):
            error = truth - blind
            noise = np.nanstd(error) * rng.standard_normal(len(error))
            signal = self.strength * error + np.sqrt(1.0 - self.strength**2) * noise
            seen.append(blind + self.strength * signal)
        return tuple(seen)
