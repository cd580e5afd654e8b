"""Names of symbols: what is usable, and what it is called on disk."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtune import BarsError, SettingError, Settings, backtest_forecasts, load_bars, run_parallel_backtests
from backtune.backtest import symbol_bars
from backtune.bars import find_bars_file, load_sample
from backtune.bars.names import check_symbol, folder_name, near, symbol_of
from backtune.store import Run
from price_frames import frame

UNSAFE = ["../x", "a/../b", "/etc/passwd", "a//b", "C:\\x", "", ".", "..", "a\nb", "a\n", "x" * 300, "-",
          "a\x00", " a", "a ", "\u202ea", None, 5]  # fmt: skip
USABLE = ["BRK.B", "ETH-USD", "^GSPC", "ES=F", "7203.T", "a_1", "BTC/USDT", "BTC/USDT:USDT", "BRK/B",
          "M&M.NS", "ES1!", "X:BTCUSD", "EURUSD#", "BTCUSDT+", "@ES", "#ES", "$SPX", "SAP@DE",
          "BINANCE_BTCUSDT, 60", "AAPL (1)", "Gold Historical Data", "NQ 03-24", "삼성전자", "é", "CON",
          "PRN", "con", "nul.txt", "COM1", "a..b"]  # fmt: skip
FORBIDDEN = set('<>:"/\\|?*~') | {chr(code) for code in range(32)}
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


@pytest.mark.parametrize("name", UNSAFE)
def test_what_is_no_name_or_reads_as_a_path_is_refused(tmp_path, name):
    calls = [lambda: check_symbol(name), lambda: find_bars_file(name, tmp_path)]
    if name is not None:
        calls.append(lambda: load_bars(frame(), name))
    for call in calls:
        with pytest.raises(SettingError, match="is not usable") as caught:
            call()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", USABLE)
def test_names_that_are_traded_under_are_usable(tmp_path, name):
    data = frame()
    assert load_bars(data, name).symbol == name
    data.to_csv(tmp_path / f"{folder_name(name)}.csv", index=False)
    path = find_bars_file(name, tmp_path)
    assert load_bars(path).symbol == name


@pytest.mark.slow
@given(st.text(min_size=1, max_size=40))
def test_a_folder_name_is_safe_everywhere_and_names_one_symbol(text):
    name = unicodedata.normalize("NFC", text)
    folder = folder_name(name)
    assert symbol_of(folder) == name or any(0xD800 <= ord(mark) <= 0xDFFF for mark in name)
    assert not FORBIDDEN & set(folder)
    assert folder.partition(".")[0].lower().rstrip() not in RESERVED
    assert folder[0] not in ". -"
    assert folder[-1] not in ". "


@pytest.mark.needs("duckdb")
@pytest.mark.parametrize("name", ["BTC/USDT", "CON", "M&M.NS", "a ~b"])
def test_a_run_keeps_such_a_symbol_under_its_folder_name_and_knows_it_again(tmp_path, name):
    data = {name: load_sample("SP500")}
    runs = run_parallel_backtests([name], 2, 1, data=data, output=tmp_path)
    assert runs.failed == {}
    run = Run.open(runs.folder)
    assert run.record["symbols"] == [name]
    assert run.sql("select distinct symbol from summary")["symbol"].tolist() == [name]
    for folder, ending in (("results", "parquet"), ("receipts", "json")):
        assert [path.name for path in (runs.folder / folder).iterdir()] == [f"{folder_name(name)}.{ending}"]


def test_a_pair_finds_its_file_however_the_slash_was_written(tmp_path):
    for mark in ("-", "_", ""):
        path = tmp_path / f"BTC{mark}USDT.csv"
        frame(freq="D").to_csv(path, index=False)
        assert find_bars_file("BTC/USDT", tmp_path) == path
        path.unlink()


@pytest.mark.parametrize(
    ("wanted", "file"),
    [
        ("BTCUSDT", "BTCUSDT-1h-2024.csv"),
        ("brk-b", "BRK.B.csv"),
        ("BTCUSDT", "BINANCE_BTCUSDT, 60.csv"),
        ("AAPL", "AAPL (1).csv"),
        ("Gold", "Gold Historical Data.csv"),
        ("TLSA", "TSLA.csv"),
    ],
)
def test_a_symbol_that_is_missing_names_the_files_that_may_be_meant(tmp_path, wanted, file):
    for number in range(12):
        (tmp_path / f"A{number}.csv").touch()
    (tmp_path / file).touch()
    with pytest.raises(BarsError, match="did you mean") as caught:
        find_bars_file(wanted, tmp_path)
    assert file in str(caught.value)


def test_names_unlike_all_others_list_what_is_there(tmp_path):
    (tmp_path / "TSLA.csv").touch()
    with pytest.raises(BarsError, match=r"it holds TSLA\.csv"):
        find_bars_file("ZZZZ", tmp_path)
    assert near("ZZZZ", ["TSLA"]) == []


def test_a_symbol_in_memory_needs_no_file():
    assert backtest_forecasts("BTC/USDT", 2, data=load_sample("SP500")).symbol == "BTC/USDT"


def test_a_price_file_in_place_of_a_symbol_is_told_how_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acme.csv").write_text(frame().to_csv())
    for call in (
        lambda: symbol_bars("acme.csv", None, Settings()),
        lambda: symbol_bars("./acme.csv", None, Settings()),
        lambda: symbol_bars("acme.csv", str(tmp_path), Settings()),
    ):
        with pytest.raises((BarsError, SettingError), match=r"file.*backtune run acme --data") as caught:
            call()
        assert "did you mean" not in str(caught.value)
    assert symbol_bars("acme", "acme.csv", Settings()).symbol == "acme"
