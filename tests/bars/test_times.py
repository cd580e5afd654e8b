"""Times in text and numbers."""

from __future__ import annotations

import datetime
import zoneinfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtune import BarsError, SettingError, load_bars
from backtune.bars.options import ReadOptions
from backtune.bars.times import read_times
from price_frames import frame

NEW_YEAR = pd.Timestamp("2021-01-01")


def utc(column):
    """Times in UTC, as a list."""
    return pd.Series(read_times(column).utc).tolist()


def read(*values, dtype=object):
    return utc(pd.Series(list(values), dtype=dtype))


@pytest.mark.parametrize(
    "text",
    [
        "2021-01-01",
        "2021/01/01",
        "20210101",
        "2021-01-01 00:00",
        "2021-01-01T00:00:00Z",
        "Jan 1, 2021",
        "1 Jan 2021",
        "2021-01-01 00:00:00+00:00",
        "2020-12-31T19:00:00-05:00",
        "2021-01-01 00:00:00 UTC",
        "01/01/2021",
        "01.01.2021",
        "1609459200",
        "1609459200000",
        "1609459200000000",
        "1609459200000000000",
    ],
)
def test_forms_of_one_day(text):
    assert read(text) == [NEW_YEAR]


FORMS = (
    "%Y-%m-%d", "%d %b %Y", "%B %d, %Y", "%a %b %d %H:%M:%S %Y", "%Y %b %d", "%d/%m/%Y", "none", None
)  # fmt: skip


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(FORMS), st.integers(13, 28)), max_size=8))
def test_each_row_is_read_whatever_forms_the_others_have(rows):
    """Those that the first texts fit are tried first, the others where texts are left."""
    days = [pd.Timestamp(2021, 1, day) for _, day in rows]
    texts = [form and day.strftime(form) for (form, _), day in zip(rows, days, strict=True)]
    known = [form not in ("none", None) for form, _ in rows]
    assert read(*texts) == [day if good else pd.NaT for good, day in zip(known, days, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "now",
        "today",
        "09:30",
        "09:30:00.1234",
        "Jan 5",
        "x",
        "",
        "12",
        "0",
        "-1",
        "44197",
        "2021-13-01",
        "20211301",
        "2021-01-01 09:30 EST",
        "2021-01-01 09:30:00 CET",
        "9999999999999999999999",
        "inf",
    ],
)
def test_what_is_not_a_time(text):
    """pandas would read some of these as today's date, or drop a timezone's name."""
    assert read(text) == [pd.NaT]


def test_numbers_of_any_dtype():
    for dtype in ("int64", "float64", "object", "Int64", "string"):
        value = "1609459200" if dtype == "string" else 1609459200
        assert read(value, dtype=dtype) == [NEW_YEAR], dtype
    assert read(1609459200.5, dtype="float64") == [NEW_YEAR + pd.Timedelta("500ms")]
    assert read(20210101.5, dtype="float64") == [pd.NaT]


def test_one_day_above_twelve_decides_the_column():
    assert read("12/01/2021", "13/01/2021") == [pd.Timestamp("2021-01-12"), pd.Timestamp("2021-01-13")]
    assert read("02.01.2021") == [pd.Timestamp("2021-01-02")]


def test_summer_time_changes_inside_the_column():
    texts = ["2021-03-13 09:30:00-05:00", "2021-03-15 09:30:00-04:00"]
    expected = [pd.Timestamp("2021-03-13 14:30"), pd.Timestamp("2021-03-15 13:30")]
    assert read(*texts) == expected
    zone = zoneinfo.ZoneInfo("America/New_York")
    aware = [datetime.datetime(2021, 3, day, 9, 30, tzinfo=zone) for day in (13, 15)]
    assert read(*aware) == expected
    assert utc(pd.Series(pd.DatetimeIndex(aware))) == expected


