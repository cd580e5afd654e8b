"""Performance figures against plain computations, and where they are undefined."""

from __future__ import annotations

import math
import statistics
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtune.metrics import Performance, performance, ratio, trade_figures
from backtune.metrics.performance import alpha_beta, drawdown, drawdowns


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
    month = 12 * n >= periods  # a shorter record has no figures a year
    root = math.sqrt(periods) if month else math.nan
    return {
        "total_return": equity - 1,
        "annual_return": equity ** (periods / n) - 1 if month else math.nan,
        "volatility": deviation * root,
        "sharpe": mean / deviation * root if deviation > 1e-12 else math.nan,
        "sortino": mean / downside * root if downside > 1e-12 else math.nan,
        "max_drawdown": worst,
    }


@given(
    returns=st.lists(st.floats(-0.2, 0.2).map(lambda r: round(r, 6)), min_size=2, max_size=60),
    periods=st.sampled_from([12, 252, 365]),
)
def test_figures(returns, periods):
    figures = performance(np.array(returns), periods)
    for name, expected in plain(returns, periods).items():
        if not expected > 1e12:
            assert getattr(figures, name) == pytest.approx(expected, rel=1e-6, abs=1e-9, nan_ok=True), name


def test_worked_by_hand():
    figures = performance(np.array([0.10, -0.50, 0.20]), 3.0)
    assert figures.total_return == pytest.approx(1.1 * 0.5 * 1.2 - 1)
    assert figures.annual_return == pytest.approx(1.1 * 0.5 * 1.2 - 1)  # three bars, three a year
    assert figures.max_drawdown == pytest.approx(-0.5)
    deviation = math.sqrt(((1 / 6) ** 2 + (13 / 30) ** 2 + (4 / 15) ** 2) / 2)  # around the mean, -1/15
    assert figures.volatility == pytest.approx(deviation * math.sqrt(3))
    assert figures.sharpe == pytest.approx(-1 / 15 / deviation * math.sqrt(3))
    assert figures.sortino == pytest.approx(-1 / 15 / math.sqrt(0.25 / 3) * math.sqrt(3))


def test_the_start_counts_as_a_peak():
    assert performance(np.array([-0.25, 0.1]), 252).max_drawdown == pytest.approx(-0.25)


@pytest.mark.parametrize("loss", [-1.0, -1.7])
def test_total_loss_ends_the_account(loss):
    figures = performance(np.array([0.1, loss, 5.0]), 252)
    assert (figures.total_return, figures.annual_return, figures.max_drawdown) == (-1.0, -1.0, -1.0)


def test_no_bars():
    figures = performance(np.empty(0), 252)
    assert (figures.total_return, figures.max_drawdown) == (0.0, 0.0)
    assert all(
        math.isnan(x) for x in (figures.annual_return, figures.volatility, figures.sharpe, figures.sortino)
    )


def test_one_bar():
    figures = performance(np.array([0.01]), 252)
    assert figures.total_return == pytest.approx(0.01)
    assert math.isnan(figures.volatility)
    assert math.isnan(figures.sharpe)
    assert figures.max_drawdown == 0.0


@pytest.mark.parametrize("value", [0.0, 0.001, 0.1])
def test_no_variance_has_no_sharpe(value):
    """Equal returns differ from their mean by rounding alone; that is no denominator."""
    figures = performance(np.full(7, value), 252)
    assert math.isnan(figures.sharpe)
    assert math.isnan(figures.sortino)


def test_ratio():
    assert ratio(1.0, 4.0) == 0.25
    for nothing in (0.0, 1e-17, math.nan, -0.0):
        assert math.isnan(ratio(1.0, nothing))


def test_a_lucky_bar_annualises_to_infinity_not_to_an_error():
    assert performance(np.array([1e30, 0.5]), 24).annual_return == math.inf


FIGURES = [field.name for field in fields(Performance)]
ANNUAL = ("annual_return", "volatility", "sharpe", "sortino", "calmar")


