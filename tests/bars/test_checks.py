"""What a series as a whole looks like: rows that are bars, and still wrong."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import backtune as bt
from backtune.bars import times
from price_frames import PRICES, frame, same_prices


def quiet(source, symbol="TSLA", **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bt.DataWarning)
        return bt.load_bars(source, symbol, **options)


def codes(source, symbol="TSLA", **options):
    return [note.code for note in quiet(source, symbol, **options).notes]


@pytest.mark.parametrize("clock", ["16:00:02", "09:31:00", "23:59:59"])
def test_yahoos_live_row_is_left_out_and_said(clock):
    data = frame()
    row = data.iloc[[-1]].assign(Date=data["Date"].iloc[-1] + pd.Timedelta(clock))
    with pytest.warns(bt.DataWarning, match="the last day is there twice"):
        bars = bt.load_bars(pd.concat([data, row], ignore_index=True), "TSLA")
    same_prices(bars, data)
    assert bars.dropped == 0
    note = bars.notes[0]
    day = f"{data['Date'].iloc[-1]:%Y-%m-%d}"
    assert (note.code, note.row, note.date[:10]) == ("last_day_twice", 41, day)


def test_yahoos_live_row_with_its_zone_is_left_out_too():
    stamps = frame()["Date"].dt.tz_localize("America/New_York")
    last = stamps.iloc[[-1]] + pd.Timedelta("16h")
    data = pd.concat([frame().assign(Date=stamps), frame().iloc[[-1]].assign(Date=last)])
    bars = quiet(data)
    same_prices(bars, frame())
    np.testing.assert_array_equal(bars.timestamps, frame()["Date"].to_numpy("datetime64[ns]"))


def test_a_bar_of_the_next_day_and_bars_of_hours_are_no_live_row():
    data = frame()
    later = data.iloc[[-1]].assign(Date=data["Date"].iloc[-1] + pd.Timedelta("40h"))
    assert len(quiet(pd.concat([data, later]))) == 41
    assert len(quiet(frame(freq="h"))) == 40


def test_the_last_week_twice_is_said():
    data = frame(freq="W-MON")
    row = data.iloc[[-1]].assign(Date=data["Date"].iloc[-1] + pd.Timedelta("3D"))
    assert codes(pd.concat([data, row]), "BTCUSD") == ["last_bar_twice"]


@pytest.mark.parametrize(
    ("freq", "symbol", "cut", "gap"),
    [("B", "TSLA", 150, True), ("B", "TSLA", 7, False), ("D", "BTCUSD", 40, True), ("D", "BTCUSD", 3, False),
     ("h", "BTCUSD", 60, True), ("h", "BTCUSD", 5, False), ("W", "BTCUSD", 12, True)],
)  # fmt: skip
def test_a_gap_of_many_bars_is_said_and_holidays_are_none(freq, symbol, cut, gap):
    data = frame(n=400, freq=freq)
    data = data.drop(index=range(200, 200 + cut))
    notes = [note for note in quiet(data, symbol).notes if note.code == "gap"]
    assert len(notes) == gap
    if gap:
        assert notes[0].row == 201
        assert str(data["Date"].iloc[199])[:10] in notes[0].sentence


def test_daily_bars_that_go_on_as_hourly_ones_are_said():
    data = frame(n=300, freq="D").assign(
        Date=pd.date_range("2021-01-04", periods=150, freq="D").append(
            pd.date_range("2021-06-03", periods=150, freq="h")
        )
    )
    notes = [note for note in quiet(data, "BTCUSD").notes if note.code == "spacing_changes"]
    assert [note.row for note in notes] == [151]


def test_holidays_that_were_filled_up_are_said():
    data = frame(n=200)
    for place in (30, 31, 90, 150):
        data.loc[place, PRICES] = data.loc[place - 1, "Close"]
        data.loc[place, "Volume"] = 0
    note = quiet(data).notes[0]
    assert (note.code, note.sentence[:6]) == ("flat_bars", "4 bars")


def test_prices_of_few_digits_are_said():
    """A tick of 12 % fills every order."""
    data = frame(n=200)
    data[PRICES] *= 1e-6 / 100
    coarse = data.copy()
    coarse[PRICES] = coarse[PRICES].round(7)
    assert codes(coarse) == ["precision"]
    assert codes(data) == []
    cents = frame(n=200)
    cents[PRICES] = cents[PRICES].round(2)
    assert codes(cents) == []


@pytest.mark.parametrize(("ago", "said"), [("2h", True), ("30h", False)])
def test_an_unfinished_last_bar_is_said(monkeypatch, ago, said):
    data = frame(freq="D")
    moment = np.datetime64(data["Date"].iloc[-1] + pd.Timedelta(ago), "ns")
    monkeypatch.setattr("backtune.bars.read.now", lambda: moment)
    assert codes(data, "BTCUSD") == ["unfinished"] * said


def test_dates_in_the_future_are_refused_as_text_and_said_of_times(tmp_path):
    data = frame(freq="MS", start="2059-01-01")
    with pytest.warns(bt.DataWarning, match="40 bars lie in the future"):
        bt.load_bars(data, "BTCUSD")
    data.to_csv(tmp_path / "A.csv", index=False)
    with pytest.raises(bt.BarsError, match=r"the date lies in the future: '2059-01-01'.*too many to drop"):
        bt.load_bars(tmp_path / "A.csv", drop_bad=True)


def test_a_last_bar_that_is_stamped_with_its_end_is_no_future(tmp_path):
    end = pd.Timestamp(times.now()).normalize() + pd.offsets.MonthEnd(1)
    stamps = pd.date_range(end=end, periods=40, freq="ME")
    frame(freq="D").assign(Date=stamps).to_csv(tmp_path / "BTCUSD.csv", index=False)
    assert len(quiet(tmp_path / "BTCUSD.csv", None)) == 40


def test_the_files_own_symbol_against_its_name(tmp_path):
    data = frame().assign(Symbol="MSFT")
    data.to_csv(tmp_path / "AAPL.csv", index=False)
    with pytest.warns(bt.DataWarning, match="holds MSFT, and it is read as AAPL"):
        assert bt.load_bars(tmp_path / "AAPL.csv").symbol == "AAPL"
    data.to_csv(tmp_path / "MSFT_1d.csv", index=False)
    assert codes(tmp_path / "MSFT_1d.csv", None) == []


def test_rounding_is_widened_and_counted():
    """yfinance scales open, high and low, and takes the close as it is."""
    data = frame()
    data.loc[5, "High"] = max(data.loc[5, ["Open", "Close"]])
    data.loc[9, "Low"] = min(data.loc[9, ["Open", "Close"]])
    low, high = data.loc[9, "Low"], data.loc[5, "High"]
    data.loc[5, "High"], data.loc[9, "Low"] = np.nextafter(high, 0), low * (1 + 5e-10)
    bars = bt.load_bars(data, "TSLA")
    assert (bars.high[5], bars.low[9]) == (high, low)
    assert bars.notes[0].sentence.startswith("2 bars miss")
    data.loc[5, "High"] = high * (1 - 1e-8)
    with pytest.raises(bt.BarsError, match="high is below"):
        bt.load_bars(data, "TSLA")


@pytest.mark.parametrize(
    ("bad", "rules", "dropped"),
    [(3, 1, True), (4, 2, True), (8, 2, True), (4, 1, False), (9, 2, False), (300, 1, False)],
)
def test_rows_are_dropped_only_where_few_are_bad_and_for_several_reasons(bad, rules, dropped):
    data = frame(n=400)
    data.loc[: bad // 2 - 1, "Low"] = -1.0
    data.loc[bad // 2 : bad - 1, "Low" if rules == 1 else "Close"] = -1.0
    if dropped:
        assert quiet(data, drop_bad=True).dropped == bad
    else:
        with pytest.raises(bt.BarsError, match="too many to drop"):
            bt.load_bars(data, drop_bad=True)
        with pytest.raises(bt.BarsError) as caught:
            bt.load_bars(data)
        assert "--drop-bad" not in str(caught.value)


def test_notes_travel_as_plain_values():
    note = bt.Note("gap", "no bar for 9 days", 7, "2021-01-04")
    assert bt.Note.from_dict(note.as_dict()) == note
    assert str(note) == "row 7 (2021-01-04): no bar for 9 days"
    assert note.warns
    assert not bt.Note("newest_first", "").warns


@pytest.mark.parametrize(
    ("share", "said"), [(0.17, True), (0.3, False), (1.0, False), (0.0, True), (float("nan"), False)]
)
def test_a_last_bar_with_little_volume_is_said_to_look_unfinished(share, said):
    data = frame(n=60)
    data["Volume"] = 1000.0 + 100.0 * np.sin(np.arange(60))
    data.iloc[-1, data.columns.get_loc("Volume")] = 1000.0 * share
    notes = [note for note in quiet(data, "AAA").notes if note.code == "unfinished"]
    assert bool(notes) == said
    if said:
        assert f"the last bar has {share:.0%} of the usual volume" in notes[0].sentence


def test_a_quiet_series_may_end_quietly():
    """No alarm where the volume was as low before, nor inside a day."""
    data = frame(n=60)
    data["Volume"] = np.where(np.arange(60) % 5 == 4, 100.0, 1000.0)
    assert "unfinished" not in codes(data, "AAA")
