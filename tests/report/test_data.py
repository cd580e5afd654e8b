"""What the page stores is what it was given, to the digits that it promises, in little room."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtune.report.data import DIGITS, column, encode, moments, pack, share_times, unpack

numbers = st.floats(-1e9, 1e9, allow_nan=False)


def read(encoded):
    """As assets/data.js reads a column."""
    if "$v" in encoded:
        return [math.nan if value is None else value for value in encoded["$v"]]
    steps, size = (encoded["$d"], encoded["$s"]) if "$d" in encoded else (encoded["$t"], encoded["$u"])
    total, values = 0, []
    for step in steps:
        total += step or 0
        values.append(math.nan if step is None else total * size)
    return values


@given(st.lists(numbers | st.sampled_from([math.nan, math.inf, -math.inf]), max_size=60))
def test_a_column_is_read_back_to_its_digits_and_what_is_no_number_as_none(values):
    column_back = read(unpack(pack(column(values))))
    known = [value for value in values if math.isfinite(value)]
    top = max((abs(value) for value in known), default=0.0)
    assert len(column_back) == len(values)
    for value, back in zip(values, column_back, strict=True):
        if math.isfinite(value):
            assert back == pytest.approx(value, abs=max(10.0 ** (1 - DIGITS) * top, 1e-300))
        else:
            assert math.isnan(back)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=30))
def test_small_values_beside_large_ones_keep_their_digits(values):
    values = [*values, 1e-6, 1e6]
    assert read(column(values)) == pytest.approx(values, rel=10.0 ** (1 - DIGITS))


@pytest.mark.parametrize("unit", ["s", "m", "h", "D"])
def test_times_are_exact(unit):
    times = np.array(["2001-01-01", "2024-02-29"], dtype=f"datetime64[{unit}]") + np.timedelta64(7, unit)
    assert read(moments(times)) == times.astype("datetime64[s]").astype(np.int64).tolist()


def test_daily_bars_take_less_than_two_bytes_a_value():
    rng = np.random.default_rng(0)
    grown = 100.0 * np.cumprod(1.0 + rng.normal(0.0, 0.002, 5000))
    assert len(pack({"y": column(grown)})) < 2.2 * len(grown)
    days = np.arange("2000-01-01", "2013-09-09", dtype="datetime64[D]")
    assert len(pack({"x": days})) < 0.1 * len(days)


def test_packing_is_the_same_each_time_and_cannot_end_a_script():
    value = {"name": "</script><script>alert(1)</script>"}
    assert pack(value) == pack(value)
    assert b"<" not in pack(value)
    assert unpack(pack(value)) == value


def test_charts_share_their_times():
    x = np.arange("2020-01-01", "2020-02-01", dtype="datetime64[D]")
    shared = share_times({"a": {"x": x}, "b": {"x": x.copy()}, "c": {"x": np.arange(3.0)}})
    assert len(shared["times"]) == 1
    assert (shared["charts"]["a"]["x"], shared["charts"]["b"]["x"]) == (0, 0)
    assert read(encode(shared)["charts"]["c"]["x"]) == [0.0, 1.0, 2.0]
