"""Frames of other libraries."""

from __future__ import annotations

import pandas as pd
import pyarrow
import pytest

import backtune as bt
from price_frames import frame, same_prices


@pytest.fixture
def polars():
    return pytest.importorskip("polars")


@pytest.mark.needs("polars")
def test_a_polars_frame_and_an_arrow_table_are_taken(polars):
    data = frame()
    for source in (polars.from_pandas(data), pyarrow.Table.from_pandas(data)):
        same_prices(bt.load_bars(source, "ABC"), data)


@pytest.mark.needs("polars")
def test_a_lazy_frame_is_to_be_collected(polars):
    with pytest.raises(bt.BarsError, match=r"polars LazyFrame; give its frame: lazy.collect\(\)"):
        bt.load_bars(polars.LazyFrame({"a": [1]}))


@pytest.mark.needs("polars")
def test_a_backtest_takes_them_as_data(polars, tmp_path):
    data = bt.Universe(1, 300).load("SYN00001").frame.reset_index()
    frames = {"ABC": polars.from_pandas(data)}
    alone = bt.backtest_forecasts("ABC", 3, data=frames["ABC"])
    runs = bt.run_parallel_backtests(["ABC"], 3, 1, data=frames, output=tmp_path)
    assert runs.failed == {}
    assert runs["ABC"].summary.equals(alone.summary) or (
        runs["ABC"].summary["total_return"].tolist() == alone.summary["total_return"].tolist()
    )


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("names", [[None, None], [None, "date"], ["symbol", None]])
def test_levels_of_an_index_without_names_are_told_by_what_they_hold(swapped, names):
    one = frame().set_index("Date")
    both = pd.concat({"AAA": one, "BBB": one * 2}).rename_axis(names)
    both = both.swaplevel() if swapped else both
    same_prices(bt.load_bars(both, "AAA"), one.reset_index())
    same_prices(bt.load_bars(both, "BBB"), (one * 2).reset_index())
    with pytest.raises(bt.BarsError, match=r"holds 2 symbols \(AAA, BBB\)"):
        bt.load_bars(both)


def test_a_level_of_symbols_beside_a_column_of_them_changes_nothing():
    one = frame().set_index("Date")
    both = pd.concat({"x": one.assign(symbol="AAA"), "y": (one * 2).assign(symbol="BBB")})
    same_prices(bt.load_bars(both, "BBB"), (one * 2).reset_index())


class DataFrame:
    """Somebody's frame, which is none of pandas."""

    def compute(self):
        """Make a frame of pandas."""


def test_a_frame_of_another_library_is_called_by_it_and_by_what_makes_one_of_pandas():
    with pytest.raises(
        bt.SettingError, match=rf"of type {__name__.partition('.')[0]} DataFrame; .* its compute\(\) makes"
    ):
        bt.load_bars(DataFrame(), "AAA")
    with pytest.raises(bt.SettingError, match="of type pandas Series; give the path"):
        bt.load_bars(frame()["Close"], "AAA")
    with pytest.raises(bt.SettingError, match="of type int; give the path"):
        bt.load_bars(5, "AAA")


def test_units_over_the_columns_are_no_symbols():
    data = frame().set_index("Date")
    units = ["shares" if name == "Volume" else "USD" for name in data]
    same_prices(bt.load_bars(data.set_axis([data.columns, units], axis=1), "AAA"), data.reset_index())
