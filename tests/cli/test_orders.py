"""backtune orders and backtune forecasts on a terminal, for machines, and what they exit with."""

import io
import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from backtune.cli import app

ASKED = ["orders", "SP500", "NASDAQ", "--end", "2018-12-31", "--simulations", "10", "--window", "60"]
FEW = ["--symbols", "SP500", "--simulations", "5", "--window", "40"]
CHECK = ["forecasts", "check", "range", "--rotations", "20", *FEW]


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_what_speaks_against_the_orders_comes_before_them():
    done = run(*ASKED)
    assert done.exit_code == 0
    head, table = done.stdout.split("take profit", 1)
    assert "SP500: " in head
    assert "nothing speaks for an order" in head
    assert table.count("always_on") == 4


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


def test_forecasts_are_checked_in_error_and_in_money():
    done = run(*CHECK)
    assert done.exit_code == 0
    assert "coverage 80" in done.stdout
    assert "SP500: the forecast at wrong times earned as much in" in done.stdout
    (plain,) = json.loads(run(*CHECK, "--json").stdout)["symbols"]
    assert [test["part"] for test in plain["rotations"]] == ["all", "direction"]
    assert plain["rotations"][0]["rotations"] == 20


def test_without_symbols_those_of_the_folder_are_checked(tmp_path):
    from backtune.bars import load_sample

    load_sample("SP500").frame.tail(150).to_csv(tmp_path / "ABC.csv")
    asked = ["forecasts", "compare", "naive", "fhs", "--data", str(tmp_path), *FEW[2:]]
    assert {row["symbol"] for row in json.loads(run(*asked, "--json").stdout)["models"]} == {"ABC"}


def test_forecasters_are_compared_pair_by_pair():
    asked = ["forecasts", "compare", "naive", "fhs", *FEW]
    done = run(*asked)
    assert done.exit_code == 0
    assert "error: fhs is better than naive" in done.stdout
    (pair,) = json.loads(run(*asked, "--json").stdout)["pairs"]
    assert (pair["first"], pair["second"]) == ("naive", "fhs")
