"""Files and names that mean harm: one line each, at once, and whatever is beside them is read as ever."""

from __future__ import annotations

import gzip
import os

import numpy as np
import pandas as pd
import pyarrow
import pytest
from pyarrow import parquet

import backtune as bt
from backtune.bars import containers, folder_name, load_sample
from price_frames import frame


def one_line(action):
    with pytest.raises((bt.BarsError, bt.SettingError)) as raised:
        action()
    assert "\n" not in str(raised.value)
    assert "Error" not in str(raised.value)
    return str(raised.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
@pytest.mark.parametrize("kind", ["fifo", "/dev/zero", "/dev/urandom"])
def test_what_never_ends_is_no_price_file(tmp_path, kind):
    path = tmp_path / "AAA.csv"
    if kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(kind)
    assert "no such file" in one_line(lambda: bt.load_bars(path))
    assert "no price file for AAA" in one_line(lambda: bt.backtest_forecasts("AAA", 1, data=tmp_path))
    frame(n=120).to_csv(tmp_path / "BBB.csv", index=False)
    assert len(bt.load_bars(tmp_path / "BBB.csv")) == 120


@pytest.mark.slow
def test_a_small_file_of_endless_rows_is_refused_before_it_is_unpacked(tmp_path):
    rows = 1_000_000
    table = pyarrow.table({name: np.ones(rows) for name in ("time", "open", "high", "low", "close")})
    path = tmp_path / "BOMB.parquet"
    with parquet.ParquetWriter(path, table.schema, compression="zstd") as writer:
        for _ in range(60):
            writer.write_table(table)
    assert path.stat().st_size < 5_000_000
    assert "60,000,000 rows of 5 columns" in one_line(lambda: bt.load_bars(path))


def test_text_beyond_the_limit_is_refused_and_never_cut(tmp_path, monkeypatch):
    """Cut, it would be read as a shorter series."""
    text = frame(n=400).to_csv(index=False).encode()
    (tmp_path / "A.csv.gz").write_bytes(gzip.compress(text))
    (tmp_path / "B.csv").write_bytes(text)
    monkeypatch.setattr(containers, "_MOST", len(text))
    assert len(bt.load_bars(tmp_path / "A.csv.gz")) == len(bt.load_bars(tmp_path / "B.csv")) == 400
    monkeypatch.setattr(containers, "_MOST", len(text) - 1)
    for name in ("A.csv.gz", "B.csv"):
        (tmp_path / name).touch()
        assert "larger than" in one_line(lambda name=name: bt.load_bars(tmp_path / name))


@pytest.mark.parametrize("kind", [list, lambda value: {"price": value}])
def test_nested_columns_are_no_prices(tmp_path, kind):
    rows = frame(n=60).to_dict("list")
    nested = kind is list
    rows["Close"] = [[value] if nested else kind(value) for value in rows["Close"]]
    parquet.write_table(pyarrow.table(rows), tmp_path / "A.parquet")
    assert "not a number" in one_line(lambda: bt.load_bars(tmp_path / "A.parquet"))


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_ten_thousand_columns_more_change_nothing(tmp_path, suffix):
    plain = frame(n=60)
    more = pd.DataFrame(np.ones((60, 10_000)), columns=[f"feature {i}" for i in range(10_000)])
    wide = pd.concat([plain, more], axis=1)
    path = tmp_path / f"A.{suffix}"
    wide.to_csv(path, index=False) if suffix == "csv" else wide.to_parquet(path)
    assert np.array_equal(bt.load_bars(path).close, bt.load_bars(plain).close)


@pytest.mark.parametrize(
    "name", ["NUL\0", "A\nB", "../A", "A\\..\\B", "", " ", ".", "A\u202eB", "A" * 300, "🚀"]
)
def test_names_that_no_file_can_have_are_refused(tmp_path, name):
    one_line(lambda: bt.backtest_forecasts(name, 1, data=tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["مؤشر", "日経225", "CON", "BTC/USDT:USDT", "a b", "%41", "é"])
def test_names_of_any_script_keep_their_results(tmp_path, name):
    bars = load_sample("SP500")
    rows = {part: getattr(bars, part)[-200:] for part in ("open", "high", "low", "close")}
    table = pd.DataFrame({"time": bars.timestamps[-200:], **rows})
    table.to_csv(tmp_path / f"{folder_name(name)}.csv", index=False)
    runs = bt.run_parallel_backtests([name], 2, 1, window=40, data=tmp_path, run_folder=tmp_path / "run")
    assert not runs.failed
    stored = bt.Run.open(tmp_path / "run")
    assert list(stored) == [name]
    assert stored[name].summary.equals(runs[name].summary)
