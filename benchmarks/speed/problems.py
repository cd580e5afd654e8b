"""Problems to time: walk-forward windows of the sample, and long synthetic series."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import backtune as bt
from backtune.bars import Bars, load_sample
from backtune.problem.costs import DEFAULT_FEES
from backtune.strategies import STRATEGIES

POLICIES = (True, False)  # close_at_eod, in the order of a backtest's rows
REVERSION = 0.001  # of the log price a bar, which keeps the prices of a million bars in sight of 100


def sample_bars(count: int) -> Bars:
    """Give the last `count` bars of the sample's NASDAQ."""
    return bt.load_bars(load_sample("NASDAQ").frame.iloc[-count:], "NASDAQ", asset="stock")


def whole_problem(bars: Bars, strategy: str, close_at_eod: bool) -> tuple[bt.EntryExitProblem, int]:
    """Problem of all bars that have a forecast, and the first of them; causal, default forecaster and fee."""
    forecast = bt.forecast(bars)
    sizes = STRATEGIES[strategy].sizes(forecast, bars.asset == "stock")
    arrays: list[Any] = [
        array[forecast.first :] for array in (*bars.moves, forecast.high, forecast.low, *sizes)
    ]
    return bt.EntryExitProblem(
        *arrays, fee=DEFAULT_FEES[bars.asset], close_at_eod=close_at_eod
    ), forecast.first


def walk_forward(bars: Bars, simulations: int, window: int) -> list[bt.EntryExitProblem]:
    """Problems that a backtest of horizon 1 tunes, in the order of its `simulations` table."""
    problems = []
    for strategy in STRATEGIES:
        series = [whole_problem(bars, strategy, policy) for policy in POLICIES]
        for start in range(len(bars) - simulations, len(bars)):
            problems += [problem.window(start - window - first, start - first) for problem, first in series]
    return problems


def synthetic_bars(count: int, seed: int = 0) -> Bars:
    """GARCH(1,1) bars of daily size (volatility about 1.2 % a bar), seeded.

    The path inside a bar is a Brownian bridge from open to close, whose highest point has a closed form
    (Karatzas and Shreve, Brownian Motion and Stochastic Calculus, section 2.8); high and low are drawn apart.
    """
    rng = np.random.default_rng(seed)
    shocks = rng.standard_normal(count)
    log_price, opens, closes, scales = 0.0, np.empty(count), np.empty(count), np.empty(count)
    variance = 0.012**2
    gaps = 0.25 * rng.standard_normal(count)
    for t in range(count):
        scale = variance**0.5
        opens[t] = log_price + scale * gaps[t]
        move = scale * shocks[t] - REVERSION * log_price
        log_price += move
        closes[t], scales[t] = log_price, scale
        variance = 0.03 * 0.012**2 + 0.08 * move * move + 0.89 * variance
    middle, half = 0.5 * (opens + closes), 0.5 * np.abs(closes - opens)
    above, below = (
        np.sqrt(half**2 - 0.5 * scales**2 * np.log(rng.uniform(1e-12, 1.0, count))) for _ in range(2)
    )
    frame = pd.DataFrame(
        {"open": opens, "high": middle + above, "low": middle - below, "close": closes},
        index=pd.date_range("2000-01-03", periods=count, freq="min", name="timestamp"),
    )
    return bt.load_bars(100.0 * np.exp(frame), "GARCH", asset="stock")
