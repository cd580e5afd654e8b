"""Price files as people have them, and files that are none."""

from __future__ import annotations

import gzip
import sys
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtune import BacktuneError, BarsError, SettingError, load_bars
from backtune.bars import find_bars_file
from backtune.bars.files import check_files
from backtune.bars.rules import order_faults
from price_frames import PRICES, frame, same_prices

DAYS = frame()["Date"].to_numpy("datetime64[ns]")


def refused(source, *parts, symbol=None, **options):
    """The one-line message with which `source` is refused."""
    with pytest.raises(BarsError) as caught:
        load_bars(source, symbol, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert "\r" not in message
    for part in parts:
        assert part in message
    return caught.value


# ---- layouts


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".CSV.GZ", ".txt", ".parquet", ".PARQUET"])
def test_every_kind_of_file_keeps_prices_to_the_bit(tmp_path, suffix):
    path = tmp_path / f"ABC{suffix}"
    data = frame()
    if suffix.lower() == ".parquet":
        data.to_parquet(path)
    else:
        data.to_csv(path, index=False)
    bars = load_bars(path)
    same_prices(bars, data)
    assert bars.symbol == "ABC"
    assert bars.source == f"ABC{suffix}"
    np.testing.assert_array_equal(bars.timestamps, DAYS)
    np.testing.assert_array_equal(bars.volume, data["Volume"])


@pytest.mark.parametrize("case", [str.lower, str.upper, str.title, lambda name: f" {name} "])
@pytest.mark.parametrize("time", ["Date", "Datetime", "timestamp", "time"])
def test_column_names_in_any_case(tmp_path, case, time):
    data = frame().rename(columns={"Date": time}).rename(columns=case)
    data.to_csv(tmp_path / "A.csv", index=False)
    for bars in (load_bars(data), load_bars(tmp_path / "A.csv")):
        same_prices(bars, frame())
        np.testing.assert_array_equal(bars.timestamps, DAYS)


@pytest.mark.parametrize("sep", [",", ";", "\t"])
def test_separators(tmp_path, sep):
    frame().to_csv(tmp_path / "A.csv", index=False, sep=sep)
    same_prices(load_bars(tmp_path / "A.csv"), frame())


def test_index_in_place_of_a_column():
    data = frame().set_index("Date")
    same_prices(load_bars(data), frame())
    data.index.name = None
    bars = load_bars(data)
    same_prices(bars, frame())
    np.testing.assert_array_equal(bars.timestamps, DAYS)


def test_index_and_column_of_the_same_name():
    data = frame()
    same_prices(load_bars(data.set_index("Date", drop=False)), data)


def test_filtered_frame_keeps_its_date_column():
    data = frame()
    same_prices(load_bars(data[data.index != 3]), data.drop(index=3))


def test_row_numbers_are_not_taken_for_times():
    data = frame().drop(columns="Date")
    data.index = data.index + 5
    data = data[data.index != 7]
    refused(data, "is not a date that can be read")


def test_the_frame_given_is_not_changed():
    data = frame()
    before = data.copy(deep=True)
    load_bars(data)
    pd.testing.assert_frame_equal(data, before)


def test_yahoo_download(tmp_path):
    data = frame()
    data.insert(5, "Adj Close", data["Close"] * 0.5)
    data.to_csv(tmp_path / "^GSPC.csv", index=False)
    bars = load_bars(tmp_path / "^GSPC.csv")
    same_prices(bars, data)
    assert bars.symbol == "^GSPC"


def test_yfinance_three_line_header(tmp_path):
    data = frame()
    lines = ["Price,Close,High,Low,Open,Volume", "Ticker,AAPL,AAPL,AAPL,AAPL,AAPL", "Date,,,,,"]
    for row in data.itertuples():
        lines.append(f"{row.Date:%Y-%m-%d},{row.Close!r},{row.High!r},{row.Low!r},{row.Open!r},7")
    (tmp_path / "AAPL.csv").write_text("\n".join(lines) + "\n")
    bars = load_bars(tmp_path / "AAPL.csv")
    same_prices(bars, data)
    np.testing.assert_array_equal(bars.timestamps, DAYS)
    lines[5] = lines[5].replace(repr(float(data.Low[2])), "0")
    (tmp_path / "AAPL.csv").write_text("\n".join(lines) + "\n")
    assert refused(tmp_path / "AAPL.csv", "low is not above zero").row == 3


