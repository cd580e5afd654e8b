"""Simulations tuned apart, in any stretches, are those tuned in one go, to the bit."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import backtune as bt
from backtune.backtest import run_backtest
from backtune.backtest.apart import look_over, tune_apart
from backtune.backtest.settings import Settings
from backtune.backtest.tuning import Gathered
from backtune.bars import load_sample
from backtune.runner.own import own_settings
from backtune.strategies.own import FunctionStrategy
from own_strategies import SPACE, crossing

FEW = {"num_simulations": 7, "window": 60, "horizon": 5, "gap": 2}
SPANS = bt.Space(fast=(2, 12), slow=bt.Float(10.0, 40.0))


def smooth(frame, p):
    return crossing(frame, {"fast": p["fast"], "slow": round(p["slow"]), "kind": "sma"})


@pytest.fixture(scope="module")
def bars():
    return load_sample("SP500").head(400)


def settings_of(function, space, **changes):
    return own_settings(FunctionStrategy(function, space, history=40), Settings(**FEW, **changes))


CASES = {
    "enumerated": (crossing, SPACE, {}),
    "Sharpe ratio": (crossing, SPACE, {"objective": "sharpe", "optimizer": "scipy"}),
    "scipy": (smooth, SPANS, {"optimizer": "scipy", "budget": 20, "seed": 4}),
    "averaged": (smooth, SPANS, {"optimizer": "random", "budget": 8, "tuning": "windows"}),
    "anchored": (smooth, SPANS, {"optimizer": "sobol", "budget": 8, "anchored": True}),
}


@pytest.mark.slow
@pytest.mark.parametrize("edges", [(0, 7), (0, 1, 4, 7), tuple(range(8))], ids=str)
@pytest.mark.parametrize("case", CASES)
def test_stretches_gathered_are_the_whole(bars, case, edges):
    function, space, changes = CASES[case]
    settings = settings_of(function, space, **changes)
    whole = run_backtest(bars, settings, checked=True)
    simulations, checks = look_over(bars, settings)
    assert (simulations, checks) == (7, tuple(whole.facts["checks"]))
    pairs = list(pairwise(edges))
    stretches = {pair: tune_apart(bars, settings, *pair) for pair in reversed(pairs)}
    gathered = Gathered(checks, tuple(stretches[pair] for pair in pairs))
    result = run_backtest(bars, settings, checked=True, gathered=gathered)
    for name, table in whole.tables.items():
        one, other = (
            each.drop(columns="optimizer_seconds", errors="ignore") for each in (table, result.tables[name])
        )
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert result.facts["checks"] == whole.facts["checks"]
    took = result.facts["seconds"]
    assert took["optimize"] == pytest.approx(sum(each.seconds for each in stretches.values()), abs=1e-5)
    assert took["total"] > took["optimize"] > 0.0


def test_a_stretch_holds_no_object_of_the_space(bars):
    """A choice may be large, and its copy in another process is not the choice."""
    stretch = tune_apart(bars, settings_of(crossing, SPACE), 2, 4)
    optima = [one.optimum for one in stretch.tuned["own"]]
    assert [(optimum.point, len(optimum.trace), optimum.exact) for optimum in optima] == [(None, 0, True)] * 2


def test_a_function_is_asked_for_the_bars_ahead_alone_once_its_simulations_are_gathered(bars):
    asked = []

    def counted(frame, p):
        asked.append(len(frame))
        return crossing(frame, p)

    settings = settings_of(counted, SPACE)
    stretch = tune_apart(bars, settings, 0, 7)
    asked.clear()
    run_backtest(bars, settings, checked=True, gathered=Gathered(("seen",), (stretch,)))
    assert asked == [45] * 7  # 40 bars before each stretch of 5


def test_progress_is_told_after_each_simulation_of_a_function(bars):
    shares = []
    run_backtest(bars, settings_of(crossing, SPACE), part=shares.append)
    assert shares == pytest.approx(np.arange(1, 8) / 7)


def test_what_cannot_be_tuned_is_said_of_a_part_as_of_the_whole(bars):
    settings = replace(settings_of(smooth, SPANS), tuning="bagged")
    said = []
    for do in (lambda: run_backtest(bars, settings), lambda: tune_apart(bars, settings, 3, 5)):
        with pytest.raises(bt.BacktuneError) as caught:
            do()
        said.append(str(caught.value))
    assert said[0] == said[1]
