"""Splits and dividends: no move of a share that nobody who held it made."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from backtune import BarsError, SettingError, load_bars
from backtune.bars import DataWarning, load_sample
from price_frames import PRICES, frame, same_prices

SPLIT = 20


def quiet(source, symbol="ABC", **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return load_bars(source, symbol, **options)


def raw_of(data, ratio=10.0):
    """Prices as they were before a split at row `SPLIT`."""
    raw = data.copy()
    raw.loc[: SPLIT - 1, PRICES] *= ratio
    return raw


def codes(bars):
    return [note.code for note in bars.notes]


@pytest.mark.parametrize("names", ["adj{}", "Adj. {}", "adj_{}", "adjusted {}"])
def test_a_full_set_of_adjusted_columns_is_used_and_noted(names):
    """As Tiingo and Quandl write them."""
    data = frame()
    both = raw_of(data)
    for name in PRICES:
        both[names.format(name)] = data[name]
    bars = quiet(both)
    same_prices(bars, data)
    assert codes(bars) == ["adjusted_columns"]
    raw = quiet(both, raw=True)
    same_prices(raw, raw_of(data))
    assert codes(raw) == ["adjusted_columns", "jump"]


@pytest.mark.parametrize("name", ["Adj Close", "adjClose", "Adjusted_close", "adjusted_close"])
def test_an_adjusted_close_alone_scales_the_whole_bar(name):
    """As Yahoo, EODHD and Alpha Vantage write it."""
    data = frame()
    both = raw_of(data).assign(**{name: data["Close"]})
    bars = quiet(both)
    for price in PRICES:
        np.testing.assert_allclose(getattr(bars, price.lower()), data[price], rtol=1e-14)
    np.testing.assert_array_equal(bars.close, data["Close"])
    assert codes(bars) == ["adjusted_close"]
    same_prices(quiet(both, raw=True), raw_of(data))


def test_a_dividend_in_an_adjusted_close_is_no_move():
    data = frame()
    paid = data["Close"].copy()
    paid[:SPLIT] *= 0.9
    bars = quiet(data.assign(**{"Adj Close": paid}))
    assert bars.moves[3, SPLIT] == pytest.approx(data["Close"][SPLIT] / (0.9 * data["Close"][SPLIT - 1]) - 1)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_an_adjusted_close_that_changes_no_move_changes_nothing(scale):
    data = frame()
    bars = quiet(data.assign(**{"Adj Close": data["Close"] * scale}))
    same_prices(bars, data)
    assert bars.notes == ()


def test_an_adjusted_close_with_holes_is_not_used_and_warned_of():
    data = raw_of(frame()).assign(**{"Adj Close": np.r_[np.nan, frame()["Close"][1:]]})
    with pytest.warns(DataWarning, match="has holes"):
        bars = load_bars(data)
    same_prices(bars, raw_of(frame()))


@pytest.mark.parametrize(
    ("column", "none"), [("splitFactor", 1.0), ("Stock Splits", 0.0), ("split_coefficient", 1.0)]
)
@pytest.mark.parametrize("ratio", [10.0, 0.1, 1.5])
def test_a_column_of_splits_is_undone_where_the_prices_are_raw_and_only_there(column, none, ratio):
    data = frame()
    events = np.full(len(data), none)
    events[SPLIT] = ratio
    bars = quiet(raw_of(data, ratio).assign(**{column: events}))
    for price in PRICES:
        np.testing.assert_allclose(getattr(bars, price.lower()), data[price], rtol=1e-14)
    assert codes(bars) == ["adjusted_columns"]
    same_prices(quiet(data.assign(**{column: events})), data)  # yfinance's are undone already


def test_dividends_beside_raw_splits_are_undone_too():
    data = frame()
    events, paid = np.ones(len(data)), np.zeros(len(data))
    events[SPLIT], paid[30] = 10.0, 5.0
    bars = quiet(raw_of(data).assign(splitFactor=events, divCash=paid))
    expected = data["Close"][30] / (data["Close"][29] - 5.0) - 1.0
    assert bars.moves[3, 30] == pytest.approx(expected)


@pytest.mark.parametrize(
    "ratio", [2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 20.0, 100.0, 1.5, 1 / 2, 1 / 5, 1 / 10, 1 / 30, 1 / 100]
)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_jump_near_a_split_is_noted_with_row_and_date_and_cured_by_the_note(ratio, seed):
    data = frame(seed=seed)
    raw = raw_of(data, ratio)
    with pytest.warns(DataWarning, match="split"):
        bars = load_bars(raw, "ABC")
    assert codes(bars) == ["jump"]
    note = bars.notes[0]
    assert (note.row, note.date) == (SPLIT + 1, f"{data['Date'][SPLIT]:%Y-%m-%d}")
    text = note.sentence.split("--split ")[1].split(")")[0]
    cured = quiet(raw, split=text)
    assert codes(cured) == ["split_applied"]
    assert np.abs(cured.moves[3, 1:]).max() < 0.06
    assert codes(quiet(raw, accept_jumps=True)) == []


def test_pounds_for_pence_are_two_jumps():
    data = frame()
    data.loc[SPLIT : SPLIT + 2, PRICES] /= 100
    bars = quiet(data)
    assert [(note.code, note.row) for note in bars.notes] == [("jump", SPLIT + 1), ("jump", SPLIT + 4)]
    assert "another unit" in bars.notes[0].sentence


@pytest.mark.parametrize("symbol", ["SP500", "NASDAQ"])
def test_twenty_years_of_an_index_hold_no_split(symbol):
    assert load_sample(symbol).notes == ()


def test_a_crash_that_widens_its_bars_is_no_split():
    data = frame(n=60)
    data.loc[30:, PRICES] *= 0.5
    data.loc[30:, "High"] *= 1.2
    data.loc[30:, "Low"] *= 0.8
    assert codes(quiet(data)) == []


@pytest.mark.parametrize(
    "split", ["2021-02-01", "2021-02-01:0", "2021-13-01:10", "x:10", "2021-02-01:-1", "2021-02-01:1/0"]
)
def test_a_split_that_is_none_is_refused(split):
    with pytest.raises(SettingError, match=r"give \[SYMBOL=\]DATE:RATIO"):
        load_bars(frame(), split=split)


def test_a_split_before_all_bars_is_refused_and_one_of_another_symbol_left_alone():
    with pytest.raises(BarsError, match="no bars on both sides"):
        load_bars(frame(), split="1999-01-01:10")
    same_prices(quiet(frame(), split="XYZ=2021-02-01:10"), frame())
    assert quiet(frame(), split=("ABC=2021-02-01:2/1", "2021-02-10:3")).close[0] == pytest.approx(
        frame()["Close"][0] / 6
    )


def test_volume_follows_a_split():
    day = str(frame()["Date"][SPLIT])[:10]
    bars = quiet(frame(), split=f"{day}:10")
    np.testing.assert_allclose(bars.volume[:SPLIT], 10 * frame()["Volume"][:SPLIT])
    np.testing.assert_array_equal(bars.volume[SPLIT:], frame()["Volume"][SPLIT:])


def test_pandas_keeps_what_was_given():
    data = raw_of(frame()).assign(**{"Adj Close": frame()["Close"]})
    before = data.copy(deep=True)
    quiet(data)
    pd.testing.assert_frame_equal(data, before)
