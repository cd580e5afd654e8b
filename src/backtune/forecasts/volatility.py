"""Volatility of the next bar, in log-price units, from the bars before it.

Each entry of `VOLATILITIES` but "garch" turns a bar into one number that estimates its volatility or its
variance, the gap from the last close included, and smooths those numbers exponentially.
"""

from __future__ import annotations

import math

import numpy as np

from backtune.bars import Bars
from backtune.compiled import njit
from backtune.forecasts.arrays import Array

SEED = 22  # bars whose mean starts the smoothing
DECAY = 0.9
RANGE_DECAYS = (0.7, 0.9, 0.98)
HORIZONS = (1, 5, SEED)
LEAST_VOLATILITY = 1e-12
YANG_ZHANG_OPEN = 0.34 / 1.34  # Yang and Zhang's weight k as the number of bars in an estimate grows

VOLATILITIES = {
    "true_range": "mean of three exponential means (decays 0.7, 0.9, 0.98) of the true range; the default",
    "har_range": "average range of the last 1, 5 and 22 bars: HAR, Corsi (2009), J. Fin. Econometrics 7",
    "parkinson": "Parkinson (1980), J. Business 53, plus the squared gap",
    "garman_klass": "Garman and Klass (1980), J. Business 53, plus the squared gap",
    "yang_zhang": "Yang and Zhang (2000), J. Business 73, with its weight's limit for many bars",
    "close": "squared close-to-close move: RiskMetrics (1996)",
    "garch": "GARCH(1,1), Bollerslev (1986), its parameters chosen on a grid by the likelihood so far",
}


def log_moves(bars: Bars) -> Array:
    """Log of open, high, low and close over the last close, shape (4, n); bar 0 has none: NaN."""
    return np.log1p(bars.moves)


def volatility(moves: Array, kind: str) -> Array:
    """Volatility of each bar as seen from the bar before, shape (n,); NaN for the first `SEED` + 1 bars.

    Parameters
    ----------
    moves : ndarray, shape (4, n)
        From `log_moves`.
    kind : str
        One of `VOLATILITIES`.
    """
    opened, high, low, close = moves
    if kind == "garch":
        return np.maximum(np.sqrt(_garch(close, SEED)), LEAST_VOLATILITY)
    if kind == "true_range":
        span = np.maximum(high, 0.0) - np.minimum(low, 0.0)
        smooth = sum(_smoothed(span, decay, SEED) for decay in RANGE_DECAYS) / len(RANGE_DECAYS)
        return np.asarray(np.maximum(smooth, LEAST_VOLATILITY))
    if kind == "har_range":
        parts = [_averaged(high - low, horizon) for horizon in HORIZONS]
        return np.asarray(np.maximum(sum(parts) / len(parts), LEAST_VOLATILITY))
    body, up, down = close - opened, high - opened, low - opened
    gap = opened**2
    if kind == "parkinson":
        variance = (high - low) ** 2 / (4.0 * math.log(2.0)) + gap
    elif kind == "garman_klass":
        variance = 0.5 * (high - low) ** 2 - (2.0 * math.log(2.0) - 1.0) * body**2 + gap
    elif kind == "yang_zhang":
        rogers_satchell = up * (up - body) + down * (down - body)
        variance = gap + YANG_ZHANG_OPEN * body**2 + (1.0 - YANG_ZHANG_OPEN) * rogers_satchell
    else:
        variance = close**2
    return np.maximum(np.sqrt(np.maximum(_smoothed(variance, DECAY, SEED), 0.0)), LEAST_VOLATILITY)


@njit(cache=True)
def _smoothed(values: Array, decay: float, seed: int) -> Array:
    """Exponential mean of values[1:t] for each t > seed, started by the mean of the first `seed` of them."""
    result, mean = np.empty(len(values)), 0.0
    for t in range(min(seed + 1, len(values))):
        result[t] = np.nan
        mean += values[t] if t > 0 else 0.0
    mean /= seed
    for t in range(seed + 1, len(values)):
        result[t] = mean
        mean = decay * mean + (1.0 - decay) * values[t]
    return result


@njit(cache=True)
def _averaged(values: Array, horizon: int) -> Array:
    """Mean of values[t-horizon:t] for each t > `SEED`."""
    result = np.full(len(values), np.nan)
    for t in range(SEED + 1, len(values)):
        total = 0.0
        for k in range(t - horizon, t):
            total += values[k]
        result[t] = total / horizon
    return result


@njit(cache=True)
def _garch(close: Array, seed: int) -> Array:
    """Variance of each bar under the grid's likeliest GARCH(1,1) so far, targeting the variance so far."""
    shocks = np.array([0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2])
    persistences = np.array([0.9, 0.94, 0.96, 0.98, 0.99, 0.995, 0.999])
    n = len(close)
    result = np.full(n, np.nan)
    if n <= seed:
        return result
    floor = LEAST_VOLATILITY**2
    start = max(np.mean(close[1 : seed + 1] ** 2), floor)
    variance = np.full((len(shocks), len(persistences)), start)
    likelihood = np.zeros_like(variance)
    mean_square = start
    for t in range(seed + 1, n):
        best = 0
        for k in range(likelihood.size):
            if likelihood.flat[k] > likelihood.flat[best]:
                best = k
        result[t] = variance.flat[best]
        square = close[t] ** 2
        mean_square += (square - mean_square) / t
        for i in range(len(shocks)):
            for j in range(len(persistences)):
                h = variance[i, j]
                likelihood[i, j] -= 0.5 * (math.log(h) + square / h)
                h = (
                    (1.0 - persistences[j]) * mean_square
                    + shocks[i] * square
                    + (persistences[j] - shocks[i]) * h
                )
                variance[i, j] = max(h, floor)
    return result
