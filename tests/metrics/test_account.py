"""An account that is gone stays gone: no figure knows what its bars would have earned afterwards."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backtune.metrics.account import COUNTS, RETURNS, account_bars
from backtune.metrics.performance import (
    account_open,
    account_returns,
    alpha_beta,
    drawdown,
    equity,
    performance,
)
from backtune.metrics.summary import summarize
from backtune.metrics.trades import trade_figures
from backtune.verdict.evidence import evidence
from backtune.verdict.rule import EDGE, NONE, judge

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


@given(bars, ruin, bars)
def test_an_account_loses_all_it_has_and_no_more(before, loss, after):
    """How far the bar went beyond everything is not the account's."""
    lost, exactly = (performance(np.array([*before, end, *after]), 12) for end in (loss, -1.0))
    assert asdict(lost) == pytest.approx(asdict(exactly), nan_ok=True, rel=0, abs=0)


def test_figures_of_a_gone_account_worked_by_hand():
    """Two bars, the loss of everything, one bar that no longer counts: 0.1, 0.2, -1, 0."""
    r, n = np.array([0.1, 0.2, -1.4, 9.0]), 4
    found = performance(r, 12)
    mean, squares = -0.7 / 4, [0.1**2, 0.2**2, 1.0, 0.0]
    deviation = math.sqrt((sum(squares) - n * mean**2) / 3)
    assert found.sharpe == pytest.approx(mean / deviation * math.sqrt(12))
    assert found.volatility == pytest.approx(deviation * math.sqrt(12))
    assert found.sortino == pytest.approx(mean / math.sqrt(1.0 / 4) * math.sqrt(12))
    assert found.omega == pytest.approx(0.3)
    assert (found.max_drawdown, found.max_drawdown_bars, found.calmar) == (-1.0, 2.0, -1.0)
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


def tables(series, market=None, optimistic=None):
    """Returns and configurations of the tuned strategies in `series`, beside untuned and buy_hold."""
    n = len(next(iter(series.values())))
    dull = np.random.default_rng(5).normal(-0.001, 0.01, n)
    market = np.random.default_rng(6).normal(0.0, 0.01, n) if market is None else market
    high = optimistic or {}
    parts = [
        pd.DataFrame(
            {
                "strategy": name, "timestamp": pd.bdate_range("2020-01-01", periods=n), "value": value,
                "causal": value, "optimistic": high.get(name, value), "trades": 1,
                "ambiguous": int(name in high), "turnover": 2.0, "simulation": np.arange(n),
            }
        )
        for name, value in {**series, "untuned": dull, "buy_hold": market}.items()
    ]  # fmt: skip
    returns = pd.concat(parts, ignore_index=True)
    tried = returns[returns["strategy"] != "buy_hold"]
    return returns, pd.concat(
        [tried.assign(close_at_eod=policy, selected=policy) for policy in (True, False)]
    )


def judged(series, **options):
    record = evidence(
        *tables(series, **options), 252, tuned=list(series), yardsticks=("untuned", "buy_hold")
    )
    return judge({"X": record}, {"X": 1.0})["X"]


def winner(n=300, mean=0.004, seed=0):
    return np.random.default_rng(seed).normal(mean, 0.01, n)


def lost(where, n=300, loss=-1.2):
    """A great record, and one bar that loses everything."""
    r = winner(n, 0.02)
    r[where] = loss
    return r


@pytest.mark.parametrize("loss", [-1.0, -1.13, -4.0])
@pytest.mark.parametrize("where", [0, 5, 150, 299])
def test_an_account_that_is_gone_is_no_edge(where, loss):
    found = judged({"levered": lost(where, loss=loss)})
    assert (found.verdict, found.days_needed, found.p_value) == (NONE, None, 1.0)
    assert found.evidence.ruined
    assert found.evidence.traded == where + 1
    assert "lost 100.0%" in found.sentence
    assert "gone" in found.sentence


def test_a_mean_far_above_nothing_does_not_bring_it_back():
    """500 good bars and then ruin: the mean of the bars, and any test of it, is for an edge."""
    r = lost(-1, n=500)
    assert account_returns(r).mean() / r.std() * math.sqrt(500) > 4.0
    assert judged({"levered": r}).verdict == NONE


def test_a_short_record_that_ends_in_ruin_does_not_ask_for_more_days():
    found = judged({"levered": np.array([5.0, -1.5, 0.0])})
    assert (found.verdict, found.days_needed) == (NONE, None)


def test_what_survives_is_judged_before_what_is_gone():
    """Of two strategies the one with the better Sharpe ratio lost everything; the other has an edge."""
    levered, steady = lost(-1, n=500), winner(500, 0.003)
    steady_first = judged({"steady": steady, "levered": levered})
    assert performance(levered, 252).sharpe > performance(steady, 252).sharpe
    assert steady_first.evidence.strategy == "steady"
    assert judged({"levered": levered, "steady": steady}).evidence.strategy == "steady"
    assert steady_first.verdict == EDGE


def test_ruin_under_the_optimistic_rule_too_does_not_hang_on_the_order():
    low, high = lost(5), lost(60)
    found = judged({"levered": low}, optimistic={"levered": high})
    assert found.verdict == NONE
    assert found.p_optimistic == 1.0
    assert found.evidence.hanging.traded == 61
    assert found.evidence.hanging.optimistic_return == -1.0


@given(before=bars, after=bars, seed=st.integers(0, 3))
def test_the_evidence_does_not_know_what_follows_ruin(before, after, seed):
    assume(len(before) + len(after) >= 8)
    n = len(before) + 1 + len(after)
    other = np.random.default_rng(seed).normal(0.3, 0.1, len(after))
    market = np.random.default_rng(7).normal(0.0, 0.01, n)
    found = [
        evidence(
            *tables({"s": np.array([*before, -1.3, *tail])}, market),
            12,
            tuned=["s"],
            yardsticks=("untuned", "buy_hold"),
        )
        for tail in (after, other)
    ]
    plain_values = [str(asdict(each)) for each in found]
    assert plain_values[0] == plain_values[1]


def test_the_summary_is_of_the_account():
    """Figures, means, trades and fees alike end with it; buy-and-hold's do not."""
    series = {"levered": lost(5)}
    returns, _ = tables(series)
    simulations = pd.DataFrame({"strategy": ["levered"], "selected": [True], "in_sample": [1.0]})
    rows = summarize(simulations, returns, 100, 252, fee=0.001, market="buy_hold").set_index("strategy")
    row, kept = rows.loc["levered"], account_returns(series["levered"])
    assert row.out_of_sample_mean == pytest.approx(kept.mean())
    assert row.gap == pytest.approx(0.01 - kept.mean())
    assert (row.trades, row.exposure, row.costs) == (6, 6 / 300, pytest.approx(0.012))
    assert row.hit_rate == pytest.approx((kept[:6] > 0).mean())
    assert row.causal_return == row.optimistic_return == row.total_return == -1.0
    assert row.sharpe == pytest.approx(kept.mean() / kept.std(ddof=1) * math.sqrt(252))
    assert rows.loc["buy_hold"].exposure == 1.0


def test_drawdown_and_equity_of_a_gone_account_stay_where_they_are():
    r = np.array([0.5, -1.5, 4.0, 0.1])
    assert equity(r).tolist() == [1.5, 0.0, 0.0, 0.0]
    assert drawdown(r).tolist() == [0.0, -1.0, -1.0, -1.0]
