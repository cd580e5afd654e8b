"""A universe without files: synthetic correlated symbols for load tests, documents and examples.

They have what a backtest is sensitive to (volatility that clusters, fat tails, a common factor, gaps, bars
whose extremes lie beyond open and close) and no edge: nothing in their past tells the next move.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from backtune.bars.options import Asset
from backtune.bars.series import Bars
from backtune.compiled import njit
from backtune.errors import SettingError, one_of, whole_number

Array = NDArray[np.float64]
LEAST_BARS = 2
MOST_SYMBOLS = 99_999
STEPS = 26  # of a trading day: quarters of an hour
DEGREES = 5.0  # of the Student t innovations
DAILY_VOLATILITY = 0.01
MARKET, SYMBOL = 0, 1  # first word of a random stream's key
_NAME = re.compile(r"SYN(\d{5})")


@dataclass(frozen=True)
class Universe:
    """Synthetic stocks SYN00001, SYN00002, ...; give it as `data`.

    A symbol's close-to-close return is beta times the market's plus its own, each a GARCH(1,1) process with
    Student t innovations (Bollerslev 1986, J. Econometrics 31; 1987, Rev. Econ. Statistics 69). Part of the
    return is the gap at the open; the rest is walked in 26 steps, whose extremes are the bar's high and low.
    A symbol depends on the seed and its own number alone, not on how many others are made.

    Parameters
    ----------
    seed : int
        The same seed gives the same bars.
    bars : int
        Bars of each symbol, on consecutive weekdays from 2000-01-03.

    Raises
    ------
    SettingError
        A seed below 0 or fewer than 2 bars.

    Examples
    --------
    >>> from backtune.bars import Universe
    >>> universe = Universe(seed=1, bars=500)
    >>> universe.symbols(3)
    ['SYN00001', 'SYN00002', 'SYN00003']
    >>> len(universe.load("SYN00002"))
    500
    """

    seed: int = 0
    bars: int = 2000

    def __post_init__(self) -> None:
        for name, least in (("seed", 0), ("bars", LEAST_BARS)):
            whole_number(f"universe {name}", getattr(self, name), least)

    def symbols(self, count: int) -> list[str]:
        """Names of the first `count` symbols.

        Raises
        ------
        SettingError
            `count` is below 1 or above 99,999.
        """
        if whole_number("universe", count) > MOST_SYMBOLS:
            raise SettingError(f"universe is {count}; expected at most {MOST_SYMBOLS} symbols")
        return [f"SYN{number:05d}" for number in range(1, count + 1)]

    def load(self, symbol: str, asset: str | None = None) -> Bars:
        """Bars of one symbol.

        Raises
        ------
        SettingError
            No name of this universe, or an unknown asset.
        """
        match = _NAME.fullmatch(str(symbol))
        if not match or int(match[1]) == 0:
            raise SettingError(f"{symbol!r} is no synthetic symbol; they are SYN00001, SYN00002, ...")
        rng = np.random.default_rng(np.random.SeedSequence((self.seed, SYMBOL, int(match[1]))))
        beta, own, gap_share = rng.uniform(0.4, 1.6), rng.uniform(0.8, 2.0), rng.uniform(0.1, 0.4)
        first_price = rng.uniform(20.0, 400.0)
        noise = own * _garch(_innovations(rng, self.bars))
        prices = _walk(beta * _market(self.seed, self.bars) + noise, gap_share, first_price, rng)
        kind: Asset = "stock" if asset is None else one_of("asset", asset, ("stock", "crypto"))  # type: ignore[assignment]
        source = f"universe(seed={self.seed})"
        return Bars(symbol, _weekdays(self.bars), *prices, None, kind, source)


@lru_cache(maxsize=4)
def _market(seed: int, bars: int) -> Array:
    """Log returns of the factor that all symbols share."""
    rng = np.random.default_rng(np.random.SeedSequence((seed, MARKET)))
    market = _garch(_innovations(rng, bars))
    market.flags.writeable = False
    return market


def _innovations(rng: np.random.Generator, bars: int) -> Array:
    """Student t draws of variance 1."""
    return rng.standard_t(DEGREES, bars) * np.sqrt((DEGREES - 2.0) / DEGREES)


@njit(cache=True)
def _garch(shocks: Array) -> Array:
    """Returns whose variance is omega + alpha * last return squared + beta * last variance."""
    alpha, beta = 0.08, 0.90
    long_run = DAILY_VOLATILITY**2
    omega = long_run * (1.0 - alpha - beta)
    returns = np.empty(len(shocks))
    variance = long_run
    for t in range(len(shocks)):
        returns[t] = min(max(np.sqrt(variance) * shocks[t], -0.25), 0.25)  # an exchange halts before that
        variance = omega + alpha * returns[t] ** 2 + beta * variance
    return returns


@njit(cache=True)
def _extremes(steps: Array) -> Array:
    """Highest and lowest point of each row's walk of steps, shape (2, rows)."""
    result = np.empty((2, steps.shape[0]))
    for t in range(steps.shape[0]):
        at = steps[t, 0]
        highest = lowest = at
        for k in range(1, steps.shape[1]):
            at += steps[t, k]
            highest, lowest = max(highest, at), min(lowest, at)
        result[0, t], result[1, t] = highest, lowest
    return result


def _walk(
    returns: Array, gap_share: float, first: float, rng: np.random.Generator
) -> tuple[Array, Array, Array, Array]:
    """Open, high, low and close of bars whose close-to-close log returns are given."""
    n = len(returns)
    spread = np.abs(returns) + 0.5 * DAILY_VOLATILITY
    gap = gap_share * (returns + spread * rng.standard_normal(n)) / 2.0
    steps = rng.standard_normal((n, STEPS)) * (spread / np.sqrt(STEPS))[:, None]
    steps += ((returns - gap - steps.sum(axis=1)) / STEPS)[:, None]  # a bridge that ends at the close
    highest, lowest = _extremes(steps)
    close = np.log(first) + np.cumsum(returns)
    open_ = close - returns + gap
    close_price, open_price = np.exp(close), np.exp(open_)
    high = np.maximum(np.exp(open_ + highest), np.maximum(open_price, close_price))
    low = np.minimum(np.exp(open_ + lowest), np.minimum(open_price, close_price))
    return open_price, high, low, close_price


@lru_cache(maxsize=4)
def _weekdays(count: int) -> NDArray[np.datetime64]:
    days = np.busday_offset("2000-01-03", np.arange(count), roll="forward").astype("datetime64[ns]")
    days.flags.writeable = False
    return days
