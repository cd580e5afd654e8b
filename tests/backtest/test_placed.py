"""Orders that rested out of sample: not those of simulations without an order, nor of a side that is held."""

import numpy as np
import pandas as pd
import pytest

import backtune as bt
from backtune.backtest.placed import idle_reasons, orders_placed
from backtune.bars import load_sample


def placed_in(result, strategy):
    bars = result.returns[result.returns["strategy"] == strategy]
    return bars, orders_placed(
        bars, result.inputs, result.chosen(strategy), result.trades_of(strategy), strategy
    )


@pytest.mark.slow
@pytest.mark.parametrize("exits", [("close", "take_profit"), ("hold",), ("close", "hold")])
def test_orders_are_counted_where_the_simulation_places_one_and_the_side_is_flat(exits):
    frame = load_sample("SP500").frame.iloc[-400:]
    result = bt.backtest_forecasts(
        "SP500",
        100,
        data=frame,
        window=60,
        horizon=2,
        exits=exits,
        strategies=["always_on"],
        model="range",
        fee=0.003,
    )
    bars, placed = placed_in(result, "always_on")
    chosen = result.chosen("always_on").set_index("simulation")
    ledger = result.trades_of("always_on")
    idle_bars = held_bars = 0
    for side in ("long", "short"):
        mine = ledger[ledger["side"] == side]
        expected = []
        for time, simulation in zip(bars["timestamp"], bars["simulation"], strict=True):
            idle = np.isnan(chosen.loc[simulation, "high_offset"])
            held = ((mine["entry"] < time) & (time <= mine["exit"])).any()
            idle_bars, held_bars = idle_bars + int(idle), held_bars + int(held)
            expected.append(not idle and not held)
        assert placed[side].tolist() == expected
        assert set(mine["entry"]) <= set(bars["timestamp"].to_numpy()[placed[side]])
    assert idle_bars > 0
    assert (held_bars > 0) == ("hold" in exits)


def test_a_strategy_that_never_traded_had_orders_only_where_its_simulations_placed_one():
    simulations = pd.DataFrame(
        {
            "simulation": [0, 1, 2], "strategy": "own", "selected": True,
            "high_offset": [0.1, np.nan, np.nan], "low_offset": [-0.1, np.nan, np.nan],
        }
    )  # fmt: skip
    times = np.arange("2020-01-01", "2020-01-07", dtype="datetime64[D]").astype("datetime64[ns]")
    returns = pd.DataFrame(
        {"strategy": "own", "simulation": [0, 0, 1, 1, 2, 2], "timestamp": times, "trades": 0}
    )
    sized = [0.0, 1.0, 1.0, 1.0, 1.0, 0.0]
    inputs = pd.DataFrame({"timestamp": times, "own:long": sized, "own:short": 0.0})
    assert idle_reasons(returns, inputs, simulations, True) == {
        "own": "it had an order in 1 bar, and none was filled"
    }
    inputs["own:long"] = [0.0, 0.0, 1.0, 1.0, 1.0, 0.0]  # where it has a side, none is placed
    assert "none was placed" in idle_reasons(returns, inputs, simulations, True)["own"]
    inputs["own:long"] = 0.0
    assert "neither long nor short" in idle_reasons(returns, inputs, simulations, True)["own"]
