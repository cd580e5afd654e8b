"""Layouts that vendors and exchanges write: each reads back to the bit, whatever stands around its rows."""

from __future__ import annotations

import bz2
import gzip
import json
import warnings
import zipfile

import numpy as np
import pandas as pd
import pyarrow
import pytest
from pyarrow import feather

from backtune import BarsError, load_bars
from backtune.bars import DataWarning
from backtune.bars.files import check_files, find_bars_file
from price_frames import PRICES
from price_layouts import CSV, DAILY, LAYOUTS, download, rows, series


def read(path, content, **options):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return load_bars(path, **options)


def same(bars, data):
    for name in PRICES:
        np.testing.assert_array_equal(getattr(bars, name.lower()), data[name].to_numpy(dtype=np.float64))
    np.testing.assert_array_equal(bars.timestamps, data["Date"].to_numpy("datetime64[ns]"))


def grouped(text, mark=","):
    """1234.5 as 1,234.5."""
    whole, dot, rest = str(text).partition(".")
    return f"{int(whole):,}".replace(",", mark) + dot + rest


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_reads_back_to_the_bit(tmp_path, name):
    data, head, template, stamps, direction = LAYOUTS[name]
    lines = rows(data, template, **stamps)[::direction]
    bars = read(tmp_path / "X.csv", "\n".join([*head, *lines]) + "\n")
    same(bars, data)
    assert bars.dropped == 0
    assert ("newest_first" in {note.code for note in bars.notes}) == (direction < 0)


NUMBERS = {
    "thousands": (series(scale=10.0), lambda x: f'"{grouped(f"{x:.2f}")}"'),
    "dollars": (series(scale=10.0), lambda x: f'"${grouped(f"{x:.2f}")}"'),
    "decimal commas": (DAILY, lambda x: f'"{x:.2f}"'.replace(".", ",")),
    "dots and commas": (
        series(scale=10.0), lambda x: '"' + grouped(f"{x:.2f}").translate(str.maketrans(",.", ".,")) + '"'),
    "apostrophes": (series(scale=10.0), lambda x: grouped(f"{x:.2f}", "'")),
    "blanks": (series(scale=10.0), lambda x: '"' + grouped(f"{x:.2f}", "\u202f").replace(".", ",") + '"'),
    "dots for thousands": (series(scale=10.0, digits=0), lambda x: grouped(f"{x:.0f}", ".")),
    "commas for thousands alone": (series(scale=10.0, digits=0), lambda x: f'"{grouped(f"{x:.0f}")}"'),
    "euro behind": (DAILY, lambda x: f'"{x:.2f} €"'.replace(".", ",")),
    "exponents": (DAILY, lambda x: f"{x:.6e}"),
}  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
def test_a_way_to_write_numbers_is_told_by_the_whole_column(tmp_path, name):
    data, form = NUMBERS[name]
    lines = ["Date,Open,High,Low,Close"]
    for row in data.itertuples():
        lines.append(",".join([f"{row.Date:%Y-%m-%d}", *map(form, (row.Open, row.High, row.Low, row.Close))]))
    for drop in (False, True):
        bars = read(tmp_path / "X.csv", "\n".join(lines), drop_bad=drop)
        same(bars, data)
        assert bars.dropped == 0


def test_indian_thousands_are_grouped_by_two(tmp_path):
    text = 'Date,Open,High,Low,Close\n2024-01-02,"1,00,000.50","1,02,000","99,000.00","1,01,000.25"\n'
    text += '2024-01-03,"1,01,000.25","1,03,000","1,00,500","1,02,000"\n'
    assert read(tmp_path / "X.csv", text).open.tolist() == [100000.5, 101000.25]


