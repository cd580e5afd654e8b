"""A Strategy class of backtesting.py walks forward, and gives what the engine gives by itself."""

import warnings

import numpy as np
import pandas as pd
import pytest

import backtune as bt

pytest.importorskip("backtesting")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the engine's own import
    from backtesting import Backtest, Strategy
    from backtesting.lib import crossover
    from backtesting.test import GOOG, SMA

FEW = {"num_simulations": 3, "window": 80, "horizon": 20, "history": 60}
SPACE = bt.Space(fast=(3, 5), slow=bt.Int(10, 20, step=10))


class SmaCross(Strategy):
    """The engine's own example."""

    fast = 10
    slow = 20

    def init(self):
        self.quick = self.I(SMA, self.data.Close, self.fast)
        self.late = self.I(SMA, self.data.Close, self.slow)

    def next(self):
        if crossover(self.quick, self.late):
            self.position.close()
            self.buy()
        elif crossover(self.late, self.quick):
            self.position.close()
            self.sell()


@pytest.fixture(scope="module")
def frame():
    return GOOG.iloc[:300].rename(columns=str.lower)


def engine(frame, point, cash=1e6, commission=0.002):
    """Returns of the engine's account, as anyone would work them out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = Backtest(frame.rename(columns=str.capitalize), SmaCross, cash=cash, commission=commission)
        equity = run.run(**point)["_equity_curve"]["Equity"].to_numpy()
    return np.diff(np.concatenate([[cash], equity])) / np.concatenate([[cash], equity[:-1]])


@pytest.mark.slow
def test_it_equals_a_loop_of_the_engine_itself(frame):
    run = bt.walk_forward(bt.from_backtesting(SmaCross, commission=0.002), SPACE, frame, **FEW)
    result = run["bars"]
    grid = [{"fast": fast, "slow": slow} for fast in (3, 4, 5) for slow in (10, 20)]
    for row in result.simulations.itertuples():
        start = len(frame) - 60 + 20 * row.simulation
        totals = [engine(frame.iloc[start - 140 : start], point)[-80:].sum() for point in grid]
        best = grid[int(np.argmax(totals))]
        assert (row.fast, row.slow) == (best["fast"], best["slow"])
        assert row.in_sample == pytest.approx(max(totals), abs=1e-13)
        earned = engine(frame.iloc[start - 60 : start + 20], best)[-20:].sum()
        assert row.out_of_sample == pytest.approx(earned, abs=1e-13)
    assert result.summary["turnover"].iloc[0] > 0.0
    assert bt.report(run).judged[0].symbols["bars"].verdict


def test_trades_and_turnover_are_the_engines_own(frame):
    point = {"fast": 3, "slow": 10}
    outcome = bt.from_backtesting(SmaCross, commission=0.002)(frame, point)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = Backtest(frame.rename(columns=str.capitalize), SmaCross, cash=1e6, commission=0.002)
        stats = run.run(**point)
    open_now, closed = stats["_strategy"].trades, stats["_trades"]
    assert outcome.trades.sum() == stats["# Trades"] + len(open_now)
    bars_open = sum(len(frame) - max(one.entry_bar, closed["ExitBar"].max() + 1) for one in open_now)
    exposure = stats["Exposure Time [%]"] / 100 * len(frame) + bars_open
    assert (outcome.held > 0).sum() == pytest.approx(exposure, abs=1e-9)
    equity = pd.Series(stats["_equity_curve"]["Equity"].to_numpy()).shift(1, fill_value=1e6)
    bought = closed["Size"].abs() * closed["EntryPrice"] / equity[closed["EntryBar"]].to_numpy()
    sold = closed["Size"].abs() * closed["ExitPrice"] / equity[closed["ExitBar"]].to_numpy()
    still = sum(abs(one.size) * one.entry_price / equity[one.entry_bar] for one in open_now)
    assert outcome.turnover.sum() == pytest.approx(bought.sum() + sold.sum() + still)
    assert np.prod(1.0 + outcome.value) == pytest.approx(stats["Equity Final [$]"] / 1e6, rel=1e-9)


def test_it_draws_no_progress_and_warns_of_nothing(frame, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bt.from_backtesting(SmaCross)(frame, {"fast": 3, "slow": 10})
    assert capfd.readouterr() == ("", "")


def test_its_faults_are_one_line(frame):
    with pytest.raises(bt.StrategyError, match="strategy is 3; give a subclass"):
        bt.from_backtesting(3)
    space = bt.Space(quick=(3, 5))
    with pytest.raises(bt.StrategyError, match=r"'SmaCross' failed at \{'quick': 4\}: AttributeError"):
        bt.walk_forward(bt.from_backtesting(SmaCross), space, frame, **FEW)


@pytest.mark.slow
def test_the_engines_daily_sample_is_read_as_it_is():
    run = bt.walk_forward(bt.from_backtesting(SmaCross), SPACE, GOOG.iloc[:300], **FEW)
    assert isinstance(run["bars"].simulations, pd.DataFrame)