def test_a_line_of_units_under_the_names_is_no_line_of_symbols(tmp_path):
    names, *rows = frame().to_csv(index=False).splitlines()
    (tmp_path / "AAA.csv").write_text("\n".join([names, ",USD,USD,USD,USD,shares", *rows]))
    bars = load_bars(tmp_path / "AAA.csv")
    same_prices(bars, frame())
    assert [note.sentence for note in bars.notes if note.code == "units"] == [
        "left out a line of units: USD, shares"
    ]
    assert "other_symbol" not in {note.code for note in bars.notes}


@pytest.mark.parametrize("order", [["Price", "Ticker"], ["Ticker", "Price"]])
def test_yfinance_frame(order):
    data = frame().set_index("Date")
    columns = pd.MultiIndex.from_product([data.columns, ["AAPL"]], names=["Price", "Ticker"])
    data.columns = columns
    same_prices(load_bars(data.reorder_levels(order, axis=1)), frame())


def test_yfinance_frame_of_two_tickers_is_refused():
    one = frame().set_index("Date")
    both = pd.concat({"AAPL": one, "TSLA": one}, axis=1).swaplevel(axis=1)
    refused(both, "holds 2 symbols (AAPL, TSLA)")


def test_stooq_ascii(tmp_path):
    data = frame()
    lines = ["<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"]
    for row in data.itertuples():
        lines.append(
            f"AAPL.US,D,{row.Date:%Y%m%d},000000,{row.Open!r},{row.High!r},{row.Low!r},{row.Close!r},9,0"
        )
    (tmp_path / "aapl.us.txt").write_text("\n".join(lines))
    bars = load_bars(tmp_path / "aapl.us.txt")
    same_prices(bars, data)
    assert bars.symbol == "aapl.us"
    np.testing.assert_array_equal(bars.timestamps, DAYS)


def test_stooq_intraday_time_of_day(tmp_path):
    data = frame(n=5)
    times = ["093000", "100000", "103000", "110000", "113000"]
    lines = ["<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>"]
    for clock, row in zip(times, data.itertuples(), strict=True):
        lines.append(f"20210104,{clock},{row.Open!r},{row.High!r},{row.Low!r},{row.Close!r}")
    (tmp_path / "A.txt").write_text("\n".join(lines))
    expected = [np.datetime64(f"2021-01-04T{c[:2]}:{c[2:4]}:00", "ns") for c in times]
    assert load_bars(tmp_path / "A.txt").timestamps.tolist() == [int(t.astype("int64")) for t in expected]


def test_stooq_plain(tmp_path):
    frame().to_csv(tmp_path / "A.csv", index=False, date_format="%Y-%m-%d")
    same_prices(load_bars(tmp_path / "A.csv"), frame())


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_alpaca_short_and_long_names(zone):
    data = frame()
    stamps = data["Date"].dt.tz_localize(zone)
    short = pd.DataFrame(
        {
            "t": stamps.map(lambda s: s.isoformat()),
            "o": data.Open,
            "h": data.High,
            "l": data.Low,
            "c": data.Close,
            "v": data.Volume,
            "n": 3,
            "vw": 1.0,
        }
    )
    bars = load_bars(short)
    same_prices(bars, data)
    np.testing.assert_array_equal(bars.timestamps, DAYS)  # the exchange's own dates, whatever its zone
    long = data.rename(columns=str.lower).rename(columns={"date": "timestamp"}).assign(timestamp=stamps)
    multi = long.assign(symbol="AAPL").set_index(["symbol", "timestamp"])
    bars = load_bars(multi)
    same_prices(bars, data)
    assert bars.symbol == "AAPL"
    np.testing.assert_array_equal(bars.timestamps, DAYS)
    two = pd.concat([multi, long.assign(symbol="TSLA").set_index(["symbol", "timestamp"])])
    refused(two, "holds 2 symbols (AAPL, TSLA)")


