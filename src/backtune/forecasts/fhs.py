"""The embedded default: filtered historical simulation of the next bar's high, low and close."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from backtune.bars import Bars
from backtune.compiled import njit
from backtune.errors import one_of, whole_number
from backtune.forecasts.arrays import Array
from backtune.forecasts.base import LEVELS, Distribution, QuantileForecaster
from backtune.forecasts.volatility import SEED, VOLATILITIES, log_moves, volatility

LEAST = 20


class FilteredHistory(QuantileForecaster):
    """Scale past bars' moves to today's volatility and take their quantiles; no weights, one pass.

    Filtered historical simulation (Barone-Adesi, Giannopoulos and Vosper 1999, J. Futures Markets 19): each
    past bar's log moves (high, low, close) are divided by the volatility that was forecast for that bar, and
    multiplied by the volatility forecast for the target. The empirical distribution of those rows is the
    forecast, so fat tails, skew and the way the three hang together are the series' own. Quantiles are exact
    (no drawing): linear between order statistics, type 7 of Hyndman and Fan (1996).

    Parameters
    ----------
    volatility : str
        How volatility is forecast; see `backtune.forecasts.volatility`.
    memory : int
        Past bars whose rows are kept.
    samples : int
        Joint draws of rows a bar, seeded; 0 for none.
    seed : int
    point : {"median", "mean"} or float
        See `QuantileForecaster`.

    Raises
    ------
    SettingError
    """

    causal = True
    warm_up = SEED + LEAST + 1

    def __init__(
        self,
        volatility: str = "true_range",
        memory: int = 500,
        samples: int = 0,
        seed: int = 0,
        point: str | float = "median",
    ) -> None:
        super().__init__(point)
        self.volatility = one_of("volatility", volatility, VOLATILITIES)
        self.memory = whole_number("memory", memory, LEAST)
        self.samples, self.seed = whole_number("samples", samples, 0), whole_number("seed", seed, 0)
        self.name = "fhs"

    def distribution(self, bars: Bars, targets: NDArray[np.int64]) -> Distribution:
        """Quantiles and samples of every bar from `warm_up` on."""
        every = np.arange(self.warm_up, len(bars))
        rows, scale = self._filtered(bars)
        quantiles = _rolling_quantiles(rows, SEED + 1, self.memory, np.array(LEVELS))
        samples = self._drawn(rows, scale) if self.samples else None
        del rows
        quantiles[: self.warm_up] = np.nan
        moves = quantiles[self.warm_up :]  # in their place: of a million bars an array of them is 216 MB
        np.multiply(moves, scale[self.warm_up :, None, None], out=moves)
        np.expm1(moves, out=moves)
        return Distribution(every, quantiles, samples, aligned=True)

    def _filtered(self, bars: Bars) -> tuple[Array, Array]:
        """Log moves of each bar's high, low and close in units of its volatility, and that volatility."""
        opened = log_moves(bars)
        scale = volatility(opened, self.volatility)
        return opened[1:] / scale, scale

    def _drawn(self, rows: Array, scale: Array) -> Array:
        """Rows drawn with replacement; drawn bar by bar, so that later bars change no earlier draw."""
        every = np.arange(self.warm_up, len(scale))
        kept = np.minimum(every - (SEED + 1), self.memory)
        uniform = np.random.default_rng(self.seed).random((len(every), self.samples))
        past = (every - kept)[:, None] + np.floor(uniform * kept[:, None]).astype(np.int64)
        return np.asarray(np.expm1(rows.T[past] * scale[every, None, None]))


@njit()
def _place(window: Array, count: int, x: float) -> int:
    """The first of the first `count` of the sorted `window` that is not below x."""
    first, last = 0, count
    while first < last:
        middle = (first + last) // 2
        if window[middle] < x:
            first = middle + 1
        else:
            last = middle
    return first


@njit(cache=True)
def _rolling_quantiles(rows: Array, first: int, memory: int, levels: Array) -> Array:
    """Quantiles of rows[k, t-memory:t], from bar `first` on, for each k and t; shape (n, 3, levels).

    The window is kept sorted: a bar costs one insertion and one removal, not a sort.
    """
    kinds, n = rows.shape
    result, window = np.empty((n, kinds, len(levels))), np.empty(memory + 1)
    for t in range(min(first + 1, n)):
        for kind in range(kinds):
            for q in range(len(levels)):
                result[t, kind, q] = np.nan
    for kind in range(kinds):
        count = 0
        for t in range(first + 1, n):
            place = _place(window, count, rows[kind, t - 1])
            for k in range(count, place, -1):
                window[k] = window[k - 1]
            window[place] = rows[kind, t - 1]
            count += 1
            if count > memory:
                count -= 1
                for k in range(_place(window, count + 1, rows[kind, t - 1 - memory]), count):
                    window[k] = window[k + 1]
            for q in range(len(levels)):
                position = levels[q] * (count - 1)
                below = math.floor(position)
                above = min(below + 1, count - 1)
                share = position - below
                result[t, kind, q] = window[below] * (1.0 - share) + window[above] * share
    return result