@pytest.mark.slow
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@given(
    returns=st.lists(st.floats(-1.5, 0.5), max_size=30),
    place=st.integers(0, 30),
    periods=st.sampled_from([12, 252]),
)
def test_a_return_that_is_no_number_leaves_no_figure(bad, returns, place, periods):
    """Not a total of NaN beside a loss of 100 % a year, whatever stands around it, a total loss included."""
    figures = performance(np.insert(np.array(returns, dtype=float), min(place, len(returns)), bad), periods)
    assert [name for name in FIGURES if not math.isnan(getattr(figures, name))] == []


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_trades_that_returned_no_number_have_no_figures(bad):
    value, ones = np.array([0.1, bad, 0.1]), np.ones(3)
    figures = trade_figures(value, np.ones(3, bool), ones, 0.001, 12)
    names = ("hit_rate", "profit_factor", "expectancy", "best_trade", "worst_trade")
    assert all(math.isnan(getattr(figures, name)) for name in names)


@pytest.mark.parametrize(("periods", "least"), [(252, 21), (365, 31), (52.18, 5), (7 * 252, 147)])
def test_figures_a_year_need_a_month(periods, least):
    """Four good days are not +580,000 % a year, nor three a Sharpe ratio of -24."""
    rng = np.random.default_rng(0)
    short, long = (performance(rng.normal(0.0, 0.02, n), periods) for n in (least - 1, least))
    assert [name for name in ANNUAL if not math.isnan(getattr(short, name))] == []
    assert [name for name in ANNUAL if math.isnan(getattr(long, name))] == []
    assert not math.isnan(short.total_return + short.max_drawdown)
    market = rng.normal(0.0, 0.02, least)
    alpha, beta = alpha_beta(market[1:] * 0.5, market[1:], periods)
    assert math.isnan(alpha)
    assert beta == pytest.approx(0.5)
    held = np.ones(least, bool)
    assert math.isnan(trade_figures(market[1:], held[1:], held[1:] * 1.0, 0.0, periods).turnover)
    assert trade_figures(market, held, held * 1.0, 0.0, periods).turnover == pytest.approx(periods)
    assert performance(np.array([0.01]), 12).annual_return == pytest.approx(1.01**12 - 1)  # a month is enough


def from_prices(prices):
    """Depth and length of each stretch below the high, from prices, by a plain loop."""
    high, depths, lengths = prices[0], [], []
    below = False
    for price in prices[1:]:
        high = max(high, price)
        if price < high:
            if not below:
                depths.append(0.0)
                lengths.append(0)
            depths[-1] = min(depths[-1], price / high - 1.0)
            lengths[-1] += 1
        below = price < high
    return depths, lengths


@given(
    steps=st.lists(st.integers(-3, 3), min_size=1, max_size=300),
    start=st.integers(400, 5000),
    tick=st.sampled_from([1.0, 0.25, 0.01, 1e-5]),
)
def test_drawdowns_are_those_of_the_prices(steps, start, tick):
    """Prices on a grid come back to exactly their old high, and returns compound to it but for rounding."""
    prices = tick * np.maximum(start + np.cumsum([0, *steps]), 100)
    depths, lengths = from_prices(prices.tolist())
    returns = prices[1:] / prices[:-1] - 1.0
    falls, figures = drawdowns(drawdown(returns)), performance(returns, 12)
    assert falls[0] == pytest.approx(depths, abs=1e-12)
    assert falls[1].tolist() == lengths
    assert figures.max_drawdown_bars == max(lengths, default=0)
    assert figures.max_drawdown == pytest.approx(min(depths, default=0.0), abs=1e-12)
    assert figures.average_drawdown == pytest.approx(np.mean(depths) if depths else 0.0, abs=1e-12)


def test_a_long_series_that_comes_back_to_its_high_each_second_bar_has_drawdowns_of_one_bar():
    returns = np.tile([-0.1, 1.0 / 0.9 - 1.0], 200_000)
    depths, lengths = drawdowns(drawdown(returns))
    assert len(depths) == 200_000
    assert set(lengths) == {1.0}


def test_a_fall_that_is_small_but_real_is_a_drawdown():
    returns = np.array([0.01, -1e-7, 0.0, 2e-7])
    assert drawdowns(drawdown(returns))[1].tolist() == [2.0]