@pytest.mark.parametrize("unit", [1_000, 1_000_000])
@pytest.mark.parametrize("header", [False, True])
def test_binance_klines(tmp_path, unit, header):
    data = frame(freq="D")
    opens = data["Date"].to_numpy("datetime64[s]").astype("int64") * unit
    lines = ["open_time,open,high,low,close,volume,close_time,quote_volume,count,tb,tq,ignore"] * header
    for stamp, row in zip(opens, data.itertuples(), strict=True):
        lines.append(f"{stamp},{row.Open!r},{row.High!r},{row.Low!r},{row.Close!r},5,{stamp + 1},1,2,3,4,0")
    (tmp_path / "BTCUSDT.csv").write_text("\n".join(lines))
    bars = load_bars(tmp_path / "BTCUSDT.csv")
    same_prices(bars, data)
    np.testing.assert_array_equal(bars.timestamps, data["Date"].to_numpy("datetime64[ns]"))
    assert bars.asset == "crypto"


def test_binance_klines_that_change_from_ms_to_us(tmp_path):
    """Binance changed the unit on 2025-01-01; a joined file holds both."""
    data = frame(freq="D", start="2024-12-20")
    seconds = data["Date"].to_numpy("datetime64[s]").astype("int64")
    units = np.where(data["Date"] < "2025-01-01", 1_000, 1_000_000)
    bars = load_bars(data.assign(Date=seconds * units))
    np.testing.assert_array_equal(bars.timestamps, data["Date"].to_numpy("datetime64[ns]"))


# ---- what a row must obey

RULES = [
    ("Open", np.nan, "open is missing"),
    ("High", "abc", "high is not a number: 'abc'"),
    ("Low", 0.0, "low is not above zero: 0"),
    ("Close", -3.0, "close is not above zero: -3"),
    ("Close", np.inf, "close is not finite: inf"),
    ("High", 1.0, "high is below low"),
    ("Low", 1e6, "high is below low"),
    ("Date", "someday", "is not a date that can be read: 'someday'"),
    ("Date", None, "the date is missing"),
    ("Date", "now", "is not a date that can be read: 'now'"),
    ("Date", "09:30", "is not a date that can be read: '09:30'"),
]


@pytest.mark.slow
@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize(("column", "value", "rule"), RULES)
def test_a_broken_row_is_refused_or_dropped(tmp_path, column, value, rule, drop):
    data = frame().astype(object)
    data["Date"] = data["Date"].map(lambda day: f"{day:%Y-%m-%d}")
    data.loc[6, column] = value
    data.to_csv(tmp_path / "BAD.csv", index=False)
    for source in (data, tmp_path / "BAD.csv"):
        if drop:
            bars = load_bars(source, drop_bad=True)
            assert bars.dropped == 1
            same_prices(bars, frame().drop(index=6))
        else:
            error = refused(source, rule.split(":")[0], "row 7", "--drop-bad")
            assert error.row == 7
            if isinstance(source, Path):
                assert str(error).startswith("BAD.csv: row 7")


@pytest.mark.parametrize(
    ("high", "low", "rule"),
    [
        (0.9, 0.5, "high is below open"),
        (1.05, 0.5, "high is below close"),
        (3.0, 1.05, "low is above open"),
        (3.0, 1.0000001, "low is above open"),
    ],
)
def test_each_order_of_prices_names_both_values(high, low, rule):
    data = frame()
    data.loc[2, ["Open", "High", "Low", "Close"]] = [1.0, high, low, 1.1]
    refused(data, rule, "row 3")


def test_low_above_close():
    data = frame()
    data.loc[2, ["Open", "High", "Low", "Close"]] = [1.2, 1.3, 1.15, 1.1]
    refused(data, "low is above close 1.1: 1.15", "row 3 (2021-01-06")


def test_several_bad_rows_are_counted():
    data = frame()
    data.loc[[4, 9, 11], "Low"] = -1.0
    refused(data, "row 5", "(and 2 more bad rows)")
    assert load_bars(data, drop_bad=True).dropped == 3


def test_duplicates_and_disorder():
    data = frame()
    other = data.iloc[[4]].assign(Close=data["Close"].iloc[4] * 1.001, High=data["High"].iloc[4] * 1.002)
    twice = pd.concat([data.iloc[:5], other, data.iloc[5:]])
    refused(twice, "row 6", "the timestamp is there twice")
    refused(data.iloc[[0, 2, 1, 3, 4]], "row 3", "earlier than that of a row before it")
    assert load_bars(twice, drop_bad=True).dropped == 1
    assert load_bars(data.iloc[[0, 2, 1, 3, 4]], drop_bad=True).dropped == 1


