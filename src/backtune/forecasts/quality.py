"""How good forecasts were: pinball loss, error against naive, coverage."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from backtune.bars import Bars
from backtune.errors import SettingError
from backtune.forecasts.arrays import MOVES, Array
from backtune.forecasts.base import Forecast
from backtune.forecasts.naive import Naive


def forecast_quality(bars: Bars, forecast: Forecast) -> pd.DataFrame:
    """Judge a forecast by what its bars did.

    Parameters
    ----------
    bars : Bars
    forecast : Forecast
        Of those bars.

    Returns
    -------
    DataFrame
        A row each for high, low and close: move; bars, how many were judged; pinball, the mean over
        levels of the pinball (quantile) loss, a proper score of the quantiles, in moves, lower is
        better (Gneiting 2011, Int. J. Forecasting 27); mae, mean absolute error of the point forecast,
        in moves; naive_mae, that of the last bar's excursions on the same bars; mae_ratio, mae /
        naive_mae; coverage_80, share of moves between the 10 % and the 90 % quantile (0.8 where they
        are right); worse_than_naive, mae above naive_mae by more than two standard errors of the paired
        difference. pinball and coverage_80 are NaN for a model that gives points alone.

    Raises
    ------
    SettingError
        The forecast is of other bars, or no bar has both a forecast and a naive one.
    """
    if len(forecast.high) != len(bars):
        raise SettingError(
            f"the forecast has {len(forecast.high)} bars and {bars.symbol} has {len(bars)}; "
            "judge a forecast on its own bars"
        )
    naive = Naive().forecast(bars)
    judged = np.flatnonzero(~np.isnan(forecast.high) & ~np.isnan(naive.high))
    if len(judged) == 0:
        raise SettingError(f"no bar of {bars.symbol} has a forecast to judge; give more bars")
    rows = []
    for index, move in enumerate(MOVES):
        actual = bars.moves[index + 1, judged]
        error = np.abs(getattr(forecast, move)[judged] - actual)
        naive_error = np.abs(getattr(naive, move)[judged] - actual)
        quantiles = None if forecast.quantiles is None else forecast.quantiles[judged, index]
        mae, naive_mae = float(error.mean()), float(naive_error.mean())
        rows.append(
            {
                "move": move,
                "bars": len(judged),
                "pinball": pinball(actual, quantiles, forecast.levels),
                "mae": mae,
                "naive_mae": naive_mae,
                "mae_ratio": mae / naive_mae if naive_mae > 0 else math.nan,
                "coverage_80": _coverage(actual, quantiles, forecast.levels),
                "worse_than_naive": _clearly_above(error, naive_error),
            }
        )
    return pd.DataFrame(rows)


def quality_warnings(quality: pd.DataFrame, model: str, symbol: str) -> list[str]:
    """One line for each move that the model forecasts worse than naive."""
    return [
        f"{symbol}: {model} forecasts the {row['move']} worse than repeating the last bar "
        f"(mean absolute error {row['mae_ratio']:.2f} times naive's); its offsets rest on a poor forecast"
        for row in quality.to_dict("records")
        if row["worse_than_naive"]
    ]


def pinball(actual: Array, quantiles: Array | None, levels: tuple[float, ...]) -> float:
    """Mean pinball loss of `quantiles` (m, levels) for `actual` (m,); NaN without quantiles."""
    if quantiles is None:
        return math.nan
    short = actual[:, None] - quantiles
    level = np.asarray(levels)
    return float(np.maximum(level * short, (level - 1.0) * short).mean())


def _coverage(actual: Array, quantiles: Array | None, levels: tuple[float, ...]) -> float:
    if quantiles is None or not {0.1, 0.9} <= set(levels):
        return math.nan
    low, high = quantiles[:, levels.index(0.1)], quantiles[:, levels.index(0.9)]
    return float(((actual >= low) & (actual <= high)).mean())


def _clearly_above(error: Array, other: Array) -> bool:
    difference = error - other
    if len(difference) < 2:
        return False
    return bool(difference.mean() > 2.0 * difference.std(ddof=1) / math.sqrt(len(difference)))
