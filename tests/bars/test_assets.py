"""Stock or crypto: what sets fee, shorting and days a year by default."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import backtune as bt
from backtune.bars import DataWarning, load_sample
from backtune.bars.assets import by_name, judge_asset
from price_frames import frame


def bars(symbol, data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return bt.load_bars(data, symbol, **options)


@pytest.mark.parametrize(
    ("zone", "freq", "asset"),
    [("Asia/Tokyo", "B", "stock"), ("America/New_York", "B", "stock"), ("Asia/Tokyo", "D", "crypto")],
)
def test_weekends_tell_in_any_timezone(zone, freq, asset):
    """Midnight in Tokyo is the day before in UTC, so a stock's Monday falls on a Sunday."""
    dates = pd.date_range("2021-01-04", periods=60, freq=freq, tz=zone)
    data = pd.DataFrame({"Date": dates, "Open": 1.0, "High": 1.0, "Low": 1.0, "Close": 1.0})
    assert bars("X", data).asset == asset
    assert bars("X", data, asset="crypto").asset == "crypto"


@pytest.mark.parametrize("freq", ["MS", "ME", "QS", "W-SAT", "W-SUN", "2W"])
def test_slow_bars_of_a_share_are_no_crypto_whatever_day_they_are_stamped(freq):
    data = (
        load_sample("SP500")
        .frame.resample(freq)
        .agg({"open": "first", "high": "max", "low": "min", "close": "last"})
    )
    slow = bars("GSPC", data.dropna())
    assert slow.asset == "stock"
    assert [note.code for note in slow.notes] == ["asset_guessed"]
    assert "--asset crypto" in slow.notes[0].sentence


@pytest.mark.parametrize(
    "name",
    ["BTCUSDT-1m-2024-01-02", "BTCUSDT-1w", "XBTEUR_10080", "BTC_USD_weekly", "DOGE-PERP", "BTC/USDT:USDT",
     "btc-usd", "BINANCE_BTCUSDT, 60", "X:BTCUSD", "tBTCUSD", "XETHZUSD", "Bitstamp_ETHUSD_d",
     "1000SHIBUSDT", "XYZUSDT", "BTC_USDT_USDT-1h-futures", "BTCUSD.P", "F07_btc_3d", "ETHBTC", "BTC"],
)  # fmt: skip
def test_names_of_pairs(name):
    assert by_name(name) == "crypto"
    slow = frame(freq="W-SUN")
    assert bars(name, slow).asset == "crypto"


@pytest.mark.parametrize(
    "name",
    ["EURUSD", "GBP/USD", "XAUUSD", "NDAQEUR", "BRK-ETH", "USD", "TSLA", "HYUNDAI", "ABBUSD", "LINK",
     "COMP", "SPMONTH", "AAPL_1d", "VOW3.DE", "ES=F", "BUSD.L", "DOT", "EURJPY_W", "ONE"],
)  # fmt: skip
def test_names_of_what_is_no_coin(name):
    assert by_name(name) is None
    assert bars(name, frame(freq="W-SUN")).asset == "stock"


def test_calendars_filled_up_to_seven_days_are_no_crypto():
    """Currencies with flat bars at weekends, and shares carried forward."""
    data = frame(n=120, freq="D").set_index("Date")
    weekend = data.index.day_of_week >= 5
    flat = data.copy()
    flat.loc[weekend, ["Open", "High", "Low", "Close"]] = (
        flat["Close"].shift(1).bfill()[weekend].to_numpy()[:, None]
    )
    flat.loc[weekend, "Volume"] = 0
    carried = data.copy()
    carried.loc[weekend] = np.nan
    carried = carried.bfill(limit=1).ffill()[2:]
    for source in (flat, flat.drop(columns="Volume"), data[~weekend].resample("D").ffill()):
        assert bars("EURUSD", source).asset == "stock"
    assert bars("EURUSD", data).asset == "crypto"


def test_markets_that_close_on_other_days_are_no_crypto():
    days = pd.date_range("2021-01-02", periods=200, freq="D")
    for closed in ([3, 4], [4, 5], [4], [5]):
        data = frame(n=int((~days.day_of_week.isin(closed)).sum()), freq="D").assign(
            Date=days[~days.day_of_week.isin(closed)]
        )
        assert bars("SHARE", data).asset == "stock"
        assert bars("SHARE", data).notes == ()


def test_minutes_of_one_day_go_by_the_name_unless_it_is_saturday():
    minutes = pd.date_range("2024-01-02 09:30", periods=300, freq="min").to_numpy()
    assert judge_asset("BTCUSDT-1m-2024-01-02", minutes) == ("crypto", True)
    assert judge_asset("AAPL", minutes) == ("stock", False)
    assert judge_asset("AAPL", minutes + np.timedelta64(4, "D")) == ("crypto", True)


def test_short_series_by_name():
    stamps = np.array(["2021-01-04", "2021-01-05"], "datetime64[ns]")
    assert judge_asset("BTCUSDT", stamps)[0] == "crypto"
    assert judge_asset("TSLA", stamps)[0] == "stock"
    assert judge_asset("USD", stamps)[0] == "stock"


@pytest.mark.parametrize("symbol", ["SP500", "NASDAQ"])
def test_twenty_years_of_days_need_no_guess(symbol):
    assert load_sample(symbol).notes == ()