def test_a_row_that_is_there_twice_to_the_last_digit_counts_once():
    data = frame()
    bars = load_bars(pd.concat([data.iloc[:5], data.iloc[2:]]))
    same_prices(bars, data)
    assert bars.dropped == 0
    assert [(note.code, note.row) for note in bars.notes] == [("equal_rows", 6)]
    assert "3 rows are there twice" in bars.notes[0].sentence


@pytest.mark.parametrize("drop", [False, True])
def test_newest_first_is_turned_round_and_said(drop):
    data = frame()[::-1]
    for source in (data, pd.concat([data.iloc[:1], data])):
        bars = load_bars(source, drop_bad=drop)
        same_prices(bars, frame())
        assert bars.notes[0].code == "newest_first"
    broken = data.copy()
    broken.iloc[3, broken.columns.get_loc("Low")] = -1.0
    assert refused(broken, "low is not above zero").row == 4  # as it stands in the file


def test_a_date_far_ahead_costs_its_own_row_alone():
    """Every row after it is earlier than it; those are the good ones."""
    data = frame()
    data.loc[7, "Date"] = pd.Timestamp("2201-01-13")
    refused(data, "row 8", "later than that of a row after it: 2201-01-13", "--drop-bad")
    bars = load_bars(data, drop_bad=True)
    assert bars.dropped == 1
    np.testing.assert_array_equal(bars.timestamps, np.delete(DAYS, 7))


@given(st.lists(st.integers(0, 9), min_size=2, max_size=8))
def test_the_fewest_rows_are_dropped(days):
    """As many stay as in the longest of all rising choices of rows; of two equal dates the first."""
    stamps = np.datetime64("2021-01-04", "ns") + np.array(days) * np.timedelta64(1, "D")
    faults = order_faults(stamps)
    bad = np.logical_or.reduce([fault.rows for fault in faults]) if faults else np.zeros(len(days), bool)
    kept = [day for day, drop in zip(days, bad, strict=True) if not drop]
    assert all(a < b for a, b in pairwise(kept))
    longest = max(
        size
        for size in range(1, len(days) + 1)
        if any(all(a < b for a, b in pairwise(some)) for some in combinations(days, size))
    )
    assert len(kept) == longest
    assert sum(fault.rows.sum() for fault in faults) == bad.sum()
    if sorted(days) == days:
        np.testing.assert_array_equal(bad, [day in days[:row] for row, day in enumerate(days)])


def test_rows_in_no_order_are_to_be_sorted():
    refused(frame().sample(frac=1.0, random_state=3), "sort them by date", drop_bad=True)


def test_a_series_written_twice_is_read_once():
    bars = load_bars(pd.concat([frame(), frame()]))
    same_prices(bars, frame())
    assert bars.notes[0].code == "equal_rows"


def test_empty_lines_are_no_rows(tmp_path):
    data = frame()
    text = data.to_csv(index=False)
    (tmp_path / "A.csv").write_text("\n" + text + "\n,,,,,\n\n")
    bars = load_bars(tmp_path / "A.csv")
    assert (len(bars), bars.dropped) == (40, 0)


