"""An account that is gone is no edge, and neither a test nor a table knows what follows."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import backtune as bt
from backtune.metrics.performance import account_returns, performance
from backtune.metrics.summary import summarize
from backtune.report import figures
from backtune.strategies import Strategy
from backtune.verdict.evidence import evidence
from backtune.verdict.judged import judge_results
from backtune.verdict.rule import EDGE, NONE, judge

bars = st.lists(st.floats(-0.4, 0.4), max_size=40)


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
                "ambiguous": int(name in high), "turnover": 2.0, "held": 1, "simulation": np.arange(n),
            }
        )
        for name, value in {**series, "untuned": dull, "buy_hold": market}.items()
    ]  # fmt: skip
    returns = pd.concat(parts, ignore_index=True)
    tried = returns[returns["strategy"] != "buy_hold"]
    return returns, pd.concat([tried.assign(exit=str(policy), selected=policy) for policy in (True, False)])


def judged(series, **options):
    statistics = evidence(
        *tables(series, **options), 252, tuned=list(series), yardsticks=("untuned", "buy_hold")
    )
    return judge({"X": statistics}, {"X": 1.0})["X"]


def winner(n=300, mean=0.004, seed=0):
    return np.random.default_rng(seed).normal(mean, 0.01, n)


def lost(where, n=300, loss=-1.2):
    """A great record, and one bar that loses everything."""
    r = winner(n, 0.02)
    r[where] = loss
    return r


@pytest.mark.slow
@pytest.mark.parametrize("loss", [-1.0, -1.13, -4.0])
@pytest.mark.parametrize("where", [0, 5, 150, 299])
def test_an_account_that_is_gone_is_no_edge(where, loss):
    judgement = judged({"levered": lost(where, loss=loss)})
    assert (judgement.verdict, judgement.days_needed, judgement.p_value) == (NONE, None, 1.0)
    assert judgement.evidence.ruined
    assert judgement.evidence.traded == where + 1
    assert "lost 100.0%" in judgement.sentence
    assert "gone" in judgement.sentence


def test_a_mean_far_above_nothing_does_not_bring_it_back():
    """500 good bars and then ruin: the mean of the bars, and any test of it, is for an edge."""
    r = lost(-1, n=500)
    assert account_returns(r).mean() / r.std() * math.sqrt(500) > 4.0
    assert judged({"levered": r}).verdict == NONE


def test_a_short_record_that_ends_in_ruin_does_not_ask_for_more_days():
    judgement = judged({"levered": np.array([5.0, -1.5, 0.0])})
    assert (judgement.verdict, judgement.days_needed) == (NONE, None)


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
    judgement = judged({"levered": low}, optimistic={"levered": high})
    assert judgement.verdict == NONE
    assert judgement.p_optimistic == 1.0
    assert judgement.evidence.if_optimistic.traded == 61
    assert judgement.evidence.if_optimistic.optimistic_return == -1.0


@pytest.mark.slow
@given(before=bars, after=bars, seed=st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_the_evidence_does_not_know_what_follows_ruin(before, after, seed):
    assume(len(before) + len(after) >= 8)
    n = len(before) + 1 + len(after)
    other = np.random.default_rng(seed).normal(0.3, 0.1, len(after))
    market = np.random.default_rng(7).normal(0.0, 0.01, n)
    statistics = [
        evidence(
            *tables({"s": np.array([*before, -1.3, *tail])}, market),
            12,
            tuned=["s"],
            yardsticks=("untuned", "buy_hold"),
        )
        for tail in (after, other)
    ]
    plain_values = [str(asdict(each)) for each in statistics]
    assert plain_values[0] == plain_values[1]


def test_the_summary_is_of_the_account():
    """Figures, means, trades and fees alike end with it; buy-and-hold's do not."""
    series = {"levered": lost(5)}
    returns, _ = tables(series)
    columns = {"simulation": [0], "strategy": ["levered"], "selected": [True], "in_sample": [1.0]}
    simulations = pd.DataFrame(columns)
    rows = summarize(simulations, returns, [100], 252, fee=0.001, market="buy_hold").set_index("strategy")
    row, kept = rows.loc["levered"], account_returns(series["levered"])
    assert row.out_of_sample_mean == pytest.approx(kept.mean())
    assert row.gap == pytest.approx(0.01 - kept.mean())
    assert (row.trades, row.exposure, row.costs) == (6, 6 / 300, pytest.approx(0.012))
    assert row.hit_rate == pytest.approx((kept[:6] > 0).mean())
    assert row.causal_return == row.optimistic_return == row.total_return == -1.0
    assert row.sharpe == pytest.approx(kept.mean() / kept.std(ddof=1) * math.sqrt(252))
    assert rows.loc["buy_hold"].exposure == 1.0