def test_numbers_that_can_be_read_in_two_ways_are_asked_for(tmp_path):
    data = series(scale=20.0, digits=0)
    lines = ["Date;Open;High;Low;Close"]
    lines += [f"{r.Date:%Y-%m-%d};" + ";".join(grouped(f"{x:.0f}") for x in (r.Open, r.High, r.Low, r.Close))
              for r in data.itertuples()]  # fmt: skip
    with pytest.raises(BarsError, match=r"thousands, or decimals; say which .*--decimal"):
        read(tmp_path / "X.csv", "\n".join(lines))
    same(read(tmp_path / "X.csv", "\n".join(lines), decimal="."), data)
    thousandth = data.assign(**{name: data[name] / 1000 for name in PRICES})
    same(read(tmp_path / "X.csv", "\n".join(lines), decimal=","), thousandth)
    dotted = "\n".join(lines).replace(",", ".")
    assert "number_format" in {note.code for note in read(tmp_path / "X.csv", dotted).notes}
    same(read(tmp_path / "X.csv", dotted, decimal=","), data)


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp949", "gbk", "shift_jis"]
)
def test_encodings(tmp_path, encoding):
    word = {"latin-1": "Stücke", "cp949": "거래량", "gbk": "成交量", "shift_jis": "出来高"}.get(
        encoding, "Volume"
    )
    same(read(tmp_path / "X.csv", CSV.replace("Volume", word).encode(encoding)), DAILY)


def test_containers(tmp_path):
    content = CSV.encode()
    with zipfile.ZipFile(tmp_path / "A.zip", "w") as archive:
        archive.writestr("A.csv", content)
    with zipfile.ZipFile(tmp_path / "TWO.zip", "w") as archive:
        archive.writestr("A.csv", content)
        archive.writestr("B.csv", content)
    (tmp_path / "A.csv.gz").write_bytes(gzip.compress(content))
    (tmp_path / "A.csv.bz2").write_bytes(bz2.compress(content))
    with pyarrow.CompressedOutputStream(str(tmp_path / "A.csv.zst"), "zstd") as stream:
        stream.write(content)
    feather.write_feather(DAILY, tmp_path / "A.feather")
    DAILY.to_parquet(tmp_path / "A.parquet")
    stamps = DAILY["Date"].astype("int64") // 10**6
    table = [
        [int(t), *map(float, row)]
        for t, row in zip(stamps, DAILY[[*PRICES, "Volume"]].to_numpy(), strict=True)
    ]
    (tmp_path / "A.json").write_text(json.dumps(table))
    (tmp_path / "B.json").write_text(
        json.dumps(DAILY.assign(Date=DAILY["Date"].astype(str)).to_dict("records"))
    )
    names = ["A.zip", "A.csv.gz", "A.csv.bz2", "A.csv.zst", "A.feather", "A.parquet", "A.json", "B.json"]
    for name in names:
        bars = load_bars(tmp_path / name)
        same(bars, DAILY)
        assert bars.symbol == name[0]
    with pytest.raises(BarsError, match=r"holds 2 price files \(A.csv, B.csv\); unpack it"):
        load_bars(tmp_path / "TWO.zip")
    (tmp_path / "sheet.xlsx").write_bytes(b"PK")
    (tmp_path / "settings.json").write_text("{}")
    kinds = {path.name: type(one).__name__ for path, one in check_files(tmp_path)}
    assert kinds == {**dict.fromkeys(names, "Bars"), "TWO.zip": "BarsError", "sheet.xlsx": "BarsError"}
    assert find_bars_file("A", tmp_path).name == "A.parquet"


# ---- yfinance


@pytest.mark.parametrize("order", [("Price", "Ticker"), ("Ticker", "Price")])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("form", ["index", "reset", "reset and index"])
def test_yfinance_frames_and_their_files(tmp_path, order, named, form):
    data = download(order=order)
    if not named:
        data.columns.names = [None, None]
    data = data if form == "index" else data.reset_index()
    data.to_csv(tmp_path / "MSFT.csv", index=form != "reset")
    for source in (data, tmp_path / "MSFT.csv"):
        bars = load_bars(source)
        same(bars, DAILY)
        assert bars.symbol == "MSFT"
        assert not {"null_rows", "header_repeated"} & {note.code for note in bars.notes}


