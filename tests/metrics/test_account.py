"""An account that is gone stays gone: no figure knows what its bars would have earned afterwards."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtune.metrics.account import COUNTS, RETURNS, account_bars, account_columns, columns_by_strategy
from backtune.metrics.performance import (
    account_open,
    account_returns,
    alpha_beta,
    drawdown,
    equity,
    performance,
    total_return,
)
from backtune.metrics.trades import trade_figures

bars = st.lists(st.floats(-0.4, 0.4), max_size=40)
ruin = st.floats(-3.0, -1.0)


def plain(returns):
    """The account by a loop."""
    capital, kept = 1.0, []
    for r in returns:
        after = max(capital * (1.0 + r), 0.0)
        kept.append(0.0 if capital == 0.0 else -1.0 if after == 0.0 else r)
        capital = after
    return kept


@given(st.lists(st.floats(-1.6, 1.0), max_size=60))
def test_the_bar_of_ruin_returns_minus_one_and_later_bars_nothing(returns):
    r = np.array(returns)
    assert account_returns(r).tolist() == plain(returns)
    assert account_returns(account_returns(r)).tolist() == plain(returns)
    gone = [index for index, value in enumerate(plain(returns)) if value == -1.0]
    assert account_open(r).sum() == (gone[0] + 1 if gone else len(r))


@given(st.lists(st.floats(-0.99, 1.0), max_size=60))
def test_an_account_that_is_not_gone_is_left_to_the_bit(returns):
    r = np.array(returns)
    assert account_returns(r) is r


def test_an_account_may_be_gone_without_a_bar_that_loses_it_all():
    """Compounding to less than a float holds is nothing too."""
    r = np.full(400, -0.9)
    r[380:] = 5.0
    kept = account_returns(r)
    assert equity(r)[-1] == 0.0
    assert kept[-1] == 0.0
    assert np.count_nonzero(kept == -1.0) == 1


@pytest.mark.slow
@given(bars, ruin, bars, bars)
def test_no_figure_knows_what_follows_ruin(before, loss, after, other):
    """Whatever the later bars: nothing, gains, or another loss of everything."""
    size = max(len(after), len(other))
    first, second = (np.array([*before, loss, *tail, *[0.0] * (size - len(tail))]) for tail in (after, other))
    n = len(first)
    market = 0.01 * np.sin(np.arange(n))
    held, ones = np.ones(n, bool), np.ones(n)
    figures = [
        (
            *asdict(performance(r, 12)).values(),
            *alpha_beta(r, market, 12),
            *asdict(trade_figures(r, held, ones, 0.001, 12)).values(),
        )
        for r in (first, second)
    ]
    assert figures[0] == pytest.approx(figures[1], nan_ok=True, rel=0, abs=0)
    assert figures[0][:2] == (-1.0, -1.0)


@pytest.mark.slow
@given(bars, ruin, bars)
def test_an_account_loses_all_it_has_and_no_more(before, loss, after):
    """How far the bar went beyond everything is not the account's."""
    lost, exactly = (performance(np.array([*before, end, *after]), 12) for end in (loss, -1.0))
    assert asdict(lost) == pytest.approx(asdict(exactly), nan_ok=True, rel=0, abs=0)


def test_figures_of_a_gone_account_worked_by_hand():
    """Two bars, the loss of everything, one bar that no longer counts: 0.1, 0.2, -1, 0."""
    r, n = np.array([0.1, 0.2, -1.4, 9.0]), 4
    figures = performance(r, 12)
    mean, squares = -0.7 / 4, [0.1**2, 0.2**2, 1.0, 0.0]
    deviation = math.sqrt((sum(squares) - n * mean**2) / 3)
    assert figures.sharpe == pytest.approx(mean / deviation * math.sqrt(12))
    assert figures.volatility == pytest.approx(deviation * math.sqrt(12))
    assert figures.sortino == pytest.approx(mean / math.sqrt(1.0 / 4) * math.sqrt(12))
    assert figures.omega == pytest.approx(0.3)
    assert (figures.max_drawdown, figures.max_drawdown_bars, figures.calmar) == (-1.0, 2.0, -1.0)
    trades = trade_figures(r, np.ones(4, bool), np.full(4, 2.0), 0.01, 12)
    assert trades.exposure == 0.75
    assert trades.hit_rate == pytest.approx(2 / 3)
    assert trades.profit_factor == pytest.approx(0.3)
    assert (trades.best_trade, trades.worst_trade) == (0.2, -1.0)
    assert trades.expectancy == pytest.approx(-0.7 / 3)
    assert trades.costs == pytest.approx(0.06)
    assert trades.turnover == pytest.approx(6.0 / 4 * 12)


@pytest.mark.parametrize("rule", RETURNS)
def test_counts_end_where_the_account_of_the_rule_does_and_returns_each_by_themselves(rule):
    table = pd.DataFrame(
        {"value": [0.1, -2.0, 0.1, 0.1], "causal": [-1.0, 0.1, 0.1, 0.1], "optimistic": [0.1, 0.1, 0.1, -1.0]}
        | {"trades": 1, "ambiguous": 1, "turnover": 2.0}
    )
    kept = account_bars(table, rule)
    assert kept["value"].tolist() == [0.1, -1.0, 0.0, 0.0]
    assert kept["causal"].tolist() == [-1.0, 0.0, 0.0, 0.0]
    assert kept["optimistic"].tolist() == [0.1, 0.1, 0.1, -1.0]
    open_bars = {"value": 2, "causal": 1, "optimistic": 4}[rule]
    assert kept[list(COUNTS)].sum().tolist() == [open_bars, open_bars, 2.0 * open_bars]
    assert table["value"].tolist() == [0.1, -2.0, 0.1, 0.1]  # the table given is not changed


@pytest.mark.parametrize("rule", RETURNS)
def test_columns_of_a_strategy_are_those_of_its_frame(rule):
    """Whatever the order of the rows, gone accounts included, and of the same types."""
    rng = np.random.default_rng(0)
    names = rng.permutation(np.repeat(np.array(["lives", "dies", "lives on"], object), 20))
    table = pd.DataFrame({"strategy": names, **{name: rng.normal(0, 0.1, 60) for name in RETURNS}})
    table = table.assign(trades=rng.integers(0, 3, 60), ambiguous=1, turnover=2.0, held=1, costs=0.001)
    table.loc[np.flatnonzero(names == "dies")[7], list(RETURNS)] = -1.5, -1.0, -2.0
    by_strategy = columns_by_strategy(table)
    groups = dict(list(table.groupby("strategy", sort=False)))
    assert list(by_strategy) == list(groups)
    for name, part in groups.items():
        account, frame = account_columns(by_strategy[name], rule), account_bars(part, rule)
        for column, values in account.items():
            np.testing.assert_array_equal(values, frame[column].to_numpy(), strict=True)


@given(bars, st.none() | ruin | st.just(math.nan), bars)
def test_the_total_return_alone_is_that_of_all_figures(before, loss, after):
    r = np.array([*before, *([] if loss is None else [loss]), *after])
    assert total_return(r) == pytest.approx(performance(r, 12).total_return, nan_ok=True, rel=0, abs=0)


def test_drawdown_and_equity_of_a_gone_account_stay_where_they_are():
    r = np.array([0.5, -1.5, 4.0, 0.1])
    assert equity(r).tolist() == [1.5, 0.0, 0.0, 0.0]
    assert drawdown(r).tolist() == [0.0, -1.0, -1.0, -1.0]
