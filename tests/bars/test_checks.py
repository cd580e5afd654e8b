"""What a series as a whole looks like: rows that are bars, and still wrong."""

from __future__ import annotations

import pandas as pd
import pytest

import backtune as bt
from price_frames import frame, same_prices


@pytest.mark.parametrize("time", ["16:00:02", "09:31", "23:59:59"])
def test_yahoos_live_row_is_left_out_and_said(time):
    data = frame()
    row = data.iloc[[-1]].assign(Date=data["Date"].iloc[-1] + pd.Timedelta(f"{time}:00"[:8]))
    with pytest.warns(bt.DataWarning, match="the last day is there twice"):
        bars = bt.load_bars(pd.concat([data, row], ignore_index=True))
    same_prices(bars, data)
    assert bars.dropped == 0
    note = bars.notes[0]
    assert (note.code, note.row, note.date[:10]) == (
        "last_day_twice",
        41,
        f"{data['Date'].iloc[-1]:%Y-%m-%d}",
    )


def test_a_bar_of_the_next_day_and_bars_of_hours_are_no_live_row():
    data = frame()
    later = data.iloc[[-1]].assign(Date=data["Date"].iloc[-1] + pd.Timedelta("40h"))
    assert len(bt.load_bars(pd.concat([data, later]))) == 41
    assert len(bt.load_bars(frame(freq="h"))) == 40
