"""Strategies: which sides a bar trades, and how large.

A strategy is a function of the forecast and of whether the asset can be shorted. To write one's own, pass a
`Strategy` to `backtest_forecasts(strategies=[...])`; its sizes may use nothing but the forecast arrays and
bars before each bar.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backtune.errors import SettingError, one_of
from backtune.forecasts import Forecast

Array = NDArray[np.float64]
Sizes = Callable[[Forecast, bool], tuple[Array, Array]]


@dataclass(frozen=True)
class Strategy:
    """A name, the sizes of both sides, and whether offsets are tuned.

    Attributes
    ----------
    name : str
        As shown in tables.
    sizes : callable
        (forecast, can_short) -> (long_size, short_size), each shape (n,), >= 0.
    tuned : bool
        False: offsets stay 0, as a yardstick.
    """

    name: str
    sizes: Sizes
    tuned: bool = True


def maxdiff(forecast: Forecast, can_short: bool) -> tuple[Array, Array]:
    """Long where |high_forecast| > |low_forecast|, else short; none where high_forecast <= low_forecast."""
    wide = forecast.high > forecast.low
    up = np.abs(forecast.high) > np.abs(forecast.low)
    return (wide & up).astype(np.float64), (wide & ~up & can_short).astype(np.float64)


def always_on(forecast: Forecast, can_short: bool) -> tuple[Array, Array]:
    """Both sides on every bar."""
    ones = np.ones(len(forecast.high))
    return ones, ones * float(can_short)


STRATEGIES: dict[str, Strategy] = {
    "maxdiff": Strategy("maxdiff", maxdiff),
    "always_on": Strategy("always_on", always_on),
}
UNTUNED = Strategy("untuned", maxdiff, tuned=False)
BUY_HOLD = "buy_hold"


def strategies(names: Sequence[str | Strategy]) -> list[Strategy]:
    """Strategies by name, each once, and the yardstick `untuned` behind them.

    Raises
    ------
    SettingError
        An unknown name, one given twice, or none at all.
    """
    if isinstance(names, str) or not isinstance(names, Sequence) or not names:
        raise SettingError(f"strategies are {names!r}; give a list such as ['maxdiff', 'always_on']")
    chosen = [
        name if isinstance(name, Strategy) else STRATEGIES[one_of("strategy", name, STRATEGIES)]
        for name in names
    ]
    given = [strategy.name for strategy in chosen] + [UNTUNED.name, BUY_HOLD]
    twice = next((name for name in given if given.count(name) > 1), None)
    if twice:
        raise SettingError(f"strategy name {twice!r} is used twice; untuned and buy_hold are always shown")
    return [*chosen, UNTUNED]
