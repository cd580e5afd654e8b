"""Exit hold in the backtest: carried on, beside exits of one bar, without look-ahead, and with no order."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import backtune as bt
from backtune.bars import load_sample
from backtune.cli import app
from price_frames import frame
from report_pages import bodies

HOLD = {"exits": ["close", "take_profit", "hold"], "window": 40, "model": "range"}
OFFSETS = ["high_offset", "low_offset"]
COUNTED = ["simulation", "strategy", "exit", "selected", *OFFSETS, "in_sample"]


def tail(n=140):
    bars = load_sample("NASDAQ")
    names = ("timestamps", "open", "high", "low", "close")
    return replace(bars, volume=None, **{name: getattr(bars, name)[-n:] for name in names})


# ---- a loop over bars by hand


class OpenQuestionError(Exception):
    """The bar does not tell what happened in it."""


def walk(result, strategy, short, max_bars, stop):
    """Return of each bar of one side, by hand, from prices, forecasts, sizes and the offsets in the tables.

    Prices of a short are turned upside down, so that either side buys below and sells above.
    """
    inputs, bars = result.inputs.set_index("timestamp"), result.bars
    rows = result.simulations[result.simulations["strategy"] == strategy].set_index(["simulation", "exit"])
    chosen = rows[rows["selected"]].reset_index("exit")["exit"]
    fee, horizon = result.settings.fee_of(bars.asset), result.settings.horizon
    first = len(bars) - len(chosen) * horizon
    sign, earned, held = (-1 if short else 1), np.zeros(len(bars) - first), None
    for t in range(first, len(bars)):
        row, before, number = inputs.loc[bars.timestamps[t]], bars.close[t - 1], (t - first) // horizon
        o, h, lo, c = (sign * p[t] for p in (bars.open, bars.high, bars.low, bars.close))
        h, lo = max(h, lo), min(h, lo)

        def levels(kind, number=number, row=row, before=before):
            x = rows.loc[(number, kind)]
            if np.isnan(x["high_offset"]):
                return -np.inf, np.inf
            up = before * (1 + min(max(row["high_forecast"] + x["high_offset"], 0), 10))
            down = before * (1 + min(max(row["low_forecast"] + x["low_offset"], -1), 0))
            return (-up, -down) if short else (down, up)

        kind, size = chosen.loc[number], row[f"{strategy}:{'short' if short else 'long'}"]
        entered = held is None and size > 0 and min(o, lo) < levels(kind)[0]
        if entered:
            down = levels(kind)[0]
            held = {
                "price": min(o, down),
                "in": t,
                "kind": kind,
                "size": size,
                "early": o < down,
                "worth": 0.0,
            }
            move = row["high_forecast"] - (stop or 0) if short else row["low_forecast"] + (stop or 0)
            floor = sign * before * (1 + (min(max(move, 0), 10) if short else min(max(move, -1), 0)))
            held["stop"] = floor if stop is not None and kind == "hold" else -np.inf
        if held is None:
            continue
        goal = levels(held["kind"])[1] if held["kind"] != "close" else np.inf
        out = None
        if held["early"] and (o <= held["stop"] or (not entered and o > goal)):
            out = o
        elif lo <= held["stop"]:
            out = min(held["stop"], held["price"]) if entered else held["stop"]
            if h > goal:
                raise OpenQuestionError
        elif h > goal:
            out = goal
            if not held["early"] and not c > goal:
                raise OpenQuestionError
        if out is None and (held["kind"] != "hold" or t - held["in"] + 1 == max_bars or t == len(bars) - 1):
            out = c
        ratio = (c if out is None else out) / held["price"]
        worth = sign * (ratio - 1) - fee - (0.0 if out is None else fee * ratio)
        earned[t - first] += held["size"] * (worth - held["worth"])
        held = None if out is not None else held | {"worth": worth, "early": True}
    return earned


@pytest.mark.slow
@pytest.mark.parametrize("stop", [None, -0.004])
@pytest.mark.parametrize("exits", [["hold"], ["take_profit", "hold"], ["close", "take_profit", "hold"]])
@pytest.mark.parametrize("horizon", [1, 4])
def test_the_account_is_that_of_a_loop_by_hand_where_no_bar_leaves_anything_open(exits, horizon, stop):
    compared = switched = 0
    for seed in range(5):
        max_bars = 3 + 2 * seed
        options = {**HOLD, "exits": exits, "horizon": horizon, "max_bars": max_bars, "stop": stop}
        result = bt.backtest_forecasts("X", 40 // horizon, data=frame(n=140, seed=seed), **options)
        for strategy in ("maxdiff", "always_on", "untuned"):
            try:
                value = sum(walk(result, strategy, short, max_bars, stop) for short in (False, True))
            except OpenQuestionError:
                continue
            mine = result.returns[result.returns["strategy"] == strategy]
            np.testing.assert_allclose(mine["value"], value, rtol=0, atol=1e-11)
            compared += 1
            trades = result.ledger.query("strategy == @strategy and bars > 1")
            chosen = result.simulations.query("strategy == @strategy and selected").set_index("simulation")
            bar = {stamp: place for place, stamp in enumerate(mine["timestamp"])}
            for entry, leave in zip(trades["entry"], trades["exit"], strict=True):
                kinds = chosen["exit"].loc[bar[entry] // horizon : bar[leave] // horizon]
                switched += len(set(kinds)) > 1
    assert compared >= 3
    assert switched > 0 or len(exits) == 1 or (horizon, stop) != (1, None)


# ---- what adds up


@pytest.mark.slow
@pytest.mark.parametrize("stop", [None, "tune", -0.02])
def test_bars_of_the_account_and_its_trades_are_the_same_sum(stop):
    result = bt.backtest_forecasts("X", 60, data=tail(160), stop=stop, **HOLD)
    for strategy, bars in result.returns.groupby("strategy"):
        trades = result.ledger[result.ledger["strategy"] == strategy]
        if strategy == "buy_hold":
            assert len(trades) == 0
            continue
        assert bars["value"].sum() == pytest.approx(trades["value"].sum(), abs=1e-10)
        assert bars["trades"].sum() == len(trades)
        assert bars["held"].sum() == trades["bars"].sum()
        fee = result.settings.fee_of("stock")
        ratio = trades["exit_price"] / trades["entry_price"]
        earned = np.where(
            trades["side"] == "long", ratio * (1 - fee) - (1 + fee), (1 - fee) - ratio * (1 + fee)
        )
        np.testing.assert_allclose(trades["value"], trades["size"] * earned, atol=1e-10)
        for _, side in trades.groupby("side"):
            assert (side["entry"].to_numpy()[1:] > side["exit"].to_numpy()[:-1]).all()
    assert (result.returns["causal"] == result.returns["value"]).all()
    assert result.summary.set_index("strategy")["exposure"].between(0, 1).all()


@pytest.mark.slow
def test_exits_of_one_bar_are_what_they_are_without_hold():
    """Adding hold changes neither what the others are tuned to nor what they earn alone."""
    without = bt.backtest_forecasts("X", 30, data=tail(), **HOLD | {"exits": ["close", "take_profit"]})
    beside = bt.backtest_forecasts("X", 30, data=tail(), **HOLD)
    left_out = ["optimizer_seconds", "selected"]
    for table in ("simulations", "configurations"):
        old = getattr(without, table).drop(columns=left_out, errors="ignore")
        new = getattr(beside, table).drop(columns=left_out, errors="ignore")
        new = new[new["exit"] != "hold"][old.columns].reset_index(drop=True)
        pd.testing.assert_frame_equal(new.astype(old.dtypes), old, check_exact=True)


def test_the_better_exit_in_sample_is_traded_and_the_first_on_a_tie():
    rows = bt.backtest_forecasts("X", 30, data=tail(), **HOLD).simulations
    best = rows.groupby(["strategy", "simulation"])["in_sample"].idxmax()  # the first of equals
    assert rows["selected"].to_numpy().nonzero()[0].tolist() == sorted(best)


# ---- no look-ahead


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(
    back=st.integers(1, 24), factor=st.floats(0.8, 1.3), horizon=st.sampled_from([1, 3]),
    stop=st.sampled_from([None, -0.02, "tune"]),
)  # fmt: skip
def test_nothing_tuned_before_a_bar_knows_it_and_no_trade_that_had_ended(back, factor, horizon, stop):
    bars = tail()
    t = len(bars) - back
    prices = np.array([bars.open, bars.high, bars.low, bars.close])
    prices[:, t] *= factor
    prices[1, t] *= 1.02
    other = replace(bars, **dict(zip(("open", "high", "low", "close"), prices, strict=True)))
    before, after = (
        bt.backtest_forecasts("X", 24 // horizon, data=b, horizon=horizon, stop=stop, **HOLD)
        for b in (bars, other)
    )
    for strategy in ("maxdiff", "always_on", "untuned"):
        tables = [r.simulations[r.simulations["strategy"] == strategy] for r in (before, after)]
        tuned = (tables[0]["start"] <= bars.timestamps[t]).to_numpy()
        columns = [*COUNTED, *(["stop_offset"] if stop == "tune" else [])]
        pd.testing.assert_frame_equal(tables[0].loc[tuned, columns], tables[1].loc[tuned, columns])
        # a floor over a stretch may settle an open question late; what no question was open in is settled
        accounts = [r.returns[r.returns["strategy"] == strategy] for r in (before, after)]
        asked = [part.loc[part["ambiguous"] > 0, "timestamp"] for part in accounts]
        until = min([bars.timestamps[t], *(stamp for part in asked for stamp in part)])
        pd.testing.assert_frame_equal(*(part[part["timestamp"] < until] for part in accounts))


# ---- no order at all


def falling(n=150):
    """A price that falls, and bounces after no order: no long of the box earns anything."""
    close = 100 * 0.99 ** np.arange(n)
    wave = 1 + 0.001 * np.sin(np.arange(n))
    data = {"Date": pd.date_range("2021-01-01", periods=n), "Open": close * 1.009 * wave, "Close": close}
    data["High"], data["Low"] = (
        np.maximum(data["Open"], close) * 1.0005,
        np.minimum(data["Open"], close) * 0.998,
    )
    return pd.DataFrame(data)


@pytest.mark.slow
@pytest.mark.parametrize("exits", ["hold", "close,hold"])
def test_where_no_order_is_best_none_is_placed_and_every_way_out_takes_it(exits, tmp_path):
    falling().to_csv(tmp_path / "DOWN.csv", index=False)
    words = [
        "run", "DOWN", "--data", str(tmp_path), "--simulations", "20", "--window", "50", "--asset", "crypto",
        "--exits", exits, "--model", "range", "--stop", "tune", "--max-bars", "4", "--output", str(tmp_path),
        "--bounds", "-0.002:0.002,0.004:0.006",
    ]  # fmt: skip
    done = CliRunner().invoke(app, [*words, "--run-folder", str(tmp_path / "run"), "--json"])
    assert done.exit_code == 0, done.output
    [row] = [r for r in json.loads(done.stdout)["symbols"]["DOWN"] if r["strategy"] == "always_on"]
    stored = bt.Run.open(tmp_path / "run").simulations.query("strategy == 'always_on' and exit == 'hold'")
    assert stored[[*OFFSETS, "stop_offset"]].isna().all(axis=None)
    assert (stored["in_sample"] == 0).all()
    assert (stored["trades"] == 0).all()
    assert (row["trades"], row["total_return"]) == (0, 0.0)
    assert "no order" in row["idle_reason"]
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert "none was placed" in bodies(page)
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0, shown.output
    assert "always_on" in shown.output


# ---- settings


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fills": "published"}, "fills is 'published', a rule of one bar"),
        ({"max_bars": 0}, "max_bars is 0"),
        ({"stop": "never"}, "stop is 'never'; give none, an offset such as -0.05, or tune"),
        ({"stop": float("nan")}, "stop is nan"),
        ({"bounds": ((-0.1, 0.1), (-0.1, 0.1), (-0.1, 0.0))}, "bounds name 3 parameters; expected 2"),
        ({"bounds": ((-0.1, 0.1), (-0.1, 0.1), (0.1, 0.0)), "stop": "tune"}, "bounds of stop_offset"),
        ({"optimizer": "gpu:exact"}, "'gpu:exact' takes EntryExitProblem, not HoldProblem"),
    ],
)
def test_bad_settings_are_one_line(options, message):
    with pytest.raises(bt.BacktuneError) as caught:
        bt.backtest_forecasts("SP500", 2, **HOLD | options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_third_pair_of_bounds_is_that_of_the_stop():
    options = {**HOLD, "stop": "tune", "bounds": ((-0.02, 0.02), (-0.01, 0.01), (-0.04, -0.01))}
    rows = bt.backtest_forecasts("SP500", 5, **options).simulations.query("exit == 'hold'")
    assert rows.query("strategy != 'untuned'")["stop_offset"].dropna().between(-0.04, -0.01).all()
    assert rows.query("strategy == 'untuned'")["stop_offset"].isna().all()  # a yardstick has no tuned stop
    assert bt.Settings(stop="tune").box[2] == (-0.10, 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["random", "scipy", "grid"])
def test_other_optimizers_tune_it_too(method):
    result = bt.backtest_forecasts("SP500", 2, optimizer=method, budget=40, stop="tune", **HOLD)
    exact = bt.backtest_forecasts("SP500", 2, stop="tune", **HOLD)
    assert (result.simulations["in_sample"] <= exact.simulations["in_sample"]).all()