# ---- what is no price file


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("A.csv", b"", "cannot be read as CSV"),
        ("A.csv", b"\n\n\n", "cannot be read as CSV"),
        ("A.csv", bytes(range(256)) * 20, ""),
        ("A.csv", b"\x00" * 100, ""),
        ("A.csv.gz", b"not gzip", "cannot be read as CSV"),
        ("A.csv.gz", gzip.compress(frame().to_csv(index=False).encode())[:200], "cannot be read as CSV"),
        (
            "A.csv.gz",
            gzip.compress(frame().to_csv(index=False).encode())[:40] + b"\xff" * 900,
            "cannot be read as CSV",
        ),
        ("A.parquet", b"", "cannot be read as Parquet"),
        ("A.parquet", b"PAR1 nonsense PAR1", "cannot be read as Parquet"),
        ("A.csv", b"Date,Open,High,Low,Close\n", "has 0 usable rows"),
        ("A.csv", b"Date,Open,High,Low,Close\n2021-01-01,1,1,1,1\n", "has 1 usable rows"),
        ("A.csv", b"Date,Open,High,Low\n2021-01-01,1,1,1\n", "no column for close"),
        ("A.csv", b"a\nb\nc\n", "no column for time"),
        ("A.csv", "Date,Öffnung,Hoch,Tief,Schluss\n2021-01-01,1,1,1,1\n".encode(), "no column for open"),
        (
            "A.csv",
            "Date,Open,High,Low,Close\n2021-01-01,é,1,1,1\n2021-01-02,1,1,1,1\n".encode("latin-1"),
            "open is not a number",
        ),
        (
            "A.csv",
            b"Date,Open,High,Low,Close\n2021-01-01,1,1,1,1\n2021-01-02,\xe2\x82\xac5,1,1,1\n",
            "'\u20ac5'",
        ),
        ("A.csv", b'Date,Open,High,Low,Close\n2021-01-01,"1\n2",1,1,1\n2021-01-02,1,1,1,1\n', "not a number"),
        ("A.csv", b'"Da\nte",Open,High\n1,2,3\n', "no column for"),
        (
            "A.csv",
            b"Date,Open,High,Low,Close\n2021-01-01,1,1,1,1,9\n2021-01-02,1,1,1,1,9\n",
            "more fields than its header",
        ),
        ("A.csv", b"Date,Open,High,Low,Close\n2021-01-01,1,1,1,1\n2021-01-02,1,1,1,1,9\n", "cannot be read"),
        ("A.csv", b"Date,Open,High,Low,Close\n2021-01-01,1,1,1\n2021-01-02,1,1,1,1\n", "close is missing"),
    ],
)
def test_a_file_that_is_no_price_file_is_refused_in_one_line(tmp_path, name, content, part):
    path = tmp_path / name
    path.write_bytes(content)
    refused(path, name, part)


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9, 0.99])
def test_truncated_parquet(tmp_path, cut):
    frame().to_parquet(tmp_path / "A.parquet")
    whole = (tmp_path / "A.parquet").read_bytes()
    (tmp_path / "A.parquet").write_bytes(whole[: int(len(whole) * cut)])
    refused(tmp_path / "A.parquet", "cannot be read as Parquet")


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.floats(0, 1, exclude_max=True),
    byte=st.integers(0, 255),
    kind=st.sampled_from(["csv", "parquet"]),
)
def test_a_damaged_byte_never_gives_anything_but_bars_or_an_error(tmp_path, place, byte, kind):
    path = tmp_path / f"A.{kind}"
    data = frame(n=6)
    data.to_csv(path, index=False) if kind == "csv" else data.to_parquet(path)
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] = byte
    path.write_bytes(bytes(content))
    try:
        bars = load_bars(path)
    except BacktuneError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert (bars.low > 0).all()
        assert (bars.low <= bars.high).all()


def test_folder_missing_file_and_wrong_kinds(tmp_path):
    refused(tmp_path, "is a folder")
    refused(tmp_path / "no.csv", "no such file")
    for source in (None, 5, [1, 2]):
        with pytest.raises(SettingError, match="give the path of a price file"):
            load_bars(source)
    with pytest.raises(SettingError, match="unknown asset"):
        load_bars(frame(), asset="bond")


def test_two_columns_of_one_name_are_refused(tmp_path):
    data = frame()
    text = data.to_csv(index=False)
    for name in ("Close", "close"):
        (tmp_path / "A.csv").write_text(text.replace("Volume", name))
        refused(tmp_path / "A.csv", f"A.csv: columns Close, {name} have the same name")
    (tmp_path / "A.csv").write_text(text.replace("\n", ",,\n"))  # columns without a name are none
    same_prices(load_bars(tmp_path / "A.csv"), data)
    refused(data.assign(close=1.0), "columns Close, close have the same name")
    refused(pd.concat([data, data[["Close"]]], axis=1), "columns Close, Close have the same name")


# ---- names


