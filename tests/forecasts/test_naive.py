"""The baseline: the last bar's excursions, shifted by one."""

from __future__ import annotations

import numpy as np

import backtune as bt
from backtune.bars import load_sample


def test_naive_is_the_bar_before():
    bars = load_sample("SP500")
    forecast = bt.forecast(bars, model="naive")
    _, high, low, _ = bars.moves
    close = np.clip(0.0, low[1:-1], high[1:-1])
    np.testing.assert_array_equal(forecast.high[2:], high[1:-1])
    np.testing.assert_array_equal(forecast.low[2:], low[1:-1])
    np.testing.assert_array_equal(forecast.close[2:], close)
    assert np.isnan(forecast.high[:2]).all()
    assert forecast.model == "naive"
