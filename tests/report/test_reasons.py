"""What the result is made of: by why trades were left, long and short apart, beside the asset."""

from __future__ import annotations

import re

import pandas as pd
import pytest

import backtune as bt
from report_pages import bodies


@pytest.mark.slow
def test_the_table_is_of_the_ledger_in_memory_and_from_disk_alike(tmp_path):
    settings = bt.Settings(
        num_simulations=30, window=60, exits=["close", "take_profit", "hold"], stop=-0.02, model="range"
    )
    runs = bt.run_backtests(["SP500"], settings, output=tmp_path)
    result = bt.backtest_forecasts("SP500", settings=settings)
    stored = bt.Run.open(runs.folder)["SP500"].reasons
    pd.testing.assert_frame_equal(stored, result.reasons)
    stored = stored.to_dict("records")
    assert result.reasons["value"].sum() == pytest.approx(result.ledger["value"].sum())
    assert result.reasons["trades"].sum() == len(result.ledger)
    for row in stored:
        same = result.ledger[
            (result.ledger[["strategy", "side", "reason"]] == [*row.values()][:3]).all(axis=1)
        ]
        assert row["trades"] == len(same)
        assert row["value"] == pytest.approx(same["value"].sum())
        assert row["hit_rate"] == pytest.approx((same["value"] > 0).mean())
    assert len({row["reason"] for row in stored}) > 2
    page = bodies(bt.report(runs.folder).html)
    [section] = re.findall(r"What the result is made of</h3>(.*?)</section>", page)
    judged = next(iter(bt.report(runs.folder).judged[0].symbols.values())).evidence.strategy
    count = int((result.ledger["strategy"] == judged).sum())
    alls = [int(n) for n in re.findall(r"<b>all</b></td><td>([\d,]+)</td>", section)]
    assert sum(alls) == count
    assert "the asset, held" in section


@pytest.mark.slow
def test_where_nothing_was_traded_there_is_no_such_table_and_the_ledger_is_stored_empty(tmp_path):
    settings = bt.Settings(
        num_simulations=4, window=40, asset="crypto", model="range", strategies=["toy_strategy:NEVER"]
    )
    runs = bt.run_backtests(["SP500"], settings, output=tmp_path)
    mine = runs["SP500"].ledger.query("strategy == 'never'")
    assert len(mine) == 0
    assert "What the result is made of" not in bodies(bt.report(runs.folder).html)
