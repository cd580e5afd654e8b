"""A strategy with three parameters, an exit and an objective of somebody else's go all the way."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import backtune as bt
from toy_strategy import Trend, TrendProblem, calm

SMALL = {"num_simulations": 4, "window": 60, "budget": 15, "optimizer": "random", "model": "naive"}
OWN = {"strategies": ["toy_strategy:Trend", "maxdiff"], "exits": ["close", "toy_strategy:half_way"]}


@pytest.fixture(scope="module")
def result():
    return bt.backtest_forecasts("SP500", **SMALL, **OWN, objective="sharpe")


def test_its_parameters_and_exit_are_in_the_tables(result):
    rows = result.simulations[result.simulations["strategy"] == "trend"]
    assert rows[["fast", "slow", "threshold"]].notna().all(axis=None)
    assert rows[["high_offset", "low_offset"]].isna().all(axis=None)
    assert set(rows["exit"]) == {"next_close"}
    assert set(result.simulations.loc[result.simulations["strategy"] == "maxdiff", "exit"]) == {
        "close", "toy_strategy:half_way",
    }  # fmt: skip


def test_in_sample_and_out_of_sample_are_what_its_own_problem_says(result):
    bars = result.bars
    for row in result.simulations[result.simulations["strategy"] == "trend"].itertuples():
        start = len(bars) - 4 + row.simulation
        x = (row.fast, row.slow, row.threshold)
        window = TrendProblem(bars.moves[3], start - 60, 60).outcome(x).value
        assert row.in_sample == window.sum()
        assert row.objective == pytest.approx(window.mean() / window.std(ddof=1) if window.any() else 0.0)
        assert row.out_of_sample == TrendProblem(bars.moves[3], start, 1).outcome(x).value.sum()


def test_an_exit_of_ones_own_at_half_the_size_earns_half():
    both = bt.backtest_forecasts("SP500", **{**SMALL, "optimizer": "grid"}, exits=OWN["exits"])
    of_exit = dict(list(both.configurations.groupby("exit", sort=False)))
    close, half = of_exit["close"], of_exit["toy_strategy:half_way"]
    mine = close["strategy"].isin(["untuned"]).to_numpy()
    np.testing.assert_allclose(half["value"].to_numpy()[mine], 0.5 * close["value"].to_numpy()[mine])


def test_an_objective_of_ones_own_is_maximised():
    rows = bt.backtest_forecasts("SP500", **SMALL, objective=calm, strategies=[Trend()]).simulations
    row = rows[rows["strategy"] == "trend"].iloc[0]
    assert row.objective < 0.0 or row.in_sample > 0.0
    assert row.stopped == "budget"
    assert not row.exact


def backtune(*words):
    """Run the command line in a process that finds the toys."""
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1] / "support"), *sys.path]),
    }
    command = [sys.executable, "-m", "backtune", *words]
    return subprocess.run(command, capture_output=True, text=True, env=env)


@pytest.mark.needs("distributed", "duckdb")
def test_workers_resume_report_and_sql_take_it(tmp_path):
    settings = {**SMALL, "objective": "sharpe"} | {name: ",".join(value) for name, value in OWN.items()}
    options = [
        word for name, value in settings.items() for word in (f"--{name.replace('_', '-')}", str(value))
    ]
    folder = tmp_path / "run"
    done = backtune(
        "run", "SP500", "NASDAQ", "--workers", "2", "--run-folder", str(folder), "--json", *options
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert {row["strategy"] for row in answer["symbols"]["SP500"]} >= {"trend", "maxdiff"}
    assert "trend" in (folder / "report.html").read_text("utf-8")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}
    again = backtune("run", "--resume", str(folder))
    assert again.returncode == 0, again.stderr
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")} == before
    rows = bt.Run.open(folder).sql("select fast, exit from simulations where strategy = 'trend'")
    assert len(rows) == 8
    assert rows["fast"].between(1, 5).all()


@pytest.mark.needs("distributed")
def test_it_is_the_same_in_a_worker_as_in_this_process(result, tmp_path):
    runs = bt.run_parallel_backtests(
        ["SP500", "NASDAQ"], max_workers=2, **{**SMALL, **OWN}, objective="sharpe"
    )
    left_out = ["optimizer_seconds", "close_at_eod"]  # a time; and what is missing of other exits
    pd.testing.assert_frame_equal(
        runs["SP500"].simulations.drop(columns=left_out), result.simulations.drop(columns=left_out)
    )


class Clash:
    """A strategy whose parameter is called as a column is."""

    name = "clash"

    def problems(self, bars, forecast, settings):
        names = ("fast", "selected", "threshold")
        return {"next_close": TrendProblem(bars.moves[3], 30, len(bars) - 30, parameters=names)}


class Nothing:
    """A strategy that gives no problems."""

    name = "nothing"

    def problems(self, bars, forecast, settings):
        return None


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        (Clash(), "has a parameter 'selected', which is a column"),
        (Nothing(), "strategy 'nothing' gave None; expected a problem for each exit"),
        (3, "strategy 3 is a int"),
        ("toy_strategy:nobody", "strategy 'toy_strategy:nobody': toy_strategy has no nobody"),
        ("toy_strategy", "unknown strategy 'toy_strategy'"),
    ],
)
def test_what_is_no_strategy_is_one_line(strategy, said):
    with pytest.raises(bt.BacktuneError) as caught:
        bt.backtest_forecasts("SP500", **SMALL, strategies=[strategy])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_exact_refuses_another_objective_before_anything_is_computed():
    with pytest.raises(bt.SettingError, match="objective is sharpe, and optimizer exact proves profit alone"):
        bt.backtest_forecasts("SP500", 2, objective="sharpe")


@pytest.mark.slow
def test_forecaster_and_optimizer_of_ones_own_are_named_alike():
    result = bt.backtest_forecasts(
        "SP500", 3, window=40, model="toy_strategy:Still", optimizer="toy_strategy:Middle"
    )
    offsets = result.simulations.loc[result.simulations["strategy"] == "maxdiff", "high_offset"]
    assert set(offsets.dropna()) <= {0.0}  # and no order where the middle of the box loses
    assert result.settings.as_dict()["model"] == "toy_strategy:Still"
    again = bt.Settings(**result.settings.as_dict())
    assert again.as_dict() == result.settings.as_dict()
