"""Performance figures against plain computations, and where they are undefined."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtune.metrics import performance, ratio


def plain(returns, periods):
    """The figures by loops over floats, from their textbook definitions."""
    equity, peak, worst = 1.0, 1.0, 0.0
    for r in returns:
        equity *= max(1 + r, 0.0)
        peak = max(peak, equity)
        worst = min(worst, equity / peak - 1)
    mean, n = math.fsum(returns) / len(returns), len(returns)
    deviation = statistics.stdev(returns) if n > 1 else math.nan
    downside = math.sqrt(math.fsum(min(r, 0.0) ** 2 for r in returns) / n)
    return {
        "total_return": equity - 1,
        "annual_return": equity ** (periods / n) - 1,
        "volatility": deviation * math.sqrt(periods),
        "sharpe": mean / deviation * math.sqrt(periods) if deviation > 1e-12 else math.nan,
        "sortino": mean / downside * math.sqrt(periods) if downside > 1e-12 else math.nan,
        "max_drawdown": worst,
    }


@given(
    returns=st.lists(st.floats(-0.2, 0.2).map(lambda r: round(r, 6)), min_size=2, max_size=60),
    periods=st.sampled_from([12, 252, 365]),
)
def test_figures(returns, periods):
    found = performance(np.array(returns), periods)
    for name, expected in plain(returns, periods).items():
        if not (math.isnan(expected) or expected > 1e12):
            assert getattr(found, name) == pytest.approx(expected, rel=1e-6, abs=1e-9), name


def test_worked_by_hand():
    found = performance(np.array([0.10, -0.50, 0.20]), 3.0)
    assert found.total_return == pytest.approx(1.1 * 0.5 * 1.2 - 1)
    assert found.annual_return == pytest.approx(1.1 * 0.5 * 1.2 - 1)  # three bars, three a year
    assert found.max_drawdown == pytest.approx(-0.5)
    deviation = math.sqrt(((1 / 6) ** 2 + (13 / 30) ** 2 + (4 / 15) ** 2) / 2)  # around the mean, -1/15
    assert found.volatility == pytest.approx(deviation * math.sqrt(3))
    assert found.sharpe == pytest.approx(-1 / 15 / deviation * math.sqrt(3))
    assert found.sortino == pytest.approx(-1 / 15 / math.sqrt(0.25 / 3) * math.sqrt(3))


def test_the_start_counts_as_a_peak():
    assert performance(np.array([-0.25, 0.1]), 252).max_drawdown == pytest.approx(-0.25)


@pytest.mark.parametrize("loss", [-1.0, -1.7])
def test_total_loss_ends_the_account(loss):
    found = performance(np.array([0.1, loss, 5.0]), 252)
    assert (found.total_return, found.annual_return, found.max_drawdown) == (-1.0, -1.0, -1.0)


def test_no_bars():
    found = performance(np.empty(0), 252)
    assert (found.total_return, found.max_drawdown) == (0.0, 0.0)
    assert all(math.isnan(x) for x in (found.annual_return, found.volatility, found.sharpe, found.sortino))


def test_one_bar():
    found = performance(np.array([0.01]), 252)
    assert found.total_return == pytest.approx(0.01)
    assert math.isnan(found.volatility)
    assert math.isnan(found.sharpe)
    assert found.max_drawdown == 0.0


@pytest.mark.parametrize("value", [0.0, 0.001, 0.1])
def test_no_variance_has_no_sharpe(value):
    """Equal returns differ from their mean by rounding alone; that is no denominator."""
    found = performance(np.full(7, value), 252)
    assert math.isnan(found.sharpe)
    assert math.isnan(found.sortino)


def test_ratio():
    assert ratio(1.0, 4.0) == 0.25
    for nothing in (0.0, 1e-17, math.nan, -0.0):
        assert math.isnan(ratio(1.0, nothing))


def test_a_lucky_bar_annualises_to_infinity_not_to_an_error():
    assert performance(np.array([1e6, 0.5]), 525_600).annual_return == math.inf
