"""Costs of a backtest: from files and objects, in tables, identity and page; one fee is as before."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import backtune as bt
from backtune.cli import app
from backtune.store.key import result_identity, run_identity
from price_frames import frame
from report_pages import bodies

SMALL = {"num_simulations": 12, "window": 40, "model": "range"}
COSTS = bt.Costs(maker=0.0002, taker=0.0005, half_spread=0.0001, borrow=0.0001, fill_through=0.0001)
CSV = "symbol, maker, taker, half_spread, borrow, fill_through\nABC, 2, 5, 1, 1, 1\n*, 10, 10, , ,\n"
TOML = "[ABC]\nmaker = 2\ntaker = 5\nhalf_spread = 1\nborrow = 1\nfill_through = 1\n"


@pytest.mark.parametrize(("name", "text"), [("costs.csv", CSV), ("costs.toml", TOML)])
def test_a_file_is_in_basis_points_a_row_a_symbol(name, text, tmp_path):
    path = tmp_path / name
    path.write_text(text)
    settings = bt.Settings(costs=path)
    assert settings.costs["ABC"] == COSTS
    assert bt.Settings(**json.loads(json.dumps(settings.as_dict()))).costs == settings.costs
    abc = bt.load_bars(frame(), symbol="ABC")
    assert settings.costs_of(abc) == COSTS


def test_a_row_of_others_is_for_those_without_one(tmp_path):
    (tmp_path / "c.csv").write_text(CSV)
    bars = bt.load_bars(frame(), symbol="XYZ")
    assert bt.Settings(costs=tmp_path / "c.csv").costs_of(bars) == bt.Costs(maker=0.001, taker=0.001)
    with pytest.raises(bt.SettingError, match="costs have no row of XYZ, only of ABC"):
        bt.Settings(costs={"ABC": COSTS}).costs_of(bars)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("maker,taker\n1,2\n", "has no column symbol"),
        ("symbol,maker,taker,leverage\nABC,1,2,3\n", "leverage, which would need liquidation"),
        ("symbol,maker,takers\nABC,1,2\n", "'takers', which is no cost; known: maker, taker"),
        ("symbol,maker,taker\nABC,0.0002,0.0005\n", "the file is in basis points: 2 for a fraction"),
        ("symbol,maker,taker\nABC,5,2\n", "must not cost less than a limit fill"),
        ("symbol,maker,taker\nABC,5,six\n", "taker 'six'; give a number"),
        ("symbol,maker,taker\nABC,1,5\nABC,1,5\n", "row 'ABC' is there twice"),
        ("symbol,maker,taker\n", "holds no row"),
        ("symbol,maker\nABC,1,5\n", "more values than the header names"),
    ],
)
def test_a_bad_file_is_one_line(text, words, tmp_path):
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(bt.SettingError) as caught:
        bt.Settings(costs=str(tmp_path / "c.csv"))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"costs": "/nowhere.csv"}, "cannot be read"),
        ({"costs": 5}, "costs are 5; give a file"),
        ({"costs": COSTS, "fee": 0.001}, "fee was given with costs"),
        ({"costs": COSTS, "fills": "published"}, "whose rule has one fee"),
        ({"costs": {"X": 3}}, "costs of X is 3"),
    ],
)
def test_bad_settings_are_one_line(options, words):
    with pytest.raises(bt.BacktuneError) as caught:
        bt.backtest_forecasts("SP500", **SMALL, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_costs_of_one_fee_are_that_fee_to_the_bit():
    exits = ["close", "take_profit", "hold"]
    fee = bt.backtest_forecasts("SP500", fee=0.001, exits=exits, **SMALL)
    same = bt.backtest_forecasts("SP500", costs=bt.Costs(maker=0.001, taker=0.001), exits=exits, **SMALL)
    for table in ("summary", "returns", "configurations", "ledger"):
        pd.testing.assert_frame_equal(getattr(fee, table), getattr(same, table), check_exact=True)


@pytest.mark.parametrize("exits", [["close", "take_profit"], ["close", "take_profit", "hold"]])
def test_what_is_paid_is_what_returns_lack(exits):
    options = {**SMALL, "exits": exits, "costs": COSTS, "num_simulations": 40}
    result = bt.backtest_forecasts("NASDAQ", **options)
    summary = result.summary.set_index("strategy")
    for strategy, bars in result.returns.groupby("strategy"):
        assert summary.loc[strategy, "costs"] == pytest.approx(bars["costs"].sum())
        trades = result.ledger[result.ledger["strategy"] == strategy]
        if len(trades):
            sign = np.where(trades["side"] == "long", 1.0, -1.0)
            gross = trades["size"] * sign * (trades["exit_price"] / trades["entry_price"] - 1.0)
            assert gross.sum() - bars["costs"].sum() == pytest.approx(bars["value"].sum(), abs=1e-10)
            assert bars["value"].sum() == pytest.approx(trades["value"].sum(), abs=1e-10)
    bars = result.bars
    held = result.returns[result.returns["strategy"] == "buy_hold"]["value"].to_numpy()
    assert held[0] == pytest.approx(bars.close[-40] / bars.close[-41] - 1 - COSTS.market)
    assert held[-1] == pytest.approx(bars.close[-1] / bars.close[-2] * (1 - COSTS.market) - 1)


def test_costs_are_part_of_what_decides_a_result_and_only_of_their_symbols():
    bars = bt.load_bars(frame(n=120), symbol="ABC")

    def identity(costs):
        settings = bt.Settings(costs=costs, **SMALL)
        return result_identity(run_identity(settings), bars, settings)

    other = bt.Costs(maker=0.0002, taker=0.0006)
    assert identity({"ABC": COSTS}) != identity({"ABC": other})
    assert identity({"ABC": COSTS, "X": other}) == identity({"ABC": COSTS})


def test_the_command_line_runs_with_a_file_and_run_json_and_page_say_what_was_paid(tmp_path):
    frame(n=140).to_csv(tmp_path / "ABC.csv", index=False)
    (tmp_path / "costs.csv").write_text(CSV)
    words = [
        "run", "ABC", "--data", str(tmp_path), "--simulations", "12", "--window", "40", "--model", "range",
        "--costs", str(tmp_path / "costs.csv"), "--exits", "close,take_profit,hold", "--stop", "-0.05",
        "--max-bars", "5", "--run-folder", str(tmp_path / "run"),
    ]  # fmt: skip
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["settings"]["costs"]["ABC"] == COSTS.as_dict()
    assert record["settings"]["stop"] == -0.05
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert "half spread 1.0 bp" in bodies(page)
    again = CliRunner().invoke(app, ["report", str(tmp_path / "run")])
    assert again.exit_code == 0, again.output


def test_an_exit_of_ones_own_pays_them_too():
    own = {**SMALL, "strategies": ["maxdiff"], "costs": COSTS}
    half = bt.backtest_forecasts("SP500", exits=["toy_strategy:half_way"], **own)
    whole = bt.backtest_forecasts("SP500", exits=["close"], **own)
    mine, other = (r.returns[r.returns["strategy"] == "maxdiff"]["value"] for r in (half, whole))
    np.testing.assert_allclose(mine, other / 2, atol=1e-12)