def test_find_bars_file(tmp_path):
    with pytest.raises(BarsError, match="no price file for AAPL"):
        find_bars_file("AAPL", tmp_path)
    with pytest.raises(BarsError, match="is not a folder"):
        find_bars_file("AAPL", tmp_path / "nowhere")
    frame().to_csv(tmp_path / "aapl.CSV", index=False)
    assert find_bars_file("AAPL", tmp_path).name == "aapl.CSV"
    frame().to_csv(tmp_path / "AAPL.csv", index=False)
    frame().to_csv(tmp_path / "aapl.csv", index=False)
    assert find_bars_file("AAPL", tmp_path).name == "AAPL.csv"
    assert find_bars_file("aapl", tmp_path).name == "aapl.csv"


def test_check_files_goes_on_after_a_bad_file(tmp_path):
    frame().to_csv(tmp_path / "GOOD.csv", index=False)
    (tmp_path / "BAD.csv").write_text("x")
    frame().to_csv(tmp_path / "my prices (1).csv", index=False)
    kinds = {path.name: type(result).__name__ for path, result in check_files(tmp_path)}
    assert kinds == {"GOOD.csv": "Bars", "BAD.csv": "BarsError", "my prices (1).csv": "Bars"}
    assert [type(one).__name__ for _, one in check_files(tmp_path / "GOOD.csv")] == ["Bars"]
    with pytest.raises(BarsError, match="is not a folder"):
        check_files(tmp_path / "NOWHERE")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BarsError, match="holds no price file"):
        check_files(tmp_path / "empty")


# ---- properties

PRICE = st.floats(min_value=1e-9, max_value=1e9)


@st.composite
def price_frames(draw):
    n = draw(st.integers(2, 12))
    rows = [sorted(draw(st.tuples(PRICE, PRICE, PRICE, PRICE))) for _ in range(n)]
    flips = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    steps = draw(st.lists(st.integers(1, 10**6), min_size=n, max_size=n))
    return pd.DataFrame(
        {
            "Date": pd.Timestamp("1990-01-01") + pd.to_timedelta(np.cumsum(steps), unit="s"),
            "Open": [row[1 + flip] for row, flip in zip(rows, flips, strict=True)],
            "High": [row[3] for row in rows],
            "Low": [row[0] for row in rows],
            "Close": [row[2 - flip] for row, flip in zip(rows, flips, strict=True)],
        }
    )


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=price_frames())
def test_valid_bars_go_through_csv_and_parquet_to_the_bit(tmp_path, data):
    data.to_csv(tmp_path / "A.csv", index=False)
    data.to_parquet(tmp_path / "A.parquet")
    for bars in (load_bars(tmp_path / "A.csv"), load_bars(tmp_path / "A.parquet"), load_bars(data)):
        same_prices(bars, data)
        np.testing.assert_array_equal(bars.timestamps, data["Date"].to_numpy("datetime64[ns]"))
        assert bars.digest == load_bars(data).digest


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    data=price_frames(),
    where=st.floats(0, 1, exclude_max=True),
    column=st.sampled_from(["Date", *PRICES]),
    value=st.sampled_from(
        [None, "", "x", "nan", float("nan"), -1.0, 0.0, float("inf"), "1e999", "1,5", True]
    ),
)
def test_any_single_corrupted_cell_is_refused(data, where, column, value):
    row = int(where * len(data))
    bad = data.astype(object)
    bad.loc[row, column] = value
    error = refused(bad)
    assert error.row == row + 1


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(data=price_frames(), where=st.floats(0, 1, exclude_max=True), factor=st.sampled_from([0.5, 2.0]))
def test_a_high_below_or_a_low_above_its_bar_is_refused(data, where, factor):
    row = int(where * len(data))
    column = "High" if factor < 1 else "Low"
    other = data.loc[row, PRICES].max() if factor < 1 else data.loc[row, PRICES].min()
    data.loc[row, column] = np.nextafter(other, 0 if factor < 1 else np.inf) * factor
    same = data.loc[row, ["Open", "Close"]]
    within_rounding = 1e-9
    high, low = data.loc[row, "High"] * (1 + within_rounding), data.loc[row, "Low"] * (1 - within_rounding)
    if high >= max(same.max(), data.loc[row, "Low"]) and low <= min(same.min(), data.loc[row, "High"]):
        assert len(load_bars(data)) == len(data)
    else:
        assert refused(data).row == row + 1


def test_python_has_a_working_float():
    """The round trip to the bit rests on repr being exact."""
    assert sys.float_repr_style == "short"
