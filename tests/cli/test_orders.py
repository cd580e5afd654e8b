"""backtune orders and backtune forecasts on a terminal, for machines, and what they exit with."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import backtune as bt
from backtune.bars import load_sample
from backtune.cli import app

ASKED = ["orders", "SP500", "NASDAQ", "--end", "2018-12-31", "--simulations", "10", "--window", "60"]
FEW = ["--symbols", "SP500", "--simulations", "5", "--window", "40"]
CHECK = ["forecasts", "check", "range", "--rotations", "20", *FEW]


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.slow
def test_what_speaks_against_the_orders_comes_before_them():
    done = run(*ASKED)
    assert done.exit_code == 0
    head, table = done.stdout.split("take profit", 1)
    assert "SP500: " in head
    assert "nothing speaks for an order" in head
    assert table.count("always_on") == 4


@pytest.mark.slow
def test_json_and_csv_hold_the_same_orders():
    plain = json.loads(run(*ASKED, "--json", "--capital", "1000").stdout)
    table = pd.read_csv(io.StringIO(run(*ASKED, "--csv", "--capital", "1000").stdout))
    assert [row["limit"] for row in plain["orders"]] == pytest.approx(table["limit"].tolist(), rel=1e-15)
    assert set(plain["without_edge"]) <= {"SP500", "NASDAQ"}
    assert table["quantity"].notna().all()


def test_stale_bars_of_all_symbols_exit_with_2_and_of_some_with_1():
    assert run("orders", "SP500").exit_code == 2
    some = run(*ASKED[:3], "NOWHERE", *ASKED[3:])
    assert some.exit_code == 1
    assert "NOWHERE: refused:" in some.stdout


@pytest.mark.slow
def test_forecasts_are_checked_in_error_and_in_money():
    done = run(*CHECK)
    assert done.exit_code == 0
    assert "coverage 80" in done.stdout
    assert "SP500: the forecast at wrong times earned as much in" in done.stdout
    (plain,) = json.loads(run(*CHECK, "--json").stdout)["symbols"]
    assert [test["part"] for test in plain["rotations"]] == ["all", "direction"]
    assert plain["rotations"][0]["rotations"] == 20


def test_without_symbols_those_of_the_folder_are_checked(tmp_path):
    load_sample("SP500").frame.tail(150).to_csv(tmp_path / "ABC.csv")
    asked = ["forecasts", "compare", "naive", "fhs", "--data", str(tmp_path), *FEW[2:]]
    assert {row["symbol"] for row in json.loads(run(*asked, "--json").stdout)["models"]} == {"ABC"}


@pytest.fixture
def forecasts_file(tmp_path):
    """Forecasts by two models of the sample's last bars as prices, and of the bar behind them."""
    bars = load_sample("SP500")
    parts = []
    for model in ("naive", "fhs"):
        forecast, last = bt.forecast(bars, model), slice(-400, None)
        before = np.r_[np.nan, bars.close[:-1]]
        part = pd.DataFrame({"time": bars.timestamps[last], "model": f"my_{model}"})
        for side in ("high", "low"):
            part[side] = (before * (1.0 + getattr(forecast, side)))[last]
        behind = {"time": np.datetime64("2019-01-02"), "model": f"my_{model}"}
        behind |= {"high": 1.01 * bars.close[-1], "low": 0.985 * bars.close[-1]}
        parts += [part, pd.DataFrame([behind])]
    path = tmp_path / "mine.csv"
    pd.concat(parts).to_csv(path, index=False)
    return path


@pytest.mark.slow
def test_every_model_of_a_file_is_checked_as_the_forecaster_that_made_it(forecasts_file):
    options = [*FEW, "--rotations", "19", "--json"]
    plain = json.loads(run("forecasts", "check", str(forecasts_file), *options).stdout)
    assert [each["model"] for each in plain["symbols"]] == ["my_naive", "my_fhs"]
    own = json.loads(run("forecasts", "check", "naive", *options).stdout)["symbols"][0]
    mine = plain["symbols"][0]
    assert mine["bp"]["my_naive"] == pytest.approx(own["bp"]["naive"], abs=1e-6)
    assert not any(note["warns"] for note in mine["notes"])


def test_models_of_a_file_are_compared_with_others(forecasts_file):
    plain = json.loads(
        run("forecasts", "compare", f"{forecasts_file}#my_fhs", "naive", *FEW, "--json").stdout
    )
    assert [(pair["first"], pair["second"]) for pair in plain["pairs"]] == [("my_fhs", "naive")]
    assert plain["pairs"][0]["error"] == "my_fhs is better than naive"


def test_forecasts_that_know_their_bars_are_told_before_any_figure(tmp_path):
    bars = load_sample("SP500")
    pd.DataFrame({"time": bars.timestamps, "high": bars.high, "low": bars.low}).to_csv(
        tmp_path / "leak.csv", index=False
    )
    done = run("forecasts", "check", str(tmp_path / "leak.csv"), *FEW, "--rotations", "0")
    assert done.exit_code == 0, done.output
    lines = [line for line in done.stdout.splitlines() if line.startswith("SP500: ")]
    assert "LEAK" in lines[0]


def test_orders_are_made_of_a_file_s_row_of_the_next_bar(forecasts_file):
    asked = ["orders", "SP500", "--end", "2018-12-31", "--simulations", "5", "--window", "60", "--json"]
    plain = json.loads(run(*asked, "--forecasts", f"{forecasts_file}#my_fhs").stdout)
    assert {row["time"] for row in plain["orders"]} == {"2019-01-02"}
    close = plain["orders"][0]["last_close"]
    assert plain["orders"][0]["high_forecast"] == pytest.approx(1.01 * close)
    assert plain["orders"][0]["low_forecast"] == pytest.approx(0.985 * close)


def test_forecasts_without_a_row_of_the_next_bar_are_stale(forecasts_file):
    table = pd.read_csv(forecasts_file)
    table[table["time"] != "2019-01-02"].to_csv(forecasts_file, index=False)
    asked = ["orders", "SP500", "--end", "2018-12-31", "--simulations", "5", "--window", "60"]
    done = run(*asked, "--forecasts", f"{forecasts_file}#my_fhs")
    assert done.exit_code == 2
    assert "orders on old forecasts are refused" in done.stdout


@pytest.mark.slow
def test_forecasters_are_compared_pair_by_pair():
    asked = ["forecasts", "compare", "naive", "fhs", *FEW]
    done = run(*asked)
    assert done.exit_code == 0
    assert "error: fhs is better than naive" in done.stdout
    (pair,) = json.loads(run(*asked, "--json").stdout)["pairs"]
    assert (pair["first"], pair["second"]) == ("naive", "fhs")
