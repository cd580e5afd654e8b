"""How far off forecasts are: errors and proper scores, held against other forecasts of the same bars."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.bars import Bars
from backtune.diagnose.paired import Difference, difference_of
from backtune.errors import SettingError
from backtune.forecasts import Forecast, forecast_quality
from backtune.verdict.bootstrap import Array

EXTREMES = ("high", "low")  # what orders rest at


def accuracy(bars: Bars, forecasts: Mapping[str, Forecast]) -> pd.DataFrame:
    """Errors and scores of forecasts on the bars that all of them forecast.

    Parameters
    ----------
    bars : Bars
    forecasts : mapping of str to Forecast
        Of these bars, by name.

    Returns
    -------
    DataFrame
        A row a forecast: forecast; bars, how many were judged; mae, mean absolute error of high and low, in
        moves; crps, see `crps`, in moves; pinball, mean over the model's own levels; coverage_80, share of
        highs and lows between the 10 % and the 90 % quantile; pit_p, p-value of the probability integral
        transform being uniform over the stretches between levels (chi-squared: Diebold, Gunther and Tay
        1998, International Economic Review 39). What needs quantiles is NaN where there are none.
    """
    together = common(bars, forecasts)
    rows = []
    for name, forecast in forecasts.items():
        quality = forecast_quality(bars, _cut(forecast, together)).set_index("move").loc[list(EXTREMES)]
        rows.append(
            {
                "forecast": name,
                "bars": len(together),
                "mae": float(quality["mae"].mean()),
                "crps": float(crps(bars, forecast)[together].mean()),
                "pinball": float(quality["pinball"].mean()),
                "coverage_80": float(quality["coverage_80"].mean()),
                "pit_p": pit_p_value(bars, forecast, together),
            }
        )
    return pd.DataFrame(rows)


def accuracy_differences(
    bars: Bars, forecasts: Mapping[str, Forecast], name: str, seed: int = 0
) -> dict[str, Difference]:
    """CRPS of every other forecast less that of `name`, bar by bar: above zero, `name` is the better one."""
    together = common(bars, forecasts)
    own = crps(bars, forecasts[name])[together]
    return {
        other: difference_of(crps(bars, forecast)[together] - own, seed)
        for other, forecast in forecasts.items()
        if other != name
    }


def crps(bars: Bars, forecast: Forecast) -> Array:
    """Continuous ranked probability score of high and low, their mean a bar, shape (n,), in moves.

    Of samples the kernel form ``E|X - y| - E|X - X'| / 2`` (Gneiting and Raftery 2007, J. American
    Statistical Association 102); else twice the mean pinball loss over the levels, which is its integral form
    with as many points; of a point the absolute error, to which both come down.
    """
    scores = [_score(bars.moves[place], forecast, place - 1) for place in (1, 2)]
    return np.asarray(np.mean(scores, axis=0))


def _score(actual: Array, forecast: Forecast, move: int) -> Array:
    if forecast.samples is not None:
        drawn = np.sort(forecast.samples[:, :, move], axis=1)
        count = drawn.shape[1]
        weights = (2.0 * np.arange(1, count + 1) - count - 1.0) / count**2  # of the mean absolute difference
        return np.asarray(np.abs(drawn - actual[:, None]).mean(axis=1) - drawn @ weights)
    if forecast.quantiles is not None:
        short = actual[:, None] - forecast.quantiles[:, move]
        level = np.asarray(forecast.levels)
        return np.asarray(2.0 * np.maximum(level * short, (level - 1.0) * short).mean(axis=1))
    return np.asarray(np.abs(actual - (forecast.high, forecast.low)[move]))


def pit_p_value(bars: Bars, forecast: Forecast, judged: NDArray[np.int64]) -> float:
    """p-value of the actual moves lying between the levels as often as they should; see `accuracy`."""
    if forecast.quantiles is None:
        return math.nan
    from scipy.stats import chisquare

    shares = np.diff([0.0, *forecast.levels, 1.0])
    p_values = []
    for place in (1, 2):
        below = (forecast.quantiles[judged, place - 1] < bars.moves[place, judged, None]).sum(axis=1)
        seen = np.bincount(below, minlength=len(shares))
        p_values.append(float(chisquare(seen, shares * len(judged)).pvalue))
    return min(1.0, len(p_values) * min(p_values))


def common(bars: Bars, forecasts: Mapping[str, Forecast]) -> NDArray[np.int64]:
    """Indices of the bars that have a move and a forecast by every model.

    Raises
    ------
    SettingError
        There is none, or a forecast is of other bars.
    """
    known = np.isfinite(bars.moves[1])
    for name, forecast in forecasts.items():
        if len(forecast.high) != len(bars):
            raise SettingError(
                f"the forecast {name!r} has {len(forecast.high)} bars and {bars.symbol} has {len(bars)}; "
                "judge a forecast on its own bars"
            )
        known &= np.isfinite(forecast.high) & np.isfinite(forecast.low)
        if forecast.quantiles is not None:
            known &= np.isfinite(forecast.quantiles[:, :2]).all(axis=(1, 2))
    together = np.flatnonzero(known)
    if len(together) == 0:
        raise SettingError(f"no bar of {bars.symbol} has a forecast by each of {', '.join(forecasts)}")
    return together


def _cut(forecast: Forecast, kept: NDArray[np.int64]) -> Forecast:
    """The forecast of the bars in `kept` alone."""
    high, low = np.full((2, len(forecast.high)), np.nan)
    high[kept], low[kept] = forecast.high[kept], forecast.low[kept]
    return replace(forecast, high=high, low=low)
