"""Positions that exit hold has open: what stands in the sheet is what the simulation does in the next bar."""

from dataclasses import replace

import numpy as np
import pytest

import backtune as bt
from backtune.backtest import Settings, run_backtest
from backtune.orders.levels import next_orders, tune_next
from backtune.orders.next_bar import forecast_next, with_next_bar
from backtune.strategies import strategies
from synthetic import make_bars

BARS = make_bars(300, 7)
START = 240  # first bar out of sample
HOLD = Settings(window=50, exits=["hold"], max_bars=4, stop=-0.02, strategies=["always_on"])


def sheet_at(t, settings):
    """Orders and positions before bar t of an account that began at START."""
    part = BARS.head(t)
    day = str(BARS.timestamps[t])[:10]
    return bt.orders("SYN", data=part, settings=replace(settings, num_simulations=t - START), now=day)


@pytest.mark.parametrize("stop", [-0.02, "tune"])
def test_stops_are_those_of_the_simulation_of_the_bar(stop):
    settings = replace(HOLD, stop=stop)
    result = run_backtest(BARS, replace(settings, num_simulations=12))
    rows = result.simulations[result.simulations["strategy"] == "always_on"].set_index("simulation")
    inputs = result.inputs.set_index("timestamp")
    strategy = strategies(settings.strategies)[0]
    for simulation, t in enumerate(range(288, 300)):
        part, row = BARS.head(t), rows.loc[simulation]
        tuning = tune_next(with_next_bar(part), forecast_next(part, settings), settings, strategy)
        orders = {order.side: order for order in next_orders(tuning, "always_on")}
        if np.isnan(row["high_offset"]):
            assert not orders
            continue
        inside = inputs.loc[row["start"]]
        offset = row["stop_offset"] if stop == "tune" else stop
        assert orders["long"].stop == min(max(inside["low_forecast"] + offset, -1.0), 0.0)
        assert orders["long"].entry == min(max(inside["low_forecast"] + row["low_offset"], -1.0), 0.0)
        assert orders["short"].stop == min(max(inside["high_forecast"] - offset, 0.0), 10.0)


@pytest.mark.slow
def test_an_open_position_is_listed_with_its_levels_and_its_side_has_no_new_order():
    """Of each trade that spans a bar's close: entry, size, and the price at which it left in the next bar."""
    result = run_backtest(BARS, replace(HOLD, num_simulations=300 - START))
    trades = result.ledger[result.ledger["strategy"] == "always_on"]
    seen = dict.fromkeys(("stop", "take_profit", "time"), 0)
    for t in range(START + 5, 300, 2):
        sheet = sheet_at(t, HOLD)
        last = BARS.timestamps[t - 1]
        spans = trades[(trades["entry"] <= last) & (trades["exit"] > last)]
        if set(spans["side"]) != set(sheet.positions["side"]):
            # what came first inside a bar is judged by what follows it
            assert result.returns["ambiguous"].sum() > 0
            continue
        assert not set(sheet.table["side"]) & set(spans["side"])
        for trade in spans.to_dict("records"):
            row = sheet.positions.set_index("side").loc[trade["side"]]
            assert (row["since"], row["size"]) == (trade["entry"], trade["size"])
            assert row["entry_price"] == pytest.approx(trade["entry_price"], rel=1e-12)
            if trade["exit"] != BARS.timestamps[t]:
                continue
            if trade["reason"] in ("stop", "take_profit"):
                level = row[trade["reason"]]
                worse = min if (trade["side"] == "long") == (trade["reason"] == "stop") else max
                assert trade["exit_price"] == pytest.approx(worse(level, BARS.open[t]), rel=1e-12)
            else:
                assert row["leaves_at_close"]
            seen[trade["reason"]] = seen.get(trade["reason"], 0) + 1
    assert sum(seen.values()) >= 5


def test_without_exit_hold_nothing_is_open():
    sheet = bt.orders("SYN", data=BARS, window=50, num_simulations=10, now="2020-11-01")
    assert sheet.positions.empty
    assert sheet.table["stop"].isna().all()