def crash(seed, n=420, at=305, drop=0.92):
    """Bars of a quiet market that swings 0.6 % a day, and one day on which it falls without an up-tick."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.cumprod(np.where(np.arange(n) == at, drop, np.exp(rng.normal(0.0, 0.0008, n))))
    open_ = np.concatenate([[100.0], close[:-1]])
    wide = np.where(np.arange(n) == at, 0.0, 0.006)
    high, low = np.maximum(open_, close) * (1.0 + wide), np.minimum(open_, close) * (1.0 - wide)
    return pd.DataFrame(
        {"Open": open_, "High": high, "Low": low, "Close": close}, pd.bdate_range("2015-01-01", periods=n)
    )


def levered(units):
    def sizes(forecast, can_short):
        ones = np.full(len(forecast.high), float(units))
        return ones, ones

    return Strategy(f"levered_{units}", sizes)


@pytest.fixture(scope="module", name="run")
def _run():
    data = {"AAA": crash(0), "BBB": crash(1, drop=1.0)}
    return bt.run_parallel_backtests(["AAA", "BBB"], 120, 1, data=data, strategies=[levered(15)])


def test_a_levered_run_that_ends_in_ruin_is_no_edge_anywhere(run):
    """In the summary, in the verdict, and in the portfolio, where the other symbol goes on."""
    row = run["AAA"].summary.set_index("strategy").loc["levered_15"]
    raw = run["AAA"].returns.query("strategy == 'levered_15'")["causal"].to_numpy()
    assert raw.min() < -1.0
    assert row.total_return == row.annual_return == -1.0
    assert row.sharpe < 0.0
    assert row.trades < (raw != 0.0).sum()
    judgement = judge_results(run)
    assert judgement.symbols["AAA"].verdict == NONE
    assert judgement.symbols["BBB"].evidence.total_return > 0.0


def test_the_portfolio_lives_on_with_what_the_other_symbol_has(run):
    both = judge_results(run).portfolio.evidence
    rows = {symbol: result.returns.query("strategy == 'levered_15'") for symbol, result in run.items()}
    mine, other = (rows[symbol]["causal"].to_numpy() for symbol in ("AAA", "BBB"))
    pooled = (account_returns(mine) + account_returns(other)) / 2.0
    assert both.total_return == pytest.approx(np.prod(1.0 + pooled) - 1.0)
    assert both.excess["nothing"] == pytest.approx(pooled.mean())


def test_the_pictures_of_a_gone_account_stay_at_nothing(run):
    tables = run["AAA"]
    gone = int(np.argmin(run["AAA"].returns.query("strategy == 'levered_15'")["value"].to_numpy()))
    grown, fallen = figures.equity_chart(tables, "levered_15")["panels"]
    assert set(grown["lines"][0]["y"][gone:]) == {0.0}
    assert set(fallen["lines"][0]["y"][gone:]) == {-100.0}
    each = figures.samples_chart(tables, "levered_15")["panels"][1]["lines"][0]["y"]
    assert set(each[gone + 1 :]) == {0.0}
    assert each[gone] == -10_000.0
    traded = figures.distribution_chart(tables, "levered_15")["panels"][0]["lines"][1]["y"]
    assert sum(traded) == (tables.bars_of("levered_15")["trades"] > 0).sum() <= gone + 1
    paid = figures.costs_chart(tables, "levered_15")["panels"][0]["lines"][2]["y"]
    assert set(paid[gone:]) == {paid[gone]}
