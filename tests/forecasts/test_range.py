"""The embedded forecaster: right by an independent computation, and better than the last bar again."""

from __future__ import annotations

import os
import statistics
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import backtune as bt
from backtune.bars import SAMPLE_SYMBOLS, load_sample
from backtune.bars.files import bars_files

FOLDER = os.environ.get("BACKTUNE_BARS")  # a folder of price files to judge the forecaster on as well
FILES = bars_files(Path(FOLDER)) if FOLDER else []


def absolute_errors(bars, model, start):
    forecast = bt.forecast(bars, model=model)
    _, high, low, _ = bars.moves
    return [
        float(np.abs(predicted - moves)[start:].mean())
        for predicted, moves in ((forecast.high, high), (forecast.low, low))
    ]


@pytest.mark.parametrize("source", [*SAMPLE_SYMBOLS, *FILES], ids=lambda source: Path(source).stem)
def test_range_beats_the_last_bar_again(source, record_property):
    """Mean absolute error of high and of low, on every real series at hand."""
    bars = load_sample(source) if source in SAMPLE_SYMBOLS else bt.load_bars(source)
    start = max(bt.forecast(bars, model=model).first for model in ("range", "naive"))
    (high, low), (naive_high, naive_low) = (
        absolute_errors(bars, model, start) for model in ("range", "naive")
    )
    record_property("mae_ratio_high", high / naive_high)
    record_property("mae_ratio_low", low / naive_low)
    assert high < naive_high
    assert low < naive_low


def test_range_by_plain_python():
    """The published formula, once more, without arrays: HAR range times the median of scaled moves."""
    bars = load_sample("SP500")
    o, h, lo, c = (getattr(bars, name)[:160].tolist() for name in ("open", "high", "low", "close"))
    moves = [[p[t] / c[t - 1] - 1 for t in range(1, 160)] for p in (h, lo, c)]
    moves = [[None, *row] for row in moves]

    def scale(t):
        spans = [moves[0][k] - moves[1][k] for k in range(1, t)]
        return (spans[-1] + statistics.fmean(spans[-5:]) + statistics.fmean(spans[-22:])) / 3

    frame = pd.DataFrame({"date": bars.timestamps[:160], "open": o, "high": h, "low": lo, "close": c})
    forecast = bt.forecast(bt.load_bars(frame), model="range")
    assert forecast.first == 43
    for t in (43, 60, 130, 159):
        past = range(max(23, t - 100), t)
        high, low, close = (scale(t) * statistics.median(row[k] / scale(k) for k in past) for row in moves)
        assert forecast.high[t] == pytest.approx(max(high, close), rel=1e-12)
        assert forecast.low[t] == pytest.approx(min(low, close), rel=1e-12)
        assert forecast.close[t] == pytest.approx(close, rel=1e-12)


def test_prices_that_never_move():
    n = 60
    flat = {name: np.full(n, 5.0) for name in ("open", "high", "low", "close")}
    bars = bt.load_bars(pd.DataFrame({"date": pd.date_range("2021-01-01", periods=n), **flat}))
    forecast = bt.forecast(bars, model="range")
    assert (forecast.high[forecast.first :] == 0).all()
    assert (forecast.low[forecast.first :] == 0).all()
