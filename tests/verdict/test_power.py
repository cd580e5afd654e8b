"""What so many bars can prove: the forecast of detection against the simulated rate, and its inverses."""

import math

import numpy as np
import pytest
from scipy import stats

from backtune.verdict.long_run import degrees, long_run_p
from backtune.verdict.luck import superiority
from backtune.verdict.overfitting import SharpeEstimate, probabilistic_sharpe
from backtune.verdict.power import bars_needed, detection, told_sharpe


def significant(columns, best, level):
    """Whether the rule's p-value of one strategy among some is small."""
    p = superiority(columns, draws=500).each[best]
    skilled = probabilistic_sharpe(SharpeEstimate.of(columns[:, best]))
    return max(p, long_run_p(columns[:, best]), 1.0 - skilled) <= level


@pytest.mark.slow
@pytest.mark.parametrize(("n", "sharpe"), [(70, 0.3), (250, 0.15)])
@pytest.mark.parametrize("strategies", [1, 2])
def test_the_forecast_of_detection_is_within_ten_points_of_the_simulated_rate(n, sharpe, strategies):
    rng = np.random.default_rng(6)
    edge = np.zeros(strategies)
    edge[0] = sharpe
    drawn = 0.01 * (rng.standard_normal((250, n, strategies)) + edge)
    rate = np.mean([significant(columns, 0, 0.05) for columns in drawn])
    assert detection(sharpe, n, strategies=strategies) == pytest.approx(rate, abs=0.1)


@pytest.mark.parametrize("n", [20, 70, 500])
def test_with_one_strategy_it_is_never_above_the_power_of_the_t_test_alone(n):
    freedom = degrees(n)
    for sharpe in (0.0, 0.05, 0.2, 0.4):
        alone = stats.nct.sf(stats.t.isf(0.05, freedom), freedom, sharpe * math.sqrt(n))
        assert alone - 0.1 < detection(sharpe, n) <= alone + 1e-3


def test_the_sharpe_ratio_that_is_told_is_the_one_detected_8_times_in_10():
    for n, strategies, symbols in ((70, 1, 1), (300, 2, 10)):
        told = told_sharpe(n, 252.0, strategies=strategies, symbols=symbols)
        a_bar = told / math.sqrt(252.0)
        assert detection(a_bar, n, strategies=strategies, symbols=symbols) == pytest.approx(0.8, abs=1e-6)
        needed = bars_needed(a_bar, strategies=strategies, symbols=symbols)
        assert abs(needed - n) <= 0.1 * n  # degrees of freedom are whole: their steps make it uneven


def test_more_bars_tell_more_and_more_symbols_less():
    told = [told_sharpe(n, 252.0) for n in (30, 70, 250, 1000, 5000)]
    assert told == sorted(told, reverse=True)
    among = [told_sharpe(70, 252.0, symbols=m) for m in (1, 4, 100, 10_000)]
    assert among == sorted(among)


def test_less_than_a_month_tells_none_and_no_edge_is_never_told():
    assert math.isnan(told_sharpe(20, 252.0))
    assert math.isnan(told_sharpe(0, 252.0))
    assert bars_needed(0.0) is None
    assert bars_needed(0.9, least=20) == 20