def test_other_types_of_column():
    assert read(datetime.date(2021, 1, 1)) == [NEW_YEAR]
    assert utc(pd.Series(pd.period_range("2021-01-01", periods=1))) == [NEW_YEAR]
    assert utc(pd.Series(pd.Categorical(["2021-01-01"]))) == [NEW_YEAR]
    assert utc(pd.Series(np.array(["2021-01-01"], "datetime64[s]"))) == [NEW_YEAR]
    assert utc(pd.Series(np.array(["3021-01-01"], "datetime64[s]"))) == [pd.NaT]
    assert read(True, False, dtype=bool) == [pd.NaT, pd.NaT]
    assert utc(pd.Series([], dtype=object)) == []


# ---- whole columns: digits, the order of day and month, zones


def local(*texts, **options):
    """The clock of the times of a column of texts, or why they cannot be read."""
    times = read_times(pd.Series(list(texts), dtype=object), ReadOptions(**options))
    return times.why_not or [str(stamp)[:16] for stamp in times.local]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("20240102093500", "20240102094000"), "2024-01-02T09:35"),
        (("20240102093500000", "20240102094000000"), "2024-01-02T09:35"),
        (("202401020935", "202401020940"), "2024-01-02T09:35"),
        (("2024010216", "2024010316", "2024010416"), "2024-01-02T16:00"),
        (("2401020935", "2401020940", "2401020945"), "2024-01-02T09:35"),
        (("638397504000000000", "638398368000000000"), "2024-01-02T00:00"),
        (("133486272000000000", "133487136000000000"), "2024-01-02T00:00"),
        (("63072000000", "63158400000"), "1972-01-01T00:00"),
        (("1704067200", "1704153600", "1704240000"), "2024-01-01T00:00"),
        (("1704067200000", "1704153600000"), "2024-01-01T00:00"),
        (("629959680000000000", "629960544000000000"), "1997-04-07T00:00"),
        (("631152000000000000", "631238400000000000"), "1990-01-01T00:00"),
    ],
)
def test_digits_that_spell_a_date_are_one_and_others_lie_in_their_range(texts, expected):
    for column in (texts, tuple(map(int, texts))):
        assert local(*map(str, column))[0] == expected
        numbers = read_times(pd.Series(list(map(int, texts))))
        assert str(numbers.local[0])[:16] == expected


def test_two_times_that_may_be_dates_or_epochs_are_refused_and_never_guessed():
    for texts in (("1001010100", "1001010200"), ("240102093500", "240102094000")):
        assert "may be a date or count from 1970" in local(*texts)
        later = str(int(texts[1]) + int(texts[1]) - int(texts[0]))
        assert local(*texts, later)[0][-5:] in ("01:00", "09:35")  # three are no accident
    assert local("1704067200") == ["2024-01-01T00:00"]  # spells no date
    assert local("0101010100", "0101010200") == ["2001-01-01T01:00", "2001-01-01T02:00"]  # no epoch
    assert local("0999999999") == ["2001-09-09T01:46"]


@pytest.mark.parametrize("text", ["1.70407E+12", "4102444800", "18446744073709551615", "5000000000000000"])
def test_digits_that_lost_precision_or_lie_ahead_are_no_time(text):
    stamps = local(text, text)
    assert stamps == ["NaT", "NaT"] or "E notation" in stamps


def test_ticks_that_may_be_two_things_are_asked_for():
    assert "18 digits that may be" in local("631100000123456789", "631100000223456789")


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("01/02/2024", "02/02/2024", "13/02/2024"), "2024-02-01"),
        (("01/02/2024", "01/03/2024", "01/13/2024"), "2024-01-02"),
        (("01-02-2024", "02-02-2024", "31-03-2024"), "2024-02-01"),
        (("01.02.2024", "02.02.2024"), "2024-02-01"),
        (("24/01/13", "24/01/14", "24/02/01"), "2024-01-13"),
        (("24.01.13", "24.01.14", "24.02.01"), "2024-01-13"),
        (("13.01.24", "14.01.24", "01.02.24"), "2024-01-13"),
        (("1/2/62", "1/15/62", "2/1/62"), "1962-01-02"),
        (("02/01/2024", "01/02/2024", "01/03/2024", "02/04/2024"), "2024-01-02"),
        (("01/02/2024 15:00", "01/02/2024 16:00", "01/03/2024 09:00"), "2024-01-02"),
    ],
)
def test_the_order_of_day_and_month_is_told_by_the_whole_column(texts, expected):
    assert local(*texts)[0][:10] == expected


