"""Finer bars lie in the bars of their time, are of the same prices, or are not used, and that is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import backtune as bt
from backtune.bars import fine_bars
from two_paces import hours_and_days


def loaded(hours, days, **options):
    return bt.load_bars(days, symbol="ABC", **options), bt.load_bars(hours, symbol="ABC", **options)


def test_each_day_has_its_own_hours_and_they_are_the_day():
    hours, days = hours_and_days(30)
    bars, finer = loaded(hours, days)
    detail, [note] = fine_bars(bars, finer)
    assert np.diff(detail.first).tolist() == [24] * 30
    assert np.array_equal(detail.prices, hours.to_numpy().T)
    assert note.code == "detail"
    assert not note.warns
    assert "inside 30 of 30 bars" in note.sentence
    moves = detail.window(1, 30).moves(bars.close[:-1])
    assert np.array_equal(moves.prices[3, 23::24], bars.moves[3, 1:])


@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York", "Asia/Tokyo"])
def test_a_day_is_the_exchange_s_own_day_in_any_zone(zone):
    hours, days = hours_and_days(30, start="2024-02-26", session=range(9, 16))  # with a change of clocks
    hours.index = hours.index.tz_localize(zone)
    bars, finer = loaded(hours, days)
    assert np.diff(fine_bars(bars, finer)[0].first).tolist() == [7] * 30
    days.index = days.index.tz_localize(zone)
    bars, finer = loaded(hours, days)
    assert np.diff(fine_bars(bars, finer)[0].first).tolist() == [7] * 30


def test_weekdays_weeks_and_hours_before_a_night_have_no_more_than_their_own():
    hours, days = hours_and_days(60, session=range(10, 16))
    weekday = days.index.day_of_week < 5
    bars, finer = loaded(hours, days[weekday])  # what is of a weekend lies in no bar
    assert np.diff(fine_bars(bars, finer)[0].first).tolist() == [6] * int(weekday.sum())
    how = {"open": "first", "high": "max", "low": "min", "close": "last"}
    weeks = hours.resample("7D", origin="2024-01-01").agg(how).iloc[:8]
    weeks.index.name = "timestamp"
    assert np.diff(fine_bars(*loaded(hours, weeks))[0].first).tolist() == [42] * 8
    pairs = hours.resample("2h", origin="2024-01-01").agg(how).dropna()
    assert np.diff(fine_bars(*loaded(hours, pairs))[0].first).tolist() == [2] * len(pairs)


def test_bars_without_their_finer_ones_have_none():
    hours, days = hours_and_days(30)
    hours = hours[(hours.index < "2024-01-05") | (hours.index >= "2024-01-08")]
    detail, [note] = fine_bars(*loaded(hours, days))
    assert np.flatnonzero(~detail.known).tolist() == [4, 5, 6]
    assert "inside 27 of 30 bars" in note.sentence


def test_a_day_of_other_prices_keeps_the_rule_of_one_bar_and_is_said():
    hours, days = hours_and_days(30)
    days.loc["2024-01-09", "high"] *= 1.02
    detail, notes = fine_bars(*loaded(hours, days))
    assert np.flatnonzero(~detail.known).tolist() == [8]
    assert notes[1].code == "detail_differs"
    assert notes[1].warns
    assert "differs from 1 of 30 bars of ABC, first on 2024-01-09" in notes[1].sentence


def test_small_differences_are_the_same_prices_and_the_day_s_own_count():
    hours, days = hours_and_days(30)
    rng = np.random.default_rng(0)
    reach = (hours["high"] - hours["low"]).to_numpy()[:, None]
    near = hours + 0.02 * reach * rng.uniform(-1, 1, hours.shape)
    near["high"], near["low"] = near.max(axis=1), near.min(axis=1)
    bars, finer = loaded(near, days)
    detail, _ = fine_bars(bars, finer)
    assert detail.known.all()
    begins, ends = detail.first[:-1], detail.first[1:] - 1
    o, h, lo, c = detail.prices
    assert np.array_equal(o[begins], bars.open)
    assert np.array_equal(c[ends], bars.close)
    assert np.array_equal(np.maximum.reduceat(h, begins), bars.high)
    assert np.array_equal(np.minimum.reduceat(lo, begins), bars.low)
    assert (lo <= np.minimum(o, c)).all()
    assert (h >= np.maximum(o, c)).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda hours, days: (days, days), "detail has a bar every 86400 seconds, ABC one every 86400"),
        (lambda hours, days: (hours.shift(freq="900D"), days), "has no bar inside those of ABC"),
        (lambda hours, days: (hours.shift(freq="12h"), days), "detail differs from 30 of 30 bars"),
        (
            lambda hours, days: (hours / 2, days),
            "detail differs from 30 of 30 bars of ABC, first on 2024-01-01",
        ),
    ],
)
def test_what_cannot_be_the_same_prices_is_refused_in_one_line(change, words):
    bars, finer = loaded(*change(*hours_and_days(30)))
    with pytest.raises(bt.BarsError) as caught:
        fine_bars(bars, finer)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bars_are_cut_with_their_detail_and_refuse_that_of_others():
    hours, days = hours_and_days(30)
    bars, finer = loaded(hours, days)
    whole = replace(bars, detail=fine_bars(bars, finer)[0])
    first = whole.head(10)
    assert first.detail.first.tolist() == list(range(0, 241, 24))
    assert first.detail.prices.shape == (4, 240)
    with pytest.raises(bt.BarsError, match="has 30 bars and detail of 10"):
        replace(bars, detail=first.detail)


def test_the_identity_of_bars_has_their_detail():
    hours, days = hours_and_days(30)
    bars, finer = loaded(hours, days)
    assert "detail" not in bars.identity()
    one = replace(bars, detail=fine_bars(bars, finer)[0]).identity()
    hours.iloc[100, 3] = hours.iloc[100, 0]
    hours.index = pd.DatetimeIndex(hours.index)
    other = replace(bars, detail=fine_bars(*loaded(hours, days))[0]).identity()
    assert one["sha256"] == other["sha256"]
    assert one["detail"] != other["detail"]
