"""Bars a year: what annualised figures are made with."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtune.bars.spacing import pace

CRYPTO = pd.date_range("2022-01-01", periods=1200, freq="D")
STOCK = pd.bdate_range("2020-01-06", periods=600)


def sessions(days, opens, closes, minutes):
    """Stamps of whole sessions."""
    step, parts = pd.Timedelta(minutes=minutes), []
    for day in days:
        for begin, end in zip(opens, closes, strict=True):
            parts.append(
                pd.date_range(day + pd.Timedelta(begin), day + pd.Timedelta(end), freq=step, inclusive="left")
            )
    return pd.DatetimeIndex(np.concatenate([part.to_numpy() for part in parts]))


def bars_a_year(stamps, crypto=False, **options):
    return pace(pd.DatetimeIndex(stamps).to_numpy(), crypto, **options).bars_a_year


@pytest.mark.parametrize(
    ("freq", "expected"),
    [("1min", 525_600), ("5min", 105_120), ("h", 8760), ("4h", 2190), ("16h", 547.5), ("18h", 486.7),
     ("20h", 438), ("D", 365), ("36h", 243.5), ("2D", 182.6), ("3D", 121.75), ("4D", 91.3), ("W", 52.18),
     ("MS", 12), ("QS", 4)],
)  # fmt: skip
@pytest.mark.parametrize("count", [40, 500, 1500])
def test_crypto_by_the_distance_of_its_bars(freq, expected, count):
    stamps = pd.date_range(
        "2000-01-01 07:00", periods=min(count, 400 if freq in ("MS", "QS") else count), freq=freq
    )
    assert bars_a_year(stamps, True) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        (STOCK, 252),
        (STOCK[:20], 252),
        (STOCK[STOCK.day_of_year % 40 != 0], 252),  # holidays
        (STOCK[::2], 130.4),
        (STOCK[::3], 87),
        (pd.date_range("2020-01-06", periods=300, freq="W-FRI"), 52.18),
        (pd.date_range("2000-01-01", periods=100, freq="MS"), 12),
        (pd.date_range("2000-01-31", periods=100, freq="ME"), 12),
        (pd.date_range("2000-01-01", periods=60, freq="QS"), 4),
        (pd.date_range("2000-01-01", periods=10, freq="YS"), 1),
        (CRYPTO[CRYPTO.day_of_week != 5], 313),  # currencies with a bar of Sunday evening
        (CRYPTO[CRYPTO.day_of_week != 4], 313),  # six days a week
        (CRYPTO[~CRYPTO.day_of_week.isin([3, 4])], 252),  # Tehran
        (CRYPTO[CRYPTO.day_of_week < 4], 208.7),
        (CRYPTO, 365),  # a calendar that is filled up
        (STOCK[:24].append(STOCK[180:204]), 252),  # a hole of seven months
    ],
)
def test_bars_of_a_day_or_slower(stamps, expected):
    assert bars_a_year(stamps) == pytest.approx(expected, rel=0.015)


@pytest.mark.parametrize(
    ("opens", "closes", "minutes", "bars"),
    [
        (["14:30h"], ["21:00h"], 1, 390),
        (["14:30h"], ["21:00h"], 5, 78),
        (["14:30h"], ["21:00h"], 60, 7),
        (["09:30h"], ["17:30h"], 240, 2),
        (["00:00h", "03:30h"], ["02:30h", "06:00h"], 5, 60),  # Tokyo, with lunch
        (["23:00h"], ["29:00h"], 10, 36),  # Sydney, over midnight of UTC
        (["00:00h"], ["24:00h"], 60, 24),  # currencies
        (["00:00h"], ["23:00h"], 1, 1380),  # futures
    ],
)
@pytest.mark.parametrize("cut", [0, 0.4])
def test_bars_of_whole_sessions(opens, closes, minutes, bars, cut):
    """A last session that is cut short does not count."""
    opens, closes = ([f"{text[:-1]}:00" for text in texts] for texts in (opens, closes))
    stamps = sessions(STOCK[:20], opens, closes, minutes)
    stamps = stamps[: len(stamps) - int(cut * bars)]
    measured = pace(stamps.to_numpy(), False)
    assert measured.bars_a_year == pytest.approx(252 * bars, rel=0.01)
    assert not measured.guessed


def test_one_session_is_enough_and_less_is_said_to_be_a_guess():
    day = sessions(STOCK[:1], ["14:30:00"], ["21:00:00"], 1).to_numpy()
    assert pace(day, False).bars_a_year == 252 * 390
    assert not pace(day, False).guessed
    part = pace(day[:100], False)
    assert (part.bars_a_year, part.guessed) == (252 * 390, True)


@pytest.mark.parametrize("count", [500, 1000])
def test_minutes_over_midnight_are_no_short_days(count):
    """The default limits of ccxt and of Binance."""
    stamps = pd.date_range("2024-01-02 20:00", periods=count, freq="min")
    assert bars_a_year(stamps, True) == 525_600


def test_bars_at_events_go_by_their_mean_distance():
    rng = np.random.default_rng(0)
    hours = np.cumsum(rng.uniform(40, 60, 800))
    stamps = np.datetime64("2020-01-01", "ns") + (hours * 3.6e12).astype("timedelta64[ns]")
    for crypto in (True, False):
        assert pace(stamps, crypto).bars_a_year == pytest.approx(365.25 * 24 / 50, rel=0.02)


def test_days_a_year_as_the_owner_says():
    assert bars_a_year(STOCK, days_a_year=250) == 250
    assert bars_a_year(sessions(STOCK[:9], ["09:00:00"], ["17:00:00"], 60), days_a_year=240) == 8 * 240
    assert bars_a_year(CRYPTO, True, days_a_year=364) == 364


@pytest.mark.parametrize("hours", [7.0, 13.84, 14.4, 16.0, 17.5])
def test_bars_that_a_day_holds_no_whole_number_of_are_counted_over_days(hours):
    """Of 16 hours 1.5 a day, not one or two."""
    stamps = np.datetime64("2020-01-01", "ns") + (np.arange(400) * hours * 3.6e12).astype("timedelta64[ns]")
    assert pace(stamps, False).bars_a_year == pytest.approx(365 * 24 / hours, rel=0.02)


@given(
    st.one_of(st.floats(60, 4e6), st.floats(2e4, 9e4)),
    st.integers(2, 400),
    st.sampled_from([True, False]),
    st.floats(0, 2e9, allow_nan=False),
)
def test_any_even_spacing_gives_a_finite_number_of_bars_a_year(step, count, crypto, begin):
    stamps = np.datetime64(0, "ns") + ((begin + step * np.arange(count)) * 1e9).astype("timedelta64[ns]")
    measured = pace(stamps, crypto)
    assert 0 < measured.bars_a_year <= 366 * 86_400 / step * 1.15
    if crypto:
        assert measured.bars_a_year == pytest.approx(365 * 86_400 / step, rel=2e-3)


def test_one_bar_alone_has_a_pace():
    assert pace(STOCK[:1].to_numpy(), False).bars_a_year == 252