@pytest.mark.parametrize(
    "texts",
    [
        ("01/02/2021", "01/03/2021"),
        ("01/01/2020", "01/02/2020", "01/03/2020", "01/04/2020"),
        ("03/04/2020", "04/05/2020", "05/06/2020"),
        ("01-02-2024 10:00", "01-02-2024 11:00"),
    ],
)
def test_where_nothing_tells_the_order_it_is_asked_for(texts):
    assert "day_first=True or False (--day-first or --month-first)" in local(*texts)
    day, month = local(*texts, day_first=True), local(*texts, day_first=False)
    assert day != month
    assert day[0][:4] == month[0][:4] == texts[0].split()[0][-4:]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("13.01.2018 00:00:00.000 GMT+0700", "2018-01-12T17:00"),
        ("2024-01-02 09:30 UTC+8", "2024-01-02T01:30"),
        ("2024-01-02 09:30 GMT-5", "2024-01-02T14:30"),
        ("2024-01-02 09:30:00 US/Eastern", "2024-01-02T14:30"),
        ("2024-07-02 09:30:00 Europe/London", "2024-07-02T08:30"),
        ("20240102 09:30:00 America/New_York", "2024-01-02T14:30"),
        ("Jan 02, 2024 09:30 +0530", "2024-01-02T04:00"),
    ],
)
def test_a_zone_has_the_sign_that_people_mean_and_is_never_dropped(text, utc):
    assert str(read_times(pd.Series([text, text], dtype=object)).utc[0])[:16] == utc


@pytest.mark.parametrize(
    "text", ["2024-01-02 09:30 EST", "Tue Jan 02 09:30:00 EST 2024", "2024-01-02 09:30 EST+5"]
)
def test_a_zone_of_several_meanings_is_asked_for(text):
    assert "--timezone" in local(text, text)
    if "+" not in text:
        assert local(text, text, timezone="America/New_York") == ["2024-01-02T09:30"] * 2


def test_the_zone_of_the_exchange_makes_an_hour_that_comes_twice_two():
    stamps = pd.date_range("2023-11-04", periods=60, freq="h", tz="UTC").tz_convert("America/New_York")
    data = frame(n=60).assign(Date=stamps.tz_localize(None).astype(str))
    with pytest.raises(BarsError, match=r"there twice.*--timezone America/New_York"):
        load_bars(data, "BTCUSD")
    bars = load_bars(data, "BTCUSD", timezone="America/New_York")
    np.testing.assert_array_equal(
        bars.timestamps, stamps.tz_convert("UTC").tz_localize(None).to_numpy("datetime64[ns]")
    )


def test_hours_and_minutes_of_four_digits_are_no_minutes_and_seconds(tmp_path):
    data = frame(n=3)
    clocks, text = ["0935", "1600", "2355"], "Date,Time,Open,High,Low,Close\n"
    for clock, row in zip(clocks, data.itertuples(), strict=True):
        text += f"20240102,{clock},{row.Open!r},{row.High!r},{row.Low!r},{row.Close!r}\n"
    (tmp_path / "BTCUSD.csv").write_text(text)
    times = [str(stamp)[11:16] for stamp in load_bars(tmp_path / "BTCUSD.csv").timestamps]
    assert times == ["09:35", "16:00", "23:55"]


def test_a_zone_that_is_none_is_refused():
    with pytest.raises(SettingError, match="give an IANA name"):
        ReadOptions(timezone="Mars/Olympus")