@pytest.mark.parametrize("order", [("Price", "Ticker"), ("Ticker", "Price")])
def test_one_of_several_tickers_is_read_by_its_name(tmp_path, order):
    data = download(("MSFT", "AAPL"), order)
    data.to_csv(tmp_path / "BOTH.csv")
    for source in (data, tmp_path / "BOTH.csv"):
        same(load_bars(source, "MSFT"), DAILY)
        assert load_bars(source, "AAPL").open[0] == 2 * DAILY["Open"].iloc[0]
        with pytest.raises(BarsError, match=r"holds 2 symbols \(MSFT, AAPL\)"):
            load_bars(source)


@pytest.mark.parametrize("column", ["Name", "ts_code", "code", "Stock", "Ticker", "symbol", "anything"])
@pytest.mark.parametrize("shape", ["one after the other", "day by day"])
def test_a_long_file_of_several_symbols(tmp_path, column, shape):
    """Never spliced, with drop_bad neither."""
    data = pd.concat([DAILY.assign(**{column: "AAL"}), (DAILY[5:]).assign(**{column: "AAPL"})])
    data = data.sort_values("Date", kind="stable") if shape == "day by day" else data
    path = tmp_path / "all.csv"
    data.to_csv(path, index=False)
    for drop in (False, True):
        with pytest.raises(BarsError, match=r"holds 2 symbols \(AAL, AAPL\)"):
            load_bars(path, drop_bad=drop)
    for source in (path, data):
        same(load_bars(source, "AAPL"), DAILY[5:])
        with pytest.raises(BarsError, match=r"and AAPX is none of them; did you mean AAPL"):
            load_bars(source, "AAPX")
    if column != "anything":
        assert [bars.symbol for _, bars in check_files(path)] == ["AAL", "AAPL"]


# ---- what stands between and behind the rows


@pytest.mark.parametrize(
    "footer",
    [
        "60",
        "Downloaded from Barchart.com as of 03-11-2024 05:12am CDT",
        "\n# end, of, file\n",
        "Total rows: 60\n\n",
    ],
)
def test_a_line_behind_the_rows_is_left_out_and_said(tmp_path, footer):
    bars = read(tmp_path / "X.csv", CSV + footer)
    same(bars, DAILY)
    assert [note.code for note in bars.notes] == ["lines_after_rows"]


def test_a_last_row_that_was_cut_off_is_no_footer(tmp_path):
    with pytest.raises(BarsError, match="low is missing"):
        read(tmp_path / "X.csv", CSV + "2024-03-26,100.0,101.0")


def test_names_repeated_and_rows_repeated_and_rows_without_prices(tmp_path):
    lines = CSV.splitlines()
    empty = f"{DAILY['Date'].iloc[-1] + pd.Timedelta('1D'):%Y-%m-%d}"
    text = "\n".join([*lines[:31], lines[0], *lines[21:], f"{empty},null,null,null,null,null", ",,,,,"])
    bars = read(tmp_path / "X.csv", text)
    same(bars, DAILY)
    assert [note.code for note in bars.notes] == ["header_repeated", "null_rows", "equal_rows"]
    assert bars.dropped == 0


def test_names_of_columns_that_are_not_known_are_named_by_the_owner(tmp_path):
    text = CSV.replace("Open", "Ranskalainen").replace("Close", "Loppu").replace("Date", "Kun")
    with pytest.raises(BarsError, match=r"no column for time .*, open, close; it has: Kun, .*--columns"):
        read(tmp_path / "X.csv", text)
    same(read(tmp_path / "X.csv", text, columns="time=Kun,open=Ranskalainen,close=loppu"), DAILY)
    same(
        read(tmp_path / "X.csv", text, columns={"time": "Kun", "open": "Ranskalainen", "close": "Loppu"}),
        DAILY,
    )
    with pytest.raises(BarsError, match="no column 'nope' for open"):
        read(tmp_path / "X.csv", text, columns="open=nope")


def test_columns_swapped_by_the_owner_are_taken_at_their_word(tmp_path):
    swapped = CSV.replace("Open", "X").replace("Close", "Open").replace("X", "Close")
    same(read(tmp_path / "X.csv", swapped, columns="open=Close,close=Open"), DAILY)
