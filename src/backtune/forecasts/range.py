"""A heterogeneous autoregression of the range, and where highs and lows lie in it: points alone."""

from __future__ import annotations

import numpy as np

from backtune.bars import Bars
from backtune.compiled import njit
from backtune.forecasts.arrays import Array
from backtune.forecasts.base import Forecaster

HORIZONS = (1, 5, 22)
MEMORY = 100
LEAST = 20


class Range(Forecaster):
    """Forecast the next bar's extremes from the recent range; no weights, one pass over the series.

    The scale of bar t is the mean of the average high-low range over the last 1, 5 and 22 bars: the daily,
    weekly and monthly components of the HAR model of Corsi (2009), J. Financial Econometrics 7, equally
    weighted, on the range, which estimates volatility better than the close does (Parkinson 1980,
    J. Business 53). The forecast is that scale times the median, over the last 100 bars, of the high (low,
    close) move in units of the scale of its own day; the median, since offsets are judged by absolute error.
    """

    causal = True
    name = "range"
    warm_up = HORIZONS[-1] + LEAST + 1

    def moves(self, bars: Bars) -> tuple[Array, Array, Array]:
        """High, low and close moves, each shape (n,)."""
        _, high, low, close = bars.moves
        scale = _scale(high - low)
        return _scaled_median(high, scale), _scaled_median(low, scale), _scaled_median(close, scale)


@njit(cache=True)
def _scale(span: Array) -> Array:
    """Mean of the average span over the last 1, 5 and 22 bars before each bar; bar 0 has no span."""
    n = len(span)
    scale = np.full(n, np.nan)
    for t in range(HORIZONS[-1] + 1, n):
        total = 0.0
        for horizon in HORIZONS:
            part = 0.0
            for k in range(t - horizon, t):
                part += span[k]
            total += part / horizon
        scale[t] = max(total / len(HORIZONS), 1e-12)
    return scale


@njit(cache=True)
def _scaled_median(move: Array, scale: Array) -> Array:
    """Scale of each bar times the median of past moves, each in units of its own bar's scale."""
    n = len(move)
    forecast = np.full(n, np.nan)
    first = HORIZONS[-1] + 1
    for t in range(first + LEAST, n):
        start = max(first, t - MEMORY)
        forecast[t] = scale[t] * np.median(move[start:t] / scale[start:t])
    return forecast
