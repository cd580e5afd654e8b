"""Bars made at random, for tests of what needs a series."""

from __future__ import annotations

import numpy as np

from backtune.bars import Bars


def make_bars(n=400, seed=0, symbol="SYN"):
    """Bars of a random walk with changing volatility."""
    rng = np.random.default_rng(seed)
    scale = 0.01 * np.exp(np.convolve(rng.standard_normal(n + 20), np.ones(21) / 12, "valid"))
    close = 100 * np.exp(np.cumsum(scale * rng.standard_normal(n)))
    opened = np.r_[100.0, close[:-1]] * np.exp(0.3 * scale * rng.standard_normal(n))
    high = np.maximum(opened, close) * np.exp(scale * np.abs(rng.standard_normal(n)))
    low = np.minimum(opened, close) * np.exp(-scale * np.abs(rng.standard_normal(n)))
    stamps = np.datetime64("2020-01-06", "ns") + np.arange(n) * np.timedelta64(1, "D")
    return Bars(symbol, stamps, opened, high, low, close, volume=rng.random(n) * 1e6)
