"""Times in text and numbers."""

from __future__ import annotations

import datetime
import zoneinfo

import numpy as np
import pandas as pd
import pytest

from backtune.bars.times import read_times

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
