"""Frames of other libraries."""

from __future__ import annotations

import pyarrow
import pytest

import backtune as bt
from price_frames import frame, same_prices

pytestmark = pytest.mark.needs("polars")


@pytest.fixture
def polars():
    return pytest.importorskip("polars")


def test_a_polars_frame_and_an_arrow_table_are_taken(polars):
    data = frame()
    for source in (polars.from_pandas(data), pyarrow.Table.from_pandas(data)):
        same_prices(bt.load_bars(source, "ABC"), data)


def test_a_lazy_frame_is_to_be_collected(polars):
    with pytest.raises(bt.BarsError, match=r"polars LazyFrame; give its frame: lazy.collect\(\)"):
        bt.load_bars(polars.LazyFrame({"a": [1]}))


def test_a_backtest_takes_them_as_data(polars, tmp_path):
    data = bt.Universe(1, 300).load("SYN00001").frame.reset_index()
    frames = {"ABC": polars.from_pandas(data)}
    alone = bt.backtest_forecasts("ABC", 3, data=frames["ABC"])
    runs = bt.run_parallel_backtests(["ABC"], 3, 1, data=frames, output=tmp_path)
    assert runs.failed == {}
    assert runs["ABC"].summary.equals(alone.summary) or (
        runs["ABC"].summary["total_return"].tolist() == alone.summary["total_return"].tolist()
    )
