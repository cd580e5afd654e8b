"""Performance figures against quantstats where definitions agree, and by hand where they do not."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest

from backtune.metrics.performance import alpha_beta, drawdown, drawdowns, performance
from backtune.metrics.trades import trade_figures

SERIES = {
    "plain": np.random.default_rng(0).normal(0.001, 0.02, 300),
    "fat": 0.01 * np.random.default_rng(1).standard_t(3, 70),
    "falls first": np.tile([-0.1, 0.05, 0.02, -0.03, 0.2, -0.01], 6),
    "mostly flat": np.where(
        np.random.default_rng(2).random(200) < 0.8, 0.0, np.random.default_rng(3).normal(0, 0.02, 200)
    ),
}


@pytest.fixture(params=SERIES, name="returns")
def _returns(request):
    return pd.Series(
        SERIES[request.param], index=pd.date_range("2020-01-01", periods=len(SERIES[request.param]))
    )


@pytest.fixture(scope="module", name="quantstats")
def _quantstats():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import quantstats.stats as stats
    return stats


@pytest.mark.needs("quantstats")
@pytest.mark.parametrize("periods", [252, 365])
def test_equal_to_quantstats_where_definitions_agree(returns, quantstats, periods):
    ours = performance(returns.to_numpy(), periods)
    theirs = {
        "total_return": quantstats.comp(returns),
        "annual_return": quantstats.cagr(returns, periods=periods),
        "volatility": quantstats.volatility(returns, periods=periods),
        "sharpe": quantstats.sharpe(returns, periods=periods),
        "sortino": quantstats.sortino(returns, periods=periods),
        "max_drawdown": quantstats.max_drawdown(returns),
        "calmar": quantstats.calmar(returns, periods=periods),
        "omega": quantstats.omega(returns, periods=periods),
    }
    for name, value in theirs.items():
        assert getattr(ours, name) == pytest.approx(value, rel=1e-10, abs=1e-12), name


@pytest.mark.needs("quantstats")
def test_drawdown_episodes_are_those_of_quantstats_counted_in_bars(returns, quantstats):
    ours = performance(returns.to_numpy(), 252)
    details = quantstats.drawdown_details(quantstats.to_drawdown_series(returns))
    depth, length = details["max drawdown"] / 100.0, details["days"]  # daily dates: days are bars
    assert ours.average_drawdown == pytest.approx(depth.mean(), abs=1e-10)
    assert ours.max_drawdown_bars == length.max()
    assert ours.average_drawdown_bars == pytest.approx(length.mean(), abs=1e-10)


@pytest.mark.needs("quantstats")
def test_trades_are_those_of_quantstats_on_bars_that_moved(quantstats):
    value = SERIES["mostly flat"]
    series = pd.Series(value, index=pd.date_range("2020-01-01", periods=len(value)))
    ours = trade_figures(value, value != 0.0, 2.0 * (value != 0.0), 0.001, 252)
    assert ours.hit_rate == pytest.approx(quantstats.win_rate(series), abs=1e-12)
    assert ours.profit_factor == pytest.approx(quantstats.profit_factor(series), abs=1e-10)
    assert ours.best_trade == quantstats.best(series)
    assert ours.worst_trade == quantstats.worst(series)
    assert ours.expectancy == pytest.approx(quantstats.avg_return(series), abs=1e-12)
    assert ours.exposure == pytest.approx(np.mean(value != 0))
    assert ours.costs == pytest.approx(0.002 * np.sum(value != 0))
    assert ours.turnover == pytest.approx(2.0 * np.mean(value != 0) * 252)


def test_a_trade_that_returned_nothing_is_no_win():
    value = np.array([0.01, 0.0, -0.01, 0.02])
    assert trade_figures(value, np.ones(4, bool), np.ones(4), 0.0, 252).hit_rate == 0.5


def test_all_wins_have_no_loss_to_divide_by():
    value = np.array([0.01, 0.02, 0.03])
    figures, trades = performance(value, 12), trade_figures(value, np.ones(3, bool), np.ones(3), 0.0, 12)
    assert (trades.hit_rate, trades.worst_trade, figures.max_drawdown) == (1.0, 0.01, 0.0)
    assert all(map(math.isnan, (trades.profit_factor, figures.sortino, figures.omega, figures.calmar)))
    assert figures.sharpe > 0.0


def test_all_losses_have_figures_of_their_own():
    value = np.array([-0.01, -0.02])
    figures, trades = performance(value, 12), trade_figures(value, np.ones(2, bool), np.ones(2), 0.0, 12)
    assert (trades.hit_rate, trades.profit_factor, figures.omega) == (0.0, 0.0, 0.0)
    assert figures.max_drawdown_bars == 2.0
    assert figures.calmar == pytest.approx(figures.annual_return / 0.0298)


@pytest.mark.needs("quantstats")
def test_alpha_and_beta_are_those_of_quantstats(quantstats):
    rng = np.random.default_rng(5)
    dates = pd.date_range("2020-01-01", periods=250)
    market = pd.Series(rng.normal(0.0005, 0.02, 250), dates)
    returns = 0.4 * market + pd.Series(rng.normal(0.0, 0.01, 250), dates)
    theirs = quantstats.greeks(returns, market, periods=252)
    alpha, beta = alpha_beta(returns.to_numpy(), market.to_numpy(), 252)
    assert alpha == pytest.approx(theirs["alpha"], abs=1e-10)
    assert beta == pytest.approx(theirs["beta"], abs=1e-10)


def test_alpha_and_beta_have_no_value_in_a_market_that_stands_still():
    assert all(map(math.isnan, alpha_beta(np.array([0.1, 0.2]), np.zeros(2), 252)))


def test_a_total_loss_ends_the_account():
    ours = performance(np.array([0.1, -1.5, 0.5]), 252)
    assert (ours.total_return, ours.annual_return, ours.max_drawdown) == (-1.0, -1.0, -1.0)


def test_a_drawdown_that_still_lasts_counts_to_the_last_bar():
    depths, lengths = drawdowns(drawdown(np.array([0.1, -0.1, 0.3, -0.2, 0.1])))
    assert lengths.tolist() == [1.0, 2.0]
    assert depths == pytest.approx([-0.1, -0.2])


def test_nothing_traded_gives_dashes_not_errors():
    flat = performance(np.zeros(10), 252)
    assert math.isnan(flat.sharpe)
    assert flat.average_drawdown == flat.max_drawdown_bars == 0.0
    assert math.isnan(trade_figures(np.zeros(10), np.zeros(10, bool), np.zeros(10), 0.001, 252).expectancy)
    assert performance(np.empty(0), 252).total_return == 0.0
