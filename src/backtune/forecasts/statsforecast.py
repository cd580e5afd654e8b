"""Exponential smoothing by the statsforecast library: a classical model to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backtune.errors import one_of
from backtune.forecasts.arrays import Array
from backtune.forecasts.base import LEVELS
from backtune.forecasts.contexts import Context, ContextForecaster, Stopwatch
from backtune.forecasts.weights import need
from backtune.identity import versions_of

METHODS = {
    "ets": "simple exponential smoothing with additive errors, ETS(A,N,N)",
    "theta": "the theta method chosen by AutoTheta; some 40 times slower",
}
INTERVALS = [20, 40, 60, 80]  # central intervals, percent, whose ends are the quantiles but the median


class StatsForecast(ContextForecaster):
    """High, low and close moves each smoothed by themselves, with the library's own intervals.

    Parameters
    ----------
    method : {"ets", "theta"}
    context, point, cache
        See `ContextForecaster`.

    Raises
    ------
    SettingError
    """

    packages = ("statsforecast", "numba", "numpy")

    def __init__(
        self, method: str = "ets", context: int = 512, point: str | float = "median", cache: bool = True
    ) -> None:
        super().__init__(context, point, cache)
        self.method = one_of("method", method, METHODS)
        self.name = "statsforecast"

    def identity(self) -> dict[str, Any]:
        """Method, context and version."""
        need("statsforecast", "statsforecast")
        return {
            "kind": "statsforecast",
            "method": self.method,
            "context": self.context,
            "versions": versions_of(self.packages),
        }

    def chunk_size(self) -> int:
        """Any: contexts are forecast one by one."""
        return 256

    def predict(self, contexts: Sequence[Context], watch: Stopwatch) -> tuple[Array, Array | None]:
        """Quantiles (m, 3, levels), no samples."""
        from statsforecast.models import AutoETS, AutoTheta

        model = AutoETS(model="ANN", season_length=1) if self.method == "ets" else AutoTheta(season_length=1)
        with watch("prepare"):
            moves = [np.log(c.prices[1:, 1:] / c.prices[3, :-1]) for c in contexts]
        with watch("forward"):
            quantiles = [
                [_quantiles(model.forecast(y=y, h=1, level=INTERVALS)) for y in three] for three in moves
            ]
        with watch("post"):
            return np.expm1(np.array(quantiles)), None


def _quantiles(forecast: Any) -> list[float]:
    ends = {0.5: forecast["mean"]}
    for interval in INTERVALS:
        ends[(50 - interval / 2) / 100] = forecast[f"lo-{interval}"]
        ends[(50 + interval / 2) / 100] = forecast[f"hi-{interval}"]
    return [float(ends[level][0]) for level in LEVELS]
