"""No forecast at all: the model of a run whose strategies take none."""

from __future__ import annotations

import numpy as np

from backtune.bars import Bars
from backtune.forecasts.arrays import Array
from backtune.forecasts.base import Forecaster


class NoForecast(Forecaster):
    """Forecast nothing: NaN on every bar."""

    causal = True
    name = "none"
    warm_up = 1  # bar 0 has no return

    def moves(self, bars: Bars) -> tuple[Array, Array, Array]:
        """High, low and close moves, each shape (n,): NaN."""
        nothing = np.full(len(bars), np.nan)
        return nothing, nothing, nothing
