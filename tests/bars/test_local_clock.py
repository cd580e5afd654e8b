"""The exchange's own clock, kept beside the order of the bars, which is told in UTC."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backtune as bt
from backtune.bars.times import read_times
from synthetic import make_bars

ZONES = ("Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "Europe/London", "Asia/Tehran", "UTC")
HOUR = np.timedelta64(1, "h")


def frame_at(stamps):
    """Bars of a random walk at the timestamps."""
    frame = make_bars(len(stamps)).frame
    frame.index = pd.DatetimeIndex(stamps, name="timestamp")
    return frame


def clock(stamps, zone):
    return pd.DatetimeIndex(stamps).tz_convert(zone).tz_localize(None).to_numpy("datetime64[ns]")


@pytest.mark.parametrize("zone", ZONES)
def test_a_file_with_its_timezone_keeps_the_clock_that_it_was_written_in(zone, tmp_path):
    stamps = pd.date_range("2024-01-02 09:30", periods=300, freq="D", tz=zone)
    frame = frame_at(stamps)
    frame.to_csv(tmp_path / "A.csv")
    frame.to_parquet(tmp_path / "A.parquet")
    for source in (frame, tmp_path / "A.csv", tmp_path / "A.parquet"):
        bars = bt.load_bars(source, "A")
        np.testing.assert_array_equal(bars.local, clock(stamps, zone))
        np.testing.assert_array_equal(bars.timestamps, clock(stamps, "UTC"))


@settings(max_examples=50, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    start=st.datetimes(pd.Timestamp("1990-01-01"), pd.Timestamp("2030-01-01")),
    minutes=st.sampled_from([1, 15, 60, 1440, 10080]),
)
def test_any_zone_and_any_spacing_give_the_clock_of_that_zone(zone, start, minutes):
    stamps = pd.date_range(start, periods=40, freq=f"{minutes}min", tz="UTC").tz_convert(zone)
    bars = bt.load_bars(frame_at(stamps), "A")
    np.testing.assert_array_equal(bars.local, clock(stamps, zone))


def test_where_clocks_are_set_back_an_hour_comes_twice_and_no_bar_is_refused():
    """The rule that time only goes forward is about UTC."""
    stamps = pd.date_range("2024-11-03 04:00", periods=6, freq="h", tz="UTC").tz_convert("America/New_York")
    bars = bt.load_bars(frame_at(stamps), "A")
    assert [int(hour) for hour in bars.local.astype("datetime64[h]").astype(int) % 24] == [0, 1, 1, 2, 3, 4]
    assert (np.diff(bars.timestamps) == HOUR).all()


def test_where_clocks_are_set_forward_an_hour_is_left_out():
    stamps = pd.date_range("2024-03-31 00:00", periods=4, freq="h", tz="UTC").tz_convert("Europe/London")
    bars = bt.load_bars(frame_at(stamps), "A")
    assert [int(hour) for hour in bars.local.astype("datetime64[h]").astype(int) % 24] == [0, 2, 3, 4]
    assert (np.diff(bars.timestamps) == HOUR).all()


def test_a_clock_that_was_not_set_back_in_the_file_is_still_out_of_order():
    stamps = ["2024-11-03 00:30", "2024-11-03 01:30", "2024-11-03 01:30", "2024-11-03 02:30"]
    with pytest.raises(bt.BarsError, match="there twice"):
        bt.load_bars(frame_at(stamps), "A")


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2024-01-02 09:30:00+08:00", 8),
        ("2024-01-02T09:30:00.250+0530", 5.5),
        ("2024-01-02 09:30 -05:00", -5),
        ("2024-01-02T09:30:00Z", 0),
        ("2024-01-02 09:30 UTC", 0),
        ("2024-01-02 09:30:00", 0),
        ("2024-01-02", 0),
        ("2024-01-03", 0),
        ("02-01-2024", 0),
        ("20240102", 0),
        ("1704187800", 0),
    ],
)
def test_the_offset_of_a_text_is_what_it_says(text, hours):
    assert read_times(pd.Series([text], dtype=object)).offset.tolist() == [hours * 3600 * 10**9]


@pytest.mark.slow
@pytest.mark.parametrize("zone", [zone for zone in ZONES if zone != "UTC"])
@pytest.mark.parametrize("freq", ["D", "B", "W", "MS"])
def test_bars_of_a_day_or_more_keep_the_exchanges_own_date(zone, freq, tmp_path):
    """A Tuesday in Tokyo is a Tuesday, and joins the Tuesdays of files without a zone."""
    days = pd.date_range("2014-01-02", periods=60, freq=freq)
    aware = frame_at(days.tz_localize(zone))
    aware.to_csv(tmp_path / "A.csv")
    for source in (aware, tmp_path / "A.csv"):
        bars = bt.load_bars(source, "A")
        np.testing.assert_array_equal(bars.timestamps, days.to_numpy("datetime64[ns]"))
        assert bars.utc_offset is None
    assert bars.digest == bt.load_bars(frame_at(days), "A").digest


def test_a_naive_file_has_one_clock():
    bars = bt.load_bars(frame_at(pd.date_range("2024-01-02", periods=30, freq="D")), "A")
    assert bars.utc_offset is None
    assert bars.local is bars.timestamps


def test_utc_by_name_and_no_zone_are_the_same_bars():
    naive = pd.date_range("2024-01-02", periods=30, freq="D")
    one, other = (bt.load_bars(frame_at(stamps), "A") for stamps in (naive, naive.tz_localize("UTC")))
    assert one.digest == other.digest


def test_bars_that_differ_in_the_clock_alone_have_another_digest():
    stamps = pd.date_range("2024-01-02", periods=30, freq="D", tz="UTC")
    one, other = (bt.load_bars(frame_at(s), "A") for s in (stamps, stamps.tz_convert("Asia/Kolkata")))
    np.testing.assert_array_equal(one.timestamps, other.timestamps)
    assert one.digest != other.digest


def test_the_clock_survives_the_frame_and_its_csv(tmp_path):
    bars = bt.load_bars(
        frame_at(pd.date_range("2024-01-02", periods=200, freq="D", tz="America/New_York")), "A"
    )
    bars.frame.to_csv(tmp_path / "A.csv")
    for source in (bars.frame, tmp_path / "A.csv"):
        assert bt.load_bars(source, "A").digest == bars.digest


@pytest.mark.parametrize("foreign", [-5, 330.0, "Kolkata", None, "30:00", "2 days 00:00:00"])
def test_a_column_of_that_name_with_other_contents_is_left_alone(foreign):
    frame = frame_at(pd.date_range("2024-01-02", periods=30, freq="D"))
    frame["utc_offset"] = foreign
    assert bt.load_bars(frame, "A").utc_offset is None


def test_rows_that_are_dropped_take_their_offsets_with_them():
    frame = frame_at(pd.date_range("2024-03-01", periods=40, freq="D", tz="Europe/London"))
    frame.iloc[5, frame.columns.get_loc("high")] = -1.0
    bars = bt.load_bars(frame, "A", drop_bad=True)
    np.testing.assert_array_equal(bars.local, clock(frame.index.delete(5), "Europe/London"))


def test_offsets_left_behind_when_the_other_arrays_are_cut_are_one_line():
    stamps = pd.date_range("2024-01-02 09:00", periods=30, freq="D", tz="Asia/Tokyo")
    bars = bt.load_bars(frame_at(stamps), "A")
    names = ("timestamps", "open", "high", "low", "close", "volume")
    cut = {name: getattr(bars, name)[10:] for name in names}
    with pytest.raises(bt.BarsError, match="20 bars and 30 offsets from UTC") as caught:
        replace(bars, **cut)
    assert len(str(caught.value).splitlines()) == 1
    part = replace(bars, **cut, utc_offset=bars.utc_offset[10:])
    np.testing.assert_array_equal(part.local, bars.local[10:])
