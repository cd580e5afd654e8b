"""Candles are the bars, levels are where orders rested, and trades are those of the ledger."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import backtune as bt
from backtune.bars import load_sample
from backtune.report.candles import BEFORE, candles_chart, recent_trades, trades_of
from backtune.report.data import column


def numbers(encoded):
    """As assets/data.js reads a column."""
    values = np.array([np.nan if step is None else step for step in encoded["$d"]], dtype=float)
    return np.where(np.isnan(values), np.nan, np.nancumsum(values) * encoded["$s"])


@pytest.fixture(scope="module", name="result")
def _result():
    """Thirty days, each tuned on eighty; long and short, leaving at the close or at the take-profit."""
    return bt.backtest_forecasts("SP500", 120, window=80, model="range")


@pytest.fixture(scope="module", name="chart")
def _chart(result):
    return candles_chart(result, "always_on")


def test_candles_are_the_bars_to_seven_digits(chart):
    bars = load_sample("SP500")
    shown = len(chart["x"])
    assert chart["traded"] == BEFORE
    for name in ("open", "high", "low", "close"):
        np.testing.assert_allclose(numbers(chart[name]), getattr(bars, name)[-shown:], rtol=1e-6)
    assert chart["x"].tolist() == bars.timestamps[-shown:].astype("datetime64[s]").tolist()


def test_an_entry_is_at_a_level_that_rested_or_at_a_better_open(result, chart):
    """By the fill rule itself: a limit inside the bar, or the open that was already beyond it."""
    ledger = result.ledger[result.ledger["strategy"] == "always_on"]
    opened = numbers(chart["open"])
    sides = {"long": (numbers(chart["lower"]), np.minimum), "short": (numbers(chart["upper"]), np.maximum)}
    assert set(ledger["side"]) == set(sides)
    for place, trade in zip(chart["fills"]["entry"], ledger.itertuples(), strict=True):
        level, better = sides[trade.side]
        assert trade.entry_price == pytest.approx(better(level[place], opened[place]), rel=1e-6)
        assert np.datetime64(chart["x"][place]) == np.datetime64(trade.entry)


def test_no_level_is_shown_where_no_order_rested(result, chart):
    lower, upper = numbers(chart["lower"]), numbers(chart["upper"])
    assert np.isnan(lower[: chart["traded"]]).all()
    chosen = result.chosen("always_on").sort_values("simulation")
    idle = chosen["high_offset"].isna().to_numpy()
    assert np.isnan(lower[chart["traded"] :])[idle].all()
    assert np.isnan(upper[chart["traded"] :])[idle].all()
    assert np.isfinite(lower[chart["traded"] :])[~idle].all()


@pytest.fixture(scope="module", name="held")
def _held():
    """Positions that stay open over several bars, with a stop."""
    return bt.backtest_forecasts(
        "SP500", 120, window=80, model="range", exits=["hold"], max_bars=8, stop=-0.03
    )


def test_no_entry_rests_while_its_side_is_held_and_take_profit_and_stop_do(held):
    """Each trade leaves at the level or the stop that is shown, or at an open beyond it."""
    chart, trades = candles_chart(held, "maxdiff"), held.trades_of("maxdiff")
    lower, upper, stop = (numbers(chart[name]) for name in ("lower", "upper", "stop"))
    opened, reasons = numbers(chart["open"]), set()
    ends = zip(chart["fills"]["entry"], chart["fills"]["exit"], strict=True)
    for trade, (entry, leave) in zip(trades.itertuples(), ends, strict=True):
        long, later = trade.side == "long", np.arange(entry + 1, leave + 1)
        own, profit = (lower, upper) if long else (upper, lower)
        other = held.trades_of("maxdiff").query("side != @trade.side")
        alone = not ((other["entry"] <= trade.exit) & (other["exit"] >= trade.entry)).any()
        sided = held.inputs[f"maxdiff:{'short' if long else 'long'}"].to_numpy()[-len(lower) :] > 0
        if alone:
            assert np.isnan(own[later][~sided[later]]).all()
            assert stop[later] == pytest.approx(stop[entry], rel=1e-6)
        better, worse = (max, min) if long else (min, max)
        if trade.reason == "take_profit":
            assert trade.exit_price == pytest.approx(better(profit[leave], opened[leave]), rel=1e-6)
        if trade.reason == "stop" and leave > entry and alone:
            assert trade.exit_price == pytest.approx(worse(stop[leave], opened[leave]), rel=1e-6)
        reasons.add(trade.reason)
    assert (trades["bars"] > 1).sum() > 10
    assert reasons >= {"take_profit", "stop"}


def test_trades_are_those_of_the_ledger(result):
    trades = trades_of(result, "always_on")
    ledger = result.ledger[result.ledger["strategy"] == "always_on"]
    np.testing.assert_allclose(numbers(trades["value"]), ledger["value"], atol=1e-8)
    np.testing.assert_allclose(numbers(trades["exit_price"]), ledger["exit_price"], rtol=1e-6)
    assert [trades["reasons"][code] for code in trades["reason"]] == [
        {"close": "close of the bar", "take_profit": "take-profit reached"}[word] for word in ledger["reason"]
    ]
    assert trades["short"].tolist() == [int(side == "short") for side in ledger["side"]]


def test_the_latest_trades_are_those_of_the_last_week(result):
    last = result.returns["timestamp"].max()
    recent = recent_trades(result, "always_on")
    ledger = result.ledger[result.ledger["strategy"] == "always_on"]
    expected = ledger[ledger["exit"] > last - pd.Timedelta(days=7)]
    assert len(recent) == len(expected) > 0
    assert [trade[2] for trade in recent] == sorted(expected["exit"], reverse=True)


def test_a_run_without_a_price_opens_at_a_hundred_and_says_so(result):
    facts = {name: value for name, value in result.facts.items() if name != "last_close"}
    origin = replace(result.origin)
    object.__setattr__(origin, "facts", facts)
    old = replace(result, origin=origin)
    chart = candles_chart(old, "always_on")
    bars = load_sample("SP500").close[-len(chart["x"]) :]
    shown = numbers(chart["close"])
    np.testing.assert_allclose(shown / shown[0], bars / bars[0], rtol=1e-5)


def test_a_run_without_a_list_of_trades_has_none(result):
    tables = {name: table for name, table in result.tables.items() if name != "ledger"}
    old = replace(result, tables=tables)
    assert trades_of(old, "always_on") == {}
    assert recent_trades(old, "always_on") == []
    assert candles_chart(old, "always_on")["fills"] == {"entry": [], "exit": []}


def test_prices_keep_a_tick_of_a_dear_asset():
    price = np.array([65432.1, 65432.2, 65431.9])
    np.testing.assert_allclose(numbers(column(price, 7)), price, atol=0.005)
