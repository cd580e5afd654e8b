"""Bars as arrays: moves, years, digests, assets, and how many simulations fit."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import backtune as bt
from backtune.bars import load_sample


def series(n, freq="B", **prices):
    close = np.linspace(100, 110, n)
    columns = {"open": close, "high": close + 1, "low": close - 1, "close": close, **prices}
    return bt.load_bars(
        pd.DataFrame({"date": pd.date_range("2021-01-04", periods=n, freq=freq), **columns}), "ABC"
    )


def test_moves_are_relative_to_the_previous_close():
    bars = series(
        4, close=[10.0, 20.0, 5.0, 10.0], open=[10.0, 15.0, 10.0, 7.5], high=[50.0] * 4, low=[1.0] * 4
    )
    np.testing.assert_array_equal(bars.moves[0], [np.nan, 0.5, -0.5, 0.5])
    np.testing.assert_array_equal(bars.moves[3], [np.nan, 1.0, -0.75, 1.0])
    with pytest.raises(ValueError, match="read-only"):
        bars.moves[0, 1] = 1.0


def test_digest_changes_with_any_value():
    """Of the volume too: Kronos forecasts from it, so a stored result depends on it."""
    digests = {series(10).digest, series(10, freq="D").digest}
    for name in ("open", "high", "low", "close"):
        prices = getattr(series(10), name).copy()
        prices[4] = np.nextafter(prices[4], 0)
        digests.add(series(10, **{name: prices}).digest)
    digests |= {series(10, volume=np.full(10, traded)).digest for traded in (1.0, 2.0)}
    assert len(digests) == 8
    assert series(10).digest == series(10).digest


def test_frame_gives_the_same_bars_again():
    bars = load_sample("SP500")
    again = bt.load_bars(bars.frame, "SP500")
    assert again.digest == bars.digest
    assert repr(bars) == "Bars(SP500, 5031 bars, 1999-01-04T00:00 to 2018-12-31T00:00, stock)"


@pytest.mark.slow
@pytest.mark.parametrize(("window", "horizon"), [(60, 1), (50, 3), (37, 5)])
@pytest.mark.parametrize("model", ["naive", "range"])
def test_the_largest_num_simulations_named_is_exact(window, horizon, model):
    bars = bt.load_bars(load_sample("NASDAQ").frame.iloc[:140], "NASDAQ")
    options = {"data": bars, "window": window, "horizon": horizon, "model": model}
    with pytest.raises(bt.BarsError) as caught:
        bt.backtest_forecasts("NASDAQ", 10_000, **options)
    message = str(caught.value)
    assert "has 140" in message
    fits = int(re.search(r"largest num_simulations that fits is (\d+)", message)[1])
    result = bt.backtest_forecasts("NASDAQ", fits, **options)
    assert result.simulations["simulation"].nunique() == fits
    with pytest.raises(bt.BarsError, match=f"fits is {fits}"):
        bt.backtest_forecasts("NASDAQ", fits + 1, **options)


def test_the_number_of_bars_needed_is_exact():
    frame = load_sample("NASDAQ").frame
    with pytest.raises(bt.BarsError) as caught:
        bt.backtest_forecasts("NASDAQ", 7, data=frame.iloc[:100], window=80, horizon=2)
    needed = int(re.search(r"need (\d+) bars", str(caught.value))[1])
    assert len(bt.backtest_forecasts("NASDAQ", 7, data=frame.iloc[:needed], window=80, horizon=2).simulations)
    with pytest.raises(bt.BarsError, match=f"need {needed} bars"):
        bt.backtest_forecasts("NASDAQ", 7, data=frame.iloc[: needed - 1], window=80, horizon=2)


def test_a_horizon_that_never_fits_says_so():
    """The window fits; to name it as the culprit would be wrong."""
    frame = load_sample("NASDAQ").frame.iloc[:400]
    with pytest.raises(bt.BarsError, match=r"use a smaller horizon or more bars") as caught:
        bt.backtest_forecasts("NASDAQ", 1, data=frame, window=200, horizon=1000)
    needed = int(re.search(r"one simulation alone needs (\d+)", str(caught.value))[1])
    fitting = 1000 - (needed - 400)
    assert len(bt.backtest_forecasts("NASDAQ", 1, data=frame, window=200, horizon=fitting).simulations)
    with pytest.raises(bt.BarsError, match="one simulation alone needs 401"):
        bt.backtest_forecasts("NASDAQ", 1, data=frame, window=200, horizon=fitting + 1)


def test_a_window_that_never_fits_says_so():
    frame = load_sample("NASDAQ").frame
    for n in (10, 100):  # fewer than the forecaster needs, and fewer than the window needs
        with pytest.raises(bt.BarsError, match=r"use a smaller window or more bars") as caught:
            bt.backtest_forecasts("NASDAQ", 1, data=frame.iloc[:n], window=200)
        assert f"has {n}" in str(caught.value)
