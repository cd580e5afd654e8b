"""The baseline: the last bar's excursions again."""

from __future__ import annotations

import numpy as np

from backtune.bars import Bars
from backtune.forecasts.arrays import Array
from backtune.forecasts.base import Forecaster


class Naive(Forecaster):
    """Forecast the high and low moves of the last bar, and the close nearest to unchanged."""

    causal = True
    name = "naive"
    warm_up = 2  # bar 0 has no moves

    def moves(self, bars: Bars) -> tuple[Array, Array, Array]:
        """High, low and close moves, each shape (n,)."""
        before = np.full_like(bars.moves, np.nan)
        before[:, 1:] = bars.moves[:, :-1]
        return before[1], before[2], np.clip(0.0, before[2], before[1])
